import type { Cron, CronFilter, CronSortField } from "../cron.ts";
import type { CronId } from "../ids.ts";
import type { Found, Page, Sort } from "../page.ts";

/** Goes with its thread and with its assistant when they are deleted. */
export interface CronStorage {
  create(cron: Cron): Promise<void>;
  get(cronId: CronId): Promise<Cron | null>;
  /** Stores what `change` makes of the cron as it is; a claim on it ends. Null when there is none. */
  update(cronId: CronId, change: (current: Cron) => Cron): Promise<Cron | null>;
  delete(cronId: CronId): Promise<boolean>;
  /** What has no value of the sorted field comes last. */
  search(params: {
    filter: CronFilter;
    sort: Sort<CronSortField>;
    page: Page;
  }): Promise<Found<Cron>>;
  count(filter: CronFilter): Promise<number>;
  /**
   * Takes the cron that has been due longest (`nextRunDate` at or before `now`) and keeps it from
   * others until `leaseUntil`: should its server die before `advance`, another takes it then.
   */
  claim(params: { now: number; leaseUntil: number }): Promise<Cron | null>;
  /** Ends a claim: the cron fires at `to` next. Does nothing when it no longer is due at `from`. */
  advance(params: { cronId: CronId; from: number; to: number | null }): Promise<void>;
  /** The next moment at which `claim` may find something, in ms since 1970. */
  nextDue(): Promise<number | null>;
}
