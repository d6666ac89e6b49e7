import { describe, expect, test } from "vitest";
import { AnthropicServer } from "./anthropic-server.ts";
import { ModelServer } from "./model-server.ts";
import { Hold, type ScriptedServer } from "./scripted-server.ts";

/** The wires themselves, without the providers' clients, which hide the difference. */

function post(server: ScriptedServer, path: string, body: object): Promise<Response> {
  return fetch(server.origin + path, { method: "POST", body: JSON.stringify(body) });
}

interface SentEvent {
  event?: string;
  data: ReturnType<typeof JSON.parse>;
}

async function events(response: Response): Promise<SentEvent[]> {
  return (await response.text())
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const data = /^data: (.*)$/m.exec(block)![1]!;
      return {
        event: /^event: (.*)$/m.exec(block)?.[1],
        data: data === "[DONE]" ? data : JSON.parse(data),
      };
    });
}

function near(a: number[], b: number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

const call = { name: "add", arguments: { a: 1, b: "zwei und drei" }, id: "call_7" };

describe("ModelServer, the OpenAI wire", () => {
  const path = "/v1/chat/completions";

  test("a whole completion", async () => {
    await using server = await ModelServer.start([{ text: "Hi", toolCalls: [call] }]);
    const body = await (await post(server, path, { model: "m" })).json();
    expect(body).toMatchObject({
      object: "chat.completion",
      model: "m",
      choices: [
        {
          message: {
            role: "assistant",
            content: "Hi",
            tool_calls: [
              {
                id: "call_7",
                type: "function",
                function: { name: "add", arguments: JSON.stringify(call.arguments) },
              },
            ],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { total_tokens: 15 },
    });
  });

  test("a streamed completion ends with the reason, the usage if asked for, and [DONE]", async () => {
    await using server = await ModelServer.start([{ text: "Hi there" }, { toolCalls: [call] }]);
    const withUsage = { stream: true, stream_options: { include_usage: true } };
    const text = await events(await post(server, path, { model: "m", ...withUsage }));
    expect(text.map(({ data }) => data.choices?.[0]?.delta)).toEqual([
      { role: "assistant", content: "" },
      { content: "Hi" },
      { content: " there" },
      {},
      undefined,
      undefined,
    ]);
    expect(text[3]!.data.choices[0].finish_reason).toBe("stop");
    expect(text[4]!.data).toMatchObject({ choices: [], usage: { prompt_tokens: 10 } });
    expect(text[5]!.data).toBe("[DONE]");

    const calls = await events(await post(server, path, { model: "m", stream: true }));
    expect(calls.every(({ data }) => data.usage === undefined)).toBe(true);
    const deltas = calls.flatMap(({ data }) => data.choices?.[0]?.delta.tool_calls ?? []);
    expect(deltas[0]).toEqual({
      index: 0,
      id: "call_7",
      type: "function",
      function: { name: "add", arguments: "" },
    });
    expect(deltas.length).toBeGreaterThan(2);
    expect(
      JSON.parse(
        deltas
          .map((delta: { function: { arguments: string } }) => delta.function.arguments)
          .join(""),
      ),
    ).toEqual(call.arguments);
  });

  test.each([
    [401, undefined, "invalid_request_error", "invalid_api_key"],
    [429, undefined, "requests", "rate_limit_exceeded"],
    [429, "insufficient_quota", "requests", "insufficient_quota"],
    [500, undefined, "server_error", null],
  ])("error %d with code %s", async (status, code, type, codeShown) => {
    const headers = { "retry-after": "0" };
    await using server = await ModelServer.start([
      { error: { status, message: "No.", code, headers } },
    ]);
    const response = await post(server, path, { model: "m" });
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe("0");
    expect(await response.json()).toEqual({
      error: { message: "No.", type, param: null, code: codeShown },
    });
  });

  test("a held reply waits until it is released", async () => {
    const hold = new Hold();
    await using server = await ModelServer.start([{ text: "a b", hold, holdAfter: 1 }]);
    const response = await post(server, path, { model: "m", stream: true });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await hold.reached;
    let text = "";
    while (!text.includes('"content":"a"')) text += (await reader.read()).value;
    expect(text).not.toContain('" b"');
    hold.release();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toContain('"content":" b"');
    expect(text).toContain("[DONE]");
  });

  test("closing the server ends what is held", async () => {
    const hold = new Hold();
    const server = await ModelServer.start([{ text: "never", hold }]);
    const failure = post(server, path, { model: "m" }).catch((error: unknown) => error);
    await hold.reached;
    await server[Symbol.asyncDispose]();
    expect(await failure).toBeInstanceOf(TypeError);
    expect(await server.requests[0]!.ended).toBe("gone");
  });

  test("a cut reply breaks off", async () => {
    await using server = await ModelServer.start([{ text: "a b", cutAfter: 1 }]);
    const response = await post(server, path, { model: "m", stream: true });
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("a function may write the script, and requests are recorded", async () => {
    await using server = await ModelServer.start(({ body }) => ({
      text: `You: ${JSON.stringify(body)}`,
    }));
    const waiting = server.request(1);
    const body = await (await post(server, path, { model: "m" })).json();
    expect(body.choices[0].message.content).toBe('You: {"model":"m"}');
    const request = await waiting;
    expect(request).toMatchObject({ method: "POST", path, body: { model: "m" } });
    expect(await request.ended).toBe("complete");
  });

  test("an empty script and an unknown route are errors that say so", async () => {
    await using server = await ModelServer.start();
    const empty = await post(server, path, { model: "m" });
    expect([empty.status, await empty.text()]).toEqual([
      400,
      expect.stringContaining("no reply left"),
    ]);
    expect((await post(server, "/v1/nothing", {})).status).toBe(404);
  });

  test("models and embeddings, which are near for texts that share words", async () => {
    await using server = await ModelServer.start();
    const models = await (await fetch(`${server.url}/models`)).json();
    expect(models).toMatchObject({
      object: "list",
      data: [{ object: "model" }, { object: "model" }],
    });

    const input = ["a red apple", "red apple", "tax law"];
    const request = { model: "e", input, dimensions: 64 };
    const floats = (await (await post(server, "/v1/embeddings", request)).json()).data.map(
      (one: { embedding: number[] }) => one.embedding,
    );
    expect(near(floats[0], floats[1])).toBeGreaterThan(near(floats[0], floats[2]));

    const encoded = { ...request, encoding_format: "base64" };
    const { data } = await (await post(server, "/v1/embeddings", encoded)).json();
    const bytes = Uint8Array.from(Buffer.from(data[0].embedding, "base64"));
    expect([...new Float32Array(bytes.buffer)]).toEqual(floats[0]);
  });
});

describe("AnthropicServer, the Anthropic wire", () => {
  test("a whole message", async () => {
    await using server = await AnthropicServer.start([{ text: "Hi", toolCalls: [call] }]);
    expect(await (await post(server, "/v1/messages", { model: "m" })).json()).toMatchObject({
      type: "message",
      role: "assistant",
      content: [
        { type: "text", text: "Hi" },
        { type: "tool_use", id: "call_7", name: "add", input: call.arguments },
      ],
      stop_reason: "tool_use",
      usage: { input_tokens: 10, output_tokens: 5 },
    });
  });

  test("a streamed message opens and closes its blocks", async () => {
    await using server = await AnthropicServer.start([{ text: "Hi there", toolCalls: [call] }]);
    const sent = await events(await post(server, "/v1/messages", { model: "m", stream: true }));
    expect(sent.every(({ event, data }) => event === data.type)).toBe(true);
    const shape = sent.map(({ event, data }) => `${event} ${data.index ?? ""}`.trim());
    expect(shape.filter((line, at) => line !== shape[at - 1])).toEqual([
      "message_start",
      "content_block_start 0",
      "ping",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
      "content_block_delta 1",
      "content_block_stop 1",
      "message_delta",
      "message_stop",
    ]);
    const json = sent.map(({ data }) => data.delta?.partial_json ?? "").join("");
    expect(JSON.parse(json)).toEqual(call.arguments);
  });

  test.each([
    [401, "authentication_error"],
    [429, "rate_limit_error"],
    [500, "api_error"],
    [529, "overloaded_error"],
  ])("error %d", async (status, type) => {
    await using server = await AnthropicServer.start([{ error: { status, message: "No." } }]);
    const response = await post(server, "/v1/messages", { model: "m" });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ type: "error", error: { type, message: "No." } });
  });
});
