import { afterAll, beforeAll, expect, test } from "vitest";
import { invalid } from "../../../src/core/error.ts";
import type { UiBundle } from "../../../src/core/ports/ui.ts";
import { openApi, type TestApi } from "../../support/api.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const cards: UiBundle = {
  files: new Map([
    ["entrypoint.js", { bytes: bytes("script();"), digest: "one" }],
    ["entrypoint.css", { bytes: bytes(".card {}"), digest: "two" }],
  ]),
};

let api: TestApi;
let withoutUi: TestApi;
beforeAll(async () => {
  const bundle = async (key: string) => {
    if (key === "my-cards") return cards;
    throw invalid('"ui.broken" of langgraph.json could not be bundled: ui.tsx:1: no.');
  };
  [api, withoutUi] = await Promise.all([
    openApi({ worker: false, ui: { bundle } }),
    openApi({ worker: false }),
  ]);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await withoutUi[Symbol.asyncDispose]();
});

const ask = (agent: string, name: unknown, headers: Record<string, string> = {}) =>
  api.call("POST", `/ui/${agent}`, { name }, headers);

// Specification 1.11.
test("a component is a style and a script that shows it in the element that asks", async () => {
  const { status, text, headers } = await ask("my-cards", "card", { host: "localhost:8123" });
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(text).toBe(
    `<link rel="stylesheet" href="http://localhost:8123/ui/my-cards/entrypoint.css" />\n` +
      `<script src="http://localhost:8123/ui/my-cards/entrypoint.js" ` +
      `onload='__LGUI_my_cards.render("card", "{{shadowRootId}}")'></script>`,
  );
});

test.for([
  ["example.org", "//example.org/ui/"],
  ["example.org:80", "//example.org:80/ui/"],
  ["127.0.0.1", "http://127.0.0.1/ui/"],
  ["[::1]:8123", "http://[::1]:8123/ui/"],
])("on the host %s its files are at %s", async ([host, address]) => {
  expect((await ask("my-cards", "card", { host: host! })).text).toContain(`src="${address}`);
});

test.for(['x"><script>', "x'y", "a/b", "a b"])(
  "no address is made of the host %s",
  async (host) => {
    const { status, text } = await ask("my-cards", "card", { host });
    expect(status).toBe(400);
    expect(text).not.toContain("<script>");
  },
);

test("a name cannot break out of its attribute", async () => {
  const name = `'><script>"x"</script>&`;
  const { text } = await ask("my-cards", name);
  expect(text.match(/<script/g)).toHaveLength(1);
  expect(text).toContain(
    String.raw`render("&#39;&gt;&lt;script&gt;\"x\"&lt;/script&gt;&amp;", "{{shadowRootId}}")'>`,
  );
});

test("files have their type, and are not sent twice", async () => {
  const path = "/ui/my-cards/entrypoint.js";
  const script = await api.call("GET", path);
  expect([script.status, script.text]).toEqual([200, "script();"]);
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(script.headers.get("cache-control")).toBe("no-cache");
  const again = await api.call("GET", path, undefined, {
    "if-none-match": script.headers.get("etag")!,
  });
  expect([again.status, again.text]).toEqual([304, ""]);
  const style = await api.call("GET", "/ui/my-cards/entrypoint.css");
  expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
});

test("what is not there is 404, what is broken is told, what is garbage refused", async () => {
  expect((await api.call("GET", "/ui/my-cards/other.js")).status).toBe(404);
  expect((await api.call("GET", "/ui/my-cards/..%2Fgraph.ts")).status).toBe(404);
  expect((await withoutUi.call("POST", "/ui/agent", { name: "card" })).status).toBe(404);
  expect((await withoutUi.call("GET", "/ui/agent/entrypoint.js")).status).toBe(404);
  const broken = await ask("broken", "card");
  expect([broken.status, broken.json.message]).toEqual([
    422,
    '"ui.broken" of langgraph.json could not be bundled: ui.tsx:1: no.',
  ]);
  for (const name of [undefined, 7, null]) expect((await ask("my-cards", name)).status).toBe(422);
});
