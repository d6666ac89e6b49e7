import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { ResolveHookContext } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasOtherHooks, Resolutions } from "../../src/cli/resolutions.ts";

const says = (text: string) => `export default ${JSON.stringify(text)};`;

/** Of a directory with one program, `main.mjs`, which prints what each of its imports has led to. */
const files: Record<string, string> = {
  "package.json": JSON.stringify({ name: "project", type: "module" }),
  "node_modules/shared/package.json": JSON.stringify({
    name: "shared",
    type: "module",
    exports: { ".": { import: "./module.js", require: "./common.cjs" }, "./sub": "./sub.js" },
  }),
  "node_modules/shared/module.js": says("shared, as a module"),
  "node_modules/shared/common.cjs": `module.exports = "shared, required";`,
  "node_modules/shared/sub.js": says("shared/sub"),
  "node_modules/big/package.json": JSON.stringify({
    name: "big",
    type: "module",
    exports: { ".": "./dist/index.js", "./self": "./dist/self.js" },
  }),
  "node_modules/big/dist/index.js": `
    export * as near from "./near.js";
    export * as deep from "./deep/index.js";
    export * as inner from "./inner/index.js";
    export * as common from "./common/index.js";
    export * as linked from "./linked.js";
    export { default as shared } from "shared";
    export { default as self } from "big/self";
    export const failures = [];
    for (const wrong of ["./deep", "./nowhere.js", "nowhere", "shared/nowhere", "./near"]) {
      await import(wrong).catch(({ code }) => failures.push(wrong + ": " + code));
    }
    export const again = (await import("./near.js?again")).count;`,
  "node_modules/big/dist/near.js": `
    globalThis.count = (globalThis.count ?? 0) + 1;
    export const count = globalThis.count;
    export { default as self } from "big/self";
    export { default as data } from "./data.json" with { type: "json" };`,
  "node_modules/big/dist/data.json": `"data"`,
  "node_modules/big/dist/self.js": says("big/self"),
  "node_modules/big/dist/deep/index.js": `
    export { default as shared } from "shared";
    export { default as self } from "big/self";
    export { count } from "../near.js";
    import { createRequire } from "node:module";
    export const required = createRequire(import.meta.url)("shared");`,
  // Has packages of its own, so a name means another thing here than one directory higher.
  "node_modules/big/dist/inner/index.js": `export { default as shared } from "shared";`,
  "node_modules/big/dist/inner/node_modules/shared/package.json": JSON.stringify({
    type: "module",
    exports: "./index.js",
  }),
  "node_modules/big/dist/inner/node_modules/shared/index.js": says("another shared"),
  // Is no module, and has no name that it could mean by "big".
  "node_modules/big/dist/common/package.json": JSON.stringify({ type: "commonjs" }),
  "node_modules/big/dist/common/index.js": `module.exports = { shared: require("shared"), other: require("./other") };`,
  "node_modules/big/dist/common/other.js": `exports.isModule = typeof module === "undefined";`,
  "elsewhere/real.js": `
    export const at = import.meta.url;
    export { default as shared } from "shared";`,
  "main.mjs": `
    const { ...found } = await import("big");
    found.linked = { ...found.linked, at: found.linked.at.split("/").slice(-2).join("/") };
    found.own = await import("./own/index.js");
    found.typed = await import("./own/typed.ts");
    found.sub = (await import("shared/sub")).default;
    process.stdout.write(JSON.stringify(found));`,
  "own/index.js": `export { default as shared } from "shared"; export * as second from "./second.js";`,
  "own/second.js": says("beside it"),
  "own/typed.ts": `import { value } from "./value.ts"; export const read: string = value;`,
  "own/value.ts": `export const value = "typed" as const;`,
};

let directory: string;

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "adjutant-resolutions-")));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  symlinkSync(
    join(directory, "elsewhere/real.js"),
    join(directory, "node_modules/big/dist/linked.js"),
  );
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(...flags: string[]): unknown {
  return JSON.parse(
    execFileSync(process.execPath, [...flags, join(directory, "main.mjs")], { encoding: "utf8" }),
  );
}

const room = pathToFileURL(join(import.meta.dirname, "../../src/cli/resolutions.ts")).href;
const registered = `--import=data:text/javascript,${encodeURIComponent(
  `import { hasOtherHooks, Resolutions } from ${JSON.stringify(room)}; Resolutions.register();`,
)}`;

test("every import leads where Node alone leads it", () => {
  const found = run(registered);
  expect(found).toEqual(run());
  expect(found).toMatchObject({
    shared: "shared, as a module",
    self: "big/self",
    near: { count: 1, self: "big/self", data: "data" },
    deep: { shared: "shared, as a module", required: "shared, required", count: 1 },
    inner: { shared: "another shared" },
    common: { default: { shared: "shared, required", other: { isModule: false } } },
    linked: { at: "elsewhere/real.js", shared: "shared, as a module" },
    again: 2,
    failures: [
      "./deep: ERR_UNSUPPORTED_DIR_IMPORT",
      "./nowhere.js: ERR_MODULE_NOT_FOUND",
      "nowhere: ERR_MODULE_NOT_FOUND",
      "shared/nowhere: ERR_PACKAGE_PATH_NOT_EXPORTED",
      "./near: ERR_MODULE_NOT_FOUND",
    ],
    own: { shared: "shared, as a module", second: { default: "beside it" } },
    typed: { read: "typed" },
  });
});

