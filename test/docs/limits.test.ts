import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { environmentName } from "../../src/cli/settings.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";

it("docs/limits.md names every limit with its variable and default", () => {
  const page = readFileSync(new URL("../../docs/limits.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(ADJUTANT_\w+)`[^|]*\| (\d+) \|/gm)];
  const documented = Object.fromEntries(rows.map(([, name, value]) => [name!, Number(value)]));
  const limits = Object.entries(defaultLimits) as [keyof Limits, number][];
  expect(documented).toEqual(
    Object.fromEntries(limits.map(([limit, value]) => [environmentName(limit), value])),
  );
});
