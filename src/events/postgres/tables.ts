import type { Pool } from "pg";
import type { Failure } from "../../core/error.ts";
import { positionsPerAttempt, type RunEnd, type RunEvent } from "../../core/event.ts";
import type { RunId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunStatus } from "../../core/run.ts";
import { channelOf, type Place, transaction } from "./database.ts";

/** How many events a reader takes from the table at once. */
const readEventsMax = 1000;

export type Entry =
  | { runId: RunId; event: RunEvent }
  | { runId: RunId; end: RunEnd; endedAt: number };

/** What other servers did to a run that this one appends to. */
export interface Foreign {
  runId: RunId;
  /** A later attempt has appended. */
  superseded: boolean;
  end: RunEnd | null;
}

interface EndRow {
  status: RunStatus | null;
  error: string | null;
  state: string | null;
  thread_metadata: string | null;
}

/** The statements on `run_events` and `run_ends`. */
export class EventTables implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #channel: string;

  constructor(pool: Pool, place: Place) {
    this.#pool = pool;
    this.#channel = channelOf(place, "events");
  }

  /**
   * One statement for all entries, in which a run's end never shows before its events. Again after a
   * failure it stores nothing twice. Each run's readers are notified once, by `origin` and run.
   */
  async store(params: { entries: Entry[]; origin: string; now: number }): Promise<void> {
    const { entries, origin, now } = params;
    const events = entries.filter((entry) => "event" in entry);
    const ends = entries.filter((entry) => "end" in entry);
    await this.#pool.query({
      name: "events_store",
      text: `
        with stored_events as (
          insert into run_events (run_id, position, name, data, stored_at)
          select given.*, $5::bigint
          from unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
            as given (run_id, position, name, data)
          where not exists (select 1 from run_ends where run_ends.run_id = given.run_id)
            and not exists (
              select 1 from run_events as newer where newer.run_id = given.run_id
                and newer.position >= (given.position / $13::bigint + 1) * $13::bigint)
          on conflict do nothing returning run_id),
        stored_ends as (
          insert into run_ends (run_id, status, error, state, ended_at, thread_metadata)
          select * from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
            $14::text[])
          on conflict do nothing returning run_id)
        select pg_notify($11, $12 || ' ' || run_id)
        from (select run_id from stored_events union select run_id from stored_ends) as woken`,
      values: [
        events.map(({ runId }) => runId),
        events.map(({ event }) => event.position),
        events.map(({ event }) => event.name.replaceAll("\u0000", "\ufffd")),
        events.map(({ event }) => event.data),
        now,
        ends.map(({ runId }) => runId),
        ends.map(({ end }) => end.status),
        ends.map(({ end }) => end.error && JSON.stringify(end.error)),
        ends.map(({ end }) => end.values),
        ends.map(({ endedAt }) => endedAt),
        this.#channel,
        origin,
        positionsPerAttempt,
        ends.map(({ end }) => end.threadMetadata && JSON.stringify(end.threadMetadata)),
      ],
    });
  }

  /** Drops each run's events before its position. */
  async trim(firstKept: Map<RunId, number>): Promise<void> {
    await this.#pool.query(
      `delete from run_events using unnest($1::text[], $2::bigint[]) as kept (run_id, first)
       where run_events.run_id = kept.run_id and position < kept.first`,
      [[...firstKept.keys()], [...firstKept.values()]],
    );
  }

  /** Events between two positions (both exclusive); the end when nothing lies before it any more. */
  async read(params: {
    runId: RunId;
    after: number;
    before: number | null;
  }): Promise<{ events: RunEvent[]; end: RunEnd | null }> {
    const { rows } = await this.#pool.query<EndRow & { position: number | null } & RunEvent>({
      name: "events_read",
      text: `
        (select position, name, data, null as status, null as error, null as state,
           null as thread_metadata
         from run_events where run_id = $1 and position > $2 and position < coalesce($3, 1::bigint << 62)
         order by position limit $4)
        union all
        select null, null, null, status, error, state, thread_metadata from run_ends where run_id = $1
        order by position nulls last`,
      values: [params.runId, params.after, params.before, readEventsMax],
    });
    const events = rows.filter((row) => row.position !== null);
    const last = rows.at(-1);
    return {
      events: events.map(({ position, name, data }) => ({ position, name, data })),
      end: last && events.length < readEventsMax ? endOf(last) : null,
    };
  }

  /** The position of the newest event; -1 when there is none. */
  async lastPosition(runId: RunId): Promise<number> {
    const { rows } = await this.#pool.query<{ last: number }>({
      name: "events_last",
      text: "select coalesce(max(position), -1) as last from run_events where run_id = $1",
      values: [runId],
    });
    return rows[0]!.last;
  }

  async end(runId: RunId): Promise<RunEnd | null> {
    const { rows } = await this.#pool.query<EndRow>({
      name: "events_end",
      text: "select status, error, state, thread_metadata from run_ends where run_id = $1",
      values: [runId],
    });
    return rows[0] ? endOf(rows[0]) : null;
  }

  async foreign(known: { runId: RunId; nextAttempt: number }[]): Promise<Foreign[]> {
    const { rows } = await this.#pool.query<EndRow & { run_id: RunId; superseded: boolean }>(
      `select known.run_id, status, error, state, thread_metadata,
         exists (select 1 from run_events where run_events.run_id = known.run_id
           and position >= known.next_attempt) as superseded
       from unnest($1::text[], $2::bigint[]) as known (run_id, next_attempt)
         left join run_ends on run_ends.run_id = known.run_id`,
      [known.map((one) => one.runId), known.map((one) => one.nextAttempt)],
    );
    return rows.map((row) => ({
      runId: row.run_id,
      superseded: row.superseded,
      end: endOf(row),
    }));
  }

  /**
   * Finished logs that ended by `endedBy` go; then, oldest first, those that make all finished logs
   * larger than `bytesMax` (the newest stays); then events of runs that never ended, stored by
   * `storedBy`.
   */
  async forget(params: { endedBy: number; bytesMax: number; storedBy: number }): Promise<void> {
    await transaction(this.#pool, async (client) => {
      await client.query(
        `with sizes as (
           select run_id, ended_at, coalesce(octet_length(state), 0) + coalesce((
             select sum(octet_length(data)) from run_events
             where run_events.run_id = run_ends.run_id), 0) as bytes
           from run_ends),
         newest_first as (
           select run_id, ended_at,
             sum(bytes) over (order by ended_at desc, run_id desc) as total,
             row_number() over (order by ended_at desc, run_id desc) as place
           from sizes),
         forgotten as (
           delete from run_ends using newest_first
           where run_ends.run_id = newest_first.run_id
             and (newest_first.ended_at <= $1 or (total > $2 and place > 1))
           returning run_ends.run_id)
         delete from run_events where run_id in (select run_id from forgotten)`,
        [params.endedBy, params.bytesMax],
      );
      await client.query("delete from run_events where stored_at <= $1", [params.storedBy]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

function endOf(row: EndRow): RunEnd | null {
  if (row.status === null) return null;
  return {
    status: row.status,
    error: row.error === null ? null : (JSON.parse(row.error) as Failure),
    values: row.state,
    ...(row.thread_metadata !== null && {
      threadMetadata: JSON.parse(row.thread_metadata) as JsonObject,
    }),
  };
}
