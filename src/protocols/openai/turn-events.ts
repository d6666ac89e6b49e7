import { draftMessage, DraftReader, type Draft, type DraftAddition } from "../../core/draft.ts";
import type { RunEvent } from "../../core/event.ts";
import {
  callsOf,
  laterBreak,
  notesOf,
  textOfContent,
  type MessageGap,
  type StoredMessage,
} from "../../core/message.ts";
import type { Clock } from "../../core/ports/ports.ts";
import type { Turn, TurnStatus } from "../../core/turn.ts";
import { encodeId } from "./ids.ts";
import { laterId, laterMessage, presentMessage, shownMessages } from "./wire/messages.ts";
import { presentRun, type RunStatusWord } from "./wire/runs.ts";
import {
  callDetails,
  presentSteps,
  stepId,
  stepsAfterCalls,
  toolKind,
  type StepStatus,
} from "./wire/steps.ts";

export interface OpenaiEvent {
  name: string;
  data: unknown;
}

/** An answer of the model, and how much of it has been told. */
interface Telling {
  draft: Draft;
  /** The answer's text as a message; the second, when the model has spoken again after its calls. */
  message: MessageTelling;
  callsStepId: string;
  /** For each call, the length of the arguments. */
  calls: number[];
  /**
   * At most one step may be open. That of the calls comes after that of the text, unless the model speaks after its
   * calls: then the message has no step in this stream while the calls wait for their outputs.
   */
  callsStep: "none" | "open";
  /** Steps that could not be told. */
  owed: string[];
}

interface MessageTelling {
  id: string;
  /** As clients see it: it is in every delta. */
  shownId: string;
  /** Characters. */
  told: number;
  state: "none" | "open" | "closed";
}

/**
 * Makes the events of one run of a turn out of its log, in the order that clients insist on
 * (specification 3.3 and 3.5): one step open at a time, one message open at a time, ids and names
 * once. Whoever calls back finds what is announced: of an answer that is being written the log is
 * what is asked for, and its end is told when it is stored.
 */
export class TurnEvents {
  #turn: Turn;
  readonly #clock: Clock;
  /** Messages that were there before this run. */
  readonly #known: Set<string>;
  readonly #reader = new DraftReader();
  #telling: Telling | null = null;
  #isRunning = false;

  constructor(turn: Turn, clock: Clock) {
    this.#turn = turn;
    this.#clock = clock;
    this.#known = new Set(turn.messages.map(({ id }) => id));
  }

