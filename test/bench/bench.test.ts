import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare, type Row } from "../../bench/compare.ts";
import { judge, verdict } from "../../bench/goals.ts";
import { measures } from "../../bench/measures/all.ts";
import { quantile } from "../../bench/measures/measure.ts";
import { tiny } from "../../bench/scale.ts";
import { startFloor } from "../../bench/servers.ts";
import { table } from "../../bench/table.ts";
import type { Target } from "../../bench/target.ts";
import { serve } from "../../src/cli/serve.ts";
import { readSettings } from "../../src/cli/settings.ts";
import { readManifest } from "../../src/graphs/manifest.ts";
import { silentLog } from "../support/engine.ts";

const manifestFile = join(import.meta.dirname, "..", "..", "bench", "langgraph.json");

/** Our server in this process, with what the benchmark needs to look at its data. */
async function openServer() {
  const directory = mkdtempSync(join(tmpdir(), "adjutant-bench-"));
  const manifest = await readManifest(manifestFile);
  const flags = { port: "0", dataDir: directory };
  const server = await serve({
    settings: readSettings(flags, manifest.directory, {}),
    manifest,
    log: silentLog,
    reload: false,
  });
  const target: Target = {
    name: "adjutant",
    kind: "ours",
    url: server.url,
    pid: process.pid,
    place: { kind: "sqlite", file: join(directory, "adjutant.sqlite") },
    collectGarbage: null,
    launch: async () => ({ target, startedInMs: 1, async [Symbol.asyncDispose]() {} }),
  };
  return {
    target,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

test("every measure yields figures on our server, those of runs also on the floor", async () => {
  await using server = await openServer();
  await using floor = await startFloor();
  const made: string[] = [];
  const rows = await compare({
    targets: [floor.target, server.target],
    measures,
    scale: { ...tiny, longTurns: 22 },
    onProgress: (text) => made.push(text),
  });
  for (const { name } of measures) expect(made).toContain(`${name} 1/1 on adjutant`);
  for (const { name, values } of rows) {
    expect(values["adjutant"], name).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(values["adjutant"]), name).toBe(true);
  }
  const ofFloor = rows.filter(({ values }) => "floor" in values).map(({ name }) => name);
  expect(ofFloor).toEqual(
    expect.arrayContaining([
      "runs.wait one node, 1 client, p50",
      "runs.wait one node, 2 clients",
      "runs.stream first event, 1 client, p50",
      "200-token streams, 2 clients, tokens",
      "ten supersteps a run, 2 clients, runs",
    ]),
  );
  const tokens = rows.find(({ name }) => name.startsWith("200-token"))!;
  expect(tokens.values["floor"]).toBeGreaterThan(0);
  expect(tokens.values["adjutant"]).toBeGreaterThan(0);
  const broken = rows.find(({ name }) => name.endsWith("idle streams, broken"))!;
  expect(broken.values).toEqual({ adjutant: 0 });

  const names = { targets: ["floor", "adjutant"], ours: "adjutant", floor: "floor", peer: "peer" };
  const lines = table(rows, names).split("\n");
  expect(lines).toHaveLength(rows.length + 2);
  expect(lines[0]).toMatch(/^\| figure +\| floor +\| adjutant +\| ours \/ floor \| goal/);
}, 60_000);

test("the middle of some values, and what most of them are under", () => {
  expect(quantile([3, 1, 2])).toBe(2);
  expect(quantile([1, 2, 3, 4])).toBe(2.5);
  expect(quantile([0, 10], 0.9)).toBe(9);
  expect(quantile([])).toBeNaN();
});

test("goals are judged against what was measured beside", () => {
  const names = { ours: "ours", floor: "floor", peer: "peer" };
  const wait = (values: Record<string, number>) =>
    judge({ name: "runs.wait one node, 1 client, p50", unit: "ms", values }, names);
  expect(wait({ ours: 3, floor: 1 })?.met).toBe(true);
  expect(wait({ ours: 3.1, floor: 1 })?.met).toBe(false);
  expect(wait({ ours: 3, floor: 1, peer: 299 })?.met).toBe(false);
  expect(wait({ ours: 3, floor: 1, peer: 300 })?.met).toBe(true);
  expect(wait({ ours: 3 })).toMatchObject({ goal: "≤ 3 × floor, ≤ 0.01 × peer", met: null });
  const runs = { name: "runs.wait one node, 16 clients", unit: "/s" as const };
  expect(judge({ ...runs, values: { ours: 60, floor: 100 } }, names)?.met).toBe(true);
  expect(judge({ ...runs, values: { ours: 59, floor: 100 } }, names)?.met).toBe(false);
  const alsoOurs = { ...names, alsoOurs: "there" };
  const half = (unit: "/s" | "ms", there: number) =>
    judge({ ...runs, unit, values: { ours: 60, floor: 100, there } }, alsoOurs)?.alsoHalf;
  expect([half("/s", 30), half("/s", 29), half("ms", 120), half("ms", 121)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  const rows: Row[] = [
    { ...runs, values: { ours: 59, floor: 100, there: 20 } },
    { name: "copy of a thread of 2,000 turns of 1 KB", unit: "ms" as const, values: { ours: 1 } },
  ];
  expect(verdict(rows, alsoOurs)).toBe(
    "0 of 1 goals met.\nNot met:\n  - runs.wait one node, 16 clients\n" +
      "Worse than half on there:\n  - runs.wait one node, 16 clients",
  );
  expect(judge({ name: "something else", unit: "ms", values: { ours: 1 } }, names)).toBeNull();
});
