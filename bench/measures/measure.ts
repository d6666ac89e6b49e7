import type { Load, LoadReport } from "../load.ts";
import type { Loader } from "../loader.ts";
import type { Scale } from "../scale.ts";
import { cpuMs, type Target } from "../target.ts";

export type Unit = "ms" | "/s" | "MB" | "KB" | "B/B" | "×";

export interface Figure {
  /** The same for all servers; the table's first column. */
  name: string;
  unit: Unit;
  value: number;
}

export interface Context {
  target: Target;
  loader: Loader;
  scale: Scale;
}

export interface Measure {
  /** For `--only`. */
  name: string;
  /** The floor can do it: runs, and nothing that is kept beside them. */
  onFloor: boolean;
  /** It fills the server or takes long: made once, not in rounds. */
  once: boolean;
  run(context: Context): Promise<Figure[]>;
}

/** The middle, or the value of which `share` are smaller. NaN of nothing. */
export function quantile(values: readonly number[], share = 0.5): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

type Request = Pick<Load, "path"> &
  Partial<Pick<Load, "method" | "read" | "awaits">> & { body?: unknown };

/** `cpuMs`: what the server used for it, which other work on the machine hardly changes; null when unseen. */
export interface Burst extends LoadReport {
  cpuMs: number | null;
}

/** A burst of the scale's length after a shorter one that nobody looks at. */
export async function burst(context: Context, clients: number, request: Request): Promise<Burst> {
  const { target, scale, loader } = context;
  const load = (forMs: number): Load => ({
    url: target.url,
    clients,
    amount: { forMs, requestsMin: Math.max(scale.requestsMin, clients) },
    method: request.method ?? "POST",
    path: request.path,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    read: request.read ?? "body",
    ...(request.awaits && { awaits: request.awaits }),
  });
  await loader.load(load(scale.warmUpMs));
  const before = target.pid === null ? null : cpuMs(target.pid);
  const report = await loader.load(load(scale.forMs));
  const after = target.pid === null ? null : cpuMs(target.pid);
  return { ...report, cpuMs: before === null || after === null ? null : after - before };
}

/** For information: the server's own work for one request. */
export function cpuFigure(name: string, { cpuMs: used, requests }: Burst): Figure[] {
  return used === null ? [] : [{ name: `${name}, CPU each`, unit: "ms", value: used / requests }];
}
