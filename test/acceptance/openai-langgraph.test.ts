import { Client } from "@langchain/langgraph-sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeId, encodeId } from "../../src/protocols/openai/ids.ts";
import { ModelServer } from "../support/model-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { allGraphs } from "./project.ts";

/** One server, one thread, both clients. */
describe("what one API makes, the other has", () => {
  const project = allGraphs();
  let model: ModelServer;
  let server: ServerProcess;
  let openai: OpenAI;
  let langgraph: Client;
  beforeAll(async () => {
    model = await ModelServer.start([]);
    server = await ServerProcess.start({
      config: project.config,
      environment: { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "sk-behind" },
    });
    openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "sk-any" });
    langgraph = new Client({ apiUrl: server.url, apiKey: null });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await model?.[Symbol.asyncDispose]();
    project[Symbol.dispose]();
  });

  test("an update of an assistant is a version that the LangGraph API lists", async () => {
    const { id } = await openai.beta.assistants.create({ model: "gpt-4o", instructions: "one" });
    await openai.beta.assistants.update(id, { instructions: "two" });
    const versions = await langgraph.assistants.getVersions(decodeId(id));
    expect(versions.map(({ version, context }) => [version, context])).toEqual([
      [2, { model: "gpt-4o", instructions: "two" }],
      [1, { model: "gpt-4o", instructions: "one" }],
    ]);
    await langgraph.assistants.setLatest(decodeId(id), 1);
    expect((await openai.beta.assistants.retrieve(id)).instructions).toBe("one");
    const found = await langgraph.assistants.search({ graphId: "assistant", limit: 100 });
    expect(found.map((one) => one.assistant_id)).toContain(decodeId(id));
  });

  test("a thread begun with one goes on with the other, and back", async () => {
    model.enqueue({ text: "from OpenAI" }, { text: "from LangGraph" });
    const { id: assistant_id } = await openai.beta.assistants.create({ model: "gpt-4o" });
    const run = await openai.beta.threads.createAndRunPoll({
      assistant_id,
      thread: { messages: [{ role: "user", content: "하나" }] },
    });
    const threadId = decodeId(run.thread_id);
    await langgraph.runs.wait(threadId, decodeId(assistant_id), {
      input: { messages: [{ role: "user", content: "둘" }] },
    });
    const { values } = await langgraph.threads.getState<{
      messages: { type: string; content: string }[];
    }>(threadId);
    const expected = ["하나", "from OpenAI", "둘", "from LangGraph"];
    expect(values.messages.map(({ content }) => content)).toEqual(expected);
    const shown = await openai.beta.threads.messages.list(run.thread_id, { order: "asc" });
    expect(
      shown.data.map(({ content }) => (content[0]?.type === "text" ? content[0].text.value : "")),
    ).toEqual(expected);
    const runs = await openai.beta.threads.runs.list(run.thread_id);
    expect(runs.data.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  test("a thread begun with the LangGraph SDK takes a message of the OpenAI SDK", async () => {
    const { thread_id } = await langgraph.threads.create();
    await langgraph.runs.wait(thread_id, "agent", {
      input: { messages: [{ role: "user", content: "Hello" }] },
      context: { llm_provider: "offline" },
    });
    const id = encodeId("thread", thread_id);
    const added = await openai.beta.threads.messages.create(id, { role: "user", content: "여기" });
    const state = await langgraph.threads.getState<{ messages: { content: string }[] }>(thread_id);
    expect(state.values.messages.at(-1)!.content).toBe("여기");
    const [newest, , oldest] = (await openai.beta.threads.messages.list(id)).data;
    expect(newest).toEqual(added);
    expect(oldest!.content).toMatchObject([{ text: { value: "Hello" } }]);
  });

  test("`model` may name a deployed graph, whose last answer is the message", async () => {
    model.enqueue(
      { toolCalls: [{ name: "calculator", arguments: { expression: "12 * 12" } }] },
      { text: "It is 144." },
    );
    const { id: assistant_id } = await openai.beta.assistants.create({ model: "agent" });
    const messages = [{ role: "user" as const, content: "Use the calculator: 12 * 12" }];
    const stream = openai.beta.threads.createAndRunStream({ assistant_id, thread: { messages } });
    let text = "";
    stream.on("textDelta", ({ value }) => (text += value ?? ""));
    const run = await stream.finalRun();
    expect(run).toMatchObject({ status: "completed", model: "agent" });
    expect(text).toBe("It is 144.");
    const [answer] = (await openai.beta.threads.messages.list(run.thread_id)).data;
    expect(answer!.content).toEqual([{ type: "text", text: { value: text, annotations: [] } }]);
    expect((await openai.models.retrieve("agent")).owned_by).toBe("graph");
  });
});
