import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

/**
 * Every route of the OpenAPI document against every kind of bad input that it can get: the right status,
 * a sentence, never a 500, and nothing that stays.
 */
let api: TestApi;
let routes: Route[];

interface Route {
  method: string;
  path: string;
  hasBody: boolean;
  bodyRequired: boolean;
}

const unknownId = "00000000-0000-4000-8000-000000000000";
/** Protocol v2 may begin before its thread exists, and its streams do not end: they have a table of their own. */
const beginsBeforeThread = new Set([
  "POST /threads/{thread_id}/commands",
  "POST /threads/{thread_id}/stream/events",
  "GET /threads/{thread_id}/stream/events",
]);
const wrongTypes = ["null_", 0, true, "text", [1], { a: 1 }, -1, 1e300] as const;

beforeAll(async () => {
  api = await openApi({ worker: false, limits: { bodyBytesMax: 1000 } });
  const { json } = await api.call("GET", "/openapi.json");
  routes = Object.entries<Record<string, { requestBody?: { required: boolean } }>>(
    json.paths,
  ).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      hasBody: requestBody !== undefined,
      bodyRequired: requestBody?.required ?? false,
    })),
  );
});
afterAll(() => api[Symbol.asyncDispose]());

/** What is stored. */
async function stored(): Promise<string[]> {
  const assistants = await api.call("POST", "/assistants/count");
  const threads = await api.call("POST", "/threads/count");
  const items = await api.call("POST", "/store/items/search", {});
  const { pending } = await api.ports.storage.runs.counts();
  return [assistants.text, threads.text, items.text, String(pending)];
}

const filled = (path: string, id: string) =>
  path
    .replace("{checkpoint_id}", "none")
    .replace("{namespace}", "none")
    .replaceAll(/\{\w+\}/g, id);

async function expectRefused(
  one: Pick<Route, "method" | "path">,
  body: unknown,
  statuses: number[],
  headers: Record<string, string> = {},
) {
  const what = `${one.method} ${one.path} ${(body === undefined ? "" : JSON.stringify(body)).slice(0, 80)}`;
  const answered = await api.call(one.method, one.path, body, headers);
  expect(statuses, `${what}: ${answered.status} ${answered.text.slice(0, 200)}`).toContain(
    answered.status,
  );
  expect(answered.headers.get("content-type"), what).toBe("application/json");
  expect(answered.json, what).toEqual({
    detail: answered.json.message,
    message: expect.any(String),
  });
  expect(answered.json.detail, what).toMatch(
    /^[A-Z].{10,}[.!]$|^Malformed JSON|^Assistant version/s,
  );
  return answered;
}

