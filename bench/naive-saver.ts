import { DatabaseSync } from "node:sqlite";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";

interface CheckpointRow {
  id: string;
  parent: string | null;
  checkpoint: Uint8Array;
  metadata: string;
}

/**
 * A checkpointer as one writes it in ten minutes: each checkpoint whole, one statement, no checks. It
 * does for one server what must be done, and nothing else; that is what makes it a floor.
 */
export class NaiveSaver extends BaseCheckpointSaver {
  readonly #database: DatabaseSync;
  readonly #statements: Record<
    "put" | "write" | "last" | "writes",
    ReturnType<DatabaseSync["prepare"]>
  >;

  constructor(file: string) {
    super();
    this.#database = new DatabaseSync(file);
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = normal;
      create table checkpoints (thread text, id text, parent text, checkpoint blob, metadata text,
        primary key (thread, id)) without rowid;
      create table writes (thread text, id text, task text, position integer, channel text, type text,
        value blob, primary key (thread, id, task, position)) without rowid;
    `);
    this.#statements = {
      put: this.#database.prepare("insert or replace into checkpoints values (?, ?, ?, ?, ?)"),
      write: this.#database.prepare("insert or replace into writes values (?, ?, ?, ?, ?, ?, ?)"),
      last: this.#database.prepare(
        "select id, parent, checkpoint, metadata from checkpoints where thread = ? order by id desc limit 1",
      ),
      writes: this.#database.prepare(
        "select task, channel, type, value from writes where thread = ? and id = ?",
      ),
    };
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const thread = config.configurable!["thread_id"] as string;
    const row = this.#statements.last.get(thread) as CheckpointRow | undefined;
    if (!row) return undefined;
    const pending = this.#statements.writes.all(thread, row.id).map(async (write) => {
      const value = await this.serde.loadsTyped(
        write["type"] as string,
        write["value"] as Uint8Array,
      );
      return [write["task"], write["channel"], value] as CheckpointPendingWrite;
    });
    return {
      config: configOf(thread, row.id),
      checkpoint: (await this.serde.loadsTyped("json", row.checkpoint)) as Checkpoint,
      metadata: JSON.parse(row.metadata) as CheckpointMetadata,
      ...(row.parent === null ? {} : { parentConfig: configOf(thread, row.parent) }),
      pendingWrites: await Promise.all(pending),
    };
  }

  async *list(): AsyncGenerator<CheckpointTuple> {}

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<RunnableConfig> {
    const thread = config.configurable!["thread_id"] as string;
    const parent = (config.configurable!["checkpoint_id"] as string | undefined) ?? null;
    const [, bytes] = await this.serde.dumpsTyped(checkpoint);
    this.#statements.put.run(thread, checkpoint.id, parent, bytes, JSON.stringify(metadata));
    return configOf(thread, checkpoint.id);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const { thread_id: thread, checkpoint_id: id } = config.configurable as Record<string, string>;
    const dumped = await Promise.all(writes.map(([, value]) => this.serde.dumpsTyped(value)));
    dumped.forEach(([type, bytes], position) => {
      this.#statements.write.run(thread!, id!, taskId, position, writes[position]![0], type, bytes);
    });
  }

  async deleteThread(threadId: string): Promise<void> {
    this.#database.prepare("delete from checkpoints where thread = ?").run(threadId);
    this.#database.prepare("delete from writes where thread = ?").run(threadId);
  }
}

function configOf(thread: string, id: string): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: "", checkpoint_id: id } };
}
