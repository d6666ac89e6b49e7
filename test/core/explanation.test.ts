import { describe, expect, test } from "vitest";
import { explainRun, type RunFacts } from "../../src/core/explanation.ts";
import { randomIds } from "../../src/core/ids.ts";
import type { Run } from "../../src/core/run.ts";
import type { Delivery } from "../../src/core/webhook.ts";
import { newRun, start } from "../contract/storage/fixtures.ts";

const threadId = randomIds.thread();

function facts(change: Partial<Run>, others: Partial<RunFacts> = {}): RunFacts {
  const run = newRun(threadId, change);
  return {
    run,
    now: start + 1000,
    inFlight: [run],
    lease: null,
    ahead: 0,
    running: 0,
    slots: 10,
    attemptsMax: 3,
    waitsForInput: false,
    delivery: null,
    ...others,
  };
}

describe("a pending run", () => {
  test("that is not due says when it will be", () => {
    const told = explainRun(facts({ notBefore: start + 60_000 }));
    expect(told).toMatchObject({ reason: "not_due", notBefore: start + 60_000, blockedBy: null });
    expect(told.explanation).toContain(new Date(start + 60_000).toISOString());
  });

  test("behind a running one names it, wherever that stands in the queue", () => {
    const waiting = newRun(threadId);
    const running = newRun(threadId, { status: "running" });
    const { run, ...rest } = facts({});
    const told = explainRun({ ...rest, run, inFlight: [waiting, run, running] });
    expect(told).toMatchObject({
      reason: "thread_busy",
      blockedBy: { runId: running.runId, status: "running" },
    });
    expect(told.explanation).toContain(`Run ${running.runId} is running`);
    expect(told.explanation).toContain("1 more come before");
  });

  test("behind an older one names that, unless it is not due itself", () => {
    const older = newRun(threadId);
    const later = newRun(threadId, { notBefore: start + 60_000 });
    const { run, ...rest } = facts({});
    expect(explainRun({ ...rest, run, inFlight: [later, older, run] })).toMatchObject({
      reason: "thread_busy",
      blockedBy: { runId: older.runId, status: "pending" },
    });
    expect(explainRun({ ...rest, run, inFlight: [later, run, older] })).toMatchObject({
      reason: "waiting_for_worker",
      blockedBy: null,
    });
  });

  test("with all workers busy says so, with the figures", () => {
    const told = explainRun(facts({}, { running: 10, ahead: 4 }));
    expect(told).toMatchObject({
      reason: "workers_full",
      queue: { ahead: 4, running: 10, slots: 10 },
    });
    expect(told.explanation).toContain("10 runs are running, 4 start before it");
  });

  test("that was handed back says that it continues", () => {
    const told = explainRun(facts({ attempt: 2 }));
    expect(told.reason).toBe("waiting_for_worker");
    expect(told.explanation).toContain("Attempt 2 was handed back");
  });
});

describe("a running run", () => {
  const lease = { owner: "7", expiresAt: start + 1001 };

  test("names its worker, attempt and lease", () => {
    const told = explainRun(facts({ status: "running", attempt: 2 }, { lease }));
    expect(told).toMatchObject({ reason: "running", attempt: 2, lease });
    expect(told.explanation).toContain("Attempt 2 is running: worker 7");
  });

  test("whose worker is silent goes on elsewhere, as long as there are attempts", () => {
    const silent = { ...lease, expiresAt: start + 1000 };
    const told = explainRun(facts({ status: "running", attempt: 1 }, { lease: silent }));
    expect(told.reason).toBe("worker_lost");
    expect(told.next).toContain("as attempt 2");
    const lost = { status: "running", attempt: 3, lostAttempts: 2 } as const;
    expect(explainRun(facts(lost, { lease: silent })).next).toContain("ends in error");
  });
});

describe("a run that has ended", () => {
  test.each<[Partial<Run>, string]>([
    [{ status: "success", attempt: 1 }, "came to its end"],
    [{ status: "interrupted" }, "cancelled, or gave way"],
    [{ status: "timeout", error: { error: "TimeoutError", message: "60 s" } }, "took too long"],
    [{ status: "error", error: { error: "RangeError", message: "boom!" } }, "RangeError: boom!"],
  ])("%o is told", (change, words) => {
    const told = explainRun(facts(change, { inFlight: [] }));
    expect(told).toMatchObject({ reason: "ended", error: change.error ?? null });
    expect(told.explanation).toContain(words);
    expect(told.next).toBe("Nothing more happens.");
  });

  test("at an interrupt says how to go on", () => {
    const told = explainRun(facts({ status: "success" }, { inFlight: [], waitsForInput: true }));
    expect(told.reason).toBe("waiting_for_input");
    expect(told.next).toContain("resume");
  });

  test.each<[Partial<Delivery>, string]>([
    [{ attempts: 0, nextAttemptAt: start }, `delivered at ${new Date(start).toISOString()}`],
    [{ attempts: 3, nextAttemptAt: start, lastError: "status 503" }, "tried 3 times"],
    [{ attempts: 8, nextAttemptAt: null, lastError: "status 410" }, "given up"],
  ])("with a webhook under way (%o) tells of it", (change, words) => {
    const run = newRun(threadId, { status: "success" });
    const delivery: Delivery = {
      deliveryId: randomIds.delivery(),
      url: "https://example.org",
      run,
      temporary: false,
      values: null,
      createdAt: start,
      attempts: 0,
      nextAttemptAt: null,
      lastError: null,
      ...change,
    };
    const told = explainRun(facts({ status: "success" }, { inFlight: [], delivery }));
    expect(told.next).toContain(words);
    expect(told.webhook).toMatchObject({ attempts: change.attempts });
  });
});
