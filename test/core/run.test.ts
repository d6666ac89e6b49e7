import { describe, expect, it } from "vitest";
import { canFollow, endRun, isFinal, type Outcome, type RunStatus } from "../../src/core/run.ts";
import { randomIds } from "../../src/core/ids.ts";
import { newRun } from "../contract/storage/fixtures.ts";

const statuses: RunStatus[] = ["pending", "running", "success", "error", "interrupted", "timeout"];

/** What may follow what; every pair that is not here may not. */
const allowed = new Set([
  "pending → running",
  "pending → interrupted",
  "pending → error",
  "running → running",
  "running → pending",
  "running → success",
  "running → error",
  "running → interrupted",
  "running → timeout",
]);

const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));

describe("the statuses of a run", () => {
  it.each(pairs)("%s → %s", (from, to) => {
    expect(canFollow(from, to)).toBe(allowed.has(`${from} → ${to}`));
  });

  it("are final when nothing may follow", () => {
    const final = statuses.filter((status) => isFinal(status));
    expect(final).toEqual(["success", "error", "interrupted", "timeout"]);
  });

  const error = { error: "Boom", message: "it broke" };
  const outcomes: Outcome[] = [
    { status: "success" },
    { status: "interrupted" },
    { status: "error", error },
    { status: "timeout", error },
  ];
  const ends = statuses.flatMap((status) =>
    outcomes.map((outcome) => ({
      before: newRun(randomIds.thread(), { status }),
      outcome,
      isAllowed: allowed.has(`${status} → ${outcome.status}`),
    })),
  );

  it("end where the table lets them, and carry what belongs to the end", () => {
    for (const { before, outcome } of ends.filter(({ isAllowed }) => isAllowed)) {
      const carried = "error" in outcome ? error : null;
      expect(endRun(before, outcome, 7)).toEqual({
        ...before,
        ...outcome,
        error: carried,
        updatedAt: 7,
      });
    }
  });

  it("end nowhere else", () => {
    for (const { before, outcome } of ends.filter(({ isAllowed }) => !isAllowed)) {
      expect(() => endRun(before, outcome, 7)).toThrow(/cannot become/);
    }
  });
});
