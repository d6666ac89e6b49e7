import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readManifest } from "../../src/graphs/manifest.ts";
import { ProjectUi } from "../../src/graphs/ui-bundles.ts";
import { silentLog } from "../support/engine.ts";
import { type TemporaryProject, temporaryProject } from "./project.ts";

let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject({
    "graph.ts": "export const graph = 1;",
    // Other tools of the project may want its JSX untouched.
    "tsconfig.json": JSON.stringify({
      compilerOptions: { jsx: "preserve", paths: { "~/*": ["./ui/*"] } },
    }),
    "ui/cards.tsx": `
      import "./cards.css";
      import { useState } from "react";
      import { format } from "extra-package";
      import { title } from "~/title";
      enum Kind { Card = "card" }
      export default { [Kind.Card]: () => <p className="card">{title + format(useState(1)[0])}</p> };`,
    "ui/title.ts": `export const title: string = "T";`,
    "ui/cards.css": `@import "./base.css"; .card { background: url("./dot.png") }`,
    "ui/base.css": `.card { color: rgb(1, 2, 3) }`,
    "ui/dot.png": "no picture",
    "ui/plain.js": `export const word = () => "a named export";`,
    "ui/syntax.tsx": `export default {\n  card: () => <p>\n};`,
    "ui/missing-package.tsx": `import "no-such-package";\nexport default {};`,
  });
});
afterAll(() => project[Symbol.asyncDispose]());

async function open(log = silentLog) {
  await project.write({
    "langgraph.json": JSON.stringify({
      graphs: { one: "./graph.ts:graph" },
      ui: {
        "my-cards": "./ui/cards.tsx",
        plain: "./ui/plain.js",
        syntax: "./ui/syntax.tsx",
        package: "./ui/missing-package.tsx",
        nowhere: "./ui/nowhere.tsx",
      },
      ui_config: { shared: ["extra-package"] },
    }),
  });
  const manifest = await readManifest(project.directory);
  expect(manifest.notices).toEqual([]);
  return new ProjectUi(manifest, log);
}

/** Runs the script as a page does, and shows one component. */
async function show(ui: ProjectUi, key: string, name: string) {
  const required: string[] = [];
  const shown: unknown[] = [];
  const errors: unknown[][] = [];
  const target = { dataset: {} };
  const root = { querySelector: () => null, appendChild: () => target };
  const page: Record<string | symbol, unknown> = {
    console: { error: (...words: unknown[]) => errors.push(words) },
    document: { getElementById: () => ({ shadowRoot: root }), createElement: () => target },
    [Symbol.for("LGUI_EXT_STORE")]: { respond: (...given: unknown[]) => shown.push(...given) },
    [Symbol.for("LGUI_REQUIRE")]: (wanted: string) => {
      required.push(wanted);
      if (wanted === "react") return { useState: (value: unknown) => [value] };
      if (wanted === "extra-package") return { format: (value: number) => `#${value}` };
      return { jsx: (type: string, props: object) => ({ type, props }) };
    },
  };
  const { files } = await ui.bundle(key);
  runInNewContext(Buffer.from(files.get("entrypoint.js")!.bytes).toString("utf8"), page);
  const global = page[`__LGUI_${key.replace("-", "_")}`] as {
    render(name: string, root: string): void;
  };
  global.render(name, "root-1");
  return { required, shown, errors, target };
}

describe("the components of a project", () => {
  test("are one script and one style, with React and shared packages from the page", async () => {
    const ui = await open();
    const { required, shown, target } = await show(ui, "my-cards", "card");
    expect(required.toSorted()).toEqual(["extra-package", "react", "react/jsx-runtime"]);
    const [root, component, element] = shown as [string, () => unknown, unknown];
    expect([root, element]).toEqual(["root-1", target]);
    expect(component()).toEqual({ type: "p", props: { className: "card", children: "T#1" } });
    const { files } = await ui.bundle("my-cards");
    expect([...files.keys()].toSorted()).toEqual(["entrypoint.css", "entrypoint.js"]);
    const style = Buffer.from(files.get("entrypoint.css")!.bytes).toString("utf8");
    expect(style).toMatch(/\.card\{color:#010203\}\.card\{background:url\("?data:image\/png/);
  });

  test("may be named exports; one that is not there is told on the page", async () => {
    const ui = await open();
    const { shown } = await show(ui, "plain", "word");
    expect((shown[1] as () => string)()).toBe("a named export");
    const missing = await show(ui, "plain", "other");
    expect(missing.shown).toEqual([]);
    expect(missing.errors).toEqual([['"ui.plain" has no component', "other", "but", ["word"]]]);
  });

  test("are bundled once, however many ask", async () => {
    const told: unknown[] = [];
    const ui = await open({ ...silentLog, info: (fields) => void told.push(fields) });
    const bundles = await Promise.all([1, 2, 3].map(() => ui.bundle("plain")));
    expect(new Set(bundles).size).toBe(1);
    expect(told).toEqual([{ ui: "plain", tookMs: expect.any(Number) }]);
  });

  test.for<[string, RegExp]>([
    ["syntax", /^"ui\.syntax" of langgraph\.json could not be bundled: ui\/syntax\.tsx:3: .+\.$/],
    ["package", /ui\/missing-package\.tsx:1: Could not resolve "no-such-package"\.$/],
    ["nowhere", /could not be bundled: ui\/nowhere\.tsx does not exist\.$/],
  ])("that are broken (%s) are told and logged, and the others work", async ([key, sentence]) => {
    const logged: string[] = [];
    const ui = await open({ ...silentLog, error: (_, message) => void logged.push(message) });
    for (let times = 0; times < 2; times += 1) {
      await expect(ui.bundle(key)).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringMatching(sentence),
      });
    }
    expect(logged).toEqual([expect.stringMatching(sentence)]);
    expect((await ui.bundle("plain")).files.size).toBe(1);
  });

  test.for(["other", "constructor", "__proto__"])("%s is none of them", async (key) => {
    await expect((await open()).bundle(key)).rejects.toMatchObject({ code: "not_found" });
  });
});
