import { describe, expect, test, vi } from "vitest";
import { graph } from "../../graphs/agent.ts";
import { graph as taxGraph } from "../../graphs/tax.ts";
import { AnthropicServer } from "../support/anthropic-server.ts";
import { ModelServer } from "../support/model-server.ts";
import { Hold, type Reply } from "../support/scripted-server.ts";
import { context, human, withoutKeys } from "./environment.ts";

withoutKeys();

const wires = [
  { llm_provider: "openai", start: (...script: Reply[]) => ModelServer.start(script) },
  { llm_provider: "anthropic", start: (...script: Reply[]) => AnthropicServer.start(script) },
] as const;

describe.each(wires)("llm_provider $llm_provider", ({ llm_provider, start }) => {
  function over(server: { url: string }) {
    return context({ llm_provider, base_url: server.url });
  }

  test("streams the server's tokens through as they come", async () => {
    await using server = await start({
      text: ["Bon", "jour, ", "monde"],
      usage: { input: 7, output: 3 },
    });
    const pieces: string[] = [];
    const config = { ...over(server), streamMode: "messages" as const };
    for await (const [message] of await graph.stream(human("salut"), config)) {
      if (message.text !== "") pieces.push(message.text);
    }
    expect(pieces).toEqual(["Bon", "jour, ", "monde"]);
    expect(server.requests[0]!.body).toMatchObject({ stream: true });
  });

  test("a token is out before the next one is made", async () => {
    const hold = new Hold();
    await using server = await start({ text: ["one ", "two"], hold, holdAfter: 1 });
    const stream = await graph.stream(human("count"), {
      ...over(server),
      streamMode: "messages",
    });
    const pieces: string[] = [];
    for await (const [message] of stream) {
      if (message.text === "") continue;
      pieces.push(message.text);
      if (pieces.length === 1) {
        await hold.reached;
        hold.release();
      }
    }
    expect(pieces).toEqual(["one ", "two"]);
  });

  test("tool calls arrive in parts, are made, and their results are sent back", async () => {
    await using server = await start(
      {
        text: "Let me see.",
        toolCalls: [{ name: "calculator", arguments: { expression: "6 * 7" } }],
      },
      { text: "It is 42." },
    );
    const { messages } = await graph.invoke(human("six times seven?"), over(server));
    expect(messages[1]).toMatchObject({
      tool_calls: [{ name: "calculator", args: { expression: "6 * 7" } }],
    });
    expect(messages.map((message) => message.text)).toEqual([
      "six times seven?",
      "Let me see.",
      "42",
      "It is 42.",
    ]);
    expect(JSON.stringify(server.requests[1]!.body)).toContain('"42"');
  });

  test("the tax graph's tool and instructions reach the server", async () => {
    await using server = await start(
      { toolCalls: [{ name: "calculate_tax", arguments: { revenue: "50000" } }] },
      { text: "6000 유로입니다." },
    );
    const { messages } = await taxGraph.invoke(human("매출 50000의 세금?"), over(server));
    expect(messages.map((message) => message.text).slice(2)).toEqual(["6000", "6000 유로입니다."]);
    const sent = JSON.stringify(server.requests[0]!.body);
    expect(sent).toContain("세금 계산을 돕는 도우미");
    expect(sent).toContain("유로로 연간 매출");
  });

  test("an aborted run lets go of the connection", async () => {
    await using server = await start({ text: "never", hold: new Hold() });
    const abort = new AbortController();
    const run = graph.invoke(human("hello"), { ...over(server), signal: abort.signal });
    const request = await server.request(1);
    abort.abort();
    await expect(run).rejects.toThrow(/abort/i);
    expect(await request.ended).toBe("gone");
  });

  test.each([
    { status: 400, name: "BadRequestError", message: "That model does not exist." },
    { status: 401, name: "AuthenticationError", message: "Incorrect key provided." },
  ])("an error $status carries its class and the server's sentence", async (error) => {
    await using server = await start({ error });
    const run = graph.invoke(human("hello"), over(server));
    await expect(run).rejects.toThrow(error.message);
    await expect(run).rejects.toSatisfy((thrown: Error) => thrown.constructor.name === error.name);
    expect(server.requests).toHaveLength(1);
  });

  test("a reply that breaks off in the middle is asked for again", async () => {
    await using server = await start({ text: ["half ", "lost"], cutAfter: 1 }, { text: "whole" });
    const { messages } = await graph.invoke(human("hello"), over(server));
    expect(messages.map((message) => message.text)).toEqual(["hello", "whole"]);
    expect(server.requests).toHaveLength(2);
  });
});

