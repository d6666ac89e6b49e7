/** The graph's steps in the order in which a state must have them, with the superstep of each. */
const supersteps = new Map([
  ["first", 1],
  ["left", 2],
  ["right", 2],
  ["third", 3],
  ["fourth", 4],
]);

/** What the client of one run knows of it. */
export interface Witness {
  name: string;
  runId: string;
  /** Positions of the events as they came. */
  positions: string[];
  /** Nodes whose `updates` came. */
  updates: string[];
}

export interface Findings {
  witnesses: Witness[];
  /** By thread, in the order in which its runs were asked for: what the server says at the end. */
  threads: {
    asked: string[];
    runs: { runId: string; status: string }[];
    log: string[];
  }[];
  /** One line for each step that began, as `name step`. */
  ledger: string[];
}

/** What is counted, and what the count must be; null where any is right. */
export interface Figure {
  what: string;
  count: number;
  must: number | null;
}

export function audit({ witnesses, threads, ledger }: Findings): Figure[] {
  const asked = threads.flatMap((thread) => thread.asked);
  const runs = threads.flatMap((thread) => thread.runs);
  const known = new Set(runs.map(({ runId }) => runId));
  const unasked = runs.filter(({ runId }) => !asked.includes(runId));
  const begun = steps(ledger);
  return [
    { what: "runs asked for", count: asked.length, must: null },
    { what: "runs that ended in success", count: countOf(runs, "success"), must: asked.length },
    { what: "runs lost", count: asked.filter((runId) => !known.has(runId)).length, must: 0 },
    { what: "runs made that nobody asked for", count: unasked.length, must: 0 },
    {
      what: "threads whose state is not every step, once, in order",
      count: wrong(threads),
      must: 0,
    },
    { what: "steps begun", count: ledger.length, must: null },
    { what: "steps begun again, since a kill cut them off", count: begun.again, must: null },
    { what: "steps begun again after they were stored", count: begun.afterStored, must: 0 },
    { what: "streams with an event out of order or twice", count: unordered(witnesses), must: 0 },
    { what: "streams that missed the end of a step", count: gaps(witnesses), must: 0 },
  ];
}

function countOf(runs: { status: string }[], status: string): number {
  return runs.filter((run) => run.status === status).length;
}

function wrong(threads: Findings["threads"]): number {
  return threads.filter(({ log, asked }) => {
    const names = [...new Set(log.map((entry) => entry.split(" ")[0]!))];
    const whole = names.flatMap((name) => [...supersteps.keys()].map((step) => `${name} ${step}`));
    const numbers = names.map((name) => Number(name.split("/")[1]));
    const inOrder = numbers.every((number, at) => number === at);
    return log.join() !== whole.join() || names.length !== asked.length || !inOrder;
  }).length;
}

/** A step of a later superstep proves that those before it were stored: the runs are durable by `sync`. */
function steps(ledger: string[]): { again: number; afterStored: number } {
  const reached = new Map<string, number>();
  const seen = new Set<string>();
  let again = 0;
  let afterStored = 0;
  for (const entry of ledger) {
    const [name, step] = entry.split(" ") as [string, string];
    const superstep = supersteps.get(step)!;
    const furthest = reached.get(name) ?? 0;
    if (superstep < furthest) afterStored += 1;
    else if (seen.has(entry)) again += 1;
    seen.add(entry);
    reached.set(name, Math.max(furthest, superstep));
  }
  return { again, afterStored };
}

function unordered(witnesses: Witness[]): number {
  return witnesses.filter(({ positions }) =>
    positions.some((position, at) => at > 0 && Number(position) <= Number(positions[at - 1])),
  ).length;
}

function gaps(witnesses: Witness[]): number {
  return witnesses.filter(
    ({ updates }) => !supersteps.keys().every((step) => updates.includes(step)),
  ).length;
}
