import { failureOf, LeaseLost } from "../core/error.ts";
import { beginRun } from "../core/operations/begin.ts";
import { keepDraft } from "../core/operations/drafts.ts";
import { ObservedAttempt } from "../core/operations/observe.ts";
import { releaseRun, settleRun } from "../core/operations/settle.ts";
import type { MessageGap } from "../core/message.ts";
import type { DriveResult } from "../core/ports/graphs.ts";
import type { Ports } from "../core/ports/ports.ts";
import type { Attempt, Outcome, Run } from "../core/run.ts";
import type { StateSummary } from "../core/thread.ts";
import { runFields } from "../core/trace-context.ts";
import { expiredErrorName, turnNotes } from "../core/turn.ts";

/**
 * Why an attempt is stopped before its graph stops by itself. `ended`: the run was cancelled, rolled
 * back or deleted, or another worker holds it; there is nothing left to write.
 */
export type StopReason = "ended" | "timeout" | "expired" | "shutdown";

/**
 * One attempt at a run by this worker. A stop does not wait for user code: the attempt is let go at
 * once, and what a node that ignores its signal still does is refused by the fence.
 */
export class Execution {
  readonly attempt: Attempt;
  /** Resolves when the worker may take another run; never rejects. */
  readonly done: Promise<void>;
  readonly #ports: Ports;
  readonly #run: Run;
  readonly #abort = new AbortController();
  readonly #observed: ObservedAttempt;

  constructor(ports: Ports, run: Run, takenOver = false) {
    this.#ports = ports;
    this.#run = run;
    this.#observed = new ObservedAttempt(ports, run, takenOver);
    this.attempt = { runId: run.runId, attempt: run.attempt };
    this.done = this.#execute();
  }

  stop(reason: StopReason): void {
    this.#abort.abort(reason);
  }

  async #execute(): Promise<void> {
    using observed = this.#observed;
    const { limits, log, clock } = this.#ports;
    log.debug(runFields(this.#run), "an attempt at a run begins");
    const { deadline } = this.#run.request;
    const remainingMs = deadline === undefined ? Infinity : Math.max(deadline - clock.now(), 0);
    const expires = remainingMs < limits.runTimeoutMs;
    const timer = setTimeout(
      () => this.stop(expires ? "expired" : "timeout"),
      expires ? remainingMs : limits.runTimeoutMs,
    );
    try {
      const stopped = new Promise<null>((resolve) => {
        this.#abort.signal.addEventListener("abort", () => resolve(null), { once: true });
      });
      const ended = await Promise.race([this.#drive(), stopped]);
      if (ended) await this.#settle(ended.outcome, ended.result);
      else await this.#letGo(this.#abort.signal.reason as StopReason);
    } catch (thrown) {
      if (thrown instanceof LeaseLost) return observed.end("lease lost");
      observed.end("not stored", thrown);
      log.error({ ...runFields(this.#run), error: thrown }, "the end of a run could not be stored");
    } finally {
      clearTimeout(timer);
      this.#abort.abort("ended");
    }
  }

  /** Null when the attempt was let go meanwhile. */
  async #drive(): Promise<{ outcome: Outcome; result: DriveResult | null } | null> {
    const { events, graphs, limits, tracing } = this.#ports;
    const { signal } = this.#abort;
    const { runId, attempt, lostAttempts } = this.#run;
    if (lostAttempts >= limits.attemptsMax) {
      await this.#keepDraft("run_failed");
      return { outcome: lostTooOften(this.#run), result: null };
    }
    try {
      await beginRun(this.#ports, this.#run);
      if (this.#run.request.resumable) events.keep(runId);
      const metadata = JSON.stringify({ run_id: runId, attempt });
      events.append(this.attempt, [{ name: "metadata", data: metadata }]);
      const { span } = this.#observed;
      const trace = span && tracing ? { trace: { tracing, span } } : {};
      const drive = graphs.drive({ run: this.#run, signal, ...trace });
      const step = () => drive.next();
      for (;;) {
        const next = await this.#observed.within(step);
        if (signal.aborted) return null;
        if (next.done) return { outcome: { status: "success" }, result: next.value };
        events.append(this.attempt, [next.value]);
      }
    } catch (thrown) {
      if (signal.aborted) return null;
      if (thrown instanceof LeaseLost) throw thrown;
      this.#observed.end("error", thrown);
      return { outcome: { status: "error", error: failureOf(thrown) }, result: null };
    }
  }

  async #settle(outcome: Outcome, result: DriveResult | null): Promise<void> {
    await settleRun(this.#ports, {
      run: this.#run,
      attempt: this.attempt,
      outcome,
      summary: result?.summary ?? (await this.#storedSummary()),
      values: result?.values ?? null,
    });
    this.#observed.end(outcome.status);
    const { log } = this.#ports;
    const fields = { ...runFields(this.#run), status: outcome.status };
    if (outcome.status === "error")
      log.warn({ ...fields, ...outcome.error }, "a run ended in error");
    else log.debug(fields, "a run ended");
  }

  /** What the graph left before it failed. Null when it cannot be read; the thread's row then stays. */
  async #storedSummary(): Promise<StateSummary | null> {
    const thread = await this.#ports.storage.threads.get(this.#run.threadId);
    return thread && (await this.#ports.graphs.summary(thread).catch(() => null));
  }

  async #letGo(reason: StopReason): Promise<void> {
    this.#observed.end(reason);
    if (reason === "shutdown") await releaseRun(this.#ports, this.#run, this.attempt);
    if (reason === "expired") {
      await this.#keepDraft("run_expired");
      const message = "The run did not come to its end before it expired.";
      await this.#settle({ status: "timeout", error: { error: expiredErrorName, message } }, null);
    }
    if (reason !== "timeout") return;
    await this.#keepDraft("run_failed");
    const seconds = this.#ports.limits.runTimeoutMs / 1000;
    const message = `The run took longer than ${seconds} seconds, which is this server's limit.`;
    await this.#settle({ status: "timeout", error: { error: "TimeoutError", message } }, null);
  }

  /** Of a turn, while the attempt still holds the run: the answer is there before its end is told. */
  async #keepDraft(reason: MessageGap): Promise<void> {
    if (!turnNotes(this.#run.metadata)) return;
    await keepDraft(this.#ports, this.#run, reason, this.attempt);
  }
}

function lostTooOften(run: Run): Outcome {
  const message =
    `The server died or lost the run ${run.lostAttempts} times while working on it. ` +
    "It is not tried again, since the run itself may be the cause.";
  return { status: "error", error: { error: "AttemptsExhausted", message } };
}
