import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, narrow, Studio, wide } from "./browser.ts";

describe.skipIf(browserPath === undefined)("the pages of Studio", () => {
  let studio: Studio;
  let client: Client;
  let threadId: string;
  let runId: string;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    threadId = (await client.threads.create({ metadata: { customer: "kim" } })).thread_id;
    const context = { llm_provider: "offline" };
    await client.runs.wait(threadId, "agent", {
      input: { messages: [{ role: "user", content: "hello" }] },
      context,
    });
    runId = (await client.runs.list(threadId))[0]!.run_id;
    await client.store.putItem(["users", "kim"], "language", { code: "ko", level: 3 });
  }, 60_000);
  afterAll(() => studio[Symbol.asyncDispose]());

  test("threads: search by id, metadata and status; rename, copy, delete", async () => {
    const { thread_id: other } = await client.threads.create({ metadata: { customer: "lee" } });
    await using visit = await studio.visit("threads");
    const { page } = visit;
    await page.getByText(other).waitFor();
    const search = page.getByLabel("Search threads");
    await search.fill("customer=lee");
    await expect.poll(() => page.getByText(threadId).count()).toBe(0);
    await page.getByText(other).waitFor();
    await search.fill('{"customer": ');
    await page.getByText("This is not JSON yet").waitFor();
    await search.fill(other);
    await page.getByText(other).waitFor();

    await page.getByRole("button", { name: /^More for/ }).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await page.getByLabel("Name", { exact: true }).fill("  ");
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await page.getByText("Give the thread a name.").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("Complaint");
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await page.getByRole("link", { name: "Complaint", exact: true }).waitFor();
    expect((await client.threads.get(other)).metadata).toMatchObject({ customer: "lee" });

    await page.getByRole("button", { name: "More for Complaint" }).click();
    await page.getByRole("menuitem", { name: "Copy thread" }).click();
    await page.getByText("The thread was copied.").waitFor();
    await search.fill("Complaint");
    await expect
      .poll(() => page.getByRole("link", { name: "Complaint", exact: true }).count())
      .toBe(2);
    await search.fill(other);
    await expect
      .poll(() => page.getByRole("link", { name: "Complaint", exact: true }).count())
      .toBe(1);
    await page.getByRole("button", { name: "More for Complaint" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No thread matches").waitFor();
    await expect(client.threads.get(other)).rejects.toThrow("404");
    expect(visit.complaints).toEqual([]);
  });

  test("runs: the list is live and filtered; a run's page has its events, input and times", async () => {
    await using visit = await studio.visit("runs");
    const { page } = visit;
    const row = (id: string) => page.locator(`[data-run="${id}"]`);
    await row(runId).getByText("success").waitFor();
    const run = await client.runs.create(threadId, "writer", { input: { topic: "seas" } });
    await row(run.run_id)
      .getByText("success")
      .or(row(run.run_id).getByText("interrupted"))
      .waitFor();
    await page.getByLabel("Status").selectOption("error");
    await page.getByText("No run matches").waitFor();
    await page.getByLabel("Status").selectOption("");
    await page.getByLabel("Thread id").fill("nonsense");
    await page.getByText("Give the whole thread id.").waitFor();
    await page.getByLabel("Thread id").fill(threadId);
    await row(runId).getByRole("link").click();
    await page.locator("dt", { hasText: "Queue time" }).waitFor();
    await page.locator("dl").getByRole("link", { name: "agent", exact: true }).waitFor();
    await page.locator("code", { hasText: /^metadata$/ }).waitFor();
    await page.getByText('"hello"').first().waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("what is not there is said where it was looked for, with a way on", async () => {
    const gone = "00000000-0000-4000-8000-000000000000";
    for (const viewport of [wide, narrow]) {
      await using visit = await studio.visit(`test?assistant=agent&mode=chat&thread=${gone}`, {
        viewport,
      });
      const { page } = visit;
      const alert = page.getByRole("alert");
      await alert.getByText(`Thread with ID ${gone} not found.`).waitFor();
      expect(await alert.count()).toBe(1);
      expect(await visit.barriers()).toEqual([]);
      await alert.getByRole("button", { name: "New thread" }).click();
      await page.getByText("Start a conversation").waitFor();
      expect(page.url()).not.toContain(gone);

      await page.goto(`${studio.server.url}/studio/assistants/${gone}`);
      await alert.getByRole("link", { name: "Assistants" }).click();
      await page.getByRole("link", { name: "agent", exact: true }).waitFor();

      await page.goto(`${studio.server.url}/studio/runs/${threadId}/${gone}`);
      await alert.getByRole("link", { name: "Runs" }).click();
      await page.locator(`[data-run="${runId}"]`).waitFor();
    }
  });

  test("runs: a pending run says why it is pending", async () => {
    const thread = await client.threads.create();
    const run = await client.runs.create(thread.thread_id, "agent", {
      input: { messages: [] },
      afterSeconds: 3600,
    });
    await using visit = await studio.visit(`runs/${thread.thread_id}/${run.run_id}`);
    const { page } = visit;
    await page.getByText("Why is it pending? Its time has not come.").waitFor();
    await page.getByRole("button", { name: "Cancel run" }).click();
    await page.getByText("interrupted", { exact: true }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  const places = () => [
    "assistants",
    "assistants/new",
    `assistants/fe096781-5601-53d2-b2f6-0d3403f7e9ca`,
    `test?assistant=agent&thread=${threadId}`,
    "test?assistant=writer&mode=graph",
    "compare",
    "threads",
    "runs",
    `runs/${threadId}/${runId}`,
    "memory",
  ];

  test.for([
    { size: wide, colorScheme: "light", locale: "en-GB" },
    { size: narrow, colorScheme: "dark", locale: "ko-KR" },
  ] as const)(
    "every page at $size.width pixels, $colorScheme: no barriers, nothing sticks out, no complaints",
    { timeout: 120_000 },
    async ({ size, colorScheme, locale }) => {
      for (const place of places()) {
        await using visit = await studio.visit(place, { viewport: size, colorScheme, locale });
        await visit.isLoaded();
        expect(await visit.barriers(), place).toEqual([]);
        expect(await visit.isTooWide(), place).toBe(false);
        expect(visit.complaints, place).toEqual([]);
      }
    },
  );

  test("the keyboard alone leads from page to page, and the language and colours stay chosen", async () => {
    await using visit = await studio.visit("assistants");
    const { page } = visit;
    await page.getByRole("heading", { level: 1, name: "Assistants" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Threads" }).waitFor();
    await page.getByRole("button", { name: "한국어" }).click();
    await page.getByRole("heading", { level: 1, name: "스레드" }).waitFor();
    await page.getByRole("button", { name: /^색상/ }).click();
    await page.getByRole("button", { name: /^색상/ }).click();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "스레드" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("ko");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
  });

  test("in Korean, what libraries say is Korean as well", async () => {
    const context = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`key${at}`, at]));
    const { assistant_id: id } = await client.assistants.create({ graphId: "failing", context });
    await client.assistants.update(id, { context: { ...context, key9: "nine" } });
    await using visit = await studio.visit(`assistants/${id}`, { locale: "ko-KR" });
    const { page } = visit;
    await page
      .getByTestId("diff")
      .getByText(/바뀌지 않은 \d+줄/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "복원" }).click();
    const toasts = page.getByRole("region", { name: /^알림/ });
    await toasts.getByText("버전 1 활성화를 마쳤습니다.").waitFor();
    expect(await visit.barriers()).toEqual([]);
    await toasts.getByRole("button", { name: "닫기" }).click();
    await page.goto(`${studio.server.url}/studio/test?assistant=writer&mode=graph`);
    for (const name of ["확대", "축소", "화면에 맞추기"]) {
      await page.getByRole("button", { name }).waitFor();
    }
    expect(visit.complaints).toEqual([]);
  });

  test("an address that is no page is said so", async () => {
    await using visit = await studio.visit("nowhere/at/all");
    await visit.page.getByText("There is no such page").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test(
    "the server goes away: the page says so, and goes on when it is back",
    { timeout: 60_000 },
    async () => {
      await using visit = await studio.visit("assistants");
      const { page } = visit;
      await page.getByRole("row", { name: /agent/ }).waitFor();
      await studio.server.kill();
      await page.getByText("The server does not answer.").waitFor();
      await page.getByLabel("Search by name").fill("tax");
      await page.getByText("The server could not be reached").waitFor();
      await studio.server.restart();
      await page.getByRole("row", { name: /tax/ }).waitFor({ timeout: 20_000 });
      await expect.poll(() => page.getByText("The server does not answer.").count()).toBe(0);
    },
  );
});
