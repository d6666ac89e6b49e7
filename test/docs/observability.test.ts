import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Metrics } from "../../src/protocols/metrics.ts";

it("docs/observability.md names every figure of the server with its labels", async () => {
  const page = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(adjutant_\w+)` \| ([^|]*) \|/gm)];
  const documented = new Map(
    rows.map(([, name, labels]) => [
      name!,
      [...labels!.matchAll(/`(\w+)`/g)].map(([, one]) => one),
    ]),
  );
  const metrics = new Metrics({ counts: async () => ({ pending: 0, running: 0 }) });
  const { body } = await metrics.text();
  const names = [...body.matchAll(/^# TYPE (adjutant_\w+)/gm)].map(([, name]) => name!);
  expect([...documented.keys()].toSorted()).toEqual(names.toSorted());
  expect(documented.get("adjutant_run_duration_seconds")).toEqual(["graph", "status"]);
});
