import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cancelRuns } from "../../src/core/operations/cancel.ts";
import { createRun, type CreateRun } from "../../src/core/operations/runs.ts";
import { createThread } from "../../src/core/operations/threads.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import type { Run } from "../../src/core/run.ts";
import type { WebhookPolicy } from "../../src/core/webhook.ts";
import type { Resolve } from "../../src/engine/webhook-post.ts";
import { Webhooks, type WebhookSettings } from "../../src/engine/webhooks.ts";
import { presentDelivery } from "../../src/protocols/langgraph/wire/webhooks.ts";
import {
  engineFixture,
  openEngine,
  readToEnd,
  runCommand,
  waiting,
  type TestEngine,
} from "../support/engine.ts";
import { Receiver, status } from "../support/receiver.ts";
import { ManualTime } from "../support/timers.ts";

/** Where the deliveries' clock stands: after the end of every run here. */
const start = Date.parse("2030-01-01T12:00:00Z");

let engine: TestEngine;
let ports: Ports;
let time: ManualTime;
let receiver: Receiver;
let opened: AsyncDisposableStack;

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  engine = opened.use(await openEngine({ limits: { webhookTimeoutMs: 10_000 } }));
  time = new ManualTime(start);
  ports = engine.ports;
  receiver = opened.use(await Receiver.listen());
});
afterEach(() => opened.disposeAsync());

function startWebhooks(
  change: Partial<WebhookSettings> & { policy?: Partial<WebhookPolicy>; ports?: Ports } = {},
): Webhooks {
  const { policy, ports: own = ports, ...settings } = change;
  const webhookPolicy = { ...own.webhookPolicy, ...policy };
  return opened.use(
    new Webhooks(
      { ...own, clock: time.clock, webhookPolicy },
      {
        headers: {},
        secret: null,
        present: presentDelivery,
        loopback: () => new Response(null, { status: 404 }),
        startTimer: time.startTimer,
        chance: () => 0,
        ...settings,
      },
    ),
  );
}

/** A run that has ended, with its webhook still to be delivered. */
async function endedRun(change: Partial<CreateRun> = {}): Promise<Run> {
  await using _worker = engine.startWorker();
  const run = await createRun(
    ports,
    runCommand("steps", { webhook: `${receiver.url}/hook`, ...change }),
  );
  await readToEnd(ports, run);
  return run;
}

const deliveryOf = (run: Run) => ports.storage.deliveries.ofRun(run.runId);

