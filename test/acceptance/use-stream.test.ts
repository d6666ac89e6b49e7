import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "../studio/browser.ts";
import { PageServer } from "../support/page-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { allGraphs } from "./project.ts";

/** `useStream` of `@langchain/react` in a real browser, on a page of another origin. */

const pageFile = join(import.meta.dirname, "..", "fixtures", "thread-page", "page.ts");

describe.skipIf(browserPath === undefined)("useStream in a browser", () => {
  let server: ServerProcess;
  let pages: PageServer;
  let browser: Browser;
  const project = allGraphs();

  beforeAll(async () => {
    [server, pages, browser] = await Promise.all([
      ServerProcess.start({ config: project.config }),
      PageServer.of(pageFile),
      chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] }),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await pages?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    project[Symbol.dispose]();
  });

  async function visit(chat: Record<string, string>): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(12_000);
    const query = new URLSearchParams({ api: server.url, ...chat });
    await page.goto(`${pages.url}/?${query}`);
    return page;
  }

  function messages(page: Page, count: number): Promise<string[]> {
    const found = page.locator("li");
    return found
      .nth(count - 1)
      .waitFor()
      .then(() => found.allTextContents());
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.fill("input", text);
    await page.click("#send");
  }

  async function rests(page: Page): Promise<void> {
    await page.locator("#state", { hasText: "at rest" }).waitFor();
    expect(await page.textContent("#error")).toBe("");
  }

  describe.each([["sse"], ["websocket"]])("over %s", (transport) => {
    it("chats over several runs, and shows the conversation again after a reload", async () => {
      const thread = crypto.randomUUID();
      const page = await visit({ assistant: "chat", thread, transport });
      await say(page, "hello");
      await expect.poll(() => messages(page, 2)).toEqual(["hello", "You said: hello"]);
      await rests(page);
      await say(page, "again");
      const whole = ["hello", "You said: hello", "again", "You said: again"];
      await expect.poll(() => messages(page, 4)).toEqual(whole);
      await rests(page);
      await page.reload();
      await expect.poll(() => messages(page, 4)).toEqual(whole);
      await page.close();
    });

    it("shows tokens as they come, also of a subgraph", async () => {
      const page = await visit({ assistant: "speaking", thread: crypto.randomUUID(), transport });
      await say(page, "speak");
      await page.locator("li", { hasText: "one two" }).waitFor();
      await rests(page);
      expect(await page.locator("li").allTextContents()).toEqual(["speak", "one two"]);
      await page.close();
    });

    it("asks, and goes on with the answer", async () => {
      const page = await visit({ assistant: "asking", thread: crypto.randomUUID(), transport });
      await say(page, "ten");
      await page.locator("#answer", { hasText: "how old?" }).waitFor();
      await page.click("#answer");
      await page.locator("#log", { hasText: '["answer ten","after"]' }).waitFor();
      await rests(page);
      expect(await page.locator("#answer").count()).toBe(0);
      await page.close();
    });
  });
});
