import { Client, type Assistant } from "@langchain/langgraph-sdk";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { Gates } from "../support/gates.ts";
import { browserPath, Studio } from "./browser.ts";

const limitMs = 90_000;

describe.skipIf(browserPath === undefined)("an answer whose connection breaks off", () => {
  let studio: Studio;
  let client: Client;
  let gates: Gates;
  let reciter: Assistant;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    gates = await Gates.listen();
    const context = { tokens: 20, gates: gates.url };
    reciter = await client.assistants.create({ graphId: "reciter", name: "Reciter", context });
  }, 60_000);
  afterAll(async () => {
    await gates?.[Symbol.asyncDispose]();
    await studio?.[Symbol.asyncDispose]();
  });

  const path = () => `test?assistant=${reciter.assistant_id}`;
  const answer = (page: Page) => page.getByRole("article", { name: "Assistant" });

  async function send(page: Page, text: string): Promise<void> {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.getByLabel("Message", { exact: true }).press("Enter");
  }

  /** Every word once, in its place. */
  async function isWhole(page: Page): Promise<void> {
    const words = Array.from({ length: 20 }, (_, at) => `t${at}`).join(" ");
    await page.getByRole("button", { name: "Regenerate" }).waitFor({ timeout: 30_000 });
    await expect.poll(() => answer(page).innerText()).toContain(words);
    expect(await answer(page).count()).toBe(1);
  }

  test("the network cuts the stream: it goes on where it was", { timeout: limitMs }, async () => {
    await using proxy = await CuttingProxy.before(studio.server.url);
    await using visit = await studio.visit(path(), {}, proxy.url);
    const { page } = visit;
    const arrived = gates.arrival("half");
    await page.getByLabel("Message", { exact: true }).waitFor();
    const cut = proxy.cutOnceAfter('"t8 "');
    await send(page, "Recite.");
    await cut;
    (await arrived).release();
    await isWhole(page);
    expect(visit.complaints.filter((line) => !line.includes("net::ERR_"))).toEqual([]);
  });

  test(
    "the server dies in the middle: the page says so, and the answer goes on when it is back",
    { timeout: limitMs },
    async () => {
      await using visit = await studio.visit(path());
      const { page } = visit;
      const first = gates.arrival("half");
      await send(page, "Recite.");
      await first;
      await answer(page).getByText("t8").waitFor();
      await studio.server.kill();
      await page.getByText("The server does not answer.").waitFor({ timeout: 30_000 });
      const again = gates.arrival("half");
      await studio.server.restart();
      (await again).release();
      await isWhole(page);
      await expect.poll(() => page.getByText("The server does not answer.").count()).toBe(0);
    },
  );

  test(
    "the page is loaded again in the middle: it joins the run",
    { timeout: limitMs },
    async () => {
      await using visit = await studio.visit(path());
      const { page } = visit;
      const arrived = gates.arrival("half");
      await send(page, "Recite.");
      const gate = await arrived;
      await answer(page).getByText("t8").waitFor();
      await page.waitForURL(/thread=/);
      await page.reload();
      await answer(page).getByText("t8").waitFor();
      await page.getByRole("button", { name: "Cancel run" }).waitFor();
      gate.release();
      await isWhole(page);
      expect(visit.complaints).toEqual([]);
    },
  );

  test(
    "a run that another client begins shows on a page that is open",
    { timeout: limitMs },
    async () => {
      const { thread_id: threadId } = await client.threads.create();
      await using visit = await studio.visit(`${path()}&thread=${threadId}`);
      const { page } = visit;
      await page.getByText("Start a conversation").waitFor();
      const arrived = gates.arrival("half");
      const input = { messages: [{ role: "user", content: "from elsewhere" }] };
      await client.runs.create(threadId, reciter.assistant_id, {
        input,
        streamMode: ["values", "messages-tuple"],
        streamResumable: true,
      });
      const gate = await arrived;
      await answer(page).getByText("t8").waitFor();
      gate.release();
      await isWhole(page);
      expect(visit.complaints).toEqual([]);
    },
  );

  test("what could not be sent is given back", { timeout: limitMs }, async () => {
    await using visit = await studio.visit(path());
    const { page } = visit;
    const message = page.getByLabel("Message", { exact: true });
    await message.waitFor();
    await page.route("**/threads", (route) => route.abort());
    await send(page, "Not lost");
    await expect.poll(() => message.inputValue()).toBe("Not lost");
  });
});
