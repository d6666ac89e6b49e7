import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fingerprintSources } from "../../src/studio/fingerprint.ts";
import { serveStudio } from "../../src/studio/serve.ts";

const repository = resolve(import.meta.dirname, "..", "..");
const built = join(repository, "src", "studio", "dist");
const assets = readdirSync(join(built, "assets"));

/** The files, and what they import statically, and so on. */
function withImports(names: string[]): Set<string> {
  const found = new Set<string>();
  const look = (name: string): void => {
    if (found.has(name) || !name.endsWith(".js")) return void found.add(name);
    found.add(name);
    const text = readFileSync(join(built, "assets", name), "utf8");
    for (const [, imported] of text.matchAll(/(?:from|import)\s*["`]\.\/([\w.-]+)["`]/g)) {
      look(imported!);
    }
  };
  for (const name of names) look(name);
  return found;
}

describe("the built page", () => {
  test("is of these sources; else: npm run build:studio", () => {
    const recorded = readFileSync(join(built, "sources.sha256"), "utf8").trim();
    expect(recorded).toBe(fingerprintSources(repository));
  });

  test("loads at most 400 KB compressed before the editor and the canvas are needed", () => {
    const html = readFileSync(join(built, "index.html"), "utf8");
    const first = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map((match) =>
      match[1]!.slice("assets/".length),
    );
    expect(first.length).toBeGreaterThan(1);
    // The largest page among those that can come first, with all that it imports at once.
    const pages = assets.filter((name) =>
      /^(list|new|page|detail|compare|edit)-.*\.js$/.test(name),
    );
    expect(pages.length).toBeGreaterThan(5);
    for (const page of pages) {
      const files = [...withImports([...first, page])];
      expect(files.filter((name) => /^(code-editor|graph-view|text-diff)-/.test(name))).toEqual([]);
      const bytes = files.map((name) => gzipSync(readFileSync(join(built, "assets", name))).length);
      expect(
        bytes.reduce((sum, one) => sum + one, 0),
        page,
      ).toBeLessThan(400 * 1024);
    }
  });

  test("names nothing outside of itself", () => {
    const html = readFileSync(join(built, "index.html"), "utf8");
    expect(html).not.toMatch(/(?:src|href)="(?!\.\/)/);
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toContain("<style");
  });
});

describe("serving it", () => {
  test("/studio leads to /studio/, relative, so that a prefix before it stays", async () => {
    const response = await serveStudio("GET", "/studio");
    expect(response.status).toBe(308);
    expect(response.headers.get("location")).toBe("studio/");
  });

  test.for([
    ["/studio/", "./"],
    ["/studio/assistants", "./"],
    ["/studio/assistants/new", "../"],
    ["/studio/runs/a/b", "../../"],
  ])("%s is the page, which finds its files at %s", async ([path, base]) => {
    const response = await serveStudio("GET", path as string);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(await response.text()).toContain(`<base href="${base}" />`);
  });

  test("the content security policy lets no script in but the page's own files", async () => {
    const { headers } = await serveStudio("GET", "/studio/");
    const policy = headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(policy).toMatch(/connect-src 'self'(;|$)/);
    expect(policy).toContain("frame-ancestors 'none'");
  });

  test.for(assets)("%s is kept for ever, with its own type", async (name) => {
    const response = await serveStudio("GET", `/studio/assets/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toContain("immutable");
    const types: Record<string, string> = {
      js: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      svg: "image/svg+xml",
    };
    expect(response.headers.get("content-type")).toBe(types[name.split(".").at(-1)!]);
  });

  test("large files are compressed for those who take it, and only for them", async () => {
    const name = assets.find((one) => /^index-.*\.js$/.test(one))!;
    const path = `/studio/assets/${name}`;
    const plain = await serveStudio("GET", path);
    expect(plain.headers.get("content-encoding")).toBeNull();
    const whole = Buffer.from(await plain.arrayBuffer());
    for (const accepted of ["gzip, deflate, br", "br;q=1, gzip;q=0.5"]) {
      const packed = await serveStudio("GET", path, accepted);
      expect(packed.headers.get("content-encoding")).toBe("gzip");
      expect(packed.headers.get("vary")).toBe("accept-encoding");
      const bytes = Buffer.from(await packed.arrayBuffer());
      expect(packed.headers.get("content-length")).toBe(String(bytes.byteLength));
      expect(gunzipSync(bytes).equals(whole)).toBe(true);
    }
    for (const refused of ["br", "gzip;q=0", "identity, gzip; q=0.0", ""]) {
      const response = await serveStudio("GET", path, refused);
      expect(response.headers.get("content-encoding"), refused).toBeNull();
    }
  });

  test.for([
    "/studio/assets/missing-12345678.js",
    "/studio/assets/../sources.sha256",
    "/studio/assets/..%2f..%2fserve.ts",
    "/studio/assets/",
  ])("%s is not there", async (path) => {
    const response = await serveStudio("GET", path);
    expect(response.status).toBe(404);
    expect(response.headers.get("cache-control")).toBe("no-cache");
  });

  test("HEAD has the headers alone; other methods are refused", async () => {
    const head = await serveStudio("HEAD", "/studio/");
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await serveStudio("POST", "/studio/");
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});
