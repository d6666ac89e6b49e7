import type { Vector } from "../../core/item.ts";
import type { Connection } from "./connection.ts";

/** Connections that know `vec_distance_cosine`, and what is slow about it. */
const ready = new WeakMap<Connection, Promise<string | null>>();

/**
 * Gives the connection the function `vec_distance_cosine` (1 - cosine similarity; null from a vector of
 * zeros): that of the extension sqlite-vec, which takes 4 µs for 1,536 numbers, or where it cannot be
 * loaded one of our own, which takes 12. Returns the reason then.
 */
export function readyVectors(connection: Connection): Promise<string | null> {
  let state = ready.get(connection);
  if (!state) {
    state = addFunction(connection);
    ready.set(connection, state);
  }
  return state;
}

async function addFunction(connection: Connection): Promise<string | null> {
  try {
    const { getLoadablePath } = await import("sqlite-vec");
    connection.loadExtension(getLoadablePath());
    return null;
  } catch (thrown) {
    connection.addFunction("vec_distance_cosine", cosineDistance);
    return `The extension sqlite-vec cannot be loaded here (${(thrown as Error).message}), so a search with a query takes three times as long.`;
  }
}

export function bytesOf({ values }: Vector): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Vectors have length 1, or 0: their product says it all. */
function cosineDistance(first: unknown, second: unknown): number | null {
  const a = floatsOf(first as Uint8Array<ArrayBuffer>);
  const b = floatsOf(second as Uint8Array<ArrayBuffer>);
  if (a.length !== b.length) {
    throw new RangeError(`Vectors of ${a.length} and ${b.length} numbers cannot be compared.`);
  }
  let product = 0;
  let isZero = true;
  for (let at = 0; at < a.length; at += 1) {
    product += a[at]! * b[at]!;
    isZero &&= a[at] === 0 || b[at] === 0;
  }
  return isZero ? null : 1 - product;
}

function floatsOf(bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
