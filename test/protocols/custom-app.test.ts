import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cors, defaultCors } from "../../src/protocols/cors.ts";
import { withCustomApp, type CustomAppOptions } from "../../src/protocols/custom-app.ts";
import { HeaderRules } from "../../src/protocols/header-rules.ts";
import { defaultHttpOptions, type HttpOptions } from "../../src/protocols/http-options.ts";
import { langgraphDialect, type RouteGroup } from "../../src/protocols/langgraph/app.ts";
import { Metrics } from "../../src/protocols/metrics.ts";
import { createServer } from "../../src/protocols/server.ts";
import { eventsOf, openApi, type TestApi } from "../support/api.ts";
import { TestAuth } from "../support/auth.ts";

let api: TestApi;
const ran: string[] = [];

beforeEach(async () => {
  ran.length = 0;
  api = await openApi();
});
afterEach(() => api[Symbol.asyncDispose]());

interface Setting extends Partial<CustomAppOptions> {
  isPage?: (path: string) => boolean;
  app?: unknown;
  auth?: boolean;
  http?: Partial<HttpOptions>;
  disabled?: RouteGroup[];
}

/** A server with the user's app before it. */
function serve({
  app = userApp(),
  auth = false,
  http: given = {},
  disabled = [],
  ...order
}: Setting) {
  const ports = auth ? { ...api.ports, auth: new TestAuth() } : api.ports;
  const http = { ...defaultHttpOptions, ...given };
  const metrics = new Metrics(ports.storage.runs);
  const options = { http, disabled: new Set(disabled) };
  const dialect = langgraphDialect(ports, { version: "1" }, metrics, options);
  const server = createServer({ ports, metrics, http, dialect });
  const custom = { authFirst: false, customRoutesNeedAuth: false, ...order };
  return withCustomApp(app, { ...custom, ports, http, api: server, dialect });
}

function userApp() {
  const app = new Hono<{ Variables: { auth?: { user: { identity: string } } } }>();
  app.use("*", async (context, next) => {
    ran.push(`${context.req.method} ${context.req.path}`);
    await next();
    context.res.headers.set("x-wrapped", "yes");
  });
  app.get("/hello", (context) =>
    context.json({ hello: context.get("auth")?.user.identity ?? null }),
  );
  app.all("/every", (context) => context.text("every"));
  app.get("/info", (context) => context.json({ mine: true }));
  app.get("/fails", () => {
    throw new HTTPException(418, { message: "teapot" });
  });
  app.get("/breaks", () => {
    throw new Error("with insides");
  });
  return app;
}

const json = { "content-type": "application/json" };
const ada = { "x-user": "ada" };

describe("the user's app", () => {
  test("has its own routes, which win over built-in ones", async () => {
    const server = serve({});
    expect(await (await server.request("/hello")).json()).toEqual({ hello: null });
    expect(await (await server.request("/info")).json()).toEqual({ mine: true });
    expect((await server.request("/hello")).headers.get("access-control-allow-origin")).toBe("*");
  });

  test("wraps the built-in routes in its middleware, streams included", async () => {
    const server = serve({});
    const made = await server.request("/threads", { method: "POST", body: "{}" });
    expect(made.status).toBe(200);
    expect(made.headers.get("x-wrapped")).toBe("yes");
    const body = JSON.stringify({ assistant_id: "steps", input: { input: "x" } });
    const streamed = await server.request("/runs/stream", { method: "POST", body, headers: json });
    expect(streamed.headers.get("x-wrapped")).toBe("yes");
    expect(streamed.headers.get("content-type")).toBe("text/event-stream");
    expect(eventsOf(await streamed.text()).at(-1)).toMatchObject({ event: "end" });
    expect(ran).toEqual(["POST /threads", "POST /runs/stream"]);
  });

  test("may read and rewrite requests on the way", async () => {
    const app = new Hono();
    app.use("/threads", async (context, next) => {
      const body = (await context.req.json()) as object;
      const { url, headers } = context.req.raw;
      const changed = JSON.stringify({ ...body, metadata: { by: "middleware" } });
      context.req.raw = new Request(url, { method: "POST", headers, body: changed });
      await next();
    });
    app.use("/assistants/*", async (context, next) => {
      await context.req.text();
      await next();
    });
    const server = serve({ app });
    const made = await server.request("/threads", { method: "POST", body: "{}" });
    expect(await made.json()).toMatchObject({ metadata: { by: "middleware" } });
    const counted = await server.request("/assistants/count", {
      method: "POST",
      body: JSON.stringify({ graph_id: "steps" }),
    });
    expect(await counted.json()).toBe(1);
  });

  test("keeps the answers of the API where it has no route", async () => {
    const server = serve({});
    expect((await server.request("/nowhere")).status).toBe(404);
    expect((await server.request("/threads", { method: "PUT" })).status).toBe(405);
    expect((await server.request("/threads", { method: "POST", body: "{" })).status).toBe(400);
  });

  test("its errors are its own, and tell nothing of their insides", async () => {
    const server = serve({});
    const refused = await server.request("/fails");
    expect([refused.status, await refused.text()]).toEqual([418, "teapot"]);
    const broken = await server.request("/breaks");
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain("insides");
  });

  test.for([null, {}, () => new Response(), { fetch: () => new Response() }])(
    "%j is none",
    (app) => {
      expect(() => serve({ app })).toThrow('"http.app" of langgraph.json must name a Hono app');
    },
  );
});

