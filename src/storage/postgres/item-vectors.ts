import { escapeIdentifier } from "pg";
import type { Item, ItemVector } from "../../core/item.ts";
import type { Database, TransactionConnection } from "./database.ts";

interface VectorFunctions {
  /** The cosine of two vectors, as SQL; 0 where one is all zeros. */
  similarity(first: string, second: string): string;
  slowBecause: string | null;
}

const known = new WeakMap<Database, Promise<VectorFunctions>>();

/** With pgvector where the database has it or lets us create it; else in plain SQL. */
export function readyVectors(database: Database): Promise<VectorFunctions> {
  let functions = known.get(database);
  if (!functions) {
    functions = findFunctions(database);
    known.set(database, functions);
    // A database that did not answer is asked again.
    functions.catch(() => known.delete(database));
  }
  return functions;
}

async function findFunctions(database: Database): Promise<VectorFunctions> {
  const available = await database.rows<{ is_installed: boolean }>(
    `select installed_version is not null as is_installed
     from pg_available_extensions where name = 'vector'`,
  );
  if (available[0]?.is_installed === false) {
    // Whoever may not create it has to ask somebody who may; so it is said, and goes on without.
    await database.rows("create extension if not exists vector schema public").catch(() => {});
  }
  const [extension] = await database.rows<{ schema: string }>(
    `select nspname as schema from pg_extension
     join pg_namespace on pg_namespace.oid = extnamespace where extname = 'vector'`,
  );
  if (extension) return withPgvector(escapeIdentifier(extension.schema));
  const slowBecause =
    available.length > 0
      ? "The extension pgvector is there but not created (run: create extension vector), so a search with a query takes many times as long."
      : "The database server has no pgvector, so a search with a query takes many times as long.";
  return { similarity: plainSimilarity, slowBecause };
}

/** `<=>` is 1 - cosine, NaN from a vector of zeros. The search path does not lead to the extension. */
function withPgvector(schema: string): VectorFunctions {
  return {
    similarity: (first, second) =>
      `coalesce(1 - nullif(${first}::${schema}.vector operator(${schema}.<=>) ${second}::${schema}.vector, 'NaN'), 0)`,
    slowBecause: null,
  };
}

/** Vectors have length 1, or 0: their product says it all. 0.3 ms for 1,536 numbers. */
function plainSimilarity(first: string, second: string): string {
  return `(select sum(a::float8 * b) from unnest(${first}, ${second}) as pair (a, b))`;
}

export function insertVectors(
  connection: TransactionConnection,
  { namespace, key }: Item,
  vectors: ItemVector[],
): void {
  for (const { path, model, values } of vectors) {
    connection.run(
      `insert into item_vectors (namespace, key, path, model, vector)
       values ($1, $2, $3, $4, $5::real[])`,
      [namespace, key, path, model, [...values]],
      "item_vector_insert",
    );
  }
}
