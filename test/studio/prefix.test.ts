import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../acceptance/project.ts";
import { browserPath, Studio } from "./browser.ts";

const repository = resolve(import.meta.dirname, "..", "..");
const agent = { agent: join(repository, "graphs", "agent.ts:graph") };

/** Passes what is asked below the prefix on to the server without it, as a reverse proxy does. */
class PrefixProxy implements AsyncDisposable {
  readonly #server: Server;

  static async before(url: string, prefix: string): Promise<PrefixProxy> {
    const proxy = new PrefixProxy(new URL(url), prefix);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: URL, prefix: string) {
    this.#server = createServer((incoming, outgoing) => {
      if (!incoming.url!.startsWith(`${prefix}/`)) return void outgoing.writeHead(404).end();
      const path = incoming.url!.slice(prefix.length);
      const { method, headers } = incoming;
      const forward = request({ host: target.hostname, port: target.port, path, method, headers });
      forward.on("response", (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      forward.on("error", () => outgoing.destroy());
      incoming.pipe(forward);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Lists, makes an assistant, talks to it, and loads a page deep inside. */
async function walk(studio: Studio, root: string): Promise<string[]> {
  await using visit = await studio.visit("assistants/new?graph=agent", {}, root);
  const { page } = visit;
  await page.getByLabel("Name", { exact: true }).fill("Behind a prefix");
  await page.getByLabel("llm_provider").selectOption({ label: "offline" });
  await page.getByRole("button", { name: "Create assistant" }).click();
  await page.waitForURL(`${root}/studio/test?assistant=*`);
  await page.getByLabel("Message", { exact: true }).fill("hello");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("article", { name: "Assistant" }).getByText("Hello!").waitFor();
  await page.getByRole("link", { name: "Runs" }).click();
  await page.getByRole("link", { name: "Behind a prefix" }).click();
  await page.waitForURL(`${root}/studio/runs/*/*`);
  await page.reload();
  await page.locator("dt", { hasText: "Queue time" }).waitFor();
  return visit.complaints;
}

describe.skipIf(browserPath === undefined)("Studio below a path", () => {
  test("behind a proxy that takes a prefix off", { timeout: 90_000 }, async () => {
    await using studio = await Studio.of(new Project(agent));
    await using proxy = await PrefixProxy.before(studio.server.url, "/tools/adjutant");
    expect(await walk(studio, `${proxy.url}/tools/adjutant`)).toEqual([]);
  });

  describe("with mount_prefix", () => {
    let studio: Studio;
    beforeAll(async () => {
      const project = new Project(agent);
      const manifest = JSON.parse(readFileSync(project.config, "utf8")) as object;
      const http = { mount_prefix: "/api/v2" };
      writeFileSync(project.config, JSON.stringify({ ...manifest, http }));
      studio = await Studio.of(project);
    }, 60_000);
    afterAll(() => studio?.[Symbol.asyncDispose]());

    test("the page and the API are both below it", { timeout: 90_000 }, async () => {
      expect(studio.server.url).toMatch(/\/api\/v2$/);
      expect(await walk(studio, studio.server.url)).toEqual([]);
    });
  });
});
