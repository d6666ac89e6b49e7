import { describe, expect, test } from "vitest";
import { browserPath, Studio } from "./browser.ts";

const key = "a-key-for-the-tests-of-studio";

describe.skipIf(browserPath === undefined)("Studio on a server with API keys", () => {
  test("asks for a key, and with it lists, runs and streams", { timeout: 60_000 }, async () => {
    await using studio = await Studio.open({ ADJUTANT_API_KEYS: key });
    await using visit = await studio.visit("assistants");
    const { page } = visit;
    await page.getByText("The server asks who you are").waitFor();
    await page.getByRole("button", { name: "API key" }).click();
    await page.getByRole("dialog").getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Use this key" }).click();
    await page.getByRole("link", { name: "Studio: agent" }).click();
    await page.getByLabel("Message", { exact: true }).fill("hello");
    await page.getByLabel("Message", { exact: true }).press("Enter");
    const answer = page.getByRole("article", { name: "Assistant" });
    await answer.getByText("Hello!").waitFor();
    expect(visit.complaints.every((line) => line.includes("401"))).toBe(true);
  });
});
