import { Cron } from "croner";
import { invalid } from "../core/error.ts";
import type { Schedules } from "../core/ports/schedules.ts";

const nickname = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;

/** Cron text of five fields, as read by croner: in a time zone, with its changes of the clock. */
export class CronerSchedules implements Schedules {
  check(schedule: string, timezone: string | null): void {
    if (timezone !== null) checkTimezone(timezone);
    parse(schedule, timezone);
  }

  next(schedule: string, timezone: string | null, after: number): number | null {
    return parse(schedule, timezone).nextRun(new Date(after))?.getTime() ?? null;
  }
}

function parse(schedule: string, timezone: string | null): Cron {
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5 && !nickname.test(schedule.trim())) {
    const found = schedule.trim() === "" ? "none" : String(fields.length);
    throw invalid(
      `Invalid schedule ${JSON.stringify(schedule)}: cron text has five fields (minute, hour, day of month, ` +
        `month, day of week), such as "0 9 * * 1-5", or is @daily and the like. This has ${found}.`,
    );
  }
  try {
    return new Cron(schedule.trim(), { mode: "5-part", timezone: timezone ?? "UTC", paused: true });
  } catch (thrown) {
    const reason = (thrown as Error).message.replace(/^CronPattern: /, "");
    throw invalid(`Invalid schedule ${JSON.stringify(schedule)}: ${reason}`);
  }
}

function checkTimezone(timezone: string): void {
  if (isTimezone(timezone)) return;
  throw invalid(
    `Invalid timezone ${JSON.stringify(timezone)}: expected an IANA name such as "Asia/Seoul" or "UTC".`,
  );
}

function isTimezone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
