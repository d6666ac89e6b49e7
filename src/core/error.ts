/**
 * Everything that can be wrong with a request, as a short closed list. Each dialect has one table
 * from code to status and body; any other exception is internal.
 */
export type ErrorCode =
  | "malformed" // cannot be read at all: broken JSON, an id that is none
  | "invalid" // can be read, breaks a rule of the schema or of the graph
  | "unauthenticated" // nobody knows who asks
  | "forbidden" // known who asks, who may not
  | "not_found"
  | "conflict" // exists already, or is in a state that does not allow this
  | "thread_busy" // a run holds the thread
  | "too_large"
  | "unavailable"; // the server cannot do this now: shutting down, queue full

export class AdjutantError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "AdjutantError";
    this.code = code;
  }
}

export function notFound(message: string): AdjutantError {
  return new AdjutantError("not_found", message);
}

export function invalid(message: string): AdjutantError {
  return new AdjutantError("invalid", message);
}

export function conflict(message: string): AdjutantError {
  return new AdjutantError("conflict", message);
}

/** The attempt that writes is no longer the one that holds the run: nothing was written. */
export class LeaseLost extends Error {
  constructor(runId: string, attempt: number) {
    super(`Attempt ${attempt} of run ${runId} no longer holds the run.`);
    this.name = "LeaseLost";
  }
}

/** A checkpoint named items that were freed since they were read: nothing was written. */
export class SpansFreed extends Error {
  constructor(threadId: string) {
    super(`Items of thread ${threadId} were freed since they were read. Store them again.`);
    this.name = "SpansFreed";
  }
}

/** Another branch or copy has gone on with the same lineage: nothing was written. */
export class LineageTaken extends Error {
  constructor() {
    super("A position of the lineage is taken. Go on in a lineage of its own.");
    this.name = "LineageTaken";
  }
}

/** The thread has gone on since an edit looked at it: nothing was written. */
export class HeadMoved extends Error {
  constructor(threadId: string) {
    super(`Thread ${threadId} has a newer checkpoint than the one to go on from. Read it again.`);
    this.name = "HeadMoved";
  }
}

/** How a failure is told to clients: the class and message of what was thrown, never its stack. */
export interface Failure {
  error: string;
  message: string;
}

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Error || isErrorLike(thrown)) {
    return { error: className(thrown), message: thrown.message };
  }
  return { error: "Error", message: String(thrown) };
}

/** Many libraries' errors keep the name `Error` and say what they are only by their class. */
function className(thrown: Error): string {
  if (thrown.name && thrown.name !== "Error") return thrown.name;
  return thrown.constructor?.name || "Error";
}

/** Errors of another realm or of another copy of a library are no `instanceof Error`. */
function isErrorLike(thrown: unknown): thrown is Error {
  return (
    typeof thrown === "object" &&
    thrown !== null &&
    typeof (thrown as { message?: unknown }).message === "string"
  );
}
