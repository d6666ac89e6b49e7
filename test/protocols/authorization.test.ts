import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { langgraphDialect } from "../../src/protocols/langgraph/app.ts";
import { Metrics } from "../../src/protocols/metrics.ts";
import type { Route } from "../../src/protocols/route.ts";
import { openApi, readUntil, type TestApi } from "../support/api.ts";
import { ownedByUser, TestAuth } from "../support/auth.ts";

/**
 * Walks every declared route against the authorization events. A new route is walked as soon as it is
 * declared: one that names no action, or takes a body that is not below, fails here.
 */

const auth = new TestAuth();
/** They hold code, which is nobody's. */
const components = {
  files: new Map([["entrypoint.js", { bytes: new Uint8Array(1), digest: "d" }]]),
};
const ui = { bundle: () => Promise.resolve(components) };
let api: TestApi;
let routes: Route[];

beforeAll(async () => {
  api = await openApi({ ports: { auth }, limits: { heartbeatMs: 20 }, ui });
  routes = langgraphDialect(
    api.ports,
    { version: "1" },
    new Metrics(api.ports.storage.runs),
  ).routes;
});
afterAll(() => api[Symbol.asyncDispose]());

const open = ["GET /", "GET /ok", "GET /info", "GET /ui/{agent}/{file}"];
const forMembers = [
  "GET /metrics",
  "POST /ui/{agent}",
  "GET /openapi.json",
  "GET /docs",
  "GET /docs/",
  "GET /docs/initializer.js",
  "GET /docs/swagger-ui.css",
  "GET /docs/swagger-ui-bundle.js",
  "GET /docs/favicon-32x32.png",
];

/** In everything that Ada makes, and in nothing else. */
const secret = "adas-secret";

interface Made {
  assistant_id: string;
  thread_id: string;
  run_id: string;
  /** On a thread of its own, not yet begun. */
  pending: { thread_id: string; run_id: string };
  cron_id: string;
  checkpoint_id: string;
  namespace: string;
  agent: string;
  file: string;
}

/** As Ada, with the owner handler. */
async function make(): Promise<Made> {
  auth.decide = ownedByUser;
  const call = async (path: string, body: unknown, method = "POST") => {
    const answered = await api.call(method, path, body, { "x-user": "ada" });
    expect(answered.status, `${path}: ${answered.text}`).toBeLessThan(300);
    return answered.json;
  };
  const metadata = { note: secret };
  const assistant = await call("/assistants", { graph_id: "steps", name: secret, metadata });
  const thread_id = (await call("/threads", { metadata })).thread_id;
  const input = { input: secret };
  const body = { assistant_id: assistant.assistant_id, input, metadata };
  await call(`/threads/${thread_id}/runs/wait`, body);
  const [run] = (
    await api.call("GET", `/threads/${thread_id}/runs`, undefined, { "x-user": "ada" })
  ).json;
  const other = (await call("/threads", { metadata })).thread_id;
  const pending = await call(`/threads/${other}/runs`, { ...body, after_seconds: 3600 });
  const cron = await call("/runs/crons", { ...body, schedule: "0 0 1 1 *" });
  await call("/store/items", { namespace: ["ada"], key: "k", value: { secret } }, "PUT");
  const [state] = await call(`/threads/${thread_id}/history`, { limit: 1 });
  return {
    assistant_id: assistant.assistant_id,
    thread_id,
    run_id: run.run_id,
    pending: { thread_id: other, run_id: pending.run_id },
    cron_id: cron.cron_id,
    checkpoint_id: state.checkpoint.checkpoint_id,
    namespace: "nested",
    agent: "steps",
    file: "entrypoint.js",
  };
}

type Body = (made: Made) => unknown;

const runBody = { assistant_id: "steps", input: { input: "x" } };
const run: Body[] = [
  () => runBody,
  () => ({ ...runBody, if_not_exists: "create" }),
  (made) => ({ ...runBody, assistant_id: made.assistant_id }),
];
const statelessRun: Body[] = [
  () => runBody,
  (made) => ({ ...runBody, assistant_id: made.assistant_id }),
];
const cron: Body[] = [
  () => ({ assistant_id: "steps", schedule: "0 0 1 1 *" }),
  (made) => ({ assistant_id: made.assistant_id, schedule: "0 0 1 1 *", if_not_exists: "create" }),
];

