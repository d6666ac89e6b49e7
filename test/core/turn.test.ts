import { describe, expect, test } from "vitest";
import { randomIds } from "../../src/core/ids.ts";
import type { FunctionCall, StoredMessage } from "../../src/core/message.ts";
import { canFollow, type RunStatus } from "../../src/core/run.ts";
import type { Interrupts } from "../../src/core/thread.ts";
import {
  expiredErrorName,
  isActive,
  ownKey,
  readTurn,
  type TurnNotes,
  type TurnStatus,
} from "../../src/core/turn.ts";
import { newRun, newThread } from "../contract/storage/fixtures.ts";

const statuses: TurnStatus[] = [
  "queued",
  "in_progress",
  "requires_action",
  "completed",
  "incomplete",
  "failed",
  "cancelled",
  "expired",
];

/** What may follow what (specification 4.1); every other pair of two may not. */
const allowed = new Set([
  "queued → in_progress",
  "queued → cancelled",
  // Its graph is gone, or its server died too often.
  "queued → failed",
  // A server that stops hands its run back.
  "in_progress → queued",
  "in_progress → requires_action",
  "in_progress → completed",
  "in_progress → incomplete",
  "in_progress → failed",
  "in_progress → cancelled",
  "in_progress → expired",
  "requires_action → queued",
  "requires_action → cancelled",
  "requires_action → expired",
  // A client of the LangGraph API answers, in time or late.
  "requires_action → completed",
  "expired → completed",
]);

/** All that a turn's status is read off. */
interface Facts {
  run: RunStatus;
  /** Why the run ended as `timeout`: the turn's own time was over, or the server's limit. */
  timeout: "expired" | "limit";
  /** The thread waits for the outputs of the turn's calls. */
  waits: boolean;
  answered: boolean;
  /** Somebody else's run followed, before or after the turn's time was over. */
  followed: "early" | "late" | null;
  gap: boolean;
  isLate: boolean;
  /** Cancelled while no run was in flight. */
  ended: boolean;
}

const start: Facts = {
  run: "pending",
  timeout: "expired",
  waits: false,
  answered: true,
  followed: null,
  gap: false,
  isLate: false,
  ended: false,
};

const expiresAt = 1000;
const call: FunctionCall = { id: "call_1", name: "look_up", arguments: "{}" };

function statusOf(facts: Facts): TurnStatus {
  const threadId = randomIds.thread();
  const runId = randomIds.run();
  const notes: TurnNotes = {
    id: runId,
    expires_at: expiresAt,
    ...(facts.ended && { ended: { status: "cancelled", at: 500 } }),
  };
  const error = facts.timeout === "expired" ? expiredErrorName : "TimeoutError";
  const run = newRun(threadId, {
    runId,
    status: facts.run,
    metadata: { [ownKey]: { turn: { ...notes } } },
    error: facts.run === "timeout" ? { error, message: "" } : null,
  });
  const request = { type: "function_calls", calls: [{ ...call }] };
  const interrupts: Interrupts = facts.waits ? { task: [{ value: request }] } : {};
  const own = { turn_id: runId, ...(facts.gap && { turn_incomplete: "max_prompt_tokens" }) };
  const asking: StoredMessage = {
    type: "ai",
    id: "1",
    content: "",
    additional_kwargs: { [ownKey]: facts.answered ? own : { ...own, calls: [{ ...call }] } },
  };
  return readTurn({
    runs: [run],
    next:
      facts.followed &&
      newRun(threadId, { createdAt: facts.followed === "early" ? expiresAt - 1 : expiresAt }),
    thread: { ...newThread({ threadId }), interrupts },
    messages: [asking],
    now: facts.isLate ? expiresAt : expiresAt - 1,
  }).status;
}

/** Everything that can happen to a turn, one thing at a time. */
function* next(facts: Facts): Generator<Facts> {
  if (!facts.isLate) yield { ...facts, isLate: true };
  const ends: RunStatus[] = ["pending", "running", "error", "interrupted", "timeout"];
  for (const run of ends.filter((status) => status !== facts.run && canFollow(facts.run, status))) {
    yield { ...facts, run };
    if (run === "timeout") yield { ...facts, run, timeout: "limit" };
  }
  if (canFollow(facts.run, "success")) {
    yield { ...facts, run: "success" };
    yield { ...facts, run: "success", gap: true };
    yield { ...facts, run: "success", waits: true, answered: false };
  }
  if (!facts.waits || facts.ended) return;
  // What has expired cannot be cancelled.
  if (!facts.isLate) yield { ...facts, ended: true };
  // Somebody else goes on with the thread, with an answer or without.
  const followed = facts.isLate ? "late" : "early";
  yield { ...facts, waits: false, answered: true, followed };
  yield { ...facts, waits: false, followed };
  // The client answers in time: the next run of the turn.
  if (!facts.isLate) yield { ...facts, run: "pending", waits: false, answered: true };
}

function reachedPairs(): Set<string> {
  const pairs = new Set<string>();
  const seen = new Set<string>();
  const open = [start];
  for (let facts = open.pop(); facts; facts = open.pop()) {
    const key = JSON.stringify(facts);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const one of next(facts)) {
      pairs.add(`${statusOf(facts)} → ${statusOf(one)}`);
      open.push(one);
    }
  }
  return pairs;
}

describe("the statuses of a turn", () => {
  const reached = reachedPairs();
  const pairs = statuses.flatMap((from) =>
    statuses.filter((to) => to !== from).map((to) => `${from} → ${to}`),
  );

  test.for(pairs)("%s", (pair) => {
    expect(reached.has(pair)).toBe(allowed.has(pair));
  });

  test("hold the thread until they are final", () => {
    expect(statuses.filter(isActive)).toEqual(["queued", "in_progress", "requires_action"]);
  });
});
