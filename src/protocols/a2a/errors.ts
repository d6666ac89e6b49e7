import { AdjutantError } from "../../core/error.ts";
import { WrongTaskState } from "../../core/operations/tasks.ts";
import { invalidParams, RpcError } from "../json-rpc.ts";

/** The protocol's own codes. */
const taskNotFound = -32001;
const taskNotCancelable = -32002;
const unsupportedOperation = -32004;

export function noTask(id: string): RpcError {
  return new RpcError(taskNotFound, `There is no task ${id}.`);
}

export function notCancelable(thrown: WrongTaskState): RpcError {
  return new RpcError(taskNotCancelable, thrown.message);
}

/** What a method was asked for and cannot do, in the protocol's words; all else is as it was. */
export function inRpcWords(thrown: unknown): unknown {
  if (thrown instanceof WrongTaskState) return new RpcError(unsupportedOperation, thrown.message);
  if (!(thrown instanceof AdjutantError)) return thrown;
  const { code, message } = thrown;
  return code === "invalid" || code === "not_found" ? new RpcError(invalidParams, message) : thrown;
}