describe("authentication of the user's routes", () => {
  const ask = async (server: ReturnType<typeof serve>, path: string, init: RequestInit = {}) =>
    (await server.request(path, init)).status;

  test("is left to them, unless it is asked for", async () => {
    const server = serve({ auth: true });
    expect(await ask(server, "/hello")).toBe(200);
    expect(await ask(server, "/threads/count", { method: "POST" })).toBe(401);
    expect(ran).toContain("POST /threads/count");
  });

  test("when asked for, closes all of them and tells them who asks", async () => {
    const server = serve({ auth: true, customRoutesNeedAuth: true });
    for (const path of ["/hello", "/every", "/fails", "/nowhere"]) {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        expect(await ask(server, path, { method }), `${method} ${path}`).toBe(401);
      }
    }
    expect(ran).toEqual([]);
    const known = await server.request("/hello", { headers: ada });
    expect(await known.json()).toEqual({ hello: "ada" });
    expect(await ask(server, "/ok")).toBe(200);
  });

  test("a browser that only asks whether it may gets its answer from the server", async () => {
    const server = serve({ auth: true, customRoutesNeedAuth: true });
    const headers = { origin: "https://a", "access-control-request-method": "POST" };
    expect(await ask(server, "/every", { method: "OPTIONS", headers })).toBe(204);
    expect(ran).toEqual([]);
  });

  test("pages of the server's own are open, but nothing is done there", async () => {
    for (const order of [{ customRoutesNeedAuth: true }, { authFirst: true }]) {
      const server = serve({ auth: true, isPage: (path) => path === "/threads/x", ...order });
      expect(await ask(server, "/threads/x")).toBe(401);
      expect(ran).toEqual(["GET /threads/x"]);
      expect(await ask(server, "/threads/x", { method: "DELETE" })).toBe(401);
      expect(ran.splice(0)).toEqual(["GET /threads/x"]);
    }
  });

  test("auth_first: the user's middleware sees no request of nobody's to a built-in route", async () => {
    const server = serve({ auth: true, authFirst: true });
    expect(await ask(server, "/threads/count", { method: "POST" })).toBe(401);
    expect(ran).toEqual([]);
    expect(await ask(server, "/threads/count", { method: "POST", headers: ada })).toBe(200);
    expect(await ask(server, "/hello")).toBe(200);
    expect(await ask(server, "/ok")).toBe(200);
  });
});

describe("http settings", () => {
  test("mount_prefix: everything is below it, and nothing beside it", async () => {
    const server = serve({ http: { mountPrefix: "/api" } });
    expect((await server.request("/api/ok")).status).toBe(200);
    expect((await server.request("/api/hello")).status).toBe(200);
    expect((await server.request("/ok")).status).toBe(404);
    expect((await server.request("/apiok")).status).toBe(404);
    expect((await server.request("/hello")).status).toBe(404);
    expect(await (await server.request("/api")).json()).toMatchObject({ docs: "/api/docs" });
    const document = await (await server.request("/api/openapi.json")).json();
    expect(document).toMatchObject({ servers: [{ url: "/api" }] });
    const page = await (await server.request("/api/docs")).text();
    const base = "http://localhost/api/docs";
    for (const [, link] of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
      const { status } = await server.request(new URL(link!, base).href);
      expect(status, link).toBe(200);
    }
  });

  test.for<[RouteGroup, string[]]>([
    ["assistants", ["POST /assistants/search"]],
    ["threads", ["POST /threads/search", "POST /threads"]],
    ["runs", ["POST /runs", "POST /runs/crons/search"]],
    ["store", ["POST /store/namespaces"]],
    ["ui", ["POST /ui/agent", "GET /ui/agent/entrypoint.js"]],
    ["meta", ["GET /metrics", "GET /docs", "GET /openapi.json"]],
  ])("disable_%s takes its routes away", async ([group, gone]) => {
    const server = serve({ app: new Hono(), disabled: [group] });
    for (const one of gone) {
      const [method, path] = one.split(" ") as [string, string];
      const { status } = await server.request(path, method === "GET" ? {} : { method, body: "{}" });
      expect([404, 405], one).toContain(status);
    }
    expect((await server.request("/ok")).status).toBe(200);
  });

  test("logging_headers: each request is logged with them, and without what lets a caller in", async () => {
    const lines: unknown[] = [];
    const rules = new HeaderRules({ includes: ["*"], excludes: ["x-other"] });
    api.ports.log.info = (fields) => void lines.push(fields);
    const server = serve({ app: new Hono(), http: { loggedHeaders: rules } });
    const headers = {
      "x-api-key": "secret",
      authorization: "secret",
      "x-other": "a",
      "x-mine": "b",
    };
    await server.request("/info", { headers });
    expect(lines).toEqual([
      {
        method: "GET",
        path: "/info",
        status: 200,
        took_ms: expect.any(Number),
        headers: { "x-mine": "b" },
      },
    ]);
  });

  test("cors: settings hold for built-in and for own routes", async () => {
    const cors = new Cors({ ...defaultCors, allowOrigins: ["https://a"] });
    const server = serve({ http: { cors } });
    for (const path of ["/ok", "/hello"]) {
      const origin = async (from: string) =>
        (await server.request(path, { headers: { origin: from } })).headers.get(
          "access-control-allow-origin",
        );
      expect(await origin("https://a"), path).toBe("https://a");
      expect(await origin("https://b"), path).toBeNull();
    }
  });
});