  *begin(): Generator<OpenaiEvent> {
    if (this.#turn.runs.length === 1) {
      yield this.#run("created", "queued");
    } else {
      // The calls that have just been answered, of the stream before this one.
      const answered = presentSteps(this.#turn).at(-1);
      const steps = [...(answered ? [answered] : []), ...stepsAfterCalls(this.#turn)];
      for (const data of steps) yield { name: `thread.run.step.${data.status}`, data };
    }
    yield this.#run("queued", "queued");
  }

  *onEvent(event: RunEvent): Generator<OpenaiEvent> {
    if (event.name === "metadata") yield* this.#onAttempt();
    const addition = this.#reader.add(event);
    if (!addition || this.#known.has(addition.draft.id)) return;
    if (this.#telling?.draft !== addition.draft) {
      yield* this.#breakOff("failed");
      this.#telling = newTelling(addition.draft, this.#clock.now());
    }
    yield* this.#onAddition(this.#telling!, addition);
  }

  *end(turn: Turn): Generator<OpenaiEvent> {
    this.#turn = turn;
    yield* this.#onAttempt();
    const { status } = turn;
    if (status === "cancelled") yield this.#run("cancelling", "cancelling");
    for (const message of turn.messages) {
      if (message.type !== "ai" || this.#known.has(message.id)) continue;
      yield* this.#finish(message);
      this.#known.add(message.id);
    }
    yield* this.#breakOff(status);
    // Whoever follows a run that a client of the other API took on sees how far it came.
    yield this.#run(status, status);
  }

  *#onAttempt(): Generator<OpenaiEvent> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    yield this.#run("in_progress", "in_progress");
  }

  *#onAddition(telling: Telling, { text, calls }: DraftAddition): Generator<OpenaiEvent> {
    if (text !== "") yield* this.#onText(telling, text);
    if (calls.length === 0) return;
    if (telling.message.state === "open" && telling.callsStep === "none") {
      yield* this.#closeMessage(telling, draftMessage(telling.draft));
    }
    for (const call of calls) yield* this.#call(telling, call.at, call.arguments);
  }

  *#onText(telling: Telling, text: string): Generator<OpenaiEvent> {
    if (telling.message.state !== "closed") return yield* this.#say(telling, text);
    // Without the note it is one message for all who list, whose text was complete: another graph wrote it.
    if (!telling.draft.notes.later) return;
    telling.message = newMessage(laterId(telling.draft.id));
    yield* this.#say(telling, text.slice(laterBreak.length));
  }

  *#say(telling: Telling, value: string): Generator<OpenaiEvent> {
    yield* this.#openMessage(telling);
    const { message } = telling;
    const text = message.told === 0 ? { value, annotations: [] } : { value };
    message.told += value.length;
    yield {
      name: "thread.message.delta",
      data: {
        id: message.shownId,
        object: "thread.message.delta",
        delta: { content: [{ index: 0, type: "text", text }] },
      },
    };
  }

  *#openMessage(telling: Telling): Generator<OpenaiEvent> {
    const { message, draft } = telling;
    if (message.state !== "none") return;
    message.state = "open";
    const { later: _, ...notes } = draft.notes;
    const begun =
      message.id === draft.id
        ? draftMessage({ ...draft, notes, text: "", calls: [] })
        : { ...laterMessage(draftMessage(draft)), content: "" };
    if (telling.callsStep === "none") yield* this.#openStep(begun, stepId(begun.id, "message"));
    const data = this.#message(begun);
    yield { name: "thread.message.created", data };
    yield { name: "thread.message.in_progress", data };
  }

