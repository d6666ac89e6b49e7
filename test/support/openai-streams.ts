import type OpenAI from "openai";
import type { AssistantStream } from "openai/lib/AssistantStream";
import { onTestFinished } from "vitest";
import type { Limits } from "../../src/core/limits.ts";
import { openOpenaiServer, type OpenaiServer } from "./openai.ts";
import type { Script } from "./scripted-server.ts";

type Beta = OpenAI["beta"];
export type Event = OpenAI.Beta.AssistantStreamEvent;

/** A server with an assistant that has two functions and the code interpreter. */
export interface Assistance extends AsyncDisposable {
  server: OpenaiServer;
  beta: Beta;
  assistantId: string;
  /** A thread with one message of the user's, and a run on it that is streamed. */
  ask(): AssistantStream;
  /** Goes on with a run that waits. */
  answer(run: { id: string; thread_id: string }, outputs: Record<string, string>): AssistantStream;
}

export async function openAssistance(
  script: Script,
  limits: Partial<Limits> = {},
): Promise<Assistance> {
  const server = await openOpenaiServer({ script, limits });
  const { beta } = server.client;
  const functions = ["look_up", "add"].map((name) => ({
    type: "function" as const,
    function: { name },
  }));
  const { id: assistantId } = await beta.assistants.create({
    model: "gpt-4o",
    tools: [...functions, { type: "code_interpreter" }],
  });
  return {
    server,
    beta,
    assistantId,
    ask: () => beta.threads.createAndRunStream({ assistant_id: assistantId, thread: greeting }),
    answer: (run, outputs) =>
      beta.threads.runs.submitToolOutputsStream(run.id, {
        thread_id: run.thread_id,
        tool_outputs: Object.entries(outputs).map(([tool_call_id, output]) => ({
          tool_call_id,
          output,
        })),
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(server[Symbol.asyncDispose]()),
  };
}

/** The same for the test that runs, which ends it. */
export async function openForTest(
  script: Script,
  limits: Partial<Limits> = {},
): Promise<Assistance> {
  const assistance = await openAssistance(script, limits);
  onTestFinished(() => assistance[Symbol.asyncDispose]());
  return assistance;
}

const greeting = { messages: [{ role: "user" as const, content: "안녕" }] };

/** All events, as the client hands them on after its own checks. */
export async function collect(stream: AssistantStream): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** Names of events without `thread.`, with runs of deltas as one. */
export function names(events: Event[]): string[] {
  return events
    .map(({ event }) => event.replace(/^thread\./, ""))
    .filter((name, at, all) => !name.endsWith("delta") || all[at - 1] !== name);
}

/** What the events of a name say. */
export function dataOf<Name extends Event["event"]>(
  events: Event[],
  name: Name,
): Extract<Event, { event: Name }>["data"][] {
  return events.filter(({ event }) => event === name).map(({ data }) => data as never);
}

/** A thread of its own, and a run on it. */
export const runOpens = ["created", "run.created", "run.queued", "run.in_progress"];
export const stepOpens = ["run.step.created", "run.step.in_progress"];
export const messageOpens = [
  ...stepOpens,
  "message.created",
  "message.in_progress",
  "message.delta",
];
/** A whole message with its step. */
export const messageTold = [...messageOpens, "message.completed", "run.step.completed"];
/** Calls, for whose outputs the run then waits. */
export const callsAsked = [...stepOpens, "run.step.delta", "run.requires_action"];
