import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { Client, defaults } from "pg";

defaults.user ||= userInfo().username;

/** A database of the test's own on a PostgreSQL server, for servers that are told no more than a URI. */
export class FreshDatabase implements AsyncDisposable {
  readonly uri: string;
  readonly #server: string;
  readonly #name: string;

  static async on(server: string): Promise<FreshDatabase> {
    const database = new FreshDatabase(server);
    await database.#execute(`create database ${database.#name}`);
    return database;
  }

  private constructor(server: string) {
    this.#server = server;
    this.#name = `test_${randomBytes(8).toString("hex")}`;
    const uri = new URL(server);
    uri.pathname = `/${this.#name}`;
    this.uri = uri.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#execute(`drop database if exists ${this.#name} with (force)`);
  }

  async #execute(statement: string): Promise<void> {
    const client = new Client({ connectionString: this.#server });
    try {
      await client.connect();
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
}
