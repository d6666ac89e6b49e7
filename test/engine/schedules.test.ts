import { describe, expect, test } from "vitest";
import { CronerSchedules } from "../../src/engine/schedules.ts";

const schedules = new CronerSchedules();
const after = (text: string) => Date.parse(text);

test.each<[string, string | null, string, string | null]>([
  ["*/5 * * * *", null, "2026-03-01T12:00:00Z", "2026-03-01T12:05:00.000Z"],
  ["0 9 * * MON-FRI", null, "2026-02-27T09:00:00Z", "2026-03-02T09:00:00.000Z"],
  ["0 9 * * *", "Asia/Seoul", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00.000Z"],
  ["@daily", "UTC", "2026-03-01T12:00:00Z", "2026-03-02T00:00:00.000Z"],
  // Either day matches, as in every cron since Vixie's.
  ["0 0 1 * 1", null, "2026-03-03T00:00:00Z", "2026-03-09T00:00:00.000Z"],
  // The clock is put forward from 02:00 to 03:00.
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
  // It is put back from 03:00 to 02:00: once, not twice.
  ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
  ["0 0 29 2 *", null, "2026-03-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
  ["0 0 30 2 *", null, "2026-03-01T00:00:00Z", null],
  ["  0   0 1 1 *  ", null, "2026-03-01T00:00:00Z", "2027-01-01T00:00:00.000Z"],
])("%s in %s comes after %s at %s", (schedule, timezone, from, expected) => {
  schedules.check(schedule, timezone);
  const next = schedules.next(schedule, timezone, after(from));
  expect(next === null ? null : new Date(next).toISOString()).toBe(expected);
});

describe("a schedule that cannot be read is refused with a sentence that says what to change", () => {
  test.each<[string, string | null, RegExp]>([
    ["", null, /five fields.*This has none/],
    ["* * * *", null, /five fields.*This has 4/],
    ["* * * * * *", null, /five fields.*This has 6/],
    ["every day", null, /five fields.*This has 2/],
    ["@reboot", null, /five fields/],
    ["2030-01-01T00:00:00", null, /five fields/],
    ["61 * * * *", null, /minute: 61/],
    ["x * * * *", null, /illegal characters/],
    ["*/0 * * * *", null, /Invalid schedule/],
    ["* * * * *", "Mars/Base", /Invalid timezone "Mars\/Base".*Asia\/Seoul/],
    ["* * * * *", "", /Invalid timezone/],
  ])("%j in %s", (schedule, timezone, sentence) => {
    const check = () => schedules.check(schedule, timezone);
    expect(check).toThrow(sentence);
    expect(check).toThrow(expect.objectContaining({ code: "invalid" }));
  });
});
