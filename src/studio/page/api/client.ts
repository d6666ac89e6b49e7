import { Client } from "@langchain/langgraph-sdk/client";
import { apiUrl } from "./address.ts";
import { noteAnswer, noteFailure } from "./connection.ts";
import { readApiKey } from "./key.ts";

/** Tells the banner whether the server answers. */
async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, withApiKey(init));
    noteAnswer();
    return response;
  } catch (thrown) {
    noteFailure(thrown);
    throw thrown;
  }
}

function withApiKey(init: RequestInit | undefined): RequestInit | undefined {
  const key = readApiKey();
  if (key === "") return init;
  const headers = new Headers(init?.headers);
  headers.set("x-api-key", key);
  return { ...init, headers };
}

/** No retries: the page says at once what is wrong, and asks again when the server is back. */
export const client = new Client({
  apiUrl,
  apiKey: null,
  callerOptions: {
    maxRetries: 0,
    maxConcurrency: 32,
    fetch: watchedFetch as (...parameters: unknown[]) => Promise<Response>,
  },
});

/** An answer that is no success, for routes that the SDK has no method for. */
class ApiError extends Error {
  readonly status: number;
  constructor(status: number, text: string) {
    super(`HTTP ${status}: ${text}`);
    this.name = "ApiError";
    this.status = status;
  }
}

/** For what the SDK cannot ask: pages with their total, and parts of a state. */
export async function callApi<Answer>(
  path: string,
  request: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<{ answer: Answer; headers: Headers }> {
  const response = await watchedFetch(`${apiUrl}${path}`, {
    method: request.method ?? (request.body === undefined ? "GET" : "POST"),
    headers: request.body === undefined ? {} : { "content-type": "application/json" },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    ...(request.signal && { signal: request.signal }),
  });
  if (!response.ok) throw new ApiError(response.status, await response.text());
  const text = await response.text();
  return { answer: (text === "" ? null : JSON.parse(text)) as Answer, headers: response.headers };
}

/** One page of a search and the number of all that match. */
export interface Found<Item> {
  items: Item[];
  total: number;
}

export async function searchApi<Item>(
  path: string,
  body: object,
  signal?: AbortSignal,
): Promise<Found<Item>> {
  const { answer, headers } = await callApi<Item[]>(path, { body, ...(signal && { signal }) });
  const total = Number(headers.get("x-pagination-total") ?? answer.length);
  return { items: answer, total };
}
