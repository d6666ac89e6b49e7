import type { Checkpoint, Command } from "@langchain/langgraph-sdk";
import type { Message } from "./message.ts";

/** A node at work, or that has been. */
export interface TaskView {
  id: string;
  name: string;
  /** Names of the subgraph nodes around it; empty for the graph itself. */
  path: string[];
  startedAt: number;
  endedAt: number | null;
  /** What the node returned. */
  update: unknown;
  error: string | null;
  isInterrupted: boolean;
}

/** Nodes that ran at once, and the state before and after them. */
export interface StepView {
  number: number;
  tasks: TaskView[];
  before: unknown;
  after: unknown;
}

export interface InterruptView {
  id?: string;
  value: unknown;
  response_schema?: unknown;
}

export interface RunView {
  phase: "idle" | "running" | "done";
  /** The stream broke off; it goes on where it stopped as soon as the server answers. */
  isReconnecting: boolean;
  runId: string | null;
  threadId: string | null;
  /** The last state streamed; null before the first. */
  values: unknown;
  /** What was sent, until the server shows it in the state. */
  sent: Message[];
  /** Messages that are still being written, or were when the run was stopped. */
  partial: Message[];
  steps: StepView[];
  interrupts: InterruptView[];
  custom: unknown[];
  error: { error: string; message: string } | null;
  /** The request itself failed. */
  thrown: unknown;
  startedAt: number | null;
  endedAt: number | null;
}

/** What does not change with every token. */
export type RunOutline = Omit<RunView, "partial">;

export const idleRun: RunView = {
  phase: "idle",
  isReconnecting: false,
  runId: null,
  threadId: null,
  values: null,
  sent: [],
  partial: [],
  steps: [],
  interrupts: [],
  custom: [],
  error: null,
  thrown: null,
  startedAt: null,
  endedAt: null,
};

export interface RunStart {
  threadId: string;
  /** An assistant's id, perhaps with `@version`. */
  assistant: string;
  input?: Record<string, unknown> | null;
  command?: Command;
  checkpoint?: Omit<Checkpoint, "thread_id"> | undefined;
  interruptBefore?: string[];
  interruptAfter?: string[];
  isStreamed: boolean;
}
