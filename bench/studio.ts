/**
 * `node bench/studio.ts`: what Studio costs a browser. Prints bytes of the first load, time until the page can be
 * used, dropped frames while a thread of 2,000 messages scrolls, and how long the page is blocked while 100 tokens a
 * second come in. Takes a minute; needs Chromium.
 */
import { performance } from "node:perf_hooks";
import { Client } from "@langchain/langgraph-sdk";
import type { Page } from "playwright-core";
import { Studio } from "../test/studio/browser.ts";
import { quantile } from "./measures/measure.ts";

const messageCount = 2_000;
const tokenCount = 2_000;
const tokensPerSecond = 100;
const loads = 5;

await using studio = await Studio.open();
const client = new Client({ apiUrl: studio.server.url });
print("first load, compressed", await firstLoadBytes(), "KB", "≤ 400 KB");
print("until the list can be used", await timeToUse(), "ms", "≤ 1,000 ms");
await scrolling();
await streaming();

function print(name: string, value: number, unit: string, goal = ""): void {
  console.log(`${name.padEnd(52)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(4)} ${goal}`);
}

/** All that comes over the wire until the list of assistants is there. */
async function firstLoadBytes(): Promise<number> {
  await using visit = await studio.visit("assistants");
  await visit.page.getByRole("row").nth(1).waitFor();
  await visit.page.waitForLoadState("networkidle");
  const bytes = await visit.page.evaluate(() =>
    performance
      .getEntries()
      .filter((entry) => "transferSize" in entry)
      .reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).transferSize, 0),
  );
  return bytes / 1024;
}

async function timeToUse(): Promise<number> {
  const times: number[] = [];
  for (let load = 0; load < loads; load += 1) {
    const before = performance.now();
    await using visit = await studio.visit("assistants");
    await visit.page.getByRole("row").nth(1).waitFor();
    times.push(performance.now() - before);
  }
  return quantile(times);
}

async function scrolling(): Promise<void> {
  const messages = Array.from({ length: messageCount }, (_, at) => ({
    type: at % 2 === 0 ? "human" : "ai",
    content: `**Message ${at}** of a long conversation.\n\n- one\n- two\n\n\`\`\`js\nrun(${at});\n\`\`\``,
  }));
  const { thread_id: threadId } = await client.threads.create({
    graphId: "agent",
    supersteps: [{ updates: [{ values: { messages }, asNode: "call_model" }] }],
  });
  const before = performance.now();
  await using visit = await studio.visit(`test?assistant=agent&mode=chat&thread=${threadId}`);
  await visit.page.getByText(`Message ${messageCount - 1}`).waitFor();
  print(`${messageCount} messages: until the last is seen`, performance.now() - before, "ms");
  await watch(visit.page);
  const frames = await visit.page.getByRole("log").evaluate(async (list) => {
    const gaps: number[] = [];
    let last = performance.now();
    for (let frame = 0; frame < 240; frame += 1) {
      list.scrollTop -= 120;
      await new Promise(requestAnimationFrame);
      gaps.push(performance.now() - last);
      last = performance.now();
    }
    return gaps;
  });
  print("scrolling: frame, median", quantile(frames), "ms");
  print("scrolling: frame, 95 of 100", quantile(frames, 0.95), "ms");
  print("scrolling: frames over 50 ms, of 240", frames.filter((ms) => ms > 50).length, "");
  print("scrolling: longest task", await longestTask(visit.page), "ms");
}

async function streaming(): Promise<void> {
  const context = { tokens: tokenCount, per_second: tokensPerSecond };
  const assistant = await client.assistants.create({ graphId: "reciter", context });
  const path = `test?assistant=${assistant.assistant_id}&mode=chat`;
  await using visit = await studio.visit(path);
  const { page } = visit;
  await page.getByLabel("Message", { exact: true }).fill("Recite.");
  await watch(page);
  const before = performance.now();
  await page.getByLabel("Message", { exact: true }).press("Enter");
  const answer = page.getByRole("article", { name: "Assistant" });
  await answer.getByText(`t${tokenCount - 1}`).waitFor({ timeout: 120_000 });
  const tookMs = performance.now() - before;
  print(
    `${tokenCount} tokens: took`,
    tookMs,
    "ms",
    `${(tokenCount / tokensPerSecond) * 1000} ms at best`,
  );
  const { blockedMs, renders } = await page.evaluate(() => {
    const { tasks, frames } = (globalThis as unknown as Watched).watched;
    return {
      blockedMs: tasks.reduce((sum, ms) => sum + Math.max(0, ms - 50), 0),
      renders: frames,
    };
  });
  print("streaming: blocked (tasks beyond 50 ms), of 100", (blockedMs / tookMs) * 100, "%");
  print("streaming: longest task", await longestTask(page), "ms");
  print("streaming: frames a second", (renders / tookMs) * 1000, "/s");
}

interface Watched {
  watched: { tasks: number[]; frames: number };
}

async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched: Watched["watched"] = { tasks: [], frames: 0 };
    (globalThis as unknown as Watched).watched = watched;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) watched.tasks.push(duration);
    }).observe({ type: "longtask" });
    const count = () => {
      watched.frames += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
}

function longestTask(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, ...(globalThis as unknown as Watched).watched.tasks));
}
