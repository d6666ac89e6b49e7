/**
 * `npm run screenshots`: every page of Studio into docs/studio/, on a server with things to see. Wide
 * and light, and those that differ most also narrow, dark and in Korean. The machine needs a font with
 * Korean letters, such as Debian's fonts-noto-cjk: without one, empty boxes stand in their place.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import OpenAI from "openai";
import type { Page } from "playwright-core";
import { browserPath, narrow, Studio } from "./browser.ts";

const directory = join(resolve(import.meta.dirname, "..", ".."), "docs", "studio");

interface Shot {
  name: string;
  path: string;
  prepare?: (page: Page) => Promise<unknown>;
}

async function fillServer(client: Client) {
  const context = { llm_provider: "offline", system_prompt: "You are a helpful assistant." };
  const { assistant_id: assistant } = await client.assistants.create({
    graphId: "agent",
    name: "Open AI Assistant",
    description: "Answers questions and calculates",
    context,
    metadata: { version_note: "First version" },
  });
  await client.assistants.update(assistant, {
    context: { ...context, system_prompt: "You are an unhelpful assistant!", temperature: 1.2 },
    metadata: { version_note: "Less helpful, more lively" },
  });
  await client.assistants.create({
    graphId: "tax",
    name: "세금 도우미",
    description: "유로 매출의 세금을 계산합니다",
    context: { llm_provider: "offline" },
  });
  const openai = new OpenAI({ baseURL: `${studio.server.url}/v1`, apiKey: "none" });
  await openai.beta.assistants.create({
    model: "offline",
    name: "Math tutor",
    description: "Made with the OpenAI client",
    instructions: "You are a patient tutor.\n\nExplain each step before you give the result.",
    tools: [
      { type: "code_interpreter" },
      {
        type: "function",
        function: {
          name: "get_exercise",
          description: "An exercise that fits the pupil's level",
          parameters: { type: "object", properties: { level: { type: "integer" } } },
        },
      },
    ],
  });
  const [tutor] = await client.assistants.search({ graphId: "assistant" });
  const ask = async (content: string, name: string) => {
    const { thread_id: thread } = await client.threads.create({ metadata: { thread_name: name } });
    const input = { messages: [{ type: "human", content }] };
    await client.runs.wait(thread, assistant, { input });
    return thread;
  };
  await ask("hello", "Greeting");
  await ask("안녕하세요", "인사");
  const chat = await ask("What is 6 * 7?", "Sums");
  await client.runs.wait(chat, assistant, {
    input: { messages: [{ type: "human", content: "What can you do?" }] },
  });
  const { thread_id: asked } = await client.threads.create({
    metadata: { thread_name: "A question" },
  });
  await client.runs.wait(asked, assistant, {
    input: { messages: [{ type: "human", content: 'ask_human({"question": "May I book it?"})' }] },
  });
  const { thread_id: failed } = await client.threads.create({
    metadata: { thread_name: "Failing" },
  });
  await client.runs.wait(failed, "failing", { input: { text: "x" } }).catch(() => undefined);
  await client.store.putItem(["users", "kim"], "language", { code: "ko", level: 3 });
  await client.store.putItem(["users", "lee"], "city", { name: "Seoul" });
  const [run] = await client.runs.list(chat);
  return { assistant, tutor: tutor!.assistant_id, chat, asked, run: run!.run_id };
}

const studio = await Studio.open();
try {
  if (browserPath === undefined) throw new Error("No Chromium was found.");
  const { assistant, tutor, chat, asked, run } = await fillServer(
    new Client({ apiUrl: studio.server.url }),
  );
  const shots: Shot[] = [
    { name: "assistants", path: "assistants" },
    { name: "new-assistant", path: "assistants/new" },
    { name: "openai-assistant", path: `assistants/${tutor}/edit` },
    { name: "versions", path: `assistants/${assistant}` },
    { name: "chat", path: `test?assistant=${assistant}&thread=${chat}&mode=chat` },
    { name: "interrupt", path: `test?assistant=${assistant}&thread=${asked}&mode=chat` },
    { name: "graph", path: "test?assistant=writer&mode=graph", prepare: runWriter },
    { name: "compare", path: `compare?left=${assistant}`, prepare: compareBoth },
    { name: "threads", path: "threads" },
    { name: "runs", path: "runs" },
    { name: "run", path: `runs/${chat}/${run}` },
    { name: "memory", path: "memory" },
  ];
  mkdirSync(directory, { recursive: true });
  for (const shot of shots) {
    await take(shot, shot.name, {});
    await take(shot, `${shot.name}-narrow`, {
      viewport: narrow,
      colorScheme: "dark",
      locale: "ko-KR",
    });
  }
} finally {
  await studio[Symbol.asyncDispose]();
}

async function take(shot: Shot, name: string, options: Parameters<Studio["visit"]>[1]) {
  await using visit = await studio.visit(shot.path, options);
  await visit.isLoaded();
  await shot.prepare?.(visit.page);
  await visit.isLoaded();
  await visit.page.screenshot({ path: join(directory, `${name}.png`) });
}

async function runWriter(page: Page): Promise<void> {
  const details = page.getByRole("button", { name: "세부 정보" });
  if (await details.isVisible()) await details.click();
  await page.getByLabel("topic").fill("rivers");
  await page.getByRole("button", { name: /^(Submit|제출)$/ }).click();
  await page.locator('[data-node="review"][data-phase="waiting"]').waitFor();
  await page
    .getByRole("button", { name: /research/ })
    .first()
    .click();
  await page.locator('[data-node="research:collect"]').waitFor();
}

async function compareBoth(page: Page): Promise<void> {
  await page.getByLabel(/^(Message|메시지)$/).fill("Tell me about the moon");
  await page.getByRole("button", { name: /^(Run both|둘 다 실행)$/ }).click();
  await page
    .getByText(/(Took|걸림)/)
    .nth(1)
    .waitFor();
}
