import { Client, type Assistant } from "@langchain/langgraph-sdk";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, narrow, Studio } from "./browser.ts";

describe.skipIf(browserPath === undefined)("testing an assistant in Studio", () => {
  let studio: Studio;
  let client: Client;
  let offline: Assistant;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    offline = await client.assistants.create({
      graphId: "agent",
      name: "Offline",
      context: { llm_provider: "offline", system_prompt: "First version." },
    });
    await client.assistants.update(offline.assistant_id, {
      context: { llm_provider: "offline", system_prompt: "Second version." },
    });
  }, 60_000);
  afterAll(() => studio[Symbol.asyncDispose]());

  const chatPath = () => `test?assistant=${offline.assistant_id}`;
  const answers = (page: Page) => page.getByRole("article", { name: "Assistant" });

  async function send(page: Page, text: string): Promise<void> {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.getByLabel("Message", { exact: true }).press("Enter");
    await page.getByRole("button", { name: "Send" }).waitFor();
  }

  test("chat: tokens as they come, tool calls and results folded", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await send(page, "What is 6 * 7?");
    await answers(page).getByText("42").waitFor();
    const call = page.locator("details", { hasText: "calculator" }).first();
    expect(await call.getAttribute("open")).toBeNull();
    await call.locator("summary").first().click();
    await call.getByText("6 * 7").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("chat: another version is tested without making it active", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await page.getByLabel("Version").selectOption("1");
    await send(page, "Good morning, what do you do?");
    await answers(page).getByText("First version.").waitFor();
    expect((await client.assistants.get(offline.assistant_id)).version).toBe(2);
  });

  test("chat: editing a message forks, and the history shows both branches", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await send(page, "red apples");
    await answers(page).getByText("red apples").waitFor();
    await page.getByRole("button", { name: "Edit and fork" }).click();
    await page.getByLabel("Edited message").fill("green pears");
    await page
      .getByRole("article", { name: "Human" })
      .getByRole("button", { name: "Send" })
      .click();
    await answers(page).getByText("green pears").waitFor();
    expect(await page.getByText("red apples").count()).toBe(0);
    await page.getByRole("button", { name: "History" }).click();
    await page.getByLabel("forks here").first().waitFor();

    await page.getByRole("button", { name: "Regenerate" }).click();
    await expect.poll(() => answers(page).getByText("green pears").count()).toBe(1);
    expect(visit.complaints).toEqual([]);
  });

  test("chat: an interrupt is answered in words", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await send(page, 'ask_human({"question": "May I?"})');
    await page.getByText("The run waits for an answer").waitFor();
    await page.getByText("May I?").last().waitFor();
    await page.getByLabel("Answer", { exact: true }).fill("You may.");
    await page.getByRole("button", { name: "Resume" }).click();
    await answers(page).getByText("You may.").waitFor();
    await page.getByText("The run waits for an answer").waitFor({ state: "detached" });
    expect(visit.complaints).toEqual([]);
  });

  test("chat: markdown is shown, HTML in it is not run", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await send(page, "**bold** <img src=x onerror=alert(1)>");
    await answers(page).locator("strong", { hasText: "bold" }).waitFor();
    expect(await page.locator("article img").count()).toBe(0);
    expect(visit.complaints).toEqual([]);
  });

  test("graph: drawn with its subgraph, lit while it runs, interrupted, answered as JSON", async () => {
    await using visit = await studio.visit("test?assistant=writer&mode=graph");
    const { page } = visit;
    const node = (id: string) => page.locator(`[data-node="${id}"]`);
    await node("write").waitFor();
    expect(await node("research:collect").count()).toBe(0);
    await page.getByRole("button", { name: "Open subgraph research" }).click();
    await node("research:collect").waitFor();

    await page.getByLabel("length").fill("11");
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByText("length: At most 10.").waitFor();
    await page.getByLabel("length").fill("3");
    await page.getByLabel("topic").fill("rivers");
    await page.getByRole("button", { name: "Submit" }).click();
    await page.locator('[data-node="review"][data-phase="waiting"]').waitFor();
    await page.locator('[data-node="research:collect"][data-phase="done"]').waitFor();
    await page.getByText("Is this good?").waitFor();
    await page.getByText("3 lines on rivers").first().waitFor();

    const waits = page.locator("form", { hasText: "The run waits" });
    await waits.getByRole("button", { name: "JSON" }).click();
    await waits.getByLabel("Answer", { exact: true }).fill('{"good": ');
    await page.getByText("This is not JSON yet").waitFor();
    expect(await waits.getByRole("button", { name: "Resume" }).isDisabled()).toBe(true);
    await waits.getByLabel("Answer", { exact: true }).fill('{"good": true}');
    await waits.getByRole("button", { name: "Resume" }).click();
    await page.locator('[data-node="review"][data-phase="done"]').waitFor();
    await page.getByText('3 lines on rivers ({\\"good\\":true})').first().waitFor();
    await page
      .getByRole("group", { name: "Show changes as" })
      .getByRole("button", { name: "JSON" })
      .click();
    await page.getByText('"draft": "3 lines on rivers').first().waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("graph: breakpoints stop the run, Continue goes on; also without streaming", async () => {
    await using visit = await studio.visit("test?assistant=writer&mode=graph");
    const { page } = visit;
    await page.getByText("Breakpoints").click();
    await page.getByLabel("Stop before write").check();
    await page.getByRole("switch", { name: "Stream" }).click();
    await page.getByLabel("topic").fill("lakes");
    await page.getByLabel("tone").selectOption({ label: "dry" });
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByText("Stopped before: write").waitFor();
    await page.getByLabel("Stop before write").uncheck();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: "State", exact: true }).click();
    await page.getByText('"draft": "3 lines on lakes"').waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("history: go to a checkpoint, edit its state, fork and run from there", async () => {
    await using visit = await studio.visit("test?assistant=writer&mode=graph");
    const { page } = visit;
    await page.getByLabel("topic").fill("hills");
    await page.getByLabel("tone").selectOption({ label: "dry" });
    await page.getByRole("button", { name: "Submit" }).click();
    await page.locator('[data-node="write"][data-phase="done"]').waitFor();
    await page.getByRole("button", { name: "History" }).click();
    await page.getByRole("button", { name: /→ write/ }).click();
    await page.waitForURL(/checkpoint=/);
    await page.getByRole("button", { name: "State", exact: true }).click();
    await page.getByText("State at this checkpoint").waitFor();
    await page.getByRole("button", { name: "Edit state" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Edit state").fill("[1]");
    await dialog.getByText("This must be a JSON object").waitFor();
    expect(await dialog.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await dialog
      .getByLabel("Edit state")
      .fill('{"topic": "mountains", "length": 3, "tone": "dry"}');
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("The state was saved").waitFor();
    await page.getByRole("button", { name: "Run from here" }).click();
    await page.getByText('"draft": "3 lines on mountains"').waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("a run that fails says why, and the thread stays usable", async () => {
    await using visit = await studio.visit("test?assistant=failing&mode=graph");
    const { page } = visit;
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByText("This graph always fails.").first().waitFor();
    await page.getByText("The thread stays usable").waitFor();
    await page.locator('[data-node="fail"][data-phase="failed"]').waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("compare: two versions stream the same input side by side", async () => {
    await using visit = await studio.visit(chatPath());
    const { page } = visit;
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("button", { name: "Run both" }).click();
    await page.getByText("Write a message first.").waitFor();
    await page.getByLabel("Message", { exact: true }).fill("Tell me about the weather of the moon");
    await page.getByRole("button", { name: "Run both" }).click();
    const side = (name: string) => page.locator(`[data-side="${name}"] article`);
    await side("left").getByText("Second version.").waitFor();
    await side("right").getByText("First version.").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("a run that was begun elsewhere is joined; the page also works at 390 pixels", async () => {
    const thread = await client.threads.create();
    await client.runs.wait(thread.thread_id, offline.assistant_id, {
      input: { messages: [{ role: "user", content: "begun elsewhere" }] },
    });
    await using visit = await studio.visit(`${chatPath()}&thread=${thread.thread_id}`, {
      viewport: narrow,
    });
    const { page } = visit;
    await answers(page).getByText("begun elsewhere").waitFor();
    await page.getByRole("button", { name: "Details" }).click();
    await page.getByText("Latest state").waitFor();
    await page.getByRole("button", { name: "Threads" }).click();
    await page
      .getByRole("button", { name: thread.thread_id.slice(-8) })
      .first()
      .waitFor();
    expect(await visit.isTooWide()).toBe(false);
    expect(visit.complaints).toEqual([]);
  });

  test("a thread of 2,000 messages keeps only those in sight in the document", async () => {
    const messages = Array.from({ length: 2000 }, (_, at) => ({
      type: at % 2 === 0 ? "human" : "ai",
      content: `Message number ${at} of a long conversation.`,
      id: `message-${at}`,
    }));
    const { thread_id: threadId } = await client.threads.create({
      graphId: "agent",
      supersteps: [{ updates: [{ values: { messages }, asNode: "call_model" }] }],
    });
    await using visit = await studio.visit(`${chatPath()}&thread=${threadId}`);
    const { page } = visit;
    await page.getByRole("article").getByText("Message number 1999 of").waitFor();
    expect(await page.locator("article").count()).toBeLessThan(60);
    const longest = await page.getByRole("log").evaluate(async (list) => {
      let last = performance.now();
      let worst = 0;
      for (let at = 0; at < 60; at += 1) {
        list.scrollTop -= 900;
        await new Promise(requestAnimationFrame);
        worst = Math.max(worst, performance.now() - last);
        last = performance.now();
      }
      return worst;
    });
    expect(longest).toBeLessThan(500);
    expect(visit.complaints).toEqual([]);
  });
});
