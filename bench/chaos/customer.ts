import { setTimeout as delay } from "node:timers/promises";
import type { Witness } from "./audit.ts";

/** How many runs of a customer wait or run at once. */
const ahead = 3;
/** Pause before a request that failed is sent again, in ms. */
const pauseMs = 20;
/** A run that has not ended by then is counted as lost, in ms. */
const patienceMs = 60_000;

/** One thread and the client that asks for its runs, one behind the other, through whatever server answers. */
export class Customer {
  readonly asked: string[] = [];
  readonly witnesses: Witness[] = [];
  readonly #number: number;
  readonly #urls: () => string[];
  #threadId = "";
  #turn: number;
  #created: Promise<unknown> = Promise.resolve();

  constructor(number: number, urls: () => string[]) {
    this.#number = number;
    this.#turn = number;
    this.#urls = urls;
  }

  /** Asks for runs until the signal aborts, then waits for those that are under way. */
  async work(signal: AbortSignal): Promise<void> {
    this.#threadId = crypto.randomUUID();
    await this.#json("POST", "/threads", { thread_id: this.#threadId, if_exists: "do_nothing" });
    const reading = new Set<Promise<void>>();
    while (!signal.aborted) {
      const one = this.#run().finally(() => reading.delete(one));
      reading.add(one);
      // The next is asked for behind this one, not before it.
      await this.#created;
      if (reading.size >= ahead) await Promise.race(reading);
    }
    await Promise.all(reading);
  }

  /** What the server has at the end. */
  async state(): Promise<{ runs: { runId: string; status: string }[]; log: string[] }> {
    interface RunAnswer {
      run_id: string;
      status: string;
    }
    const runs: RunAnswer[] = [];
    for (;;) {
      const path = `/threads/${this.#threadId}/runs?limit=500&offset=${runs.length}`;
      const page = (await this.#json("GET", path)) as RunAnswer[];
      runs.push(...page);
      if (page.length < 500) break;
    }
    const state = (await this.#json("GET", `/threads/${this.#threadId}/state`)) as {
      values: { log?: string[] };
    };
    return {
      runs: runs.map(({ run_id: runId, status }) => ({ runId, status })),
      log: state.values.log ?? [],
    };
  }

  /** Asks for one run under a key, so that asking again cannot make two, and follows it to its end. */
  async #run(): Promise<void> {
    const name = `${this.#number}/${this.asked.length}`;
    const creating = this.#json(
      "POST",
      `/threads/${this.#threadId}/runs`,
      {
        assistant_id: "ledger",
        input: { name },
        multitask_strategy: "enqueue",
        durability: "sync",
        stream_mode: ["updates"],
        stream_resumable: true,
      },
      { "idempotency-key": `${this.#threadId} ${name}` },
    ) as Promise<{ run_id: string }>;
    this.#created = creating;
    const { run_id: runId } = await creating;
    const witness: Witness = { name, runId, positions: [], updates: [] };
    this.asked.push(runId);
    this.witnesses.push(witness);
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline && !(await this.#follow(witness))) await delay(pauseMs);
  }

  /** Reads on behind what was read. True when the end came. */
  async #follow(witness: Witness): Promise<boolean> {
    const last = witness.positions.at(-1) ?? "-1";
    try {
      const path = `/threads/${this.#threadId}/runs/${witness.runId}/stream`;
      const response = await fetch(`${this.#url()}${path}`, { headers: { "last-event-id": last } });
      if (!response.ok || !response.body) return false;
      let ended = false;
      for await (const { id, event, data } of eventsOf(response.body)) {
        if (id) witness.positions.push(id);
        if (event === "updates") witness.updates.push(...Object.keys(JSON.parse(data) as object));
        ended ||= event === "end";
      }
      return ended;
    } catch {
      return false; // The server died.
    }
  }

  #url(): string {
    const urls = this.#urls();
    return urls[this.#turn++ % urls.length]!;
  }

  /** Again and again until a server answers. @throws when it answers that the request is wrong. */
  async #json(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    for (;;) {
      try {
        const response = await fetch(`${this.#url()}${path}`, {
          method,
          headers: { "content-type": "application/json", ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (response.ok) return JSON.parse(text) as unknown;
        if (response.status < 500) throw new Refused(`${method} ${path}: ${text}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      await delay(pauseMs);
    }
  }
}

class Refused extends Error {}

async function* eventsOf(body: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split(/\r?\n\r?\n/);
    text = frames.pop()!;
    for (const frame of frames) {
      const fields = { id: "", event: "", data: "" };
      for (const line of frame.split(/\r?\n/)) {
        const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
        if (field) fields[field as keyof typeof fields] += value;
      }
      yield fields;
    }
  }
}
