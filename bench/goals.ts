import type { Row } from "./compare.ts";

/** What our server must reach, against the floor, the peer, or by itself. All that are given count. */
interface Goal {
  /** Begins the names of the figures it is about. */
  figure: RegExp;
  atMost?: number;
  /** At most so many times the floor's time. */
  timesFloorMax?: number;
  /** At least this share of what the floor does. */
  shareOfFloorMin?: number;
  /** At most this share of the peer's time or size. */
  shareOfPeerMax?: number;
  /** At least so many times what the peer does. */
  timesPeerMin?: number;
}

const goals: Goal[] = [
  { figure: /^runs\.wait one node, 1 client/, timesFloorMax: 3, shareOfPeerMax: 0.01 },
  { figure: /^runs\.wait one node, \d+ clients/, shareOfFloorMin: 0.6, timesPeerMin: 5 },
  { figure: /^runs\.stream first event/, timesFloorMax: 3 },
  { figure: /^200-token streams/, shareOfFloorMin: 0.6, timesPeerMin: 2 },
  { figure: /^assistants first delta/, atMost: 10 },
  { figure: /^assistants .* longest silence/, atMost: 1_000 },
  { figure: /^ten supersteps a run/, shareOfFloorMin: 0.6 },
  { figure: /^(assistants|threads)\.(get|search|create), /, timesPeerMin: 0.8 },
  { figure: /^start to the first/, atMost: 1_000, shareOfPeerMax: 0.25 },
  { figure: /^memory after start/, atMost: 230 },
  { figure: /idle streams, broken/, atMost: 0 },
  { figure: /idle streams, memory/, atMost: 30 },
  { figure: /turns of 1 KB: last \/ first without/, atMost: 4 },
  // 1.3 bytes a byte said, and 500 bytes for each of the three checkpoints of a turn.
  { figure: /turns of 1 KB: bytes of checkpoints/, atMost: 1.3 + (3 * 500) / 1024 },
  { figure: /turns of 1 KB: state$/, atMost: 25 },
  { figure: /turns of 1 KB: last 10 states/, atMost: 5 },
  { figure: /turns of 1 KB: copy/, atMost: 20 },
  { figure: /turns of 1 KB: last 20 messages/, atMost: 15 },
  { figure: /^threads\.search by metadata/, atMost: 3 },
];

/** Names of columns. */
export interface Columns {
  /** The server that is judged. */
  ours: string;
  /** The same on another database, if measured. */
  alsoOurs?: string;
  floor: string;
  peer: string;
}

export interface Judgement {
  goal: string;
  /** Null when what it is compared with was not measured. */
  met: boolean | null;
  /** Whether the other database does at least half as well; null when it was not measured. */
  alsoHalf: boolean | null;
}

/** Null for a figure that is shown for information. */
export function judge(row: Row, names: Columns): Judgement | null {
  const goal = goals.find(({ figure }) => figure.test(row.name));
  const value = row.values[names.ours];
  if (!goal || value === undefined) return null;
  const floor = row.values[names.floor];
  const peer = row.values[names.peer];
  const tests: [string, number | undefined, "most" | "least", number | undefined][] = [
    ["", goal.atMost, "most", 1],
    ["× floor", goal.timesFloorMax, "most", floor],
    ["× floor", goal.shareOfFloorMin, "least", floor],
    ["× peer", goal.shareOfPeerMax, "most", peer],
    ["× peer", goal.timesPeerMin, "least", peer],
  ];
  const asked = tests.filter(([, limit]) => limit !== undefined);
  const verdicts = asked.flatMap(([, limit, side, base]) => {
    if (base === undefined) return [];
    return [side === "most" ? value <= limit! * base : value >= limit! * base];
  });
  return {
    goal: asked
      .map(
        ([of, limit, side]) =>
          `${side === "most" ? "≤" : "≥"} ${shortNumber(limit!)}${of && ` ${of}`}`,
      )
      .join(", "),
    met: verdicts.length === 0 ? null : verdicts.every(Boolean),
    alsoHalf: names.alsoOurs === undefined ? null : isHalf(row, value, names.alsoOurs),
  };
}

function isHalf(row: Row, value: number, name: string): boolean | null {
  const other = row.values[name];
  if (other === undefined) return null;
  return row.unit === "/s" ? other >= value / 2 : other <= value * 2;
}

/** What the table comes to, in one sentence or two. */
export function verdict(rows: Row[], names: Columns): string {
  const judged = rows.flatMap((row) => {
    const judgement = judge(row, names);
    return judgement ? [{ name: row.name, ...judgement }] : [];
  });
  const named = (which: typeof judged) => which.map(({ name }) => `\n  - ${name}`).join("");
  const met = judged.filter((one) => one.met === true);
  const missed = judged.filter((one) => one.met === false);
  const open = judged.filter((one) => one.met === null);
  const slow = judged.filter((one) => one.alsoHalf === false);
  return [
    `${met.length} of ${judged.length} goals met.`,
    missed.length > 0 ? `Not met:${named(missed)}` : "",
    open.length > 0
      ? `Not judged, since what they are compared with was not measured:${named(open)}`
      : "",
    slow.length > 0 ? `Worse than half on ${names.alsoOurs}:${named(slow)}` : "",
  ]
    .filter(Boolean)
    .join("\n");
}

export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}
