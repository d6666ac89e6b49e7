import { Client } from "@langchain/langgraph-sdk";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, narrow, Studio, wide } from "./browser.ts";

interface Opening {
  what: string;
  path: string;
  /** Presses what opens it, with the keyboard; resolves to what has the focus afterwards. */
  open(page: Page): Promise<Locator>;
  shown: "dialog" | "alertdialog" | "menu";
}

async function press(page: Page, name: string | RegExp): Promise<Locator> {
  const button = page.getByRole("button", { name }).first();
  await button.focus();
  await page.keyboard.press("Enter");
  return button;
}

/** An entry of the menu of a row; the focus goes back to the menu's button. */
async function pick(page: Page, menu: RegExp, entry: string): Promise<Locator> {
  const button = await press(page, menu);
  await page.getByRole("menuitem", { name: entry }).focus();
  await page.keyboard.press("Enter");
  return button;
}

describe.skipIf(browserPath === undefined)("dialogs and menus of Studio", () => {
  let studio: Studio;
  let openings: Opening[];
  beforeAll(async () => {
    studio = await Studio.open();
    const client = new Client({ apiUrl: studio.server.url });
    const { thread_id: thread } = await client.threads.create();
    const context = { llm_provider: "offline" };
    const input = { messages: [{ role: "user", content: "hello" }] };
    await client.runs.wait(thread, "agent", { input, context });
    const [run] = await client.runs.list(thread);
    await client.store.putItem(["users"], "kim", { code: "ko" });
    const chat = `test?assistant=agent&thread=${thread}`;
    const row = /^More for/;
    openings = [
      {
        what: "API key",
        path: "assistants",
        shown: "dialog",
        open: (page) => press(page, "API key"),
      },
      {
        what: "menu of an assistant",
        path: "assistants",
        shown: "menu",
        open: (page) => press(page, row),
      },
      {
        what: "assistant as code",
        path: "assistants",
        shown: "dialog",
        open: (page) => pick(page, row, "Copy as code"),
      },
      {
        what: "deleting an assistant",
        path: "assistants",
        shown: "alertdialog",
        open: (page) => pick(page, row, "Delete"),
      },
      {
        what: "large prompt editor",
        path: "assistants/new?graph=agent",
        shown: "dialog",
        open: (page) => press(page, "Open large editor"),
      },
      {
        what: "managing assistants",
        path: chat,
        shown: "dialog",
        open: (page) => press(page, "Manage assistants"),
      },
      { what: "editing the state", path: chat, shown: "dialog", open: openState },
      {
        what: "menu of a thread",
        path: "threads",
        shown: "menu",
        open: (page) => press(page, row),
      },
      {
        what: "renaming a thread",
        path: "threads",
        shown: "dialog",
        open: (page) => pick(page, row, "Rename"),
      },
      {
        what: "deleting a thread",
        path: "threads",
        shown: "alertdialog",
        open: (page) => pick(page, row, "Delete"),
      },
      {
        what: "deleting a run",
        path: `runs/${thread}/${run!.run_id}`,
        shown: "alertdialog",
        open: (page) => press(page, "Delete"),
      },
      {
        what: "new item",
        path: "memory",
        shown: "dialog",
        open: (page) => press(page, "New item"),
      },
      {
        what: "editing an item",
        path: "memory",
        shown: "dialog",
        open: (page) => press(page, "Edit kim"),
      },
      {
        what: "deleting an item",
        path: "memory",
        shown: "alertdialog",
        open: (page) => press(page, "Delete kim"),
      },
    ];
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  async function openState(page: Page): Promise<Locator> {
    await page
      .getByRole("button", { name: /^(Details|Edit state)$/ })
      .first()
      .waitFor();
    const details = page.getByRole("button", { name: "Details" });
    if (await details.isVisible()) await details.click();
    return press(page, "Edit state");
  }

  test.for([
    { size: wide, colorScheme: "dark" },
    { size: narrow, colorScheme: "light" },
  ] as const)(
    "at $size.width pixels each opens by key, keeps the focus, has no barriers, and Escape gives the focus back",
    { timeout: 180_000 },
    async ({ size, colorScheme }) => {
      for (const { what, path, open, shown } of openings) {
        await using visit = await studio.visit(path, { viewport: size, colorScheme });
        const { page } = visit;
        const opener = await open(page);
        const box = page.getByRole(shown);
        await box.waitFor();
        // Editors in it are loaded when they are needed.
        await expect.poll(() => box.locator("[aria-busy=true]").count(), { message: what }).toBe(0);
        await expect.poll(() => box.getByText("Loading…").count(), { message: what }).toBe(0);
        expect(await visit.barriers(), what).toEqual([]);
        expect(await visit.isTooWide(), what).toBe(false);
        for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press("Tab");
        // A menu lets go: Tab leads on from it.
        const letsGo = shown === "menu";
        const isIn = letsGo || (await box.evaluate((it) => it.contains(document.activeElement)));
        expect(isIn, what).toBe(true);
        await page.keyboard.press("Escape");
        await box.waitFor({ state: "detached" });
        const isBack = () => opener.evaluate((it) => it === document.activeElement);
        await expect.poll(isBack, { message: what }).toBe(true);
        expect(visit.complaints, what).toEqual([]);
      }
    },
  );

  test(
    "the keyboard alone: a new assistant is made and talked to",
    { timeout: 60_000 },
    async () => {
      await using visit = await studio.visit("assistants");
      const { page } = visit;
      const tabTo = async (found: Locator) => {
        await found.waitFor();
        const isThere = () => found.evaluate((it) => it === document.activeElement);
        for (let presses = 0; presses < 60 && !(await isThere()); presses += 1) {
          await page.keyboard.press("Tab");
        }
        expect(await isThere()).toBe(true);
      };
      await tabTo(page.getByRole("link", { name: "New assistant" }));
      await page.keyboard.press("Enter");
      await tabTo(page.getByLabel("Name", { exact: true }));
      await page.keyboard.type("By keys");
      await tabTo(page.getByLabel("llm_provider"));
      await page.keyboard.type("offline");
      await tabTo(page.getByLabel("system_prompt"));
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.type("Answer in rhymes.");
      // Tab leaves the editor.
      await tabTo(page.getByRole("button", { name: "Create assistant" }));
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/studio\/test\?assistant=/);
      await tabTo(page.getByLabel("Message", { exact: true }));
      await page.keyboard.type("Who are you, really?");
      await page.keyboard.press("Enter");
      await page.getByRole("article", { name: "Assistant" }).getByText("rhymes").waitFor();
      expect(visit.complaints).toEqual([]);
    },
  );
});
