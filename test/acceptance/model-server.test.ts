import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ModelServer } from "../support/model-server.ts";
import { Hold, type RecordedRequest } from "../support/scripted-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf, newThread } from "./methods/scenarios.ts";
import { exampleGraphs } from "./project.ts";

/** The example graph with `llm_provider: openai`, over a model server that speaks that wire. */
let server: ServerProcess;
let client: Client;
let models: ModelServer;
const project = exampleGraphs();
beforeAll(async () => {
  server = await ServerProcess.start({ config: project.config });
  client = new Client({ apiUrl: server.url, apiKey: null });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});
beforeEach(async () => {
  models = await ModelServer.start();
  return () => models[Symbol.asyncDispose]();
});

interface ChatRequest {
  model: string;
  stream?: boolean;
  temperature?: number;
  messages: { role: string; content: string }[];
}

function askedOf(request: RecordedRequest | undefined): ChatRequest {
  return request!.body as ChatRequest;
}

function contextFor(prompt: string) {
  return {
    llm_provider: "openai",
    base_url: models.url,
    model_name: "test-model",
    system_prompt: prompt,
    temperature: 0.5,
  };
}

const input = { messages: [{ role: "user", content: "안녕하세요?" }] };

describe("an assistant over a model server", () => {
  it("sends the assistant's system prompt and model, and streams its tokens through", async () => {
    models.enqueue({ text: ["안녕", "하세", "요."] });
    const assistant = await client.assistants.create({
      graphId: "agent",
      context: contextFor("한국어로 짧게 답하세요."),
    });
    const parts = await collect(
      client.runs.stream(await newThread(client), assistant.assistant_id, {
        input,
        streamMode: ["messages-tuple", "messages", "values"],
      }),
    );
    expect(models.requests).toHaveLength(1);
    expect(askedOf(models.requests[0])).toMatchObject({
      model: "test-model",
      stream: true,
      temperature: 0.5,
      messages: [
        { role: "system", content: "한국어로 짧게 답하세요." },
        { role: "user", content: "안녕하세요?" },
      ],
    });
    const pieces = dataOf<[{ content: string }, { langgraph_node: string }]>(parts, "messages")
      .map(([piece]) => piece.content)
      .filter((text) => text !== "");
    expect(pieces).toEqual(["안녕", "하세", "요."]);
    const grown = dataOf<[{ content: string }]>(parts, "messages/partial").map(
      ([message]) => message.content,
    );
    expect([...new Set(grown)].filter((text) => text !== "")).toEqual([
      "안녕",
      "안녕하세",
      "안녕하세요.",
    ]);
    const values = dataOf<{ messages: { content: string }[] }>(parts, "values").at(-1)!;
    expect(values.messages.map(({ content }) => content)).toEqual(["안녕하세요?", "안녕하세요."]);
  });

  it("a token is with the client before the model has made the next", async () => {
    const hold = new Hold();
    models.enqueue({ text: ["one ", "two"], hold, holdAfter: 1 });
    const stream = client.runs.stream(null, "agent", {
      input,
      context: contextFor("Count."),
      streamMode: "messages-tuple",
    });
    const pieces: string[] = [];
    for await (const part of stream) {
      if (part.event !== "messages") continue;
      const [{ content }] = part.data as unknown as [{ content: string }];
      if (content === "") continue;
      pieces.push(content);
      // Only a token that came through lets the model go on.
      hold.release();
    }
    expect(pieces).toEqual(["one ", "two"]);
  });

  it("each version sends its own prompt: the active one, or the one a run pins", async () => {
    const { assistant_id: id } = await client.assistants.create({
      graphId: "agent",
      context: contextFor("one"),
    });
    await client.assistants.update(id, { context: contextFor("two") });
    const promptOf = async (assistantId: string, body: object = {}) => {
      models.enqueue({ text: "ok" });
      const threadId = await newThread(client);
      const answer = await fetch(`${server.url}/threads/${threadId}/runs/wait`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ assistant_id: assistantId, input, ...body }),
      });
      expect(answer.status).toBe(200);
      await answer.text();
      const [run] = await client.runs.list(threadId);
      const { assistant_version: version } = run as { assistant_version?: number };
      return [askedOf(models.requests.at(-1)).messages[0]!.content, version];
    };
    expect(await promptOf(id)).toEqual(["two", 2]);
    expect(await promptOf(`${id}@1`)).toEqual(["one", 1]);
    expect(await promptOf(id, { assistant_version: 1 })).toEqual(["one", 1]);
    await client.assistants.setLatest(id, 1);
    expect(await promptOf(id)).toEqual(["one", 1]);
    expect(await promptOf(`${id}@2`)).toEqual(["two", 2]);
  });

  it("tool calls are made, and their results sent back", async () => {
    models.enqueue(
      { toolCalls: [{ name: "calculator", arguments: { expression: "6 * 7" } }] },
      { text: "42입니다." },
    );
    const values = await client.runs.wait(null, "agent", {
      input: { messages: [{ role: "user", content: "6 곱하기 7은?" }] },
      context: contextFor("Use tools."),
    });
    const { messages } = values as unknown as { messages: { type: string; content: string }[] };
    expect(messages.map(({ type, content }) => [type, content])).toEqual([
      ["human", "6 곱하기 7은?"],
      ["ai", ""],
      ["tool", "42"],
      ["ai", "42입니다."],
    ]);
    expect(askedOf(models.requests[1]).messages.at(-1)).toMatchObject({
      role: "tool",
      content: "42",
    });
  });

  it("what the model server refuses ends the run in error, with its words", async () => {
    models.enqueue({ error: { status: 401, message: "The key is wrong." } });
    const threadId = await newThread(client);
    const parts = await collect(
      client.runs.stream(threadId, "agent", { input, context: contextFor("x") }),
    );
    const [error] = dataOf<{ error: string; message: string }>(parts, "error");
    expect(error!.message).toContain("The key is wrong.");
    expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
  });

  it("a cancelled run hangs up on the model server", async () => {
    const hold = new Hold();
    models.enqueue({ text: ["one ", "two"], hold, holdAfter: 1 });
    const threadId = await newThread(client);
    const run = await client.runs.create(threadId, "agent", {
      input,
      context: contextFor("Count."),
      streamMode: "messages-tuple",
    });
    const request = await models.request(1);
    await hold.reached;
    await client.runs.cancel(threadId, run.run_id, true);
    expect(await request.ended).toBe("gone");
    expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "interrupted" });
  });
});
