import type { Client } from "@langchain/langgraph-sdk";

/** What a scenario gets: an unmodified client of one version of the SDK. */
export interface Setting {
  client: Client;
  sdk: "1.x" | "2.0.0";
  /** Resolves when the headers of an answer to this client have come whose request's URL contains the text. */
  answered(text: string): Promise<void>;
}

type Scenario = (setting: Setting) => Promise<void>;

/** By method of the client, then by sentence. Every scenario must call its method. */
export type Scenarios = Record<string, Record<string, Scenario>>;

export interface StreamPart {
  id?: string;
  event: string;
  data: unknown;
}

export async function collect(stream: AsyncIterable<unknown>): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part as StreamPart);
  return parts;
}

/** The data of all events of a name. */
export function dataOf<Data = Record<string, unknown>>(parts: StreamPart[], event: string): Data[] {
  return parts.filter((part) => part.event === event).map(({ data }) => data as Data);
}

/** The log of the fixture's graphs, which each node appends its name to. */
export function logOf(values: unknown): string[] {
  return (values as { log: string[] }).log;
}

export async function newThread(client: Client, graphId?: string): Promise<string> {
  return (await client.threads.create(graphId ? { graphId } : {})).thread_id;
}

/** A thread on which the graph `steps` ran to its end. */
export async function finishedThread(client: Client): Promise<string> {
  const threadId = await newThread(client);
  await client.runs.wait(threadId, "steps", { input: { input: "x" } });
  return threadId;
}

/** Until the clock shows another millisecond: what is made after it is newer, and is listed so. */
export async function nextMillisecond(): Promise<void> {
  const start = Date.now();
  while (Date.now() === start) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A name no other scenario has: they share one server. */
export function unique(name: string): string {
  return `${name} ${crypto.randomUUID()}`;
}

export const unknownId = "00000000-0000-4000-8000-000000000000";
