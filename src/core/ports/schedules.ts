/** What cron text means. */
export interface Schedules {
  /** @throws invalid with what is wrong with the text or the time zone. */
  check(schedule: string, timezone: string | null): void;
  /** The first date after `after`, both in ms since 1970; null when there is none any more. */
  next(schedule: string, timezone: string | null, after: number): number | null;
}
