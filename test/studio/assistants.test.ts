import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, narrow, Studio } from "./browser.ts";

/** The "Platform UI" sections of the guide on managing assistants, step by step. */
describe.skipIf(browserPath === undefined)("managing assistants in Studio", () => {
  let studio: Studio;
  let client: Client;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
  }, 60_000);
  afterAll(() => studio[Symbol.asyncDispose]());

  test("the Assistants tab shows all assistants over all graphs", async () => {
    await using visit = await studio.visit("");
    const { page } = visit;
    await page.getByRole("link", { name: "Assistants" }).first().click();
    await page.getByRole("row", { name: /agent.*default.*v1/ }).waitFor();
    await page.getByRole("row", { name: /tax.*default.*v1/ }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test("New assistant, its form, Create assistant: leads to testing it, and the table has it", async () => {
    await using visit = await studio.visit("assistants");
    const { page } = visit;
    await page.getByRole("link", { name: "New assistant" }).click();
    await page.getByRole("heading", { name: "New assistant", level: 1 }).waitFor();
    await page.getByLabel("Graph").selectOption("agent");
    await page.getByLabel("Name", { exact: true }).fill("Open AI Assistant");
    await page.getByLabel("Description").fill("Answers like a pirate");
    await page.getByLabel("llm_provider").selectOption({ label: "offline" });
    await page.getByLabel("system_prompt").fill("Talk like a pirate.");
    await page.getByRole("button", { name: "Create assistant" }).click();

    await page.waitForURL(/\/studio\/test\?assistant=/);
    const chosen = page.getByLabel("Assistant", { exact: true });
    await expect
      .poll(() => chosen.locator("option:checked").textContent())
      .toBe("Open AI Assistant · agent");
    await page.getByLabel("Message", { exact: true }).fill("How are you?");
    await page.getByRole("button", { name: "Send" }).click();
    await page
      .getByRole("article", { name: "Assistant" })
      .getByText("Talk like a pirate.")
      .waitFor();

    await page.getByRole("link", { name: "Assistants" }).first().click();
    await page.getByRole("row", { name: /Open AI Assistant.*pirate.*agent.*v1/ }).waitFor();
    const [made] = await client.assistants.search({ name: "Open AI" });
    expect(made).toMatchObject({
      graph_id: "agent",
      context: { llm_provider: "offline", system_prompt: "Talk like a pirate." },
    });
    expect(visit.complaints).toEqual([]);
  });

  test("the form says at the field what is wrong, and sends nothing", async () => {
    await using visit = await studio.visit("assistants/new");
    const { page } = visit;
    const before = await client.assistants.count();
    await page.getByLabel("temperature").fill("3");
    await page.getByLabel("base_url").fill("not an address");
    await page.getByText("At most 2.", { exact: true }).waitFor();
    expect(await page.getByLabel("temperature").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("base_url").getAttribute("aria-invalid")).toBe("true");
    await page.getByRole("button", { name: "Create assistant" }).click();
    await page.getByText("Give the assistant a name.").first().waitFor();
    await page.getByLabel("Name", { exact: true }).fill("x");
    await page.getByRole("button", { name: "Create assistant" }).click();
    await page.getByText("temperature: At most 2.").last().waitFor();
    expect(page.url()).toContain("/assistants/new");
    expect(await client.assistants.count()).toBe(before);
    expect(visit.complaints).toEqual([]);
  });

  test("the raw JSON beside the form and the form follow each other", async () => {
    await using visit = await studio.visit("assistants/new");
    const { page } = visit;
    await page.getByLabel("model_name").fill("tiny");
    const editor = page.getByLabel("Context as JSON");
    await editor.getByText('"tiny"').waitFor();
    await editor.fill('{"model_name": "huge"}');
    await expect.poll(() => page.getByLabel("model_name").inputValue()).toBe("huge");
    await editor.fill("{");
    await page.getByText("This is not JSON yet").waitFor();
  });

  test("Edit makes a version; versions are compared; the Active toggle moves back", async () => {
    const made = await client.assistants.create({
      graphId: "agent",
      name: "Versioned",
      context: { llm_provider: "offline", system_prompt: "Be kind." },
    });
    const { assistant_id: assistantId } = made;
    await using visit = await studio.visit("assistants?name=Versioned");
    const { page } = visit;
    await page.getByRole("link", { name: "Edit: Versioned" }).click();
    await page.getByLabel("system_prompt").fill("You are an unhelpful assistant!");
    await page.getByLabel("Note").fill("Less helpful");
    await page.getByRole("button", { name: "Save as new version" }).click();
    await page.getByText("From version 1 to version 2").waitFor();
    await page.getByTestId("diff").getByText("Be kind.").waitFor();
    await page.getByTestId("diff").getByText("unhelpful").waitFor();
    await page.getByText("Less helpful").waitFor();
    expect((await client.assistants.get(assistantId)).version).toBe(2);

    await page.getByRole("link", { name: "Studio" }).click();
    await page.getByRole("button", { name: "Manage assistants" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: /^v1/ }).click();
    expect(await dialog.getByRole("switch", { name: "Active" }).isChecked()).toBe(false);
    await dialog.getByRole("switch", { name: "Active" }).click();
    await page.getByText("Version 1 is active.").waitFor();
    await expect.poll(() => dialog.getByRole("switch", { name: "Active" }).isChecked()).toBe(true);
    expect((await client.assistants.get(assistantId)).version).toBe(1);

    await dialog.getByRole("button", { name: "Edit" }).click();
    await dialog.getByLabel("system_prompt").fill("Third time lucky.");
    await dialog.getByRole("button", { name: "Save as new version" }).click();
    await page.getByText("Version 3 was made and is active.").waitFor();
    expect((await client.assistants.get(assistantId)).context).toMatchObject({
      system_prompt: "Third time lucky.",
    });
    expect(visit.complaints).toEqual([]);
  });

  test("Restore activates an older version from the list", async () => {
    const { assistant_id: id } = await client.assistants.create({ graphId: "tax", name: "Old" });
    await client.assistants.update(id, { name: "New" });
    await using visit = await studio.visit(`assistants/${id}`);
    await visit.page.getByRole("heading", { name: "New", level: 1 }).waitFor();
    await visit.page.getByRole("button", { name: "Restore" }).click();
    await visit.page.getByRole("heading", { name: "Old", level: 1 }).waitFor();
    expect((await client.assistants.get(id)).version).toBe(1);
  });

  test("Delete says what it deletes, and deletes it", async () => {
    const { assistant_id: id } = await client.assistants.create({ graphId: "agent", name: "Gone" });
    await client.assistants.update(id, { name: "Gone" });
    await using visit = await studio.visit("assistants?name=Gone");
    const { page } = visit;
    await page.getByRole("button", { name: "More for Gone" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    const question = page.getByRole("alertdialog");
    await question.getByText("all its 2 versions").waitFor();
    await question.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No assistant matches").waitFor();
    await expect(client.assistants.get(id)).rejects.toThrow("404");
  });

  test("an assistant is copied as curl, JavaScript and Python", async () => {
    await using visit = await studio.visit("assistants?graph=tax");
    const { page } = visit;
    await page.getByRole("button", { name: "More for tax" }).click();
    await page.getByRole("menuitem", { name: "Copy as code" }).click();
    await page.getByRole("tab", { name: "Python" }).click();
    await page.getByRole("button", { name: "Copy Python" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain("client = get_client(");
    expect(copied).toContain(studio.server.url);
    await page.getByRole("tab", { name: "curl" }).click();
    await page.getByText(`curl --request POST '${studio.server.url}/assistants'`).waitFor();
  });

  test("search, sort and pages come from the API and stay in the address", async () => {
    for (let at = 1; at <= 21; at += 1) {
      const name = `Page ${String(at).padStart(2, "0")}`;
      await client.assistants.create({ graphId: "tax", name });
    }
    await using visit = await studio.visit("assistants");
    const { page } = visit;
    await page.getByLabel("Search by name").fill("Page");
    await page.getByRole("button", { name: "Name" }).click();
    await page.getByText("1–20 of 21").waitFor();
    expect(await page.getByRole("row").nth(1).textContent()).toContain("Page 01");
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText("21–21 of 21").waitFor();
    await page.reload();
    await page.getByRole("link", { name: "Page 21", exact: true }).waitFor();
  });

  test("a narrow screen has the same flow, in Korean", async () => {
    await using visit = await studio.visit("assistants", {
      viewport: narrow,
      locale: "ko-KR",
      colorScheme: "dark",
    });
    const { page } = visit;
    await page.getByRole("link", { name: "새 어시스턴트" }).click();
    await page.getByRole("heading", { name: "새 어시스턴트", level: 1 }).waitFor();
    await page.getByRole("button", { name: "어시스턴트 생성" }).click();
    await page.getByText("어시스턴트 이름을 입력하세요.").first().waitFor();
    await page.getByLabel("이름", { exact: true }).fill("좁은 화면");
    await page.getByRole("button", { name: "어시스턴트 생성" }).click();
    await page.waitForURL(/\/studio\/test\?assistant=/);
    expect(await visit.isTooWide()).toBe(false);
    expect(visit.complaints).toEqual([]);
  });

  test("an assistant that is not there is said so", async () => {
    await using visit = await studio.visit("assistants/00000000-0000-4000-8000-000000000000");
    await visit.page.getByText("It is not there").waitFor();
    await visit.page.getByText("No assistant found").waitFor();
    expect(visit.complaints).toHaveLength(1); // the browser's own line about the 404
  });
});
