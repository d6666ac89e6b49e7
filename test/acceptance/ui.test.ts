import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type TemporaryProject, temporaryProject } from "../graphs/project.ts";
import { browserPath } from "../studio/browser.ts";
import { PageServer } from "../support/page-server.ts";
import { ServerProcess } from "../support/server-process.ts";

/** `LoadExternalComponent` of the unmodified SDK, in a page of another origin. */

const pageFile = join(import.meta.dirname, "..", "fixtures", "ui-page", "page.ts");

const graph = `
  import { Annotation, MessagesAnnotation, StateGraph, START } from "@langchain/langgraph";
  import { typedUi, uiMessageReducer } from "@langchain/langgraph-sdk/react-ui/server";
  import type ui from "./ui/index.tsx";
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    ui: Annotation({ reducer: uiMessageReducer, default: () => [] }),
  });
  export const graph = new StateGraph(State)
    .addNode("offer", async (_, config) => {
      const message = { id: "answer", role: "assistant", content: "Here it is." };
      typedUi<typeof ui>(config).push({ name: "card", props: { title: "Tea" } }, { message });
      return { messages: [message] };
    })
    .addEdge(START, "offer")
    .compile();
`;

const component = (heading: string) => `
  import "./styles.css";
  import { useState } from "react";
  import { useStreamContext } from "@langchain/langgraph-sdk/react-ui";
  export default {
    card: ({ title }: { title: string }) => {
      const [count, setCount] = useState(0);
      const { values } = useStreamContext();
      return (
        <section>
          <h1 className="heading">{${JSON.stringify(heading)} + title}</h1>
          <button onClick={() => setCount(count + 1)}>pressed {count}</button>
          <p>{(values as { messages: unknown[] }).messages.length} messages</p>
        </section>
      );
    },
  };
`;

// A server and a browser start, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.skipIf(browserPath === undefined)("components in a browser", () => {
  let project: TemporaryProject;
  let server: ServerProcess;
  let pages: PageServer;
  let browser: Browser;

  beforeAll(async () => {
    project = await temporaryProject({
      "langgraph.json": JSON.stringify({
        graphs: { shop: "./graph.ts:graph" },
        ui: { shop: "./ui/index.tsx" },
      }),
      "graph.ts": graph,
      "ui/index.tsx": component("Our "),
      "ui/styles.css": ".heading { color: rgb(1, 2, 3) }",
    });
    [server, pages, browser] = await Promise.all([
      ServerProcess.start({ config: join(project.directory, "langgraph.json"), command: "dev" }),
      PageServer.of(pageFile),
      chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] }),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await pages?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await project[Symbol.asyncDispose]();
  });

  async function visit(): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${pages.url}/?${new URLSearchParams({ api: server.url, assistant: "shop" })}`);
    await page.click("#send");
    return page;
  }

  it("are shown where the graph pushed them, styled, with the page's React and stream", async () => {
    const page = await visit();
    const heading = page.locator(".component h1");
    expect(await heading.textContent()).toBe("Our Tea");
    await page.locator(".component p", { hasText: "2 messages" }).waitFor();
    await page.click(".component button");
    await page.locator(".component button", { hasText: "pressed 1" }).waitFor();
    // The style is loaded beside the script, so it may come later.
    await page.waitForFunction(() => {
      const root = document.querySelector(".component")?.shadowRoot;
      const found = root?.querySelector("h1");
      return found && getComputedStyle(found).color === "rgb(1, 2, 3)";
    });
    await page.close();
  });

  it("are those of the file as it is now, and a broken one leaves the page its fallback", async () => {
    const save = async (text: string) => {
      const reloads = server.output.split("graphs reloaded").length;
      await project.write({ "ui/index.tsx": text });
      await vi.waitFor(
        () => expect(server.output.split("graphs reloaded").length).toBeGreaterThan(reloads),
        { timeout: 60_000 },
      );
    };
    await save(component("Your "));
    const page = await visit();
    expect(await page.locator(".component h1").textContent()).toBe("Your Tea");
    await page.close();
    await save("export default { card: () => <p> };");
    const other = await visit();
    await other.locator("i", { hasText: "no component" }).waitFor();
    await server.printed(/"ui\.shop" of langgraph\.json could not be bundled: ui\/index\.tsx:1: /);
    await other.locator("#count", { hasText: "2" }).waitFor();
    await other.close();
    expect((await fetch(`${server.url}/ok`)).status).toBe(200);
  });
});
