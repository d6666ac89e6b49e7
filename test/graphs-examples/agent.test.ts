import type { BaseMessage } from "@langchain/core/messages";
import { Command, isInterrupted, INTERRUPT, MemorySaver } from "@langchain/langgraph";
import { getConfigTypeSchema, getInputTypeSchema } from "@langchain/langgraph/zod/schema";
import { describe, expect, test } from "vitest";
import { graph } from "../../graphs/agent.ts";
import { context, human, withoutKeys } from "./environment.ts";

withoutKeys();

type Given = Parameters<typeof context>[0];

async function ask(question: string, given: Given = {}): Promise<BaseMessage[]> {
  const { messages } = await graph.invoke(human(question), context(given));
  return messages;
}

async function answerTo(question: string, given: Given = {}): Promise<string> {
  return (await ask(question, given)).at(-1)!.text;
}

describe("without a key", () => {
  test("the graph answers with the offline stand-in and says why", async () => {
    const last = (await ask("who made you?")).at(-1)!;
    expect(last.text).toContain("I am the offline stand-in, not a language model.");
    expect(last.text).toContain(
      "because no llm_provider is chosen, and neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set",
    );
    expect(last.response_metadata).toMatchObject({
      model_name: "offline",
      model_provider: "offline",
      finish_reason: "stop",
    });
  });

  test("the assistant's system prompt shows in the answer", async () => {
    const answer = await answerTo("who made you?", {
      system_prompt: "You are an unhelpful assistant!",
    });
    expect(answer).toContain('My instructions are: "You are an unhelpful assistant!"');
  });

  test("the default system prompt is applied, also when there is no context at all", async () => {
    const { messages } = await graph.invoke(human("hello"));
    expect(messages.at(-1)!.text).toContain("You are a helpful assistant.");
  });

  test("an empty system prompt sends no instructions", async () => {
    expect(await answerTo("hello", { system_prompt: "" })).not.toContain("instructions");
  });

  test("a Korean question gets a Korean answer", async () => {
    expect(await answerTo("안녕하세요")).toMatch(/^안녕하세요!.*언어 모델이 아니라 오프라인/);
  });

  test('model_name "openai" alone falls back to offline and names the missing key', async () => {
    const answer = await answerTo("who made you?", { model_name: "openai" });
    expect(answer).toContain('model_name is "openai" but OPENAI_API_KEY is not set');
  });

  test("configurable is read as context, and context wins over it", async () => {
    const { messages } = await graph.invoke(human("hello"), {
      configurable: { system_prompt: "from configurable", model_name: "openai" },
      ...context({ system_prompt: "from context" }),
    });
    expect(messages.at(-1)!.text).toContain("from context");
    expect(messages.at(-1)!.text).toContain('model_name is "openai"');
  });

  test.each([
    ["context", context({ temperature: 9 })],
    ["configurable", { configurable: { temperature: 9 } }],
    ["configurable beside a context", { ...context(), configurable: { temperature: 9 } }],
  ])("a wrong value in %s is an error that names the field", async (_, config) => {
    await expect(graph.invoke(human("hello"), config)).rejects.toThrow(
      /expected.*temperature|temperature.*expected/s,
    );
  });

  test("asking for openai without a key says what to set", async () => {
    await expect(answerTo("hello", { llm_provider: "openai" })).rejects.toThrow(
      'llm_provider is "openai" but OPENAI_API_KEY is not set: set it in .env, or give a base_url',
    );
  });
});

test("messages mode streams the answer token by token", async () => {
  const pieces: string[] = [];
  const providers = new Set<unknown>();
  const stream = await graph.stream(human("hello"), {
    ...context(),
    streamMode: "messages",
  });
  for await (const [message, metadata] of stream) {
    if (message.getType() === "ai") pieces.push(message.text);
    providers.add(metadata["ls_model_name"]);
  }
  expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(5);
  expect(pieces.join("")).toMatch(/^Hello! I am the offline stand-in/);
  expect([...providers]).toEqual(["offline"]);
});

describe("tools", () => {
  test.each([
    ["What is (12 + 3) * 4?", "60"],
    ['calculator({"expression": "2^3^2 - -1"})', "513"],
    ["수식 1+1 계산해 줘", "2"],
  ])("%s → %s", async (question, result) => {
    const messages = await ask(question);
    expect(messages.map((message) => message.getType())).toEqual(["human", "ai", "tool", "ai"]);
    expect(messages[2]!.text).toBe(result);
    expect(messages[3]!.text).toContain(result);
  });

  test("two calls in one question are both made", async () => {
    const messages = await ask(
      'use calculator with {"expression": "2*3"} and calculator({"expression": "7/2"})',
    );
    expect(messages.slice(2, 4).map((message) => message.text)).toEqual(["6", "3.5"]);
  });

  test("the time in a city is told in its zone", async () => {
    const messages = await ask("What time is it in Seoul?");
    expect(messages[2]!.text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\+9$/);
  });

  test("an unknown zone is an error the model sees", async () => {
    const messages = await ask('current_time({"time_zone": "Mars"})');
    expect(messages[2]).toMatchObject({ status: "error" });
    expect(messages[3]!.text).toContain('"Mars" is not a time zone: give an IANA name');
  });
});

describe("ask_human", () => {
  const question = 'ask_human({"question": "Deploy on Friday?"})';

  test.each([
    ["a text", "no, on Monday", "no, on Monday"],
    ["an object", { approved: true }, '{"approved":true}'],
  ])("interrupts with the question and resumes with %s", async (_, resume, result) => {
    const kept = Object.assign(Object.create(graph) as typeof graph, {
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: "1" }, ...context() };

    const stopped: unknown = await kept.invoke(human(question), config);
    if (!isInterrupted(stopped)) throw new Error("The run did not stop at the interrupt.");
    expect(stopped[INTERRUPT][0]!.value).toEqual({ question: "Deploy on Friday?" });
    expect((await kept.getState(config)).next).toEqual(["tools"]);

    const { messages } = await kept.invoke(new Command({ resume }), config);
    expect(messages[2]!.text).toBe(result);
    expect(messages[3]!.text).toContain(result);
    expect((await kept.getState(config)).next).toEqual([]);
  });

  test("the same call twice in a thread asks twice", async () => {
    const kept = Object.assign(Object.create(graph) as typeof graph, {
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: "1" }, ...context() };
    await kept.invoke(human(question), config);
    await kept.invoke(new Command({ resume: "first" }), config);
    expect(isInterrupted(await kept.invoke(human(question), config))).toBe(true);
    const { messages } = await kept.invoke(new Command({ resume: "second" }), config);
    expect(messages.at(-1)!.text).toContain("second");
  });
});

test("the graph carries the schemas of its input and its context", () => {
  expect(getInputTypeSchema(graph)).toMatchObject({
    properties: { messages: { langgraph_type: "messages" } },
  });
  const schema = getConfigTypeSchema(graph) as { properties: Record<string, object> };
  expect(Object.keys(schema.properties).toSorted()).toEqual([
    "base_url",
    "llm_provider",
    "model_name",
    "system_prompt",
    "temperature",
  ]);
  expect(schema.properties["llm_provider"]).toMatchObject({
    enum: ["openai", "anthropic", "offline"],
  });
  for (const field of Object.values(schema.properties)) {
    expect(field).toMatchObject({ description: expect.any(String) });
  }
});