describe("bad input", () => {
  test("the table has all routes", () => {
    expect(routes.length).toBeGreaterThanOrEqual(48);
    expect(routes.filter((one) => one.hasBody).length).toBeGreaterThanOrEqual(24);
  });

  test("changes nothing and is no surprise to the server", async () => {
    const before = await stored();
    for (const { method, path, hasBody, bodyRequired } of routes) {
      const at = { method, path: filled(path, unknownId) };
      if (/\{(thread|run)_id\}/.test(path)) {
        const wrongId = { method, path: filled(path, "not-a-uuid") };
        await expectRefused(wrongId, hasBody ? {} : undefined, [422]);
      }
      if (!hasBody) continue;
      for (const malformed of ["{", '{"a":}', "nonsense", "[".repeat(3), '{"a":"\u0001"}']) {
        await expectRefused(at, malformed, [400]);
      }
      for (const wrong of ['"text"', "7", "[[]]", "true", "null"]) {
        await expectRefused(at, wrong, [422]);
      }
      await expectRefused(at, `{"metadata":"${"x".repeat(1000)}"}`, [413]);
      if (bodyRequired) await expectRefused(at, {}, [422]);
    }
    expect(await stored()).toEqual(before);
    expect(api.errors).toEqual([]);
  });

  test("ids that nothing has are not found", async () => {
    const valid: Record<string, unknown> = {
      "POST /assistants/{assistant_id}/latest": { version: 1 },
      "POST /threads/{thread_id}/state/checkpoint": { checkpoint: {} },
      "POST /threads/{thread_id}/runs/crons": { schedule: "0 9 * * *", assistant_id: "steps" },
    };
    const before = await stored();
    for (const { method, path, hasBody } of routes.filter((one) => one.path.includes("_id}"))) {
      if (beginsBeforeThread.has(`${method} ${path}`)) continue;
      const run = path.endsWith("/runs") || /\/runs\/(stream|wait)$/.test(path);
      const body = valid[`${method} ${path}`] ?? (run ? { assistant_id: "steps" } : {});
      const at = { method, path: filled(path, unknownId) };
      await expectRefused(at, hasBody ? body : undefined, [404]);
    }
    expect(await stored()).toEqual(before);
    expect(api.errors).toEqual([]);
  });

  test("every field of every body refuses what it is not, by name, and nothing is a 500", async () => {
    const { json } = await api.call("GET", "/openapi.json");
    const required: Record<string, object> = {
      AssistantCreate: { graph_id: "steps" },
      // Where the rest is right, this is not found: no worker is there that would end a run.
      RunCreate: { assistant_id: "nobody" },
      RunCreateStateless: { assistant_id: "nobody" },
      AssistantLatest: { version: 1 },
      ItemPut: { namespace: ["a"], key: "k", value: {} },
      ItemDelete: { key: "k" },
      ThreadStateAt: { checkpoint: {} },
      ThreadPrune: { thread_ids: [] },
      CronCreate: { schedule: "0 9 * * *", assistant_id: "nobody" },
      ThreadCronCreate: { schedule: "0 9 * * *", assistant_id: "nobody" },
      ThreadCommand: { id: 1, method: "state.get" },
    };
    const thread = await api.thread();
    const unnamed: string[] = [];
    let refused = 0;
    for (const { method, path, hasBody } of routes) {
      if (!hasBody || beginsBeforeThread.has(`${method} ${path}`)) continue;
      const { schema } =
        json.paths[path][method.toLowerCase()].requestBody.content["application/json"];
      const name = String(schema.$ref).split("/").at(-1)!;
      const at = filled(
        path.replace("{thread_id}", thread).replace("{assistant_id}", "steps"),
        unknownId,
      );
      for (const field of Object.keys(json.components.schemas[name]?.properties ?? {})) {
        for (const wrong of wrongTypes) {
          const answered = await api.call(method, at, { ...required[name], [field]: wrong });
          const what = `${method} ${path} ${field}=${JSON.stringify(wrong)}: ${answered.text.slice(0, 200)}`;
          expect(answered.status, what).toBeLessThan(500);
          if (answered.json?.detail?.startsWith("Invalid request body") !== true) continue;
          refused += 1;
          if (!answered.json.detail.includes(`\`${field}`)) unnamed.push(what);
        }
      }
    }
    expect(unnamed).toEqual([]);
    expect(refused).toBeGreaterThan(300);
    expect(api.errors).toEqual([]);
  });

  test.for<[string, string, string, string]>([
    ["POST", "/assistants", '{"graph_id":1}', "`graph_id`: expected string, received number"],
    ["POST", "/assistants", "{}", "`graph_id`: is required, expected string"],
    [
      "POST",
      "/assistants",
      '{"graph_id":"steps","assistant_id":"x"}',
      "`assistant_id`: expected a UUID",
    ],
    ["POST", "/threads", '{"metadata":[]}', "`metadata`: expected an object"],
    ["POST", "/threads", '{"ttl":0}', "`ttl`: expected number to be >0"],
    ["POST", "/threads", '{"ttl":{"strategy":"delete"}}', "`ttl`: expected a positive number"],
    ["POST", "/threads/prune", '{"thread_ids":["x"]}', "`thread_ids[0]`: expected a UUID"],
    [
      "POST",
      "/threads/prune",
      '{"thread_ids":[],"strategy":"all"}',
      '`strategy`: expected one of "delete"|"keep_latest"',
    ],
    [
      "POST",
      "/threads/search",
      '{"extract":{"a":"messages[0]"}}',
      "`extract.a`: expected a path such as values.messages[-1].content",
    ],
    [
      "POST",
      "/threads/search",
      JSON.stringify({
        extract: Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`a${at}`, "values"])),
      }),
      "`extract`: expected at most 10 paths",
    ],
    [
      "PUT",
      "/store/items",
      '{"namespace":["a"],"key":"k","value":{},"ttl":-1}',
      "`ttl`: expected number to be >0",
    ],
    ["POST", "/threads", '{"if_exists":"no"}', '`if_exists`: expected one of "raise"|"do_nothing"'],
    ["POST", "/threads/search", '{"limit":0}', "`limit`: expected number to be >=1"],
    ["POST", "/threads/search", '{"limit":1001}', "`limit`: expected number to be <=1000"],
    ["POST", "/threads/search", '{"ids":["x"]}', "`ids[0]`: expected a UUID"],
    [
      "POST",
      "/runs",
      '{"assistant_id":"steps","stream_mode":"all"}',
      "`stream_mode`: expected one or a list of values, messages",
    ],
    [
      "POST",
      "/runs",
      '{"assistant_id":"steps","config":{"tags":[1]}}',
      "`config.tags[0]`: expected string",
    ],
    [
      "POST",
      "/runs",
      '{"assistant_id":"steps","config":{"timeout":"soon"}}',
      "`config.timeout`: expected number, received string",
    ],
    [
      "POST",
      "/runs",
      '{"assistant_id":"steps","command":{"goto":1}}',
      "`command.goto`: expected a node's name",
    ],
    [
      "POST",
      "/runs",
      '{"assistant_id":"steps","after_seconds":-1}',
      "`after_seconds`: expected number to be >=0",
    ],
    ["POST", "/runs/batch", "[]", "expected at least one run"],
    ["POST", "/runs/cancel", "{}", "expected {thread_id, run_ids"],
    ["GET", `/threads/${unknownId}/runs?limit=x`, "", "`limit`: expected number, received string"],
    ["GET", `/threads/${unknownId}/runs?status=done`, "", "`status`: expected one of"],
    ["GET", "/threads/x", "", "`thread_id`: expected a UUID"],
    [
      "POST",
      `/threads/${unknownId}/runs/${unknownId}/cancel?action=stop`,
      "",
      "`action`: expected one of",
    ],
  ])("%s %s %s says %s", async ([method, path, body, sentence]) => {
    const { json } = await expectRefused({ method, path }, body === "" ? undefined : body, [422]);
    expect(json.detail).toContain(sentence);
  });

  test("nesting too deep for JSON to be written again is refused", async () => {
    await using roomy = await openApi({ worker: false });
    const deep = (levels: number) => `{"metadata":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
    expect((await roomy.call("POST", "/threads", deep(400))).status).toBe(200);
    for (const levels of [600, 200_000]) {
      const { status, json } = await roomy.call("POST", "/threads", deep(levels));
      expect([status, json.detail]).toEqual([
        400,
        expect.stringContaining("deeper than 500 levels"),
      ]);
    }
    expect(roomy.errors).toEqual([]);
  });

  test("what Postgres cannot hold in text becomes U+FFFD; escapes that look like it stay", async () => {
    const metadata = String.raw`{"a\u0000":"b\u0000\\u0000","half":"\ud800x\uDC00","whole":"\ud83d\ude00 \\ud800"}`;
    const { json } = await api.call("POST", "/threads", `{"metadata":${metadata}}`);
    expect(json.metadata).toEqual({
      "a\ufffd": "b\ufffd\\u0000",
      half: "\ufffdx\ufffd",
      whole: "\u{1f600} \\ud800",
    });
  });

  test("an unknown route is 404, and a wrong method 405 with what is allowed", async () => {
    for (const path of [
      "/nowhere",
      "/assistants/",
      "/threads/a/b/c/d",
      "/docs/../package.json",
      "/%E0%A4%A",
    ]) {
      await expectRefused({ method: "GET", path }, undefined, [404]);
    }
    for (const [method, path, allow] of [
      ["DELETE", "/threads", "POST"],
      ["GET", "/runs/batch", "POST"],
      ["PUT", "/assistants/steps", "GET, PATCH, DELETE"],
      ["POST", "/store/items", "GET, PUT, DELETE"],
      ["POST", "/ok", "GET"],
    ] as const) {
      const { headers } = await expectRefused({ method, path }, undefined, [405]);
      expect(headers.get("allow")?.split(", ").toSorted()).toEqual(allow.split(", ").toSorted());
    }
  });

  test("what was not foreseen is logged whole, and told without its insides", async () => {
    const secret = new Error("password=hunter2");
    const storage = { ...api.ports.storage, items: { get: () => Promise.reject(secret) } as never };
    await using broken = await openApi({ worker: false, ports: { storage } });
    const { status, json, headers } = await broken.call("GET", "/store/items?key=k&namespace=a");
    expect(status).toBe(500);
    expect(json.detail).not.toContain("hunter2");
    const requestId = headers.get("x-request-id");
    expect(json.detail).toContain(requestId);
    expect(broken.errors).toEqual([expect.objectContaining({ requestId, error: secret })]);
  });
});