/** What the routes that take a body are sent. Routes without an entry are sent an empty object. */
const bodies: Record<string, Body[]> = {
  "POST /assistants": [
    (made) => ({ graph_id: "steps", assistant_id: made.assistant_id }),
    (made) => ({ graph_id: "steps", assistant_id: made.assistant_id, if_exists: "do_nothing" }),
    () => ({ graph_id: "steps" }),
  ],
  "PATCH /assistants/{assistant_id}": [() => ({ name: "taken over" })],
  "POST /assistants/{assistant_id}/latest": [() => ({ version: 1 })],
  "POST /threads": [
    (made) => ({ thread_id: made.thread_id }),
    (made) => ({ thread_id: made.thread_id, if_exists: "do_nothing" }),
    () => ({}),
  ],
  "POST /threads/search": [
    () => ({}),
    (made) => ({ ids: [made.thread_id] }),
    () => ({ metadata: { owner: "ada" } }),
    () => ({ values: { input: secret } }),
  ],
  "POST /threads/prune": [
    (made) => ({ thread_ids: [made.thread_id, made.pending.thread_id] }),
    (made) => ({ thread_ids: [made.thread_id], strategy: "keep_latest" }),
  ],
  "POST /threads/{thread_id}/state/checkpoint": [
    (made) => ({ checkpoint: { checkpoint_id: made.checkpoint_id } }),
  ],
  "POST /threads/{thread_id}/state": [() => ({ values: { log: ["x"] }, as_node: "one" })],
  "PATCH /threads/{thread_id}": [() => ({ metadata: { owner: "bob" } })],
  "PATCH /threads/{thread_id}/state": [() => ({ metadata: { owner: "bob" } })],
  "POST /threads/{thread_id}/runs": run,
  "POST /threads/{thread_id}/runs/stream": run,
  "POST /threads/{thread_id}/runs/wait": run,
  "POST /runs": statelessRun,
  "POST /runs/stream": statelessRun,
  "POST /runs/wait": statelessRun,
  "POST /runs/batch": statelessRun.map((body) => (made: Made) => [body(made)]),
  "POST /runs/cancel": [
    () => ({ status: "all" }),
    ({ pending }) => ({ thread_id: pending.thread_id, run_ids: [pending.run_id] }),
  ],
  "POST /runs/crons": cron,
  "POST /threads/{thread_id}/runs/crons": cron,
  "PATCH /runs/crons/{cron_id}": [() => ({ enabled: false })],
  "PUT /store/items": [() => ({ namespace: ["ada"], key: "k", value: { mine: true } })],
  "DELETE /store/items": [() => ({ namespace: ["ada"], key: "k" })],
  "POST /threads/{thread_id}/commands": [
    () => ({ id: 1, method: "run.start", params: { ...runBody, multitaskStrategy: "enqueue" } }),
  ],
  "POST /threads/{thread_id}/stream/events": [() => ({ channels: ["values", "updates"] })],
  "POST /ui/{agent}": [() => ({ name: "card" })],
  "POST /store/items/search": [() => ({}), () => ({ namespace_prefix: ["ada"] })],
};

const queries: Record<string, string> = {
  "GET /store/items": "?key=k&namespace=ada",
  "DELETE /assistants/{assistant_id}": "?delete_threads=true",
};

/** Every way of calling a route on what Ada made. */
function* callsOf(route: Route, made: Made) {
  const name = `${route.method} ${route.path}`;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    const value = made[key as keyof Made];
    if (typeof value !== "string") throw new Error(`${name}: nothing of Ada's is a {${key}}.`);
    return value;
  });
  const ways: (Body | null)[] = route.body ? (bodies[name] ?? [() => ({})]) : [null];
  for (const body of ways) {
    const sent = body?.(made);
    yield { path: path + (queries[name] ?? ""), sent, name: `${name} ${JSON.stringify(sent)}` };
  }
}

/** Streams that have no end. */
const endless = new Set([
  "GET /threads/{thread_id}/stream",
  "POST /threads/{thread_id}/stream/events",
]);

/** Of an endless stream, what it says until it is silent. */
async function ask(route: Route, path: string, sent: unknown, user?: string) {
  const headers: Record<string, string> = user ? { "x-user": user } : {};
  if (!endless.has(`${route.method} ${route.path}`)) {
    return api.call(route.method, path, sent, headers);
  }
  const init: RequestInit = { method: route.method, headers };
  if (sent !== undefined) init.body = JSON.stringify(sent);
  const response = await api.app.request(path, init);
  if (response.status !== 200) return { status: response.status, text: await response.text() };
  const reader = response.body!.getReader();
  const text = await readUntil(reader, ": heartbeat");
  await reader.cancel();
  return { status: 200, text };
}

