import { Client } from "@langchain/langgraph-sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, Studio } from "./browser.ts";

describe.skipIf(browserPath === undefined)("what the OpenAI client made, in Studio", () => {
  let studio: Studio;
  let client: Client;
  let openai: OpenAI;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    openai = new OpenAI({ baseURL: `${studio.server.url}/v1`, apiKey: "none" });
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  const weather = {
    type: "function" as const,
    function: { name: "get_weather", parameters: { type: "object", properties: {} } },
  };

  test("a first assistant of the built-in graph is made in the form, and the OpenAI client has it", async () => {
    expect(await client.assistants.search({ graphId: "assistant" })).toEqual([]);
    await using visit = await studio.visit("assistants/new");
    const { page } = visit;
    const graph = page.getByLabel("Graph");
    await page.getByLabel("llm_provider").waitFor();
    expect(await graph.inputValue()).toBe("agent");
    await graph.selectOption("assistant");
    await page.getByText("Comes with the server").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("First");
    await page.getByLabel("instructions").fill("You are brief.");
    await page.getByLabel("model", { exact: true }).fill("offline");
    await page.getByLabel("Run code").check();
    expect(await visit.barriers()).toEqual([]);
    await page.getByRole("button", { name: "Create assistant" }).click();
    await page.waitForURL(/\/studio\/test\?assistant=/);
    const { data: made } = await openai.beta.assistants.list();
    expect(made).toMatchObject([
      {
        name: "First",
        model: "offline",
        instructions: "You are brief.",
        tools: [{ type: "code_interpreter" }],
      },
    ]);
    expect(visit.complaints).toEqual([]);
  });

  test("an assistant has instructions, model and tools as its form", async () => {
    const made = await openai.beta.assistants.create({
      model: "offline",
      name: "Math tutor",
      instructions: "You are a tutor.",
      tools: [{ type: "code_interpreter" }, weather],
    });
    await using visit = await studio.visit("assistants?name=Math");
    const { page } = visit;
    await page.getByRole("link", { name: "Edit: Math tutor" }).click();
    await page.getByLabel("instructions").getByText("You are a tutor.").waitFor();
    expect(await page.getByLabel("model", { exact: true }).inputValue()).toBe("offline");
    const code = page.getByLabel("Run code");
    expect(await code.isChecked()).toBe(true);
    await page.getByRole("group", { name: "Function get_weather" }).waitFor();
    expect(await visit.barriers()).toEqual([]);

    await code.uncheck();
    await page.getByLabel("Search files").check();
    await page.getByLabel("instructions").fill("You are a patient tutor.");
    await page.getByLabel("temperature").fill("0.5");
    await page.getByRole("button", { name: "Add function" }).click();
    const added = page.getByRole("group", { name: "Function", exact: true });
    await added.getByText("1 to 64 letters").waitFor();
    await added.getByLabel("Name of the function").fill("add");
    await page.getByRole("group", { name: "Function add" }).getByLabel("What").fill("Adds");
    await page.getByRole("button", { name: "Save as new version" }).click();
    await page.getByText("From version 1 to version 2").waitFor();

    const saved = await openai.beta.assistants.retrieve(made.id);
    expect(saved).toMatchObject({
      instructions: "You are a patient tutor.",
      model: "offline",
      temperature: 0.5,
    });
    expect(saved.tools).toMatchObject([
      weather,
      { type: "file_search" },
      { type: "function", function: { name: "add", description: "Adds" } },
    ]);
    expect(visit.complaints).toEqual([]);
  });

  test("bad input is said at the field", async () => {
    const made = await openai.beta.assistants.create({ model: "offline", name: "Strict" });
    await using visit = await studio.visit("assistants?name=Strict");
    const { page } = visit;
    await page.getByRole("link", { name: "Edit: Strict" }).click();
    await page.getByLabel("temperature").fill("3");
    await page.getByText("At most 2.", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Save as new version" }).click();
    await page.getByText("temperature: At most 2.").last().waitFor();
    expect((await openai.beta.assistants.retrieve(made.id)).temperature ?? null).not.toBe(3);
    expect(visit.complaints).toEqual([]);
  });

  test("a thread looks like any other, and goes on in Studio", async () => {
    const assistant = await openai.beta.assistants.create({ model: "offline", name: "Echo" });
    const thread = await openai.beta.threads.create({
      messages: [{ role: "user", content: "asked with the OpenAI client" }],
    });
    await openai.beta.threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
    const [found] = await client.threads.search({ limit: 1, sortBy: "updated_at" });
    await using visit = await studio.visit("threads");
    const { page } = visit;
    await page.getByRole("link", { name: found!.thread_id.slice(-8), exact: true }).click();
    const articles = page.getByRole("article");
    await articles.getByText("asked with the OpenAI client").first().waitFor();
    const chosen = page.getByLabel("Assistant", { exact: true }).locator("option:checked");
    expect(await chosen.textContent()).toBe("Echo · assistant");
    await page.getByLabel("Message", { exact: true }).fill("and now with Studio");
    await page.getByRole("button", { name: "Send" }).click();
    await page
      .getByRole("article", { name: "Assistant" })
      .getByText("and now with Studio")
      .waitFor();
    const messages = await openai.beta.threads.messages.list(thread.id, { order: "asc" });
    expect(messages.data.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
    expect(visit.complaints).toEqual([]);
  });
});
