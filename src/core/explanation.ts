import type { Failure } from "./error.ts";
import type { RunEnd } from "./event.ts";
import type { RunId, ThreadId } from "./ids.ts";
import { isFinal, type Run, type RunStatus } from "./run.ts";
import type { Delivery } from "./webhook.ts";

/** Why a run is where it is, as one of a closed list. */
export type Reason =
  | "not_due" // its time has not come
  | "thread_busy" // another run of its thread comes first
  | "workers_full" // every slot is taken
  | "waiting_for_worker" // it may be taken at any moment
  | "running"
  | "worker_lost" // it is running, but its worker is silent
  | "waiting_for_input" // it has ended at an interrupt
  | "ended";

/** Why a run is pending, or how it ended, and what comes next: in fields and in sentences. */
export interface Explanation {
  runId: RunId;
  /** Null when that is not known any more. */
  threadId: ThreadId | null;
  status: RunStatus;
  reason: Reason;
  explanation: string;
  next: string;
  /** The run of the thread that must end first. */
  blockedBy: { runId: RunId; status: RunStatus } | null;
  /** When it may start, in ms since 1970; null when that has passed. */
  notBefore: number | null;
  /** 0 when it never began, or when that is not known any more. */
  attempt: number;
  lostAttempts: number;
  lease: { owner: string; expiresAt: number } | null;
  /** While it waits for a worker. `slots`: runs that one server executes at once. */
  queue: { ahead: number; running: number; slots: number } | null;
  error: Failure | null;
  /** Its webhook, as long as it has not arrived. */
  webhook: { attempts: number; nextAttemptAt: number | null; lastError: string | null } | null;
}

/** What is known of a run at one moment. */
export interface RunFacts {
  run: Run;
  now: number;
  /** Pending and running runs of its thread, oldest first; with the run itself, unless it has ended. */
  inFlight: Run[];
  lease: { owner: string; expiresAt: number } | null;
  /** Runs that workers would take before it. */
  ahead: number;
  /** Runs that are running, on all servers. */
  running: number;
  slots: number;
  attemptsMax: number;
  /** It is the last run of a thread that waits for an answer. */
  waitsForInput: boolean;
  delivery: Delivery | null;
}

export function explainRun(facts: RunFacts): Explanation {
  const { run, delivery } = facts;
  const base = {
    runId: run.runId,
    threadId: run.threadId,
    status: run.status,
    blockedBy: null,
    notBefore: null,
    attempt: run.attempt,
    lostAttempts: run.lostAttempts,
    lease: facts.lease,
    queue: null,
    error: run.error,
    webhook: delivery && {
      attempts: delivery.attempts,
      nextAttemptAt: delivery.nextAttemptAt,
      lastError: delivery.lastError,
    },
  };
  if (isFinal(run.status)) return { ...base, ...explainEnd(facts) };
  if (run.status === "running") return { ...base, ...explainRunning(facts) };
  return { ...base, ...explainPending(facts) };
}

/** A stateless run, of which only the end of its log is left. */
export function explainGone(runId: RunId, { status, error }: RunEnd): Explanation {
  const cause = error ? `: ${error.error}: ${error.message}` : ".";
  return {
    runId,
    threadId: null,
    status,
    reason: "ended",
    explanation: `The run has ended with status ${status}${cause}`,
    next: "Nothing more happens. It had a temporary thread, or was deleted, and is gone.",
    blockedBy: null,
    notBefore: null,
    attempt: 0,
    lostAttempts: 0,
    lease: null,
    queue: null,
    error,
    webhook: null,
  };
}

type Told = Pick<Explanation, "reason" | "explanation" | "next"> &
  Partial<Pick<Explanation, "blockedBy" | "notBefore" | "queue">>;

