import { Client, type Assistant } from "@langchain/langgraph-sdk";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gates } from "../support/gates.ts";
import { browserPath, narrow, Studio } from "./browser.ts";

/** Ten pixels by ten of green. */
const picture = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC",
  "base64",
);

describe.skipIf(browserPath === undefined)("messages in Studio", () => {
  let studio: Studio;
  let client: Client;
  let offline: Assistant;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    const context = { llm_provider: "offline" };
    offline = await client.assistants.create({ graphId: "agent", name: "Offline", context });
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  async function threadOf(messages: object[]): Promise<string> {
    const { thread_id: threadId } = await client.threads.create({
      graphId: "agent",
      supersteps: [{ updates: [{ values: { messages }, asNode: "call_model" }] }],
    });
    return `test?assistant=${offline.assistant_id}&thread=${threadId}`;
  }
  const message = (page: Page) => page.getByLabel("Message", { exact: true });
  const answers = (page: Page) => page.getByRole("article", { name: "Assistant" });

  test("a picture is added, seen before it is sent, sent as a content block, and shown", async () => {
    await using visit = await studio.visit(`test?assistant=${offline.assistant_id}`);
    const { page } = visit;
    await page.locator('input[type="file"]').setInputFiles([
      { name: "green.png", mimeType: "image/png", buffer: picture },
      { name: "large.png", mimeType: "image/png", buffer: Buffer.alloc(5 * 1024 * 1024 + 1) },
    ]);
    await page.getByText("large.png is larger than 5 MB").waitFor();
    await page.getByRole("listitem").getByRole("img", { name: "Picture" }).waitFor();
    await message(page).fill("What is in the picture?");
    await page.getByRole("button", { name: "Send" }).click();
    await answers(page).getByText("What is in the picture?").waitFor();
    const shown = page.getByRole("article", { name: "Human" }).getByRole("img");
    await expect
      .poll(() => shown.evaluate((image) => (image as HTMLImageElement).naturalWidth))
      .toBe(10);
    const threadId = new URL(page.url()).searchParams.get("thread")!;
    const { values } = await client.threads.getState<{ messages: { content: unknown }[] }>(
      threadId,
    );
    expect(values.messages[0]!.content).toEqual([
      { type: "text", text: "What is in the picture?" },
      {
        type: "image_url",
        image_url: { url: `data:image/png;base64,${picture.toString("base64")}` },
      },
    ]);
    expect(visit.complaints).toEqual([]);
  });

  test("nothing in a message is run or fetched", async () => {
    const attack = [
      "<script>document.title = 'taken'</script>",
      "<img src=x onerror=\"document.title = 'taken'\">",
      "[a link](javascript:document.title='taken')",
      "![a picture](https://elsewhere.example/spy.png)",
      "![data](data:text/html,<script>1</script>)",
      "<iframe src='https://elsewhere.example'></iframe>",
      "`code` and https://elsewhere.example/page",
    ].join("\n\n");
    const path = await threadOf([
      { type: "human", content: attack },
      { type: "ai", content: attack, name: "<b>name</b>" },
      {
        type: "human",
        content: [{ type: "image_url", image_url: { url: "javascript:alert(1)" } }],
      },
    ]);
    await using visit = await studio.visit(path);
    const { page } = visit;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await answers(page).getByText("a link").waitFor();
    expect(await page.locator("article :is(script, iframe, img)").count()).toBe(0);
    const addresses = await page
      .locator("article a")
      .evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
    expect(addresses.filter((address) => address !== "" && !/^https?:/.test(address))).toEqual([]);
    expect(await page.title()).toContain("Adjutant");
    expect(asked.filter((url) => !url.startsWith(studio.server.url))).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  test("code is copied; texts from right to left; a text without a gap does not stick out", async () => {
    const path = await threadOf([
      { type: "human", content: "x".repeat(3000) },
      {
        type: "ai",
        content: `${"w".repeat(800)}\n\n\`\`\`js\nconst a = 1;\n\nrun(a);\n\`\`\`\n\nשלום עולם`,
      },
    ]);
    await using visit = await studio.visit(path, { viewport: narrow });
    const { page } = visit;
    const hebrew = answers(page).getByText("שלום עולם");
    await hebrew.waitFor();
    await expect.poll(() => hebrew.evaluate((it) => getComputedStyle(it).direction)).toBe("rtl");
    const code = answers(page).locator("pre");
    await code.hover();
    await code.locator("..").getByRole("button", { name: "Copy" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe("const a = 1;\n\nrun(a);");
    expect(await visit.isTooWide()).toBe(false);
    expect(await visit.barriers()).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  test("Cancel stops an answer: what was said stays, and the thread goes on", async () => {
    await using gates = await Gates.listen();
    const reciter = await client.assistants.create({
      graphId: "reciter",
      name: "Reciter",
      context: { tokens: 20, gates: gates.url },
    });
    await using visit = await studio.visit(`test?assistant=${reciter.assistant_id}`);
    const { page } = visit;
    const arrived = gates.arrival("half");
    await message(page).fill("Recite.");
    await message(page).press("Enter");
    await arrived;
    await answers(page).getByText("t8").waitFor();
    await page.getByRole("button", { name: "Cancel run" }).click();
    await page.getByRole("button", { name: "Send" }).waitFor();
    await answers(page).getByText("t8").waitFor();
    gates.openAll();
    await message(page).fill("Once more.");
    await message(page).press("Enter");
    await answers(page).getByText("t19").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("the history of a long thread is shown page by page, to its beginning", async () => {
    const { thread_id: threadId } = await client.threads.create({
      graphId: "agent",
      supersteps: Array.from({ length: 130 }, (_, at) => ({
        updates: [
          { values: { messages: [{ type: "ai", content: `m${at}` }] }, asNode: "call_model" },
        ],
      })),
    });
    await using visit = await studio.visit(
      `test?assistant=${offline.assistant_id}&thread=${threadId}`,
    );
    const { page } = visit;
    await page.getByRole("button", { name: "History" }).click();
    const rows = page.locator("[data-checkpoint]");
    await rows.first().waitFor();
    expect(await rows.count()).toBe(100);
    await page.getByRole("button", { name: "Show older checkpoints" }).click();
    await expect.poll(() => rows.count()).toBeGreaterThan(129);
    await page
      .getByRole("button", { name: "Show older checkpoints" })
      .waitFor({ state: "detached" });
    const oldest = await rows.last().getAttribute("data-checkpoint");
    await rows.last().click();
    await page.waitForURL(`**checkpoint=${oldest}*`);
    expect(visit.complaints).toEqual([]);
  });
});
