import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audit, type Findings } from "../../bench/chaos/audit.ts";
import { chaos } from "../../bench/chaos/chaos.ts";

const steps = ["first", "left", "right", "third", "fourth"];

/** What two runs of one thread leave where all is well. */
function allWell(): Findings {
  const entries = ["0/0", "0/1"].flatMap((name) => steps.map((step) => `${name} ${step}`));
  return {
    witnesses: ["a", "b"].map((runId, at) => ({
      name: `0/${at}`,
      runId,
      positions: ["0", "1", "2"],
      updates: [...steps],
    })),
    threads: [
      {
        asked: ["a", "b"],
        runs: ["a", "b"].map((runId) => ({ runId, status: "success" })),
        log: [...entries],
      },
    ],
    ledger: [...entries],
  };
}

function faults(findings: Findings): string[] {
  return audit(findings)
    .filter(({ count, must }) => must !== null && count !== must)
    .map(({ what }) => what);
}

test("the audit finds nothing where all is well, nor in a step that a kill cut off", () => {
  expect(faults(allWell())).toEqual([]);
  const cut = allWell();
  cut.ledger.splice(2, 0, "0/0 left");
  expect(faults(cut)).toEqual([]);
  expect(audit(cut).find(({ what }) => what.includes("cut them off"))!.count).toBe(1);
});

test.for<[string, (findings: Findings) => void, string[]]>([
  [
    "a run that is not there",
    ({ threads }) => threads[0]!.runs.pop(),
    ["runs that ended in success", "runs lost"],
  ],
  [
    "a run that failed",
    ({ threads }) => (threads[0]!.runs[1]!.status = "error"),
    ["runs that ended in success"],
  ],
  [
    "a run that was made twice",
    ({ threads }) => threads[0]!.runs.push({ runId: "c", status: "error" }),
    ["runs made that nobody asked for"],
  ],
  [
    "a step that is twice in the state",
    ({ threads }) => threads[0]!.log.splice(1, 0, "0/0 first"),
    ["threads whose state is not every step, once, in order"],
  ],
  [
    "runs in the wrong order",
    ({ threads }) => threads[0]!.log.push(...threads[0]!.log.splice(0, 5)),
    ["threads whose state is not every step, once, in order"],
  ],
  [
    "a step that began again after a later one",
    ({ ledger }) => ledger.push("0/1 first"),
    ["steps begun again after they were stored"],
  ],
  [
    "an event that came twice",
    ({ witnesses }) => witnesses[0]!.positions.push("2"),
    ["streams with an event out of order or twice"],
  ],
  [
    "a step whose end did not come",
    ({ witnesses }) => witnesses[1]!.updates.pop(),
    ["streams that missed the end of a step"],
  ],
])("the audit finds %s", ([, plant, found]) => {
  const findings = allWell();
  plant(findings);
  expect(faults(findings)).toEqual(found);
});

test("a server that is killed under load loses nothing and repeats nothing", async () => {
  const directory = mkdtempSync(join(tmpdir(), "adjutant-chaos-"));
  try {
    const { figures, recoveriesMs } = await chaos({
      directory,
      servers: 1,
      databaseUri: undefined,
      kills: 2,
      customers: 3,
      onProgress: () => {},
    });
    expect(recoveriesMs).toHaveLength(2);
    for (const { what, count, must } of figures)
      expect([what, must ?? count]).toEqual([what, count]);
    expect(figures.find(({ what }) => what === "runs asked for")!.count).toBeGreaterThan(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 120_000);