function explainPending(facts: RunFacts): Told {
  const { run, now, inFlight, ahead, running, slots } = facts;
  const again =
    run.attempt > 0
      ? ` Attempt ${run.attempt} was handed back when its server stopped; the next one continues it.`
      : "";
  if (run.notBefore > now) {
    return {
      reason: "not_due",
      explanation: `The run was asked to start no sooner than ${moment(run.notBefore)}.${again}`,
      next: "A worker takes it then, when no other run of its thread comes first.",
      notBefore: run.notBefore,
    };
  }
  const at = inFlight.findIndex((one) => one.runId === run.runId);
  const before = inFlight.filter(
    (one, place) => one.status === "running" || (place < at && one.notBefore <= now),
  );
  const [blocking] = before.toSorted((one) => (one.status === "running" ? -1 : 0));
  if (blocking) {
    const others = before.length > 1 ? `, and ${before.length - 1} more come before this one` : "";
    return {
      reason: "thread_busy",
      explanation: `Run ${blocking.runId} is ${blocking.status} on the same thread${others}.${again}`,
      next: "It starts when they have ended. Cancelling them, or the strategy interrupt, is quicker.",
      blockedBy: { runId: blocking.runId, status: blocking.status },
    };
  }
  const full = running >= slots;
  const queue = { ahead, running, slots };
  const count = `${running} runs are running, ${ahead} start before it; one server executes ${slots} at once.`;
  return {
    reason: full ? "workers_full" : "waiting_for_worker",
    explanation: `${full ? "All workers are busy" : "It waits for a worker"}: ${count}${again}`,
    next: full
      ? "It starts when a run ends. More servers, or a larger N_JOBS_PER_WORKER, make it quicker."
      : "A worker takes it at any moment. If it stays so, no server with a worker is running.",
    queue,
  };
}

function explainRunning(facts: RunFacts): Told {
  const { run, now, lease, attemptsMax } = facts;
  const attempt = `Attempt ${run.attempt}`;
  if (!lease || lease.expiresAt > now) {
    const until = lease ? ` holds it until ${moment(lease.expiresAt)} and extends that` : " has it";
    return {
      reason: "running",
      explanation: `${attempt} is running: worker ${lease?.owner ?? "unknown"}${until}.`,
      next: "It ends by itself, or is cancelled.",
    };
  }
  const left = attemptsMax - run.lostAttempts - 1;
  return {
    reason: "worker_lost",
    explanation: `${attempt} belongs to worker ${lease.owner}, which has been silent too long: its lease ended at ${moment(lease.expiresAt)}.`,
    next:
      left > 0
        ? `The next worker with a free slot continues it from its last checkpoint, as attempt ${run.attempt + 1}.`
        : `It has lost ${run.lostAttempts + 1} workers, so it ends in error when a worker looks at it.`,
  };
}

function explainEnd(facts: RunFacts): Told {
  const { run, waitsForInput } = facts;
  const webhook = explainDelivery(facts.delivery);
  if (run.status === "success" && waitsForInput) {
    return {
      reason: "waiting_for_input",
      explanation: "The run has stopped at an interrupt or a breakpoint, and its thread waits.",
      next: `A new run on the thread with a command such as {"resume": …} goes on.${webhook}`,
    };
  }
  return { reason: "ended", explanation: howEnded(run), next: `Nothing more happens.${webhook}` };
}

function howEnded(run: Run): string {
  const when = `at ${moment(run.updatedAt)}`;
  const cause = run.error ? `: ${run.error.error}: ${run.error.message}` : ".";
  switch (run.status) {
    case "success":
      return `The graph came to its end ${when}, in attempt ${run.attempt}.`;
    case "interrupted":
      return `The run was ended from outside ${when}: it was cancelled, or gave way to another run.`;
    case "timeout":
      return `The run took too long and was ended ${when}${cause}`;
    default:
      return `The run failed ${when}, in attempt ${run.attempt}${cause}`;
  }
}

function explainDelivery(delivery: Delivery | null): string {
  if (!delivery) return "";
  const { attempts, nextAttemptAt, lastError } = delivery;
  const tried = lastError ? ` It was tried ${attempts} times; the last time: ${lastError}` : "";
  return nextAttemptAt === null
    ? ` Its webhook was given up.${tried}`
    : ` Its webhook is delivered at ${moment(nextAttemptAt)}.${tried}`;
}

function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
