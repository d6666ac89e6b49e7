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
  encodeContent,
} from "./codec.ts";
import type { Connection } from "./connection.ts";
import { addCondition, addContainment, type Conditions, whereClause } from "./filter.ts";

export class SqliteAssistants implements AssistantStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async create(assistant: Assistant): Promise<{ assistant: Assistant; created: boolean }> {
    return this.#connection.transaction(() => {
      const existing = this.#read(assistant.assistantId);
      if (existing) return { assistant: existing, created: false };
      this.#connection.run(
        `insert into assistants (assistant_id, version, graph_id, name, description, config,
           context, metadata, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        assistant.assistantId,
        assistant.version,
        ...encodeContent(assistant),
        assistant.createdAt,
        assistant.updatedAt,
      );
      this.#insertVersion(assistant);
      return { assistant, created: true };
    });
  }

  async get(assistantId: AssistantId): Promise<Assistant | null> {
    return this.#connection.seen(() => this.#read(assistantId));
  }

  async addVersion(params: {
    assistantId: AssistantId;
    now: number;
    change: (current: AssistantContent) => AssistantContent;
  }): Promise<Assistant | null> {
    const { assistantId, now, change } = params;
    return this.#connection.transaction(() => {
      const current = this.#read(assistantId);
      if (!current) return null;
      const { graphId, name, description, config, context, metadata } = change(current);
      const content = { graphId, name, description, config, context, metadata };
      const { highest } = this.#connection.row<{ highest: number }>(
        "select max(version) as highest from assistant_versions where assistant_id = ?",
        assistantId,
      )!;
      const version = { assistantId, version: highest + 1, createdAt: now, ...content };
      this.#insertVersion(version);
      return this.#show(version, now);
    });
  }

  async activate(params: {
    assistantId: AssistantId;
    version: number;
    now: number;
  }): Promise<Assistant | null> {
    return this.#connection.transaction(() => {
      const version = this.#readVersion(params.assistantId, params.version);
      return version && this.#show(version, params.now);
    });
  }

  async version(assistantId: AssistantId, version: number): Promise<AssistantVersion | null> {
    return this.#readVersion(assistantId, version);
  }

  async versions(params: {
    assistantId: AssistantId;
    metadata?: JsonObject;
    page: Page;
  }): Promise<AssistantVersion[]> {
    const where: Conditions = { conditions: ["assistant_id = ?"], values: [params.assistantId] };
    addContainment(where, params.metadata);
    return this.#connection
      .rows<AssistantVersionRow>(
        `select * from assistant_versions ${whereClause(where)}
         order by version desc limit ? offset ?`,
        ...where.values,
        params.page.limit,
        params.page.offset,
      )
      .map(assistantVersionOf);
  }

  async delete(assistantId: AssistantId): Promise<boolean> {
    const removed = this.#connection.run(
      "delete from assistants where assistant_id = ?",
      assistantId,
    );
    return removed > 0;
  }

  async search(params: {
    filter: AssistantFilter;
    sort: Sort<AssistantSortField>;
    page: Page;
  }): Promise<Found<Assistant>> {
    const { filter, sort, page } = params;
    const where = conditionsOf(filter);
    const rows = this.#connection.rows<AssistantRow>(
      `select * from assistants ${whereClause(where)}
       order by ${sort.by} ${sort.order}, assistant_id ${sort.order} limit ? offset ?`,
      ...where.values,
      page.limit,
      page.offset,
    );
    return { items: rows.map(assistantOf), total: this.#count(where) };
  }

  async count(filter: AssistantFilter): Promise<number> {
    return this.#count(conditionsOf(filter));
  }

  #count(where: Conditions): number {
    return this.#connection.row<{ total: number }>(
      `select count(*) as total from assistants ${whereClause(where)}`,
      ...where.values,
    )!.total;
  }

  #read(assistantId: AssistantId): Assistant | null {
    const row = this.#connection.row<AssistantRow>(
      "select * from assistants where assistant_id = ?",
      assistantId,
    );
    return row ? assistantOf(row) : null;
  }

  #readVersion(assistantId: AssistantId, version: number): AssistantVersion | null {
    const row = this.#connection.row<AssistantVersionRow>(
      "select * from assistant_versions where assistant_id = ? and version = ?",
      assistantId,
      version,
    );
    return row ? assistantVersionOf(row) : null;
  }

  #insertVersion(version: AssistantVersion): void {
    this.#connection.run(
      `insert into assistant_versions (assistant_id, version, graph_id, name, description, config,
         context, metadata, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      version.assistantId,
      version.version,
      ...encodeContent(version),
      version.createdAt,
    );
  }

  /** Makes a version the one the assistant shows. */
  #show(version: AssistantVersion, now: number): Assistant {
    const row = this.#connection.row<AssistantRow>(
      `update assistants set version = ?, graph_id = ?, name = ?, description = ?, config = ?,
         context = ?, metadata = ?, updated_at = ?
       where assistant_id = ? returning *`,
      version.version,
      ...encodeContent(version),
      now,
      version.assistantId,
    );
    return assistantOf(row!);
  }
}

function conditionsOf(filter: AssistantFilter): Conditions {
  const where: Conditions = { conditions: [], values: [] };
  if (filter.graphId !== undefined) {
    where.conditions.push("graph_id = ?");
    where.values.push(filter.graphId);
  }
  if (filter.name !== undefined) {
    where.conditions.push("instr(folded(name), folded(?)) > 0");
    where.values.push(filter.name);
  }
  addContainment(where, filter.metadata);
  addCondition(where, filter.visible);
  return where;
}
