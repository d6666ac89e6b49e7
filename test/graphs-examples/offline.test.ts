import {
  AIMessage,
  type AIMessageChunk,
  HumanMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { describe, expect, test } from "vitest";
import { OfflineChatModel } from "../../graphs/offline.ts";

const model = new OfflineChatModel({ reason: "a test wants it" });

function tool(name: string, description: string, properties: Record<string, object>) {
  const required = Object.keys(properties).filter((key) => !("optional" in properties[key]!));
  const parameters = { type: "object", properties, required };
  return { type: "function" as const, function: { name, description, parameters } };
}

const weather = tool("get_weather", "The weather of a city", { city: { type: "string" } });
const convert = tool("convert", "Converts an amount of money between currencies", {
  amount: { type: "number" },
  from: { type: "string", enum: ["EUR", "USD", "KRW"] },
  exact: { type: "boolean", optional: true },
});
const search = tool("web_search", "Searches the web", {
  query: { type: "string" },
  count: { type: "integer", optional: true },
});
const sum = tool("sum", "Adds numbers", { values: { type: "array", items: { type: "number" } } });
const tools = [weather, convert, search, sum];

async function calls(question: string, options: object = {}) {
  const { tool_calls } = await model.bindTools(tools, options).invoke(question);
  return tool_calls?.map(({ name, args }) => [name, args]);
}

test("the same input gives the same output, streamed or not", async () => {
  const bound = model.bindTools(tools);
  const whole = await bound.invoke("What's the weather in Paris?");
  const again = await bound.invoke("What's the weather in Paris?");
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of await bound.stream("What's the weather in Paris?")) chunks.push(chunk);
  const streamed = chunks.reduce((all, chunk) => concat(all, chunk));
  expect(chunks.length).toBeGreaterThan(2);
  for (const other of [again, streamed]) {
    expect(other.tool_calls).toEqual(whole.tool_calls);
    expect(other.text).toBe(whole.text);
    expect(other.response_metadata).toEqual(whole.response_metadata);
    expect(other.usage_metadata).toMatchObject(whole.usage_metadata!);
  }
});

test("text streams word by word and adds up", async () => {
  const pieces: string[] = [];
  for await (const chunk of await model.stream("repeat   this\n")) pieces.push(chunk.text);
  expect(pieces.join("")).toBe((await model.invoke("repeat   this\n")).text);
  expect(pieces.filter((piece) => piece !== "").every((piece) => /^\s*\S+$/.test(piece))).toBe(
    true,
  );
});

test("it stops in the middle of an answer when it is aborted", async () => {
  const abort = new AbortController();
  const pieces: string[] = [];
  await expect(async () => {
    for await (const chunk of await model.stream("hello", { signal: abort.signal })) {
      pieces.push(chunk.text);
      abort.abort(new Error("enough"));
    }
  }).rejects.toThrow("enough");
  expect(pieces).toHaveLength(1);
});

test("every answer carries its label and its usage", async () => {
  const answer = await model.invoke([new HumanMessage("hello")]);
  expect(answer.text).toContain("not a language model");
  expect(answer.response_metadata).toEqual({
    model_name: "offline",
    model_provider: "offline",
    offline_reason: "a test wants it",
    finish_reason: "stop",
  });
  const { input_tokens, output_tokens, total_tokens } = answer.usage_metadata!;
  expect(input_tokens).toBe(1);
  expect(output_tokens).toBe(answer.text.split(/\s+/).length);
  expect(total_tokens).toBe(input_tokens + output_tokens);
});

describe("tools are called by rule", () => {
  test.each([
    ["What's the weather in New York today?", [["get_weather", { city: "New York" }]]],
    [
      'get_weather({"city": "a } brace", "extra": {"a": 1}})',
      [["get_weather", { city: "a } brace", extra: { a: 1 } }]],
    ],
    ['Use get_weather for "서울"', [["get_weather", { city: "서울" }]]],
    ["convert 1,250.5 EUR please", [["convert", { amount: 1250.5, from: "EUR" }]]],
    ["do a web search for cats", [["web_search", { query: "cats" }]]],
    ["In Oslo, get_weather please", [["get_weather", { city: "Oslo" }]]],
    ["sum of 1, 2 and -3", [["sum", { values: [1, 2, -3] }]]],
    [
      "get_weather for 'Oslo', then sum 4 5",
      [
        ["get_weather", { city: "Oslo" }],
        ["sum", { values: [4, 5] }],
      ],
    ],
  ])("%s", async (question, expected) => {
    expect(await calls(question)).toEqual(expected);
  });

  test.each([
    ["who made you?"],
    ["The weather is nice."],
    ["convert this"],
    ["Tell me about money and 5 cities"],
  ])("no tool for: %s", async (question) => {
    expect(await calls(question)).toEqual([]);
  });

  test("a tool named without what it needs is answered with how to call it", async () => {
    const answer = await model.bindTools(tools).invoke("convert this");
    expect(answer.text).toContain(
      'To call convert I need amount and from: write convert({"amount": …, "from": …}).',
    );
  });

  test("tool_choice is respected", async () => {
    expect(await calls("get_weather for 'Oslo'", { tool_choice: "none" })).toEqual([]);
    expect(await calls("hello", { tool_choice: "get_weather" })).toEqual([
      ["get_weather", { city: "hello" }],
    ]);
    expect(await calls("hello", { tool_choice: "any" })).toHaveLength(1);
    expect(
      await calls("hello", { tool_choice: { type: "function", function: { name: "sum" } } }),
    ).toEqual([["sum", { values: [] }]]);
  });

  test("without bound tools it calls none", async () => {
    expect((await model.invoke('get_weather({"city": "Oslo"})')).tool_calls).toEqual([]);
  });
});

describe("after a tool", () => {
  const question = new HumanMessage("What's the weather in Paris?");
  const call = { id: "call_offline_1", name: "get_weather", args: { city: "Paris" } };
  const asked = new AIMessage({ content: "", tool_calls: [call] });
  const result = new ToolMessage({ content: "rain", name: "get_weather", tool_call_id: call.id });

  test("it answers with the result and calls nothing", async () => {
    const answer = await model.bindTools(tools).invoke([question, asked, result]);
    expect(answer.text).toContain("The result of get_weather is: rain");
    expect(answer.text).toContain("not a language model");
    expect(answer.tool_calls).toEqual([]);
  });

  test("the next question is a new one, and its call has an id of its own", async () => {
    const answer = await model.bindTools(tools).invoke([question, asked, result, question]);
    expect(answer.tool_calls).toMatchObject([{ id: "call_offline_2", name: "get_weather" }]);
  });
});

test("of a message with blocks it reads the text", async () => {
  const content = [
    { type: "text" as const, text: "hello" },
    { type: "image_url" as const, image_url: "data:image/png;base64,AAAA" },
  ];
  expect((await model.invoke([new HumanMessage({ content })])).text).toMatch(/^Hello!/);
});

test.each(["-", "1 ", "뭐", "{", "get_weather {a}", 'get_weather {"\\"\\"', "in A "])(
  "a question of a million characters, %j over and over, is answered in a second",
  async (piece) => {
    const started = performance.now();
    await model.bindTools(tools).invoke(piece.repeat(1_000_000 / piece.length));
    expect(performance.now() - started).toBeLessThan(1000);
  },
);
