import { z } from "zod";
import { isUuid, type ThreadId } from "../../core/ids.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import type { Answer } from "../../core/operations/tasks.ts";
import { describeIssues } from "../issues.ts";
import { invalidParams, RpcError } from "../json-rpc.ts";
import type { Headers } from "../route.ts";
import { partSchema, readPart, toContent, type Part } from "./parts.ts";
import type { HistoryWish } from "./view.ts";

/** Parameters of either family; what proto JSON leaves out and what it sends empty mean the same. */

const historyLengthMax = 10;

const scope = z.enum(["context", "task"]).optional();
const historyLength = z.int().min(0).max(historyLengthMax).optional();
const historyWish = { historyScope: scope, historyLength };

export const sendParams = z.looseObject({
  message: z.looseObject({
    messageId: z.string().min(1),
    role: z.enum(["user", "ROLE_USER"]).optional(),
    parts: z.array(partSchema).min(1),
    contextId: z.string().optional(),
    taskId: z.string().optional(),
  }),
  configuration: z
    .looseObject({
      ...historyWish,
      /** Of 0.3. */
      blocking: z.boolean().optional(),
      /** Of 1.0. */
      returnImmediately: z.boolean().optional(),
    })
    .nullish(),
  historyScope: scope,
});
export const getParams = z.looseObject({ id: z.string(), ...historyWish });
export const cancelParams = z.looseObject({ id: z.string(), historyScope: scope });

const pageSizeMax = 100;
export const listParams = z.looseObject({
  contextId: z.string().optional(),
  status: z.string().optional(),
  pageSize: z.int().min(0).max(pageSizeMax).optional(),
  pageToken: z.string().regex(/^\d*$/).optional(),
  includeArtifacts: z.boolean().optional(),
  ...historyWish,
});

/** @throws RpcError */
export function readParams<Params>(schema: z.ZodType<Params>, params: unknown): Params {
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  throw wrongParams(describeIssues(parsed.error.issues, "params"));
}

export function wrongParams(message: string): RpcError {
  return new RpcError(invalidParams, message);
}

/** The nearest wish counts: of the call, then of the header. @throws RpcError */
export function readHistoryWish(
  given: { historyScope?: HistoryWish["scope"] | undefined; historyLength?: number | undefined },
  headers: Headers,
): HistoryWish {
  const header = headers["langgraph-a2a-history-scope"];
  const parsed = scope.safeParse(header === undefined ? undefined : String(header));
  if (!parsed.success) {
    throw wrongParams("Invalid header `LangGraph-A2A-History-Scope`: expected context or task.");
  }
  return {
    scope: given.historyScope ?? parsed.data ?? "context",
    length: given.historyLength ?? historyLengthMax,
  };
}

/** Null: none is named. @throws RpcError */
export function readContextId(id: string | undefined): ThreadId | null {
  if (!id) return null;
  if (!isUuid(id)) throw wrongParams("Invalid params: `contextId` must be a UUID.");
  return id.toLowerCase() as ThreadId;
}

export function readParts(message: z.infer<typeof sendParams>["message"]): Part[] {
  return message.parts.map((part, at) => readPart(part, at));
}

/**
 * A graph's input: text and files are a message of the person's, the keys of data are those of the input.
 * @throws RpcError for data that has no keys
 */
export function inputOf(parts: Part[], messageId: string): JsonObject {
  const input: JsonObject = {};
  const said = [];
  for (const part of parts) {
    if (part.kind !== "data") said.push(part);
    else if (isObject(part.data)) Object.assign(input, part.data);
    else throw wrongParams("A data part must be an object: its keys are the graph's input.");
  }
  if (said.length === 0) return input;
  const message = { type: "human", id: messageId, content: toContent(said) };
  const before = Array.isArray(input["messages"]) ? input["messages"] : [];
  return { ...input, messages: [...before, message] };
}

/**
 * The answer to what a task waits for: `{resume: [{id, value}]}` answers by id, other data and text are
 * the answer itself. @throws RpcError
 */
export function answerOf(parts: Part[]): Answer {
  const [data, ...more] = parts.flatMap((part) => (part.kind === "data" ? [part.data] : []));
  if (data === undefined) {
    return { value: toContent(parts.filter((part) => part.kind !== "data")) };
  }
  if (more.length > 0) throw wrongParams("An answer is one data part; put them into one.");
  if (!isObject(data) || !("resume" in data)) return { value: data };
  const { resume } = data;
  if (!Array.isArray(resume)) return { value: resume! };
  const answers = resume.map((one) => {
    if (isObject(one) && typeof one["id"] === "string" && "value" in one) {
      return [one["id"], one["value"]!] as const;
    }
    throw wrongParams("`resume` must be a list of {id, value}, one for each interrupt.");
  });
  return { byId: Object.fromEntries(answers) };
}
