import { isObject } from "../../../core/json.ts";
import {
  callsOf,
  notesOf,
  type FunctionCall,
  type MessageGap,
  type MessageNotes,
  type StoredMessage,
} from "../../../core/message.ts";
import { isActive, type Turn } from "../../../core/turn.ts";
import { encodeId, hashedUuid } from "../ids.ts";
import { optionalSeconds, seconds } from "./common.ts";
import { shownMessages } from "./messages.ts";
import { lastError, usageOf, type Usage } from "./runs.ts";

export type StepStatus = "in_progress" | "completed" | "failed" | "cancelled" | "expired";

/** The id follows from the message, so that a step is the same for those who stream and who list. */
export function stepId(messageId: string, kind: "message" | "calls"): string {
  return encodeId("step", hashedUuid(`${messageId}:${kind}`));
}

export type RunStep = ReturnType<typeof presentStep>;

/**
 * Oldest first: for each answer of the model a step for what it said and one for what it called. The
 * answer's usage is known at its end, and so belongs to the later of the two.
 */
export function presentSteps(turn: Turn): RunStep[] {
  const outputs = outputsOf(turn);
  return turn.messages
    .filter((message) => message.type === "ai")
    .flatMap((message) => {
      const usage = usageOf([message]);
      const calls = callsOf(message);
      const isLast = calls.length === 0;
      const said = shownMessages(message).map((shown) =>
        messageStep(turn, shown, isLast ? usage : noUsage),
      );
      return isLast ? said : [...said, callsStep(turn, { message, calls, outputs, usage })];
    });
}

/**
 * The step of what was said after the calls that a turn has just had answered. It could not be told before: clients
 * insist on one open step at a time, and that of the calls is open until they are answered.
 */
export function stepsAfterCalls(turn: Turn): RunStep[] {
  const asking = turn.messages.findLast((message) => message.type === "ai");
  if (!asking || callsOf(asking).length === 0) return [];
  const shown = shownMessages(asking).filter(({ id }) => wasSaidAfterCalls(asking, id));
  const ids = new Set(shown.map(({ id }) => stepId(id, "message")));
  return presentSteps(turn).filter(({ id }) => ids.has(id));
}

function wasSaidAfterCalls(stored: StoredMessage, shownId: string): boolean {
  return shownId !== stored.id || notesOf(stored).said_at === undefined;
}

const noUsage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

function messageStep(turn: Turn, message: StoredMessage, usage: Usage): RunStep {
  const notes = notesOf(message);
  const createdAt = notes.created_at ?? turn.runs[0]!.createdAt;
  return presentStep(turn, {
    id: stepId(message.id, "message"),
    createdAt,
    status: messageStepStatus(notes),
    endedAt: notes.said_at ?? notes.completed_at ?? createdAt,
    usage,
    details: messageDetails(message.id),
  });
}

/** A message that was broken off ends its step so; one that only ran out of tokens completes it. */
function messageStepStatus(notes: MessageNotes): StepStatus {
  if (notes.said_at !== undefined) return "completed";
  if (notes.turn_id !== undefined && !notes.completed_at) return "in_progress";
  return (notes.incomplete && brokenOff[notes.incomplete]) ?? "completed";
}

const brokenOff: Partial<Record<MessageGap, StepStatus>> = {
  run_cancelled: "cancelled",
  run_expired: "expired",
  run_failed: "failed",
};

function callsStep(
  turn: Turn,
  params: {
    message: StoredMessage;
    calls: FunctionCall[];
    outputs: Map<string, { output: string; at: number }>;
    usage: Usage;
  },
): RunStep {
  const { message, calls, outputs } = params;
  const given = calls.map(({ id }) => outputs.get(id));
  const isAnswered = given.every((one) => one !== undefined);
  const createdAt = notesOf(message).created_at ?? turn.runs[0]!.createdAt;
  const status = isAnswered ? "completed" : unansweredStatus(turn);
  return presentStep(turn, {
    id: stepId(message.id, "calls"),
    createdAt,
    status,
    endedAt: isAnswered ? Math.max(...given.map((one) => one!.at)) : turn.endedAt,
    usage: params.usage,
    details: callDetails(
      turn,
      calls.map((call, at) => ({ ...call, output: given[at]?.output ?? null })),
    ),
  });
}