describe("a webhook", () => {
  test("is sent the run as it ended, with its last state", async () => {
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const run = await endedRun({ threadId, metadata: { job: 7 } });
    await startWebhooks().ask();
    const [sent] = await receiver.count(1);
    expect(sent!.path).toBe("/hook");
    expect(sent!.headers["content-type"]).toBe("application/json");
    expect(sent!.json).toMatchObject({
      run_id: run.runId,
      thread_id: threadId,
      assistant_id: run.assistantId,
      status: "success",
      metadata: { job: 7 },
      kwargs: { input: { input: "x" } },
      multitask_strategy: "enqueue",
      values: { log: ["one", "two", "three"], input: "x" },
      error: null,
      webhook_sent_at: new Date(start).toISOString(),
    });
    const { run_started_at, run_ended_at, created_at } = sent!.json;
    expect(Date.parse(run_started_at)).toBeGreaterThanOrEqual(Date.parse(created_at));
    expect(Date.parse(run_ended_at)).toBeGreaterThanOrEqual(Date.parse(run_started_at));
    expect(await deliveryOf(run)).toBeNull();
  });

  test("tells of the state also when the run streamed none, and when its thread is gone", async () => {
    await endedRun({ streamModes: ["updates"], onCompletion: "delete" });
    await startWebhooks().ask();
    expect(receiver.received[0]!.json).toMatchObject({
      status: "success",
      values: { log: ["one", "two", "three"] },
      kwargs: { temporary: true },
    });
  });

  test("tells why a run failed", async () => {
    await endedRun({ assistant: "thrower" });
    await startWebhooks().ask();
    expect(receiver.received[0]!.json).toMatchObject({
      status: "error",
      error: { error: "RangeError", message: "boom!" },
      values: { log: ["fine"] },
    });
  });

  test("tells of a cancelled run, whether or not it had begun", async () => {
    engine.startWorker();
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const command = { threadId, webhook: receiver.url };
    const running = await createRun(ports, runCommand("obedient", command));
    await waiting(`gate:${threadId}`);
    const queued = await createRun(ports, runCommand("steps", command));
    await cancelRuns(ports, [running, queued], "interrupt");
    await startWebhooks().ask();
    const told = Object.fromEntries(receiver.received.map(({ json }) => [json.run_id, json]));
    expect(told[running.runId]).toMatchObject({
      status: "interrupted",
      values: { log: ["before"] },
    });
    expect(told[running.runId].run_started_at).not.toBeNull();
    expect(told[queued.runId]).toMatchObject({ status: "interrupted", run_started_at: null });
  });

  test("tells of a run that gave way to another", async () => {
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const first = await createRun(ports, runCommand("steps", { threadId, webhook: receiver.url }));
    await createRun(ports, runCommand("steps", { threadId, strategy: "interrupt" }));
    await startWebhooks().ask();
    expect(receiver.received.map(({ json }) => [json.run_id, json.status])).toEqual([
      [first.runId, "interrupted"],
    ]);
  });

  test("is not sent for a run that was rolled back: there is no such run", async () => {
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const run = await createRun(ports, runCommand("steps", { threadId, webhook: receiver.url }));
    await cancelRuns(ports, [run], "rollback");
    expect(await deliveryOf(run)).toBeNull();
  });

  test("is sent when the run ends, without anybody asking", async () => {
    const webhooks = startWebhooks();
    await webhooks.ask();
    time.moveTo(Date.now() + 60_000);
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    engine.startWorker();
    await createRun(ports, runCommand("obedient", { threadId, webhook: receiver.url }));
    await waiting(`gate:${threadId}`);
    expect(receiver.received).toEqual([]);
    engineFixture().gates.get(`gate:${threadId}`)!();
    const [sent] = await receiver.count(1);
    expect(sent!.json.status).toBe("success");
  });
});

describe("what is sent along", () => {
  test("an id that stays, the static headers and a signature that the receiver can check", async () => {
    const run = await endedRun();
    receiver.answers.push(status(503));
    const secret = `whsec_${Buffer.from("a secret of ours").toString("base64")}`;
    const webhooks = startWebhooks({ secret, headers: { "x-token": "t" } });
    await webhooks.ask();
    time.move(5_000);
    await webhooks.ask();
    const [first, second] = await receiver.count(2);
    expect(first!.headers["x-token"]).toBe("t");
    expect(first!.headers["webhook-id"]).toBe(second!.headers["webhook-id"]);
    for (const { headers, text } of [first!, second!]) {
      const id = String(headers["webhook-id"]);
      const timestamp = String(headers["webhook-timestamp"]);
      const content = `${id}.${timestamp}.${text}`;
      const expected = createHmac("sha256", "a secret of ours").update(content).digest("base64");
      expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
    }
    expect(Number(second!.headers["webhook-timestamp"])).toBe(start / 1000 + 5);
    expect(await deliveryOf(run)).toBeNull();
  });

  test("no signature without a secret", async () => {
    await endedRun();
    await startWebhooks().ask();
    expect(receiver.received[0]!.headers).not.toHaveProperty("webhook-signature");
  });
});

