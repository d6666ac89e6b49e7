import { join, resolve } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../acceptance/project.ts";
import { browserPath, narrow, Studio, wide } from "./browser.ts";

const repository = resolve(import.meta.dirname, "..", "..");

describe.skipIf(browserPath === undefined)("Studio on a server without a graph that loads", () => {
  test("every page says what to do", { timeout: 90_000 }, async () => {
    const broken = join(repository, "test", "fixtures", "broken", "syntax.ts:graph");
    await using studio = await Studio.of(new Project({ broken }));
    const pages: [string, RegExp][] = [
      ["assistants", /broken|No assistants yet/],
      ["threads", /No threads yet/],
      ["runs", /No runs yet/],
      ["memory", /Nothing remembered here/],
      ["test?mode=graph", /syntax\.ts|This assistant does not exist/],
      ["assistants/new", /syntax\.ts|The server has no graphs/],
      ["compare", /Compare/],
    ];
    for (const [path, said] of pages) {
      await using visit = await studio.visit(path);
      await visit.page.getByText(said).locator("visible=true").first().waitFor();
      expect(await visit.barriers(), path).toEqual([]);
      expect(
        visit.complaints.filter((line) => !line.includes("Failed to load resource")),
        path,
      ).toEqual([]);
    }
  });
});

describe.skipIf(browserPath === undefined)("Studio on a server without an assistant", () => {
  test(
    "every page says what to do, and a first assistant can be made",
    { timeout: 90_000 },
    async () => {
      const tax = join(repository, "graphs", "tax.ts:graph");
      await using studio = await Studio.of(new Project({ tax }));
      const client = new Client({ apiUrl: studio.server.url });
      await client.assistants.delete((await client.assistants.search())[0]!.assistant_id);
      const pages: [string, string][] = [
        ["assistants", "No assistants yet"],
        ["assistants/new", "The server knows no graph of yours."],
        ["test", "No assistants yet"],
        ["compare", "No assistants yet"],
        ["threads", "No threads yet"],
        ["runs", "No runs yet"],
        ["memory", "Nothing remembered here"],
      ];
      for (const [path, said] of pages) {
        for (const viewport of [wide, narrow]) {
          await using visit = await studio.visit(path, { viewport });
          await visit.isLoaded();
          await visit.page.getByText(said).waitFor();
          expect(await visit.barriers(), path).toEqual([]);
          expect(await visit.isTooWide(), path).toBe(false);
          expect(visit.complaints, path).toEqual([]);
        }
      }
      await using visit = await studio.visit("compare");
      const { page } = visit;
      await page.getByRole("link", { name: "New assistant" }).click();
      expect(await page.getByLabel("Graph").inputValue()).toBe("assistant");
      await page.getByLabel("Name", { exact: true }).fill("First of all");
      await page.getByLabel("model", { exact: true }).fill("offline");
      await page.getByRole("button", { name: "Create assistant" }).click();
      const chosen = page.getByLabel("Assistant", { exact: true }).locator("option:checked");
      await expect.poll(() => chosen.textContent()).toBe("First of all · assistant");
      expect(visit.complaints).toEqual([]);
    },
  );
});

describe.skipIf(browserPath === undefined)("Studio with very much, and very long", () => {
  let studio: Studio;
  let client: Client;
  const long = `${"어시스턴트 ".repeat(20)}${"Unbroken".repeat(30)}`;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    await client.assistants.create({
      graphId: "agent",
      name: long,
      description: long,
      context: { llm_provider: "offline", system_prompt: long.repeat(10) },
    });
    for (let made = 0; made < 1_005; made += 67) {
      await Promise.all(
        Array.from({ length: 67 }, (_, at) =>
          client.assistants.create({
            graphId: "tax",
            name: `Number ${String(made + at).padStart(4, "0")}`,
          }),
        ),
      );
    }
    await client.threads.create({ metadata: { thread_name: long, [long]: long } });
    await client.store.putItem([long.replaceAll(/[. ]/g, "").slice(0, 100)], long.slice(0, 200), {
      text: long,
    });
  }, 120_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  test("nothing sticks out, at 390 pixels", { timeout: 90_000 }, async () => {
    const [found] = await client.assistants.search({ name: long.slice(0, 40) });
    const id = found!.assistant_id;
    const paths = [
      "assistants",
      `assistants/${id}`,
      `assistants/${id}/edit`,
      `test?assistant=${id}`,
      `compare?left=${id}`,
      "threads",
      "runs",
      "memory",
    ];
    for (const path of paths) {
      await using visit = await studio.visit(path, { viewport: narrow });
      await visit.page.locator("h1").first().waitFor({ state: "attached" });
      await expect.poll(() => visit.page.getByText("Loading…").count(), { message: path }).toBe(0);
      expect(await visit.isTooWide(), path).toBe(false);
      expect(visit.complaints, path).toEqual([]);
    }
  });

  test("at 390 pixels all parts of the test page keep to the window", async () => {
    const said = { role: "user", content: long.replaceAll(" ", "_") };
    const { thread_id: thread } = await client.threads.create({
      graphId: "agent",
      metadata: { thread_name: long },
      supersteps: [{ updates: [{ values: { messages: [said] }, asNode: "call_model" }] }],
    });
    await using visit = await studio.visit(`test?assistant=agent&thread=${thread}&mode=chat`, {
      viewport: narrow,
    });
    const { page } = visit;
    await page.getByRole("article", { name: "Human" }).waitFor();
    expect(await visit.isTooWide()).toBe(false);
    await page.getByRole("button", { name: "Details" }).click();
    await page.getByRole("button", { name: "Edit state" }).waitFor();
    expect(await visit.isTooWide()).toBe(false);
    await page.getByRole("button", { name: "Threads" }).click();
    const named = page
      .getByRole("listitem")
      .filter({ has: page.getByTitle(long) })
      .first();
    await named.getByRole("button", { name: /^More for/ }).click();
    await page.getByRole("menuitem", { name: "Rename" }).waitFor();
    expect(await visit.isTooWide()).toBe(false);
    expect(await visit.barriers()).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  test(
    "with 1,000 assistants each can be found, chosen and tested",
    { timeout: 60_000 },
    async () => {
      const [first] = await client.assistants.search({ name: "Number 0000" });
      const [last] = await client.assistants.search({ name: "Number 1004" });
      for (const one of [first!, last!]) {
        await using visit = await studio.visit("assistants");
        const { page } = visit;
        await page.getByLabel("Search by name").fill(one.name);
        await page.getByRole("link", { name: `Studio: ${one.name}` }).click();
        const chosen = page.getByLabel("Assistant", { exact: true });
        await expect
          .poll(() => chosen.locator("option:checked").textContent())
          .toBe(`${one.name} · tax`);
        expect(visit.complaints).toEqual([]);
      }
    },
  );

  test("with 1,000 assistants both sides of a comparison have their names", async () => {
    const found = await client.assistants.search({ name: "Number 100", limit: 3, sortBy: "name" });
    const [left, right] = found.slice(-2);
    await using visit = await studio.visit(
      `compare?left=${left!.assistant_id}&right=${right!.assistant_id}@1`,
    );
    for (const [side, one] of [
      ["left", left!],
      ["right", right!],
    ] as const) {
      const chosen = visit.page.getByLabel(`Assistant on the ${side}`).locator("option:checked");
      await expect.poll(() => chosen.textContent()).toBe(one.name);
    }
    expect(visit.complaints).toEqual([]);
  });
});