/** Stands for Node, and notes what it is asked. */
function asking(answer: (specifier: string) => string) {
  const resolutions = new Resolutions();
  const asked: string[] = [];
  const resolve = (specifier: string, from: string, more: Partial<ResolveHookContext> = {}) => {
    const context: ResolveHookContext = {
      parentURL: pathToFileURL(join(directory, from)).href,
      conditions: ["node", "import"],
      importAttributes: {},
      ...more,
    };
    return resolutions.resolve(specifier, context, (one) => {
      asked.push(one);
      return { url: pathToFileURL(join(directory, answer(one))).href, format: "module" };
    }).url;
  };
  return { resolve, asked };
}

const big = "node_modules/big/dist";

test("a package asks Node once what it means by a name, and another asks for itself", () => {
  const { resolve, asked } = asking(() => "node_modules/shared/module.js");
  for (const file of ["index.js", "near.js", "deep/index.js", "deep/other.js"]) {
    expect(resolve("shared", `${big}/${file}`)).toMatch(/shared\/module\.js$/);
  }
  expect(asked).toEqual(["shared"]);
  resolve("shared/sub", `${big}/index.js`);
  resolve("shared", `${big}/inner/index.js`);
  resolve("shared", `${big}/common/index.js`);
  resolve("shared", "own/index.js");
  expect(asked).toEqual(["shared", "shared/sub", "shared", "shared", "shared"]);
});

test("Node is asked about the first file of a directory; the others are looked for beside it", () => {
  const { resolve, asked } = asking((specifier) => join(big, specifier));
  expect(resolve("./near.js", `${big}/index.js`)).toMatch(/big\/dist\/near\.js$/);
  expect(resolve("./self.js", `${big}/index.js`)).toMatch(/big\/dist\/self\.js$/);
  expect(resolve("../near.js", `${big}/deep/index.js`)).toMatch(/big\/dist\/near\.js$/);
  expect(asked).toEqual(["./near.js"]);
  // A link, a directory, nothing, another kind of file: those have answers of their own.
  for (const other of ["./linked.js", "./deep", "./nowhere.js", "./data.json"]) {
    resolve(other, `${big}/index.js`);
  }
  expect(asked).toEqual(["./near.js", "./linked.js", "./deep", "./nowhere.js", "./data.json"]);
});

test.for<[string, string, Partial<ResolveHookContext>]>([
  ["require", "shared", { conditions: ["node", "require"] }],
  ["import attributes", "shared", { importAttributes: { type: "json" } }],
  ["users' files", "shared", { parentURL: "file:///project/graph.ts?gen=1" }],
  ["what is no file", "shared", { parentURL: "data:text/javascript,1" }],
  ["the program itself", "shared", { parentURL: undefined }],
  ["private names", "#inner", {}],
  ["URLs", "file:///project/graph.ts", {}],
  ["absolute paths", "/project/graph.ts", {}],
])("nothing is remembered of %s", ([, specifier, more]) => {
  const { resolve, asked } = asking(() => "node_modules/shared/module.js");
  resolve(specifier, `${big}/index.js`, more);
  resolve(specifier, `${big}/index.js`, more);
  expect(asked).toEqual([specifier, specifier]);
});

test("what was not found is looked for again", () => {
  let installed = false;
  const { resolve } = asking((specifier) => {
    if (!installed) throw new Error(`Cannot find package '${specifier}'`);
    return "node_modules/shared/module.js";
  });
  expect(() => resolve("shared", `${big}/index.js`)).toThrow(/Cannot find package/);
  installed = true;
  expect(resolve("shared", `${big}/index.js`)).toMatch(/shared\/module\.js$/);
});

test.for<[boolean, string[], string | undefined]>([
  [false, [], undefined],
  [false, ["--cpu-prof", "--max-old-space-size=4000"], "--enable-source-maps"],
  [false, [], "--require-module"],
  [true, ["--import=./trace.mjs"], undefined],
  [true, ["--import", "./trace.mjs"], undefined],
  [true, ["-r", "./trace.cjs"], undefined],
  [true, [], "--max-old-space-size=4000 --require ./trace.cjs"],
  [true, [], "--experimental-loader=./loader.mjs"],
  [true, [], "--loader ./loader.mjs"],
])(
  "whether others may have hooks: %s, for node %j with NODE_OPTIONS %s",
  ([expected, words, options]) => {
    expect(hasOtherHooks(words, options)).toBe(expected);
  },
);
