import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/core/json.ts";
import { RunMessages } from "../../../src/protocols/langgraph/thread-stream/messages.ts";

const namespace = ["call:1"];

function token(id: string, message: JsonObject): string {
  const chunk = { type: "ai", content: "", tool_call_chunks: [], ...message, id };
  return JSON.stringify([chunk, { langgraph_node: "call", ls_provider: "openai" }]);
}

/** What is told of tokens, and then of the end of their node. */
function told(...tokens: string[]): JsonObject[] {
  const messages = new RunMessages();
  const records = tokens.flatMap((one) => messages.onTuple(namespace, one));
  return [...records, ...messages.finishIn(namespace)].map(({ data }) => data);
}

function kinds(records: JsonObject[]): string[] {
  return records.map(({ event, index }) =>
    [event, index].filter((one) => one !== undefined).join(" "),
  );
}

describe("messages of a run", () => {
  test("reasoning, text and calls are blocks of their own, each finished before the next", () => {
    const call = (more: JsonObject) => ({
      tool_call_chunks: [{ type: "tool_call_chunk", index: 0, ...more }],
    });
    const records = told(
      token("m", { content: [{ type: "thinking", thinking: "hm" }] }),
      token("m", { content: "Let me" }),
      token("m", { content: " look" }),
      token("m", call({ id: "c", name: "search", args: '{"q":' })),
      token("m", call({ args: '"x"}' })),
      token("m", {
        response_metadata: { finish_reason: "tool_calls" },
        usage_metadata: { input_tokens: 3, output_tokens: 5, total_tokens: 8 },
      }),
    );
    expect(kinds(records)).toEqual([
      "message-start",
      "content-block-start 0",
      "content-block-delta 0",
      "content-block-finish 0",
      "content-block-start 1",
      "content-block-delta 1",
      "content-block-delta 1",
      "content-block-finish 1",
      "content-block-start 2",
      "content-block-delta 2",
      "content-block-delta 2",
      "content-block-finish 2",
      "message-finish",
    ]);
    expect(records[0]).toMatchObject({ role: "ai", id: "m", metadata: { provider: "openai" } });
    expect(records[2]!["delta"]).toEqual({ type: "reasoning-delta", reasoning: "hm" });
    expect(records[6]!["delta"]).toEqual({ type: "text-delta", text: " look" });
    expect(records[10]!["delta"]).toEqual({
      type: "block-delta",
      fields: { type: "tool_call_chunk", id: "c", name: "search", args: '{"q":"x"}' },
    });
    expect(records[11]!["content"]).toEqual({
      type: "tool_call",
      id: "c",
      name: "search",
      args: { q: "x" },
    });
    expect(records[12]).toMatchObject({
      reason: "tool_calls",
      usage: { input_tokens: 3, output_tokens: 5, total_tokens: 8 },
    });
  });

  test("arguments that are no JSON are told as they were written", () => {
    const chunk = { type: "tool_call_chunk", index: 0, id: "c", name: "f", args: '{"q"' };
    const finish = told(token("m", { tool_call_chunks: [chunk] })).at(-2)!;
    expect(finish["content"]).toMatchObject({ type: "invalid_tool_call", args: '{"q"' });
  });

  test("messages written at once are told apart by their run_id", () => {
    const records = told(
      token("a", { content: "1" }),
      token("b", { content: "x" }),
      token("a", { content: "2" }),
    );
    const texts = (id: string) =>
      records
        .filter(({ run_id, event }) => run_id === id && event === "content-block-finish")
        .map(({ content }) => (content as JsonObject)["text"]);
    expect([texts("a"), texts("b")]).toEqual([["12"], ["x"]]);
  });

  test("a message is finished when the model has said so and writes the next", () => {
    const done = { response_metadata: { finish_reason: "stop" } };
    const records = told(token("a", { content: "1" }), token("a", done), token("b", {}));
    expect(kinds(records).slice(3, 6)).toEqual([
      "content-block-finish 0",
      "message-finish",
      "message-start",
    ]);
  });

  test("a tool's answer and a message in one piece are told whole", () => {
    const metadata = { langgraph_node: "tools", langgraph_checkpoint_ns: "tools:2" };
    const message = { type: "tool", id: "t", content: "42", tool_call_id: "c" };
    // A run that streams no subgraphs: the metadata says where the message belongs.
    const records = new RunMessages().onTuple([], JSON.stringify([message, metadata]));
    expect(kinds(records.map(({ data }) => data)).at(-1)).toBe("message-finish");
    expect(records[0]).toMatchObject({ namespace: ["tools:2"], node: "tools" });
    expect(records[0]!.data).toMatchObject({ role: "tool", tool_call_id: "c" });
  });
});