test("openai: system prompt, model, temperature, tools and the key for base_url are sent", async () => {
  vi.stubEnv("OPENAI_API_KEY", "provider key");
  vi.stubEnv("BASE_URL_API_KEY", "key for this address");
  await using server = await ModelServer.start([{ text: "ok" }]);
  const { messages } = await graph.invoke(
    human("who made you?"),
    context({
      llm_provider: "openai",
      model_name: "gpt-5.6",
      system_prompt: "You are an unhelpful assistant!",
      base_url: server.url,
      temperature: 0.25,
    }),
  );
  const [request] = server.requests;
  expect(request).toMatchObject({
    path: "/v1/chat/completions",
    headers: { authorization: "Bearer key for this address" },
    body: {
      model: "gpt-5.6",
      temperature: 0.25,
      messages: [
        {
          role: expect.stringMatching(/system|developer/),
          content: "You are an unhelpful assistant!",
        },
        { role: "user", content: "who made you?" },
      ],
      tools: [
        { function: { name: "calculator", parameters: { required: ["expression"] } } },
        { function: { name: "current_time" } },
        { function: { name: "ask_human" } },
      ],
    },
  });
  expect(messages[1]!.response_metadata).toMatchObject({ finish_reason: "stop" });
});

test("anthropic: system prompt, model, temperature, tools and the key for base_url are sent", async () => {
  vi.stubEnv("ANTHROPIC_API_KEY", "provider key");
  await using server = await AnthropicServer.start([
    { text: "ok", usage: { input: 7, output: 3 } },
  ]);
  const { messages } = await graph.invoke(
    human("who made you?"),
    context({
      llm_provider: "anthropic",
      model_name: "claude-opus-4-5",
      system_prompt: "You are an unhelpful assistant!",
      base_url: server.url,
      temperature: 0.25,
    }),
  );
  expect(server.requests[0]).toMatchObject({
    path: "/v1/messages",
    headers: { "x-api-key": "no-key" },
    body: {
      model: "claude-opus-4-5",
      temperature: 0.25,
      system: "You are an unhelpful assistant!",
      messages: [{ role: "user", content: "who made you?" }],
      tools: [{ name: "calculator" }, { name: "current_time" }, { name: "ask_human" }],
    },
  });
  expect(messages[1]).toMatchObject({ usage_metadata: { input_tokens: 7, output_tokens: 3 } });
});

test("openai: an exhausted quota is reported at once, not tried again", async () => {
  const error = { status: 429, message: "You exceeded your quota.", code: "insufficient_quota" };
  await using server = await ModelServer.start([{ error }]);
  const config = context({ llm_provider: "openai", base_url: server.url });
  const thrown: unknown = await graph.invoke(human("hello"), config).catch((reason) => reason);
  expect(thrown).toMatchObject({ name: "InsufficientQuotaError" });
  expect((thrown as Error).message).toContain("You exceeded your quota.");
  expect(server.requests).toHaveLength(1);
});

test("openai: an outage is tried again", async () => {
  await using server = await ModelServer.start([
    { error: { status: 500, message: "Try later." } },
    { text: "back again" },
  ]);
  const config = context({ llm_provider: "openai", base_url: server.url });
  const { messages } = await graph.invoke(human("hello"), config);
  expect(messages[1]!.text).toBe("back again");
  expect(server.requests).toHaveLength(2);
});
