import type { Limits } from "../../src/core/limits.ts";
import type { ItemIndex } from "../../src/core/ports/item-index.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import type { UiBundles } from "../../src/core/ports/ui.ts";
import { createLanggraphApp } from "../../src/protocols/langgraph/app.ts";
import type { Security } from "../../src/protocols/openapi.ts";
import type { Route } from "../../src/protocols/route.ts";
import { openEngine, silentLog, type TestEngine } from "./engine.ts";

/** An answer as tests look at it. `json` is the body's JSON; undefined when there is none. */
export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  // Tests look into whatever was answered; a wrong guess is a failed test.
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
}

/** The LangGraph API in process, over real graphs, a real worker and a database in memory. */
export interface TestApi extends AsyncDisposable {
  engine: TestEngine;
  ports: Ports;
  app: ReturnType<typeof createLanggraphApp>;
  /** What was logged as an error. */
  errors: unknown[];
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answered>;
  /** A new thread's id. */
  thread(body?: unknown): Promise<string>;
}

export async function openApi(
  params: {
    limits?: Partial<Limits>;
    /** The caller closes it. A database in memory when absent. */
    storage?: Storage;
    itemIndex?: ItemIndex;
    ports?: Partial<Ports>;
    worker?: boolean;
    security?: Security;
    ui?: UiBundles;
    /** Routes of other dialects, for the OpenAPI document. */
    documented?: Route[];
  } = {},
): Promise<TestApi> {
  const { storage, itemIndex } = params;
  const engine = await openEngine({
    limits: params.limits ?? {},
    ...(storage && { storage }),
    ...(itemIndex && { itemIndex }),
  });
  const errors: unknown[] = [];
  const log = { ...silentLog, error: (fields: unknown) => void errors.push(fields) };
  const ports: Ports = { ...engine.ports, log, ...params.ports };
  const { security = {}, documented = [], ui } = params;
  const app = createLanggraphApp(
    ports,
    { version: "1.2.3" },
    { security, documented, ...(ui && { ui }) },
  );
  if (params.worker ?? true) engine.startWorker();
  let assertDocumented: ((method: string, path: string, status: number) => void) | null = null;
  const call: TestApi["call"] = async (method, path, body, headers = {}) => {
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const answered = await read(await app.request(path, init));
    assertDocumented ??= await documentedStatuses(app);
    assertDocumented(method, path, answered.status);
    return answered;
  };
  return {
    engine,
    ports,
    app,
    errors,
    call,
    thread: async (body = {}) => (await call("POST", "/threads", body)).json.thread_id as string,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Throws when a route answers with a status that the OpenAPI document does not know of it. */
async function documentedStatuses(app: TestApi["app"]) {
  const document = (await (await app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`),
      responses,
    })),
  );
  return (method: string, path: string, status: number) => {
    const { pathname } = new URL(path, "http://127.0.0.1");
    const found = operations.find((one) => one.method === method && one.pattern.test(pathname));
    if (found && !(status in found.responses)) {
      throw new Error(`${method} ${pathname} answered ${status}, which is not documented.`);
    }
  };
}

async function read(response: Response): Promise<Answered> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface ServerSentEvent {
  id?: string;
  event: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  data: any;
}

/** Comments are left out. */
export function eventsOf(text: string): ServerSentEvent[] {
  return text
    .replaceAll(/^:.*\n/gm, "")
    .split("\n\n")
    .filter((frame) => frame !== "")
    .map((frame) => {
      const fields = Object.fromEntries(
        frame
          .split("\n")
          .map((line) => [line.split(": ", 1)[0]!, line.slice(line.indexOf(": ") + 2)]),
      );
      return { ...fields, data: parsed(fields["data"] ?? "") } as ServerSentEvent;
    });
}

/** Reads from a body until `until` is found in what came so far, and returns that. */
export async function readUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  until: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes(until)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The body ended before ${JSON.stringify(until)}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  return text;
}
