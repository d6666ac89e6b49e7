import { Client, readEvents, readText } from "./http.ts";

/**
 * One burst of requests, made by this file as a process of its own: the client must not share the
 * event loop of what it measures, nor that of the one who reads the clock of a whole measure.
 */
export interface Load {
  url: string;
  /** Clients at once; each sends its next request when it has the whole answer to the last. */
  clients: number;
  /** How long new requests begin, in ms, and how many at least; or exactly how many. */
  amount: { forMs: number; requestsMin: number } | { requests: number };
  method: string;
  path: string;
  /** `{n}` becomes the request's number, from 0. */
  body?: string;
  /** `events`: the answer is a stream of events, counted by name. */
  read: "body" | "events";
  /** The event whose first coming is timed. */
  awaits?: string;
}

/** What came of it. Times are in ms, of each request in the order they ended. */
export interface LoadReport {
  requests: number;
  seconds: number;
  durations: number[];
  /** Until the first event, and until the first that is not `metadata`; for `events` only. */
  firstEvents: number[];
  firstOfGraph: number[];
  /** Until the first of those that `awaits` names, and from then on the longest time without an event. */
  awaited: number[];
  silences: number[];
  events: Record<string, number>;
}

/** Streams that are opened and left alone. */
export interface Idle {
  url: string;
  streams: number;
  path: string;
}

/** Requests that open so many connections at once that they wait for each other in the kernel. */
const openAtOnce = 50;

export async function makeLoad(load: Load): Promise<LoadReport> {
  const client = new Client(load.url, load.clients);
  const report: LoadReport = {
    requests: 0,
    seconds: 0,
    durations: [],
    firstEvents: [],
    firstOfGraph: [],
    awaited: [],
    silences: [],
    events: {},
  };
  const startedAt = performance.now();
  let sent = 0;
  const mayBegin = () =>
    "requests" in load.amount
      ? sent < load.amount.requests
      : sent < load.amount.requestsMin || performance.now() - startedAt < load.amount.forMs;
  const work = async () => {
    while (mayBegin()) {
      const number = sent;
      sent += 1;
      await makeRequest(client, load, number, report);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, work));
  client.close();
  report.requests = sent;
  report.seconds = (performance.now() - startedAt) / 1000;
  return report;
}

async function makeRequest(
  client: Client,
  load: Load,
  number: number,
  report: LoadReport,
): Promise<void> {
  const startedAt = performance.now();
  const body = load.body?.replaceAll("{n}", String(number));
  const response = await client.open(load.method, load.path, body);
  if (load.read === "body") {
    await readText(response);
  } else {
    let any = false;
    let ofGraph = false;
    let lastAt: number | null = null;
    let silence = 0;
    await readEvents(response, (names) => {
      const elapsed = performance.now() - startedAt;
      if (!any) report.firstEvents.push(elapsed);
      any = true;
      if (!ofGraph && names.some((name) => name !== "metadata")) {
        report.firstOfGraph.push(elapsed);
        ofGraph = true;
      }
      if (lastAt !== null) silence = Math.max(silence, elapsed - lastAt);
      else if (load.awaits && names.includes(load.awaits)) report.awaited.push(elapsed);
      if (lastAt !== null || (load.awaits && names.includes(load.awaits))) lastAt = elapsed;
      for (const name of names) report.events[name] = (report.events[name] ?? 0) + 1;
    });
    if (lastAt !== null) report.silences.push(silence);
  }
  report.durations.push(performance.now() - startedAt);
}

/** Opens the streams and returns how to close them; `broken` counts those that ended by themselves. */
export async function openIdle(idle: Idle): Promise<{ broken: () => number; close: () => void }> {
  const client = new Client(idle.url, Number.POSITIVE_INFINITY);
  let broken = 0;
  for (let opened = 0; opened < idle.streams; opened += openAtOnce) {
    const batch = Math.min(openAtOnce, idle.streams - opened);
    await Promise.all(
      Array.from({ length: batch }, async () => {
        const response = await client.open("GET", idle.path);
        response.resume();
        response.on("close", () => (broken += 1));
        response.on("error", () => {});
      }),
    );
  }
  return { broken: () => broken, close: () => client.close() };
}
