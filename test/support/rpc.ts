import type { Answered } from "./api.ts";

interface App {
  request(path: string, init: RequestInit): Response | Promise<Response>;
}

/** Posts to a dialect of JSON-RPC in process; a text is sent as it stands. */
export async function post(
  app: App,
  path: string,
  body: unknown,
  headers: Record<string, string | null> = {},
): Promise<Answered> {
  const all = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...headers,
  };
  const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  const answered = await app.request(path, {
    method: "POST",
    headers: sent,
    // As bytes, since a text is given a content type of its own.
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  });
  const text = await answered.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: answered.status, headers: answered.headers, text, json };
}

export function rpc(method: string, params?: unknown, id: unknown = 1) {
  return { jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) };
}