/**
 * What protocol v2 answers where nothing is: a command fails within its answer. Components are the
 * same for everybody.
 */
const whereNothingIs: Record<string, { status: number; text: RegExp }> = {
  "POST /ui/{agent}": { status: 200, text: /^<script/ },
  "POST /threads/{thread_id}/commands": { status: 200, text: /"error":"no_such_run"/ },
};

/** All that is Ada's, as it is stored. */
async function adas(): Promise<string> {
  const { storage } = api.engine.ports;
  const page = { limit: 1000, offset: 0 };
  const sort = { by: "created_at", order: "asc" } as const;
  const filter = { metadata: { owner: "ada" } };
  const threads = (await storage.threads.search({ filter, sort, page })).items;
  const runs = await Promise.all(
    threads.map(({ threadId }) => storage.runs.list({ threadId, page })),
  );
  const heads = await Promise.all(
    threads.map(({ threadId }) => storage.checkpoints.head(threadId)),
  );
  return JSON.stringify({
    threads,
    runs,
    heads,
    assistants: (await storage.assistants.search({ filter, sort, page })).items,
    crons: (await storage.crons.search({ filter, sort, page })).items,
    items: await storage.items.search({ prefix: [], page, now: 0 }),
  });
}

test("every route says what it does to what, but for a few that are open or for whoever is known", () => {
  const named = (action: Route["action"]) =>
    routes.filter((one) => one.action === action).map(({ method, path }) => `${method} ${path}`);
  expect(named(null).toSorted()).toEqual(open.toSorted());
  expect(named("member").toSorted()).toEqual(forMembers.toSorted());
  expect(routes.length).toBeGreaterThan(50);
});

test("nobody comes in without saying who they are, but to the open routes", async () => {
  const made = await make();
  const before = await adas();
  for (const route of routes) {
    for (const { path, sent, name } of callsOf(route, made)) {
      const { status } = await ask(route, path, sent);
      expect(status, name).toBe(route.action === null ? 200 : 401);
    }
  }
  expect(await adas()).toBe(before);
});

test("a handler that denies everything closes every route, and nothing is changed", async () => {
  const made = await make();
  const before = await adas();
  auth.decide = () => ({ kind: "deny" });
  for (const route of routes.filter(({ action }) => action?.includes(":"))) {
    for (const { path, sent, name } of callsOf(route, made)) {
      auth.asked.length = 0;
      const { status } = await ask(route, path, sent, "bob");
      expect(status, name).toBe(403);
      // A copy reads first.
      const expected = route.path.endsWith("/copy") ? "threads:read" : route.action;
      expect(
        auth.asked.map(({ action }) => action),
        name,
      ).toEqual([expected]);
    }
  }
  expect(await adas()).toBe(before);
});

describe("a handler that gives everybody their own", () => {
  test("another never sees or changes what Ada made, by any route", async () => {
    const made = await make();
    const before = await adas();
    for (const route of routes.filter(({ action }) => action !== null)) {
      for (const { path, sent, name } of callsOf(route, made)) {
        const { status, text } = await ask(route, path, sent, "bob");
        expect(status, `${name}: ${text}`).toBeLessThan(500);
        expect([400, 422], `${name}: ${text}`).not.toContain(status);
        expect(text, name).not.toContain(secret);
        expect(await adas(), name).toBe(before);
      }
    }
    expect(api.errors).toEqual([]);
  });

  test("routes that name one of Ada's things answer as if it were not there", async () => {
    const made = await make();
    const one = routes.filter(({ action, path }) => action !== null && path.includes("{"));
    for (const route of one) {
      for (const { path, sent, name } of callsOf(route, made)) {
        const { status, text } = await ask(route, path, sent, "bob");
        const expected = whereNothingIs[`${route.method} ${route.path}`] ?? {
          status: 404,
          text: /./,
        };
        expect(status, name).toBe(expected.status);
        expect(text, name).toMatch(expected.text);
      }
    }
  });

  test("Ada herself goes through every route", async () => {
    for (const route of routes.filter(({ action }) => action !== null)) {
      const made = await make();
      for (const { path, sent, name } of callsOf(route, made)) {
        const { status, text } = await ask(route, path, sent, "ada");
        const taken = name.includes(`"${made.thread_id}"`) || name.includes(`POST /assistants {`);
        if (taken && status === 409) continue;
        if (status === 426) continue;
        expect(status, `${name}: ${text}`).toBeLessThan(400);
      }
    }
  }, 60_000);
});
