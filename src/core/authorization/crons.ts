import { allOf, meets } from "../condition.ts";
import type { Cron, CronFilter } from "../cron.ts";
import { notFound } from "../error.ts";
import type { CronId } from "../ids.ts";
import type { Found } from "../page.ts";
import type { CronStorage } from "../ports/crons.ts";
import type { Storage } from "../ports/storage.ts";
import type { Access, Intent } from "./access.ts";

/** Crons by their own metadata. Claims are the scheduler's. */
export class GuardedCrons implements Pick<
  CronStorage,
  "create" | "get" | "update" | "delete" | "search" | "count"
> {
  readonly #storage: CronStorage;
  readonly #access: Access;

  constructor({ crons }: Storage, access: Access) {
    this.#storage = crons;
    this.#access = access;
  }

  async create(cron: Cron): Promise<void> {
    await this.#access.condition("crons", "create", { cron_id: cron.cronId });
    const metadata = this.#access.tagged("crons", cron.metadata);
    await this.#storage.create({ ...cron, metadata });
  }

  get(cronId: CronId): Promise<Cron | null> {
    return this.#see(cronId, "read");
  }

  async update(cronId: CronId, change: (current: Cron) => Cron): Promise<Cron | null> {
    const condition = await this.#access.condition("crons", "change", { cron_id: cronId });
    return this.#storage.update(cronId, (current) => {
      if (!meets(current.metadata, condition)) throw notFound(`There is no cron ${cronId}.`);
      const changed = change(current);
      return { ...changed, metadata: this.#access.tagged("crons", changed.metadata) };
    });
  }

  async delete(cronId: CronId): Promise<boolean> {
    return (await this.#see(cronId, "change")) !== null && this.#storage.delete(cronId);
  }

  async search(params: Parameters<CronStorage["search"]>[0]): Promise<Found<Cron>> {
    return this.#storage.search({ ...params, filter: await this.#visible(params.filter) });
  }

  async count(filter: CronFilter): Promise<number> {
    return this.#storage.count(await this.#visible(filter));
  }

  async #see(cronId: CronId, intent: Intent): Promise<Cron | null> {
    const condition = await this.#access.condition("crons", intent, { cron_id: cronId });
    const cron = await this.#storage.get(cronId);
    return cron && meets(cron.metadata, condition) ? cron : null;
  }

  async #visible(filter: CronFilter): Promise<CronFilter> {
    const condition = await this.#access.condition("crons", "search", {});
    return { ...filter, visible: allOf([filter.visible ?? null, condition]) };
  }
}
