import { describe, expect, test } from "vitest";
import { changeCron, nextFiring, type Cron } from "../../src/core/cron.ts";
import { randomIds } from "../../src/core/ids.ts";

const cron: Cron = {
  cronId: randomIds.cron(),
  assistantId: randomIds.assistant(),
  assistantVersion: null,
  threadId: null,
  schedule: "* * * * *",
  timezone: null,
  endTime: null,
  enabled: true,
  onRunCompleted: "delete",
  strategy: "enqueue",
  createdAt: 1,
  updatedAt: 1,
  userId: null,
  request: {
    input: { a: 1 },
    config: null,
    context: null,
    webhook: null,
    streamModes: ["values"],
    streamSubgraphs: false,
    resumable: false,
    interruptBefore: null,
    interruptAfter: null,
    durability: "async",
  },
  metadata: { kept: 1, replaced: 1 },
  nextRunDate: 60,
};

describe("the next date of a cron", () => {
  const next = (_schedule: string, _timezone: string | null, after: number) => after + 60;

  test("is the schedule's first after now, however many have passed", () => {
    expect(nextFiring(cron, 1_000_000, next)).toBe(1_000_060);
  });

  test("is none while it is disabled, and none behind its end", () => {
    expect(nextFiring({ ...cron, enabled: false }, 0, next)).toBeNull();
    expect(nextFiring({ ...cron, endTime: 60 }, 0, next)).toBe(60);
    expect(nextFiring({ ...cron, endTime: 59 }, 0, next)).toBeNull();
    expect(nextFiring(cron, 0, () => null)).toBeNull();
  });
});

test("a change merges metadata, replaces the rest and leaves what it does not name", () => {
  const changed = changeCron(
    cron,
    { metadata: { replaced: 2 }, endTime: 9, request: { input: { b: 2 } } },
    77,
  );
  expect(changed).toEqual({
    ...cron,
    metadata: { kept: 1, replaced: 2 },
    endTime: 9,
    request: { ...cron.request, input: { b: 2 } },
    updatedAt: 77,
  });
});