  /** `message` as it is stored, or as the log has it when calls follow. */
  *#closeMessage(telling: Telling, message: StoredMessage): Generator<OpenaiEvent> {
    const { id } = telling.message;
    telling.message.state = "closed";
    const data = this.#message(shownMessages(message).find((shown) => shown.id === id) ?? message);
    yield { name: `thread.message.${data.status}`, data };
    const step = stepId(id, "message");
    if (telling.callsStep === "none") yield* this.#endStep(message, step);
    else telling.owed.push(step);
  }

  *#call(telling: Telling, at: number, args: string): Generator<OpenaiEvent> {
    const { name, id } = telling.draft.calls[at]!;
    if (telling.callsStep === "none") {
      telling.callsStep = "open";
      const begun = draftMessage({
        ...telling.draft,
        text: "",
        calls: [{ id, name, arguments: "" }],
      });
      yield* this.#openStep(begun, telling.callsStepId);
    }
    if (telling.calls[at] === undefined) {
      telling.calls[at] = 0;
      const call = { id, name, arguments: "", output: null };
      const [presented] = callDetails(this.#turn, [call]).tool_calls;
      yield this.#callDelta(telling, { index: at, ...presented });
    }
    telling.calls[at]! += args.length;
    const type = toolKind(this.#turn, name);
    if (args === "" || type !== "function") return;
    yield this.#callDelta(telling, { index: at, type, function: { arguments: args } });
  }

  #callDelta(telling: Telling, call: object): OpenaiEvent {
    return {
      name: "thread.run.step.delta",
      data: {
        id: telling.callsStepId,
        object: "thread.run.step.delta",
        delta: { step_details: { type: "tool_calls", tool_calls: [call] } },
      },
    };
  }

  *#openStep(message: StoredMessage, id: string): Generator<OpenaiEvent> {
    const step = this.#steps(message).find((one) => one.id === id)!;
    const data =
      step.type === "tool_calls"
        ? { ...step, step_details: { type: step.type, tool_calls: [] } }
        : step;
    yield { name: "thread.run.step.created", data };
    yield { name: "thread.run.step.in_progress", data };
  }

  /** A message that is stored: whatever of it has not been told yet, then its end. */
  *#finish(message: StoredMessage): Generator<OpenaiEvent> {
    if (this.#telling && this.#telling.draft.id !== message.id) yield* this.#breakOff("failed");
    const calls = callsOf(message);
    const text = textOfContent(message.content);
    const draft: Draft = { id: message.id, notes: notesOf(message), text, calls };
    const telling = this.#telling ?? newTelling(draft, this.#clock.now());
    telling.draft = draft;
    yield* this.#finishText(telling, message);
    for (const [at, { arguments: args }] of calls.entries()) {
      const told = telling.calls[at];
      if (told === undefined || told < args.length) {
        yield* this.#call(telling, at, args.slice(told ?? 0));
      }
    }
    if (telling.callsStep === "open") {
      const ended = [...this.#endStep(message, telling.callsStepId)];
      yield* ended;
      if (ended.length > 0) yield* this.#oweNothing(telling, message);
    }
    this.#telling = null;
  }

  *#finishText(telling: Telling, message: StoredMessage): Generator<OpenaiEvent> {
    const all = shownMessages(message);
    const at = all.findIndex(({ id }) => id === telling.message.id);
    for (const shown of all.slice(Math.max(0, at))) {
      if (telling.message.id !== shown.id) telling.message = newMessage(shown.id);
      if (telling.message.state === "closed") continue;
      const rest = textOfContent(shown.content).slice(telling.message.told);
      if (rest !== "") yield* this.#say(telling, rest);
      yield* this.#openMessage(telling);
      yield* this.#closeMessage(telling, message);
    }
  }

  *#oweNothing(telling: Telling, message: StoredMessage): Generator<OpenaiEvent> {
    for (const id of telling.owed.splice(0)) yield* this.#endStep(message, id);
  }

  /** A step that waits for its client stays open. */
  *#endStep(message: StoredMessage, id: string): Generator<OpenaiEvent> {
    const step = this.#steps(message).find((one) => one.id === id);
    if (!step || step.status === "in_progress") return;
    yield { name: `thread.run.step.${step.status}`, data: step };
  }

  /** What was being written and never came to be stored. */
  *#breakOff(status: TurnStatus): Generator<OpenaiEvent> {
    const telling = this.#telling;
    this.#telling = null;
    if (!telling) return;
    const how = brokenOff[status] ?? brokenOff.failed!;
    const message = draftMessage(telling.draft, {
      completed_at: this.#clock.now(),
      incomplete: how.reason,
    });
    if (telling.message.state === "open") yield* this.#closeMessage(telling, message);
    if (telling.callsStep !== "open") return;
    const step = this.#steps(message).find(({ id }) => id === telling.callsStepId)!;
    yield { name: `thread.run.step.${how.step}`, data: { ...step, status: how.step } };
    yield* this.#oweNothing(telling, message);
  }

  #message(message: StoredMessage) {
    const { threadId } = this.#turn.runs[0]!;
    const createdAt = notesOf(message).created_at ?? this.#clock.now();
    return presentMessage(message, threadId, createdAt);
  }

  /** Of the turn as clients know it with this message. */
  #steps(message: StoredMessage) {
    const { messages } = this.#turn;
    const isStored = messages.some(({ id }) => id === message.id);
    return presentSteps(
      isStored ? this.#turn : { ...this.#turn, messages: [...messages, message] },
    );
  }

  #run(event: string, status: RunStatusWord): OpenaiEvent {
    return { name: `thread.run.${event}`, data: presentRun(this.#turn, status) };
  }
}

const brokenOff: Partial<Record<TurnStatus, { reason: MessageGap; step: StepStatus }>> = {
  cancelled: { reason: "run_cancelled", step: "cancelled" },
  expired: { reason: "run_expired", step: "expired" },
  failed: { reason: "run_failed", step: "failed" },
};

function newTelling(draft: Draft, now: number): Telling {
  draft.notes.created_at ??= now;
  return {
    draft,
    message: newMessage(draft.id),
    callsStepId: stepId(draft.id, "calls"),
    calls: [],
    callsStep: "none",
    owed: [],
  };
}

function newMessage(id: string): MessageTelling {
  return { id, shownId: encodeId("msg", id), told: 0, state: "none" };
}