function unansweredStatus({ status }: Turn): StepStatus {
  if (isActive(status)) return "in_progress";
  if (status === "cancelled" || status === "expired" || status === "failed") return status;
  return "completed";
}

/** Also of outputs that have been submitted and not yet been taken up. */
function outputsOf(turn: Turn): Map<string, { output: string; at: number }> {
  const outputs = new Map<string, { output: string; at: number }>();
  for (const run of turn.runs) {
    const resumed = run.request.command?.resume;
    const given = isObject(resumed) && Array.isArray(resumed["outputs"]) ? resumed["outputs"] : [];
    for (const one of given.filter(isObject)) {
      outputs.set(String(one["tool_call_id"]), {
        output: String(one["output"]),
        at: run.createdAt,
      });
    }
  }
  for (const message of turn.messages) {
    if (message.tool_call_id === undefined || outputs.has(message.tool_call_id)) continue;
    const output = typeof message.content === "string" ? message.content : "";
    const at = notesOf(message).created_at ?? turn.runs[0]!.createdAt;
    outputs.set(message.tool_call_id, { output, at });
  }
  return outputs;
}

export function messageDetails(messageId: string) {
  return {
    type: "message_creation" as const,
    message_creation: { message_id: encodeId("msg", messageId) },
  };
}

export function callDetails(turn: Turn, calls: (FunctionCall & { output: string | null })[]) {
  return {
    type: "tool_calls" as const,
    tool_calls: calls.map(({ id, name, arguments: args, output }) => {
      const kind = toolKind(turn, name);
      if (kind === "function")
        return { id, type: kind, function: { name, arguments: args, output } };
      if (kind === "file_search") return { id, type: kind, file_search: {} };
      return { id, type: kind, code_interpreter: { input: inputOf(args), outputs: [] } };
    }),
  };
}

/** The server's own tools are called by their kind; a function of the client's may have the name too. */
export function toolKind(
  turn: Turn,
  name: string,
): "function" | "file_search" | "code_interpreter" {
  if (name !== "file_search" && name !== "code_interpreter") return "function";
  const { tools } = turn.runs[0]!.request.context;
  const kinds = Array.isArray(tools) ? tools.map((tool) => isObject(tool) && tool["type"]) : [];
  return kinds.includes(name) ? name : "function";
}

function inputOf(args: string): string {
  try {
    const parsed: unknown = JSON.parse(args);
    return isObject(parsed) ? String(parsed["input"] ?? "") : args;
  } catch {
    return args;
  }
}

export type StepDetails = ReturnType<typeof messageDetails> | ReturnType<typeof callDetails>;

export function presentStep(
  turn: Turn,
  step: {
    id: string;
    createdAt: number;
    status: StepStatus;
    endedAt: number | null;
    usage: Usage | null;
    details: StepDetails;
  },
) {
  const { status, details } = step;
  const first = turn.runs[0]!;
  const endedAt = status === "in_progress" ? null : optionalSeconds(step.endedAt);
  const at = (wanted: StepStatus) => (status === wanted ? endedAt : null);
  return {
    id: step.id,
    object: "thread.run.step" as const,
    created_at: seconds(step.createdAt),
    run_id: encodeId("run", turn.turnId),
    assistant_id: encodeId("asst", first.assistantId),
    thread_id: encodeId("thread", first.threadId),
    type: details.type,
    status,
    step_details: details,
    last_error: status === "failed" ? lastError(turn) : null,
    expires_at: status === "in_progress" ? optionalSeconds(turn.expiresAt) : null,
    expired_at: at("expired"),
    cancelled_at: at("cancelled"),
    failed_at: at("failed"),
    completed_at: at("completed"),
    metadata: {},
    usage: status === "in_progress" ? null : step.usage,
  };
}
