import { MemorySaver } from "@langchain/langgraph-checkpoint";
import type { RunnableConfig } from "@langchain/core/runnables";
import { graph } from "../graphs/chat.ts";
import { Client, readText } from "../http.ts";
import { storedBytes } from "../target.ts";
import { quantile, type Context, type Figure, type Measure } from "./measure.ts";

const messageBytes = 1024;
/** The first and the last so many turns stand for the first and the last one. */
const turnsShown = 10;
const readings = 15;

/** A conversation of the scale's `turns`, which grows by one kilobyte a turn, on every server. */
export const thread: Measure = {
  name: "thread",
  onFloor: true,
  once: true,
  run: (context) => measureThread(context, context.scale.turns),
};

/** A long one, on our own servers only: others store the square of it. */
export const longThread: Measure = {
  name: "long-thread",
  onFloor: false,
  once: true,
  async run(context) {
    const { longTurns } = context.scale;
    if (longTurns === null || context.target.kind !== "ours") return [];
    return measureThread(context, longTurns);
  },
};

async function measureThread(context: Context, turns: number): Promise<Figure[]> {
  const { target } = context;
  const client = new Client(target.url, 1);
  const titled = (what: string) => `thread of ${turns.toLocaleString("en")} turns of 1 KB: ${what}`;
  // Another thread first, so that the first turn does not pay for a cold server.
  await takeTurns(client, await createThread(client), turnsShown);
  const before = await storedBytes(target.place);
  const threadId = await createThread(client);
  const first = await takeTurns(client, threadId, turnsShown);
  await takeTurns(client, threadId, turns - 2 * turnsShown);
  const last = await takeTurns(client, threadId, turnsShown);
  const after = await storedBytes(target.place);
  const figures: Figure[] = [
    { name: titled("first turn"), unit: "ms", value: quantile(first) },
    { name: titled("last turn"), unit: "ms", value: quantile(last) },
    { name: titled("last / first"), unit: "×", value: quantile(last) / quantile(first) },
  ];
  if (target.kind === "ours") {
    const library = await libraryCost(turns);
    // On a busy machine the library may take longer here than the whole turn did in the server.
    const ownLast = Math.max(0, quantile(last) - library.last);
    const ownFirst = Math.max(0.1, quantile(first) - library.first);
    figures.push(
      { name: titled("LangGraph's own part of the last"), unit: "ms", value: library.last },
      { name: titled("last / first without LangGraph's"), unit: "×", value: ownLast / ownFirst },
    );
  }
  if (before !== null && after !== null) {
    const share = (bytes: number) => bytes / (turns * messageBytes);
    const all = share(after.all - before.all);
    figures.push({ name: titled("all bytes stored / bytes said"), unit: "B/B", value: all });
    if (target.kind === "ours") {
      const value = share(after.checkpoints - before.checkpoints);
      figures.push({ name: titled("bytes of checkpoints / bytes said"), unit: "B/B", value });
    }
  }
  if (target.kind !== "floor") figures.push(...(await readThread(client, threadId, titled)));
  if (target.kind === "ours") figures.push(await readMessages(client, threadId, titled));
  client.close();
  return figures;
}

type Titled = (what: string) => string;

async function readThread(client: Client, threadId: string, titled: Titled): Promise<Figure[]> {
  const path = `/threads/${threadId}`;
  const history = JSON.stringify({
    limit: 10,
    select: ["checkpoint", "parent_checkpoint", "metadata", "created_at", "next", "tasks"],
  });
  const state = await timed(() => client.text("GET", `${path}/state`));
  const last = await timed(() => client.text("POST", `${path}/history`, history));
  const copy = await timed(() => client.text("POST", `${path}/copy`, "{}"));
  return [
    { name: titled("state"), unit: "ms", value: quantile(state) },
    { name: titled("last 10 states without values"), unit: "ms", value: quantile(last) },
    { name: titled("copy"), unit: "ms", value: quantile(copy) },
  ];
}

/** The OpenAI API's view of the newest messages, each time of a state that nobody has read. */
async function readMessages(client: Client, threadId: string, titled: Titled): Promise<Figure> {
  const times: number[] = [];
  for (let count = 0; count < readings; count += 1) {
    await takeTurns(client, threadId, 1);
    times.push(
      ...(await timed(() => client.text("GET", `/v1/threads/${threadId}/messages?limit=20`), 1)),
    );
  }
  return { name: titled("last 20 messages, OpenAI API"), unit: "ms", value: quantile(times) };
}

async function timed(request: () => Promise<unknown>, readingsMade = readings): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < readingsMade; count += 1) {
    const startedAt = performance.now();
    await request();
    times.push(performance.now() - startedAt);
  }
  return times;
}

async function createThread(client: Client): Promise<string> {
  const { thread_id } = await client.json<{ thread_id: string }>("POST", "/threads", {});
  return thread_id;
}

/** Reads only what a turn changed: the size of an answer with the whole state is not the server's doing. */
async function takeTurns(client: Client, threadId: string, turns: number): Promise<number[]> {
  const body = JSON.stringify({
    assistant_id: "chat",
    input: { messages: [] },
    stream_mode: "updates",
  });
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const startedAt = performance.now();
    const response = await client.open("POST", `/threads/${threadId}/runs/stream`, body);
    const events = await readText(response);
    times.push(performance.now() - startedAt);
    if (!events.includes("event: updates")) throw new Error(`A turn went wrong: ${events}`);
  }
  return times;
}

/** Keeps the last checkpoint as the very object it was given: what remains is the library itself. */
class KeepingSaver extends MemorySaver {
  #last: Awaited<ReturnType<MemorySaver["getTuple"]>>;

  forget(): void {
    this.#last = undefined;
  }

  override async getTuple() {
    return this.#last;
  }

  override async put(...[config, checkpoint, metadata]: Parameters<MemorySaver["put"]>) {
    const kept: RunnableConfig = {
      configurable: { ...config.configurable, checkpoint_id: checkpoint.id },
    };
    this.#last = { config: kept, checkpoint, metadata, pendingWrites: [] };
    return kept;
  }

  override async putWrites() {}
}

/** What LangGraph alone takes for such a turn, first and last, in this process. */
async function libraryCost(turns: number): Promise<{ first: number; last: number }> {
  const checkpointer = new KeepingSaver();
  const kept = Object.assign(Object.create(graph) as typeof graph, { checkpointer });
  const config = { configurable: { thread_id: "library" }, streamMode: "updates" as const };
  const take = async (count: number, messages: { role: string; content: string }[] = []) => {
    const times: number[] = [];
    for (let turn = 0; turn < count; turn += 1) {
      const startedAt = performance.now();
      for await (const _ of await kept.stream({ messages }, config)) void _;
      times.push(performance.now() - startedAt);
    }
    return times;
  };
  await take(50);
  checkpointer.forget();
  const first = quantile(await take(turnsShown));
  await take(
    1,
    Array.from({ length: turns }, () => ({ role: "user", content: "." })),
  );
  return { first, last: quantile(await take(readings)) };
}
