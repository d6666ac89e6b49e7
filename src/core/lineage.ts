import { randomInt } from "node:crypto";
import type { JsonObject } from "./json.ts";

/**
 * A lineage is a sequence of stored values to which is only ever appended. What a checkpoint holds is
 * spans of lineages: a list that grew by one item shares all others with the checkpoint before, an
 * edited list shares what lies before and behind the edit, and a copied thread shares everything.
 */
export type LineageId = number & { readonly __brand: "LineageId" };

/** Positions of a lineage; behind the last a list goes on in another one. */
export const lineageLengthMax = 65_536;

/** The items at `first` up to, not with, `end`. */
export interface Span {
  lineage: LineageId;
  first: number;
  end: number;
}

/** 2026-01-01. */
const epoch = 1_767_225_600_000;
const perMillisecond = 64;
let lastMinted = 0;

/**
 * Below 2^47 and growing with time, so that a database that stores items in this order appends. Two
 * servers may mint the same in one millisecond: whoever comes second finds position 0 taken.
 */
export function mintLineage(): LineageId {
  const now = Math.max(0, Date.now() - epoch) * perMillisecond + randomInt(perMillisecond);
  lastMinted = Math.max(lastMinted + 1, now);
  return lastMinted as LineageId;
}

/** What of `given` lies in none of `others`; each item once. */
export function subtractSpans(given: Span[], others: Span[]): Span[] {
  const kept = byLineage(others);
  const left: Span[] = [];
  for (const [lineage, spans] of byLineage(given)) {
    const covered = union(kept.get(lineage) ?? []);
    for (const span of union(spans)) {
      let at = span.first;
      for (const cover of covered) {
        if (cover.end <= at || cover.first >= span.end) continue;
        if (cover.first > at) left.push({ lineage, first: at, end: cover.first });
        at = Math.max(at, cover.end);
      }
      if (at < span.end) left.push({ lineage, first: at, end: span.end });
    }
  }
  return left;
}

function byLineage(spans: Span[]): Map<LineageId, Span[]> {
  return Map.groupBy(spans, ({ lineage }) => lineage);
}

/** Sorted, overlaps and neighbours joined. */
function union(spans: Span[]): Span[] {
  const joined: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.first - other.first)) {
    const last = joined.at(-1);
    if (last && span.first <= last.end) last.end = Math.max(last.end, span.end);
    else joined.push({ ...span });
  }
  return joined;
}

/** `[lineage, first, end, lineage, first, end …]`, as databases keep them. */
export function flattenSpans(spans: Span[]): number[] {
  return spans.flatMap(({ lineage, first, end }) => [lineage, first, end]);
}

export function spansOf(numbers: number[]): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [lineage, first, end] = numbers.slice(at, at + 3) as [LineageId, number, number];
    spans.push({ lineage, first, end });
  }
  return spans;
}

/** What pruning has to know of a checkpoint. */
export interface Prunable {
  namespace: string;
  checkpointId: string;
  parentId: string | null;
  metadata: JsonObject;
}

/**
 * What stays when only the latest state of a thread is kept: the latest root checkpoint; the latest of
 * each subgraph that keeps its state between runs (its namespace names no task) or that waits inside
 * the latest root checkpoint; and, where a channel's value is the writes since an older checkpoint
 * (`counters_since_delta_snapshot`), the checkpoints back to that one.
 *
 * @param checkpoints all of one thread, newest first.
 */
export function keepLatest<Checkpoint extends Prunable>(
  checkpoints: Checkpoint[],
): Set<Checkpoint> {
  const kept = new Set<Checkpoint>();
  const rootId = checkpoints.find(({ namespace }) => namespace === "")?.checkpointId;
  for (const [namespace, steps] of Map.groupBy(checkpoints, (step) => step.namespace)) {
    const latest = steps[0]!;
    if (namespace.includes(":") && rootOf(latest) !== rootId) continue;
    const byId = new Map(steps.map((step) => [step.checkpointId, step]));
    let step: Checkpoint | undefined = latest;
    while (step && !kept.has(step)) {
      kept.add(step);
      if (!step.metadata["counters_since_delta_snapshot"]) break;
      step = byId.get(step.parentId ?? "");
    }
  }
  return kept;
}

function rootOf(checkpoint: Prunable): unknown {
  const parents = checkpoint.metadata["parents"];
  return parents && typeof parents === "object" ? (parents as JsonObject)[""] : undefined;
}
