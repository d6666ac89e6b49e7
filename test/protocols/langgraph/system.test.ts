import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi({ worker: false });
});
afterAll(() => api[Symbol.asyncDispose]());

describe("the system's routes", () => {
  test("/ok is ok, and with check_db only while the database answers", async () => {
    expect((await api.call("GET", "/ok")).json).toEqual({ ok: true });
    expect((await api.call("GET", "/ok?check_db=1")).status).toBe(200);
    const storage = { ...api.ports.storage, check: () => Promise.reject(new Error("gone")) };
    await using broken = await openApi({ ports: { storage }, worker: false });
    const { status, json } = await broken.call("GET", "/ok?check_db=1");
    expect([status, json.detail]).toEqual([503, expect.stringContaining("database")]);
    expect(broken.errors).toHaveLength(1);
  });

  test("/ and /info say what this is", async () => {
    expect((await api.call("GET", "/")).json).toMatchObject({ version: "1.2.3", docs: "/docs" });
    expect((await api.call("GET", "/info")).json).toMatchObject({
      version: "1.2.3",
      langgraph_py_version: null,
      flags: { assistants: true, crons: true, langsmith: false },
      host: { kind: "self-hosted" },
      metadata: {},
    });
  });

  test("/metrics counts requests and runs in flight, in both forms", async () => {
    await api.call("POST", "/runs", { assistant_id: "steps", after_seconds: 3600 });
    await api.call("GET", "/nowhere");
    const { headers, text } = await api.call("GET", "/metrics?format=prometheus");
    expect(headers.get("content-type")).toContain("text/plain");
    expect(text).toContain('adjutant_runs{status="pending"} 1');
    expect(text).toContain(
      'adjutant_http_requests_total{method="POST",route="/runs",status="200"} 1',
    );
    expect(text).toContain(
      'adjutant_http_requests_total{method="GET",route="none",status="404"} 1',
    );
    expect(text).toContain(`adjutant_streams_open{kind="events"} 0`);
    expect(text).toContain("process_cpu_seconds_total");
    const { json } = await api.call("GET", "/metrics?format=json");
    expect(json.map((one: { name: string }) => one.name)).toContain("adjutant_runs");
  });

  test("any page may call, and may read the headers that clients need", async () => {
    const preflight = await api.call("OPTIONS", "/threads/search", undefined, {
      origin: "https://example.com",
      "access-control-request-headers": "x-api-key,content-type",
      "access-control-request-method": "POST",
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("x-api-key,content-type");
    expect(preflight.headers.get("access-control-allow-methods")).toContain("PATCH");
    for (const [method, path] of [
      ["GET", "/ok"],
      ["GET", "/nowhere"],
      ["POST", "/runs/stream"],
    ] as const) {
      const { headers } = await api.call(method, path);
      expect(headers.get("access-control-allow-origin")).toBe("*");
      for (const name of [
        "content-location",
        "location",
        "x-pagination-total",
        "x-pagination-next",
      ])
        expect(headers.get("access-control-expose-headers")).toContain(name);
    }
  });

  test("/docs loads nothing from elsewhere, and all that it names is there", async () => {
    const page = await api.call("GET", "/docs");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    const names = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThanOrEqual(3);
    for (const name of names) {
      expect(new URL(name, "http://host/docs").host, name).toBe("host");
      expect((await api.call("GET", `/${name}`)).status, name).toBe(200);
    }
    expect((await api.call("GET", "/docs/initializer.js")).text).toContain('url: "openapi.json"');
    expect((await api.call("GET", "/docs/")).headers.get("location")).toBe("../docs");
  });
});

describe("/openapi.json", () => {
  test("describes every route of the specification that is in scope", async () => {
    const { json } = await api.call("GET", "/openapi.json");
    expect(json.openapi).toBe("3.1.0");
    const routes = Object.entries<object>(json.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.toSorted()).toEqual(
      `GET /; GET /ok; GET /info; GET /metrics; GET /docs; POST /assistants; POST /assistants/search;
      POST /assistants/count; GET /assistants/{assistant_id}; PATCH /assistants/{assistant_id};
      DELETE /assistants/{assistant_id}; GET /assistants/{assistant_id}/graph;
      GET /assistants/{assistant_id}/schemas; GET /assistants/{assistant_id}/subgraphs;
      GET /assistants/{assistant_id}/subgraphs/{namespace}; POST /assistants/{assistant_id}/versions;
      POST /assistants/{assistant_id}/latest; POST /threads; POST /threads/search; POST /threads/count;
      GET /threads/{thread_id}; PATCH /threads/{thread_id}; DELETE /threads/{thread_id};
      POST /threads/{thread_id}/copy; GET /threads/{thread_id}/state;
      GET /threads/{thread_id}/state/{checkpoint_id}; POST /threads/{thread_id}/state/checkpoint;
      POST /threads/{thread_id}/state; PATCH /threads/{thread_id}/state;
      GET /threads/{thread_id}/history; POST /threads/{thread_id}/history;
      POST /threads/{thread_id}/runs; POST /runs; POST /threads/{thread_id}/runs/stream;
      POST /runs/stream; POST /threads/{thread_id}/runs/wait; POST /runs/wait; POST /runs/batch;
      POST /runs/cancel; GET /threads/{thread_id}/runs; GET /threads/{thread_id}/runs/{run_id};
      DELETE /threads/{thread_id}/runs/{run_id}; GET /threads/{thread_id}/runs/{run_id}/join;
      GET /threads/{thread_id}/runs/{run_id}/stream; GET /runs/{run_id}/stream;
      POST /threads/{thread_id}/runs/{run_id}/cancel; PUT /store/items; GET /store/items;
      DELETE /store/items; POST /store/items/search; POST /store/namespaces; POST /ui/{agent};
      GET /ui/{agent}/{file}; POST /runs/crons;
      POST /threads/{thread_id}/runs/crons; PATCH /runs/crons/{cron_id}; GET /runs/crons/{cron_id};
      DELETE /runs/crons/{cron_id}; POST /runs/crons/search; POST /runs/crons/count;
      GET /runs/{run_id}/explain; POST /runs/search; GET /threads/{thread_id}/stream;
      POST /threads/{thread_id}/commands; POST /threads/{thread_id}/stream/events;
      GET /threads/{thread_id}/stream/events; POST /threads/prune; GET /threads/{thread_id}/storage`
        .split(";")
        .map((one) => one.trim())
        .toSorted(),
    );
  });

  test("every reference in it leads somewhere", async () => {
    const { json, text } = await api.call("GET", "/openapi.json");
    const references = new Set([...text.matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1]!));
    expect(references.size).toBeGreaterThan(20);
    for (const reference of references) {
      const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(reference) ?? [];
      expect(json.components.schemas[name!], reference).toBeDefined();
    }
  });
});
