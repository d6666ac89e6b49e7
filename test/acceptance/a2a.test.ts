import { join, resolve } from "node:path";
import { Role, TaskState, type SendMessageRequest } from "@a2a-js/sdk";
import { ClientFactory } from "@a2a-js/sdk/client";
import { ClientFactory as OlderClientFactory } from "a2a-sdk-0.3/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gates } from "../support/gates.ts";
import { everyDatabase } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig, Project } from "./project.ts";

/** The official A2A clients, of version 1 and of version 0.3, as they are, against a running server. */
/** A lease that outlives its server only briefly; otherwise a test would wait out the usual 15 s. */
const quickLeases = { ADJUTANT_LEASE_MS: "1000", ADJUTANT_BEAT_MS: "200" };

let messages = 0;

/** For a client of version 1. */
function request(
  content: { text: string } | { data: unknown },
  more: { taskId?: string; contextId?: string; returnImmediately?: boolean } = {},
): SendMessageRequest {
  messages += 1;
  const [kind, value] = Object.entries(content)[0]!;
  const { returnImmediately = false, ...place } = more;
  return {
    tenant: "",
    message: {
      messageId: `m${messages}`,
      contextId: "",
      taskId: "",
      role: Role.ROLE_USER,
      parts: [
        {
          content: { $case: kind as "data", value },
          metadata: undefined,
          filename: "",
          mediaType: "",
        },
      ],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
      ...place,
    },
    configuration: {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      returnImmediately,
    },
    metadata: undefined,
  };
}

/** For a client of version 0.3. */
function olderMessage(text: string, more: { taskId?: string; contextId?: string } = {}) {
  messages += 1;
  const parts = [{ kind: "text" as const, text }];
  return {
    message: {
      kind: "message" as const,
      messageId: `m${messages}`,
      role: "user" as const,
      parts,
      ...more,
    },
  };
}

/** A task, which is all that this server answers with. */
function isTask<Answer extends object>(
  answer: Answer,
): answer is Extract<Answer, { status?: unknown }> {
  return "status" in answer;
}

