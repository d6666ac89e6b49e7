import type {
  Assistant,
  AssistantContent,
  AssistantFilter,
  AssistantSortField,
  AssistantVersion,
} from "../../core/assistant.ts";
import type { AssistantId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Found, Page, Sort } from "../../core/page.ts";
import type { AssistantStorage } from "../../core/ports/storage.ts";
import {
  type AssistantRow,
  type AssistantVersionRow,
  assistantOf,
  assistantVersionOf,
  contentValues,
} from "./codec.ts";
import type { Connection, Database, TransactionConnection } from "./database.ts";
import { Filter } from "./filter.ts";
import { Group, patience } from "./group.ts";
import { searchPage } from "./search.ts";

export class PostgresAssistants implements AssistantStorage {
  readonly #database: Database;
  readonly #creations: Group;

  constructor(database: Database) {
    this.#database = database;
    this.#creations = new Group((statements) => database.batch(statements), {
      first: patience,
    });
  }

  async create(assistant: Assistant): Promise<{ assistant: Assistant; created: boolean }> {
    for (;;) {
      const [row] = await this.#creations.rows<AssistantRow>(
        `with inserted as (
           insert into assistants (assistant_id, version, graph_id, name, description, config,
             context, metadata, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           on conflict (assistant_id) do nothing returning *),
         versioned as (
           insert into assistant_versions (assistant_id, version, graph_id, name, description,
             config, context, metadata, created_at)
           select assistant_id, version, graph_id, name, description, config, context, metadata,
             created_at from inserted)
         select * from inserted`,
        [
          assistant.assistantId,
          assistant.version,
          ...contentValues(assistant),
          assistant.createdAt,
          assistant.updatedAt,
        ],
        "assistant_create",
      );
      if (row) return { assistant: assistantOf(row), created: true };
      const existing = await this.get(assistant.assistantId);
      if (existing) return { assistant: existing, created: false };
      // It was deleted in between.
    }
  }

  async get(assistantId: AssistantId): Promise<Assistant | null> {
    const [row] = await this.#database.glances.rows<AssistantRow>(
      "select * from assistants where assistant_id = $1",
      [assistantId],
      "assistant_get",
    );
    return row ? assistantOf(row) : null;
  }

  async addVersion(params: {
    assistantId: AssistantId;
    now: number;
    change: (current: AssistantContent) => AssistantContent;
  }): Promise<Assistant | null> {
    const { assistantId, now, change } = params;
    return this.#database.transaction(async (connection) => {
      const current = await lockedAssistant(connection, assistantId);
      if (!current) return null;
      const { graphId, name, description, config, context, metadata } = change(current);
      const content = { graphId, name, description, config, context, metadata };
      const [row] = await connection.rows<{ highest: number }>(
        "select max(version) as highest from assistant_versions where assistant_id = $1",
        [assistantId],
      );
      const version = { assistantId, version: row!.highest + 1, createdAt: now, ...content };
      insertVersion(connection, version);
      return show(connection, version, now);
    });
  }

  async activate(params: {
    assistantId: AssistantId;
    version: number;
    now: number;
  }): Promise<Assistant | null> {
    return this.#database.transaction(async (connection) => {
      await lockedAssistant(connection, params.assistantId);
      const version = await readVersion(connection, params.assistantId, params.version);
      return version && show(connection, version, params.now);
    });
  }

  async version(assistantId: AssistantId, version: number): Promise<AssistantVersion | null> {
    return readVersion(this.#database, assistantId, version);
  }

  async versions(params: {
    assistantId: AssistantId;
    metadata?: JsonObject;
    page: Page;
  }): Promise<AssistantVersion[]> {
    const filter = new Filter();
    filter.add((n) => `assistant_id = ${n}`, params.assistantId);
    filter.addContainment(params.metadata);
    const rows = await this.#database.rows<AssistantVersionRow>(
      `select * from assistant_versions ${filter.where} order by version desc
       limit ${filter.parameter(params.page.limit)} offset ${filter.parameter(params.page.offset)}`,
      filter.values,
    );
    return rows.map(assistantVersionOf);
  }

  async delete(assistantId: AssistantId): Promise<boolean> {
    const removed = await this.#database.rows(
      "delete from assistants where assistant_id = $1 returning assistant_id",
      [assistantId],
    );
    return removed.length > 0;
  }

  async search(params: {
    filter: AssistantFilter;
    sort: Sort<AssistantSortField>;
    page: Page;
  }): Promise<Found<Assistant>> {
    const { sort, page } = params;
    const filter = filterOf(params.filter);
    const found = await searchPage<AssistantRow, typeof sort.by>(this.#database, {
      table: "assistants",
      key: "assistant_id",
      filter,
      sort,
      page,
    });
    return { items: found.items.map(assistantOf), total: found.total };
  }

  async count(given: AssistantFilter): Promise<number> {
    const filter = filterOf(given);
    const [row] = await this.#database.rows<{ total: number }>(
      `select count(*) as total from assistants ${filter.where}`,
      filter.values,
    );
    return row!.total;
  }
}

async function lockedAssistant(
  connection: Connection,
  assistantId: AssistantId,
): Promise<Assistant | null> {
  const [row] = await connection.rows<AssistantRow>(
    "select * from assistants where assistant_id = $1 for update",
    [assistantId],
  );
  return row ? assistantOf(row) : null;
}

async function readVersion(
  connection: Connection,
  assistantId: AssistantId,
  version: number,
): Promise<AssistantVersion | null> {
  const [row] = await connection.rows<AssistantVersionRow>(
    "select * from assistant_versions where assistant_id = $1 and version = $2",
    [assistantId, version],
    "assistant_version_get",
  );
  return row ? assistantVersionOf(row) : null;
}

function insertVersion(connection: TransactionConnection, version: AssistantVersion): void {
  connection.run(
    `insert into assistant_versions (assistant_id, version, graph_id, name, description, config,
       context, metadata, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [version.assistantId, version.version, ...contentValues(version), version.createdAt],
  );
}

/** Makes a version the one the assistant shows. */
async function show(
  connection: Connection,
  version: AssistantVersion,
  now: number,
): Promise<Assistant> {
  const [row] = await connection.rows<AssistantRow>(
    `update assistants set version = $2, graph_id = $3, name = $4, description = $5, config = $6,
       context = $7, metadata = $8, updated_at = $9
     where assistant_id = $1 returning *`,
    [version.assistantId, version.version, ...contentValues(version), now],
  );
  return assistantOf(row!);
}

function filterOf(given: AssistantFilter): Filter {
  const filter = new Filter();
  filter.add((n) => `graph_id = ${n}`, given.graphId);
  // The column's own collation, "C", would fold ASCII only.
  filter.add(
    (n) => `position(lower(${n} collate "default") in lower(name collate "default")) > 0`,
    given.name,
  );
  filter.addContainment(given.metadata);
  filter.addCondition(given.visible);
  return filter;
}
