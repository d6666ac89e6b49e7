import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, Studio } from "./browser.ts";

describe.skipIf(browserPath === undefined)("memory in Studio", () => {
  let studio: Studio;
  let client: Client;
  beforeAll(async () => {
    studio = await Studio.open();
    client = new Client({ apiUrl: studio.server.url });
    await client.store.putItem(["users", "kim"], "language", { code: "ko", level: 3 });
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  test("browse, filter, add, edit and delete items", async () => {
    await using visit = await studio.visit("memory");
    const { page } = visit;
    await page.getByRole("button", { name: "users › kim" }).click();
    await page.getByText("language").first().waitFor();
    await page.getByLabel("Filter by value").fill('{"level": {"$gt": 5}}');
    await page.getByText("No item has these values").waitFor();
    await page.getByLabel("Filter by value").fill("[1]");
    await page.getByText("Give a JSON object").waitFor();
    await page.getByLabel("Filter by value").fill("");

    await page.getByLabel("Search by meaning").fill("what he speaks");
    await page.getByText("Not ranked:").waitFor();
    await page.getByLabel("Search by meaning").fill("");

    await page.getByRole("button", { name: "New item" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Namespace").fill("users..kim");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Labels may not be empty").waitFor();
    await dialog.getByText("Give the item a key.").waitFor();
    await dialog.getByLabel("Namespace").fill("users.kim");
    await dialog.getByLabel("Key").fill("city");
    await dialog.getByLabel("Value").fill('{"name": "Seoul"}');
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText('"Seoul"').waitFor();
    await page.getByRole("button", { name: "Edit city" }).click();
    await dialog.getByLabel("Value").fill('{"name": "Busan"}');
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText('"Busan"').waitFor();
    await page.getByRole("button", { name: "Delete city" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => page.getByText('"Busan"').count()).toBe(0);
    expect(await client.store.getItem(["users", "kim"], "city")).toBeNull();
    expect(visit.complaints).toEqual([]);
  });

  test("an item is given a time to live; looking at it does not prolong it", async () => {
    await using visit = await studio.visit("memory?namespace=users.kim");
    const { page } = visit;
    const searches: unknown[] = [];
    const puts: unknown[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/store/items/search")) searches.push(request.postDataJSON());
      if (request.method() === "PUT") puts.push(request.postDataJSON());
    });
    await page.getByRole("button", { name: "New item" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Key").fill("mood");
    await dialog.getByLabel("Value").fill('{"is": "good"}');
    await dialog.getByLabel("Time to live", { exact: true }).selectOption("Minutes…");
    await dialog.getByLabel("Time to live in minutes").fill("-3");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Give a number of minutes above 0").waitFor();
    expect(await visit.barriers()).toEqual([]);
    await dialog.getByLabel("Time to live in minutes").fill("0.5");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText(/It goes on .*, unless a graph reads it before/).waitFor();
    await page.getByText('"good"').waitFor();

    await page.getByRole("button", { name: "Edit mood" }).click();
    await dialog.getByText("Saving begins the item's time anew").waitFor();
    await dialog.getByLabel("Time to live", { exact: true }).selectOption("It stays");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("The item was saved.", { exact: true }).waitFor();
    expect(puts).toMatchObject([{ ttl: 0.5 }, { ttl: null }]);
    expect(searches.length).toBeGreaterThan(0);
    for (const body of searches) expect(body).toMatchObject({ refresh_ttl: false });
    expect(visit.complaints).toEqual([]);
  });
});