describe.each(await everyDatabase())("on $name", ({ postgres, skipped, because }) => {
  describe.skipIf(skipped)(`the A2A SDKs${because}`, () => {
    let server: ServerProcess;
    let gates: Gates;
    beforeAll(async () => {
      server = await ServerProcess.start({
        config: fixtureConfig,
        postgres,
        environment: quickLeases,
      });
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      gates = await Gates.listen();
      return () => gates[Symbol.asyncDispose]();
    });

    /** Found by its card, as other agents find it. */
    const agent = (assistant: string) =>
      new ClientFactory().createFromUrl(`${server.url}/a2a/${assistant}/`);
    const olderAgent = (assistant: string) =>
      new OlderClientFactory().createFromUrl(
        `${server.url}/.well-known/agent-card.json?assistant_id=${assistant}`,
        "",
      );

    async function send(client: Awaited<ReturnType<typeof agent>>, asked: SendMessageRequest) {
      const answer = await client.sendMessage(asked);
      if (!isTask(answer)) throw new Error(`No task: ${JSON.stringify(answer)}`);
      return answer;
    }

    it("find the assistant by its card and get an answer, over several turns", async () => {
      const client = await agent("chat");
      expect(await client.getAgentCard()).toMatchObject({ name: "chat" });
      const first = await send(client, request({ text: "hello" }));
      expect(first.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
      expect(first.artifacts[0]!.parts[0]!.content).toEqual({
        $case: "text",
        value: "You said: hello",
      });
      const { contextId } = first;
      const second = await send(client, request({ text: "again" }, { contextId }));
      expect([second.contextId, second.history.length]).toEqual([contextId, 4]);
      const listed = await client.listTasks({
        tenant: "",
        contextId,
        status: 0,
        pageToken: "",
        statusTimestampAfter: undefined,
      });
      expect(listed.tasks.map(({ id }) => id)).toEqual([second.id, first.id]);

      const older = await olderAgent("chat");
      const answer = await older.sendMessage(olderMessage("and again", { contextId }));
      expect(answer).toMatchObject({ kind: "task", contextId, status: { state: "completed" } });
      const got = await older.getTask({ id: first.id });
      expect(got.artifacts).toHaveLength(1);
    });

    it("stream what a model writes", async () => {
      const older = await olderAgent("speaking");
      const kinds = new Set<string>();
      let said = "";
      for await (const event of older.sendMessageStream(olderMessage("hello"))) {
        kinds.add(event.kind);
        if (event.kind !== "artifact-update") continue;
        for (const part of event.artifact.parts) said += part.kind === "text" ? part.text : "";
      }
      expect([...kinds]).toEqual(["task", "status-update", "artifact-update"]);
      const client = await agent("speaking");
      const cases: (string | undefined)[] = [];
      let again = "";
      for await (const { payload } of client.sendMessageStream(request({ text: "hello" }))) {
        cases.push(payload?.$case);
        if (payload?.$case !== "artifactUpdate") continue;
        for (const { content } of payload.value.artifact!.parts) {
          again += content?.$case === "text" ? content.value : "";
        }
      }
      expect([cases[0], cases[1], cases.at(-1)]).toEqual(["task", "statusUpdate", "statusUpdate"]);
      expect(said.length).toBeGreaterThan(5);
      expect(again).toBe(said);
    });

    it("answer what an assistant asks, and cancel what they no longer want", async () => {
      const client = await agent("question");
      gates.openAll();
      const input = { gates: gates.url };
      const asked = await send(client, request({ data: input }));
      expect(asked.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
      const taskId = asked.id;
      const done = await send(client, request({ text: "yes" }, { taskId }));
      expect([done.id, done.status?.state]).toEqual([taskId, TaskState.TASK_STATE_COMPLETED]);
      expect(JSON.stringify(done.artifacts)).toContain("answer yes");
      const late = client.sendMessage(request({ text: "no" }, { taskId }));
      await expect(late).rejects.toThrow(/completed/);

      const other = await send(client, request({ data: input }));
      const canceled = await client.cancelTask({ tenant: "", id: other.id, metadata: undefined });
      expect(canceled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
      const older = await olderAgent("question");
      await expect(older.cancelTask({ id: other.id })).rejects.toThrow(/canceled/);
      await expect(older.getTask({ id: "nobody's" })).rejects.toThrow(/Task not found/);
    });

    it("learn after a crash what became of a task", async () => {
      const client = await agent("gated");
      const begun = request({ data: { gates: gates.url } }, { returnImmediately: true });
      const { id } = await send(client, begun);
      await gates.arrival("one").then((node) => node.release());
      const { gone } = await gates.arrival("two");
      await server.kill();
      await gone;
      gates.openAll();
      await server.restart();
      const state = async () => {
        const task = await client.getTask({ tenant: "", id, historyLength: 0 });
        return task.status?.state;
      };
      await expect.poll(state, { timeout: 60_000 }).toBe(TaskState.TASK_STATE_COMPLETED);
      const task = await client.getTask({ tenant: "", id, historyLength: 0 });
      expect(task.artifacts[0]!.parts[0]!.content).toMatchObject({
        value: { log: ["one", "two", "three"] },
      });
    });
  });
});

describe("langgraph.json", () => {
  const graphs = { chat: join(resolve(fixtureConfig, ".."), "graphs.ts:chat") };
  const withHttp = (http: object) =>
    new Project(graphs, { "langgraph.json": JSON.stringify({ graphs, http }) });
  const documented = async (url: string) => {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    return Object.keys(paths);
  };

  it("a prefix is before A2A as well, and in its cards", async () => {
    using project = withHttp({ mount_prefix: "/api" });
    await using server = await ServerProcess.start({ config: project.config });
    const client = await new ClientFactory().createFromUrl(`${server.url}/a2a/chat/`);
    const card = await client.getAgentCard();
    expect(card.supportedInterfaces[0]!.url).toBe(`${server.url}/a2a/chat`);
    const answer = await client.sendMessage(request({ text: "x" }));
    expect(JSON.stringify(answer)).toContain("You said: x");
    expect(await documented(server.url)).toContain("/a2a/{assistant_id}");
  });

  it("disable_a2a takes it away", async () => {
    using project = withHttp({ disable_a2a: true });
    await using server = await ServerProcess.start({ config: project.config });
    const card = "/.well-known/agent-card.json?assistant_id=chat";
    expect((await fetch(`${server.url}${card}`)).status).toBe(404);
    expect((await fetch(`${server.url}/a2a/chat`, { method: "POST" })).status).toBe(404);
    expect(await documented(server.url)).not.toContain("/a2a/{assistant_id}");
  });
});