describe("a receiver that does not take it", () => {
  test.each([500, 503, 429, 404, 302])("with status %i is asked again later", async (code) => {
    const run = await endedRun();
    receiver.answers.push(status(code));
    const webhooks = startWebhooks();
    await webhooks.ask();
    expect(await deliveryOf(run)).toMatchObject({
      attempts: 1,
      nextAttemptAt: start + 5_000,
      lastError: `The receiver answered with status ${code}.`,
    });
    time.move(4_999);
    await webhooks.ask();
    expect(receiver.received).toHaveLength(1);
    time.move(1);
    await webhooks.ask();
    expect(receiver.received).toHaveLength(2);
    expect(await deliveryOf(run)).toBeNull();
  });

  test("is asked again by a timer", async () => {
    await endedRun();
    receiver.answers.push(status(500));
    const webhooks = startWebhooks();
    await webhooks.ask();
    await webhooks.ask();
    expect(time.untilNextTimer).toBe(5_000);
    time.move(5_000);
    await receiver.count(2);
  });

  test("is given up after its last attempt, and that is remembered", async () => {
    ports = { ...ports, limits: { ...ports.limits, webhookAttemptsMax: 3 } };
    const run = await endedRun();
    receiver.answers.push(status(500), status(500), status(500));
    const webhooks = startWebhooks();
    for (const wait of [0, 5_000, 15_000, 3_600_000]) {
      time.move(wait);
      await webhooks.ask();
    }
    expect(receiver.received).toHaveLength(3);
    expect(await deliveryOf(run)).toMatchObject({ attempts: 3, nextAttemptAt: null });
  });

  test("because it is gone for ever (410) is not asked again", async () => {
    const run = await endedRun();
    receiver.answers.push(status(410));
    await startWebhooks().ask();
    expect(await deliveryOf(run)).toMatchObject({ attempts: 1, nextAttemptAt: null });
  });

  test("because nobody listens is asked again", async () => {
    const closed = await Receiver.listen();
    const { url } = closed;
    await closed[Symbol.asyncDispose]();
    const run = await endedRun({ webhook: url });
    await startWebhooks().ask();
    const delivery = await deliveryOf(run);
    expect(delivery).toMatchObject({ attempts: 1, nextAttemptAt: start + 5_000 });
    expect(delivery!.lastError).toContain("ECONNREFUSED");
  });

  test("because it never answers is left after the time limit, and asked again", async () => {
    ports = { ...ports, limits: { ...ports.limits, webhookTimeoutMs: 50 } };
    const run = await endedRun();
    receiver.answers.push(() => {});
    await startWebhooks().ask();
    const delivery = await deliveryOf(run);
    expect(delivery).toMatchObject({ attempts: 1, nextAttemptAt: start + 5_000 });
    expect(delivery!.lastError).toContain("timeout");
  });

  test("does not hold up the others", async () => {
    let answer: () => void = () => {};
    receiver.answers.push((response) => {
      answer = () => void response.end();
    });
    const slow = await endedRun();
    const webhooks = startWebhooks();
    await receiver.count(1);
    await endedRun();
    await receiver.count(2);
    expect(await deliveryOf(slow)).not.toBeNull();
    answer();
    await webhooks.ask();
    expect(await deliveryOf(slow)).toBeNull();
  });
});

describe("a server that goes away", () => {
  test("between a run's end and its webhook leaves the delivery to the next one", async () => {
    const run = await endedRun();
    // Nothing of the first server lives any more but its database.
    expect(await deliveryOf(run)).toMatchObject({ attempts: 0 });
    await startWebhooks().ask();
    expect(receiver.received.map(({ json }) => json.run_id)).toEqual([run.runId]);
  });

  test("by a crash while it sends: the next one sends again once the claim has run out", async () => {
    const run = await endedRun();
    const { limits } = ports;
    const leaseUntil = start + limits.webhookTimeoutMs + limits.leaseMs;
    await ports.storage.deliveries.claim({ now: start, leaseUntil });
    const webhooks = startWebhooks();
    await webhooks.ask();
    expect(receiver.received).toEqual([]);
    time.moveTo(leaseUntil);
    await webhooks.ask();
    expect(receiver.received.map(({ json }) => json.run_id)).toEqual([run.runId]);
  });

  test("in good order hands on what it was sending, at once", async () => {
    const run = await endedRun();
    receiver.answers.push(() => {});
    const first = startWebhooks();
    await receiver.count(1);
    await first[Symbol.asyncDispose]();
    expect(await deliveryOf(run)).toMatchObject({ nextAttemptAt: start });
    await startWebhooks().ask();
    expect(receiver.received).toHaveLength(2);
    expect(await deliveryOf(run)).toBeNull();
  });
});

