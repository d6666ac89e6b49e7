import type { z } from "zod";
import { AdjutantError, type ErrorCode } from "../../../core/error.ts";
import { UnknownInterruptError } from "../../../core/interrupt.ts";
import { describeIssues } from "../../issues.ts";

/** Specification 6.2. */
export const errorCodes = [
  "invalid_argument",
  "unknown_command",
  "unknown_error",
  "no_such_run",
  "no_such_subscription",
  "no_such_namespace",
  "no_such_interrupt",
  "no_such_checkpoint",
  "permission_denied",
  "not_supported",
] as const;

export type ProtocolErrorCode = (typeof errorCodes)[number];

export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }
}

/** What protocol v2 calls our errors. `internal` ones are no answer: they pass on as they are. */
const codes: Record<ErrorCode, ProtocolErrorCode> = {
  malformed: "invalid_argument",
  invalid: "invalid_argument",
  unauthenticated: "permission_denied",
  forbidden: "permission_denied",
  not_found: "no_such_run",
  conflict: "invalid_argument",
  thread_busy: "invalid_argument",
  too_large: "invalid_argument",
  unavailable: "unknown_error",
};

export interface CommandResult {
  result: object;
  /** The number of the last event before what the command did. */
  appliedThrough: number;
}

export interface CommandFailure {
  type: "error";
  id: number | null;
  error: ProtocolErrorCode;
  message: string;
}

export function presentResult(
  id: number,
  { result, appliedThrough }: CommandResult,
  threadId: string,
) {
  const meta = { thread_id: threadId, applied_through_seq: appliedThrough };
  return { type: "success", id, result, meta };
}

/** Errors of the protocol are answers with status 200. @throws what is none */
export function presentFailure(id: number | null, thrown: unknown): CommandFailure {
  const { message } = thrown as Error;
  if (thrown instanceof ProtocolError) return { type: "error", id, error: thrown.code, message };
  if (thrown instanceof UnknownInterruptError) {
    return { type: "error", id, error: "no_such_interrupt", message };
  }
  if (!(thrown instanceof AdjutantError)) throw thrown;
  return { type: "error", id, error: codes[thrown.code], message };
}

/** @throws ProtocolError invalid_argument */
export function readParams<Schema extends z.ZodType>(
  schema: Schema,
  params: unknown,
): z.output<Schema> {
  const read = schema.safeParse(params);
  if (read.success) return read.data;
  const { issues } = read.error;
  // Sentences of the protocol stand as they are.
  const said = issues.find(({ message }) => /^(run|input)\.\w+ /.test(message));
  throw new ProtocolError("invalid_argument", said?.message ?? describeIssues(issues, "params"));
}