describe("a target inside", () => {
  const inside = { policy: { privateTargets: false } };

  test("named by its address is refused, and not tried again", async () => {
    const run = await endedRun();
    await startWebhooks(inside).ask();
    expect(receiver.received).toEqual([]);
    const delivery = await deliveryOf(run);
    expect(delivery).toMatchObject({ attempts: 1, nextAttemptAt: null });
    expect(delivery!.lastError).toContain("private network");
  });

  test.each<[string, { address: string; family: number }[]]>([
    ["alone", [{ address: "127.0.0.1", family: 4 }]],
    [
      "among public ones",
      [
        { address: "8.8.8.8", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ],
    ],
    ["in IPv6", [{ address: "::1", family: 6 }]],
  ])("behind a public name is refused: %s", async (_case, addresses) => {
    const run = await endedRun({ webhook: `http://hooks.example.org:${receiver.port}/` });
    await startWebhooks({ ...inside, resolve: async () => addresses }).ask();
    expect(receiver.received).toEqual([]);
    expect((await deliveryOf(run))!.lastError).toContain("hooks.example.org (");
    expect(await deliveryOf(run)).toMatchObject({ nextAttemptAt: null });
  });

  test("behind a redirect is refused like any other", async () => {
    const run = await endedRun({ webhook: `http://hooks.example.org:${receiver.port}/` });
    receiver.answers.push(status(307, { location: "http://metadata.example.org/latest" }));
    const asked: string[] = [];
    const resolve: Resolve = async (hostname) => {
      asked.push(hostname);
      return [{ address: "127.0.0.1", family: 4 }];
    };
    const policy = { allowedDomains: ["hooks.example.org"] };
    await startWebhooks({ resolve, policy }).ask();
    expect(asked).toEqual(["hooks.example.org"]);
    expect(receiver.received).toHaveLength(1);
    expect((await deliveryOf(run))!.lastError).toContain("metadata.example.org");
  });

  test("is connected to at the address that was judged: the name is asked once", async () => {
    await endedRun({ webhook: `http://hooks.example.org:${receiver.port}/a?b=c` });
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return [{ address: "127.0.0.1", family: 4 }];
    };
    await startWebhooks({ resolve }).ask();
    expect(asked).toBe(1);
    expect(receiver.received[0]).toMatchObject({
      path: "/a?b=c",
      headers: { host: `hooks.example.org:${receiver.port}` },
    });
  });
});

describe("a redirect", () => {
  test("is followed with the same body; static headers stay with their origin", async () => {
    await using other = await Receiver.listen();
    const run = await endedRun();
    receiver.answers.push(status(307, { location: "/moved" }));
    receiver.answers.push(status(308, { location: `${other.url}/there` }));
    await startWebhooks({ headers: { "x-token": "t" }, secret: "s" }).ask();
    expect(receiver.received.map(({ path }) => path)).toEqual(["/hook", "/moved"]);
    expect(receiver.received[1]!.headers["x-token"]).toBe("t");
    expect(other.received).toHaveLength(1);
    expect(other.received[0]!.text).toBe(receiver.received[0]!.text);
    expect(other.received[0]!.headers).not.toHaveProperty("x-token");
    expect(await deliveryOf(run)).toBeNull();
  });

  test("in a circle ends", async () => {
    const run = await endedRun();
    for (let at = 0; at < 5; at += 1) receiver.answers.push(status(302, { location: "/hook" }));
    await startWebhooks().ask();
    expect(receiver.received).toHaveLength(4);
    expect((await deliveryOf(run))!.lastError).toContain("redirects");
  });
});

describe("a path of this server", () => {
  test("is answered in process", async () => {
    const run = await endedRun({ webhook: "/done?x=1" });
    const asked: { path: string; init: RequestInit }[] = [];
    const loopback = (path: string, init: RequestInit) => {
      asked.push({ path, init });
      return new Response("thanks", { status: 201 });
    };
    await startWebhooks({ loopback, headers: { "x-token": "t" } }).ask();
    expect(asked[0]).toMatchObject({
      path: "/done?x=1",
      init: { method: "POST", headers: { "content-type": "application/json", "x-token": "t" } },
    });
    expect(JSON.parse(String(asked[0]!.init.body))).toMatchObject({ run_id: run.runId });
    expect(await deliveryOf(run)).toBeNull();
  });

  test("that is not there is asked again, as anybody else is", async () => {
    const run = await endedRun({ webhook: "/done" });
    await startWebhooks().ask();
    expect(await deliveryOf(run)).toMatchObject({ nextAttemptAt: start + 5_000 });
  });
});
