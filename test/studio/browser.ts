import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { Project } from "../acceptance/project.ts";
import { ServerProcess } from "../support/server-process.ts";

const repository = resolve(import.meta.dirname, "..", "..");
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A browser on this machine, or undefined. `ADJUTANT_TEST_CHROMIUM=required` makes its absence an error. */
export const browserPath = process.env["CHROMIUM_PATH"] ?? places.find((path) => existsSync(path));

if (browserPath === undefined) {
  const advice = "No Chromium was found: the tests of the Studio page need one (CHROMIUM_PATH).";
  if (process.env["ADJUTANT_TEST_CHROMIUM"] === "required") throw new Error(advice);
  console.warn(`${advice} They are skipped.`);
}

/** Less than a test's own limit, so that the step is named that could not be done. */
const stepTimeoutMs = 12_000;

export const wide = { width: 1280, height: 800 };
export const narrow = { width: 390, height: 780 };

/** A browser, and a server with the repository's graphs and those of the fixture. */
export class Studio implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly #browser: Browser;
  readonly #project: Project;

  static async open(environment: Record<string, string> = {}): Promise<Studio> {
    const project = new Project({
      agent: join(repository, "graphs", "agent.ts:graph"),
      tax: join(repository, "graphs", "tax.ts:graph"),
      writer: join(repository, "test", "fixtures", "studio", "graphs.ts:writer"),
      failing: join(repository, "test", "fixtures", "studio", "graphs.ts:failing"),
      reciter: join(repository, "test", "fixtures", "studio", "reciter.ts:reciter"),
    });
    return Studio.of(project, environment);
  }

  /** On other graphs or settings; the project is removed at the end. */
  static async of(project: Project, environment: Record<string, string> = {}): Promise<Studio> {
    const [server, browser] = await Promise.all([
      ServerProcess.start({ config: project.config, environment }),
      chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] }),
    ]);
    return new Studio(server, browser, project);
  }

  private constructor(server: ServerProcess, browser: Browser, project: Project) {
    this.server = server;
    this.#browser = browser;
    this.#project = project;
  }

  /**
   * A page in a context of its own, in English unless said otherwise.
   * @param from where the server is reached, when not directly
   */
  async visit(
    path: string,
    options: BrowserContextOptions = {},
    from = this.server.url,
  ): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: wide,
      locale: "en-GB",
      permissions: ["clipboard-read", "clipboard-write"],
      ...options,
    });
    const visit = new Visit(await context.newPage());
    await visit.page.goto(`${from}/studio/${path}`);
    return visit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.server[Symbol.asyncDispose]();
    this.#project[Symbol.dispose]();
  }
}

/** A page that remembers what went wrong on it. */
export class Visit implements AsyncDisposable {
  readonly page: Page;
  /** Errors on the console, exceptions, and what the content security policy refused. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(stepTimeoutMs);
    page.on("pageerror", (error) => this.complaints.push(`exception: ${error.message}`));
    page.on("console", (line) => {
      if (line.type() === "error") this.complaints.push(`console: ${line.text()}`);
    });
  }

  /** Resolves when the page is drawn and waits for nothing. */
  async isLoaded(): Promise<void> {
    await this.page.locator("h1").first().waitFor({ state: "attached" });
    await this.page.waitForLoadState("networkidle");
    await this.page.waitForFunction(
      () => !/Loading…|불러오는 중…/.test(document.getElementById("main")?.innerText ?? ""),
    );
  }

  /** What axe finds that people with assistive technology could not use. */
  async barriers(): Promise<string[]> {
    await this.page.evaluate(await readFile(axePath, "utf8"));
    const found = await this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: Axe };
      const { violations } = await axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
      });
      return violations.map(({ id, nodes }) => {
        const where = nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`);
        return `${id}: ${where.slice(0, 3).join(" | ")}`;
      });
    });
    return found;
  }

  /** Whether something sticks out at the side, of the window or of the part that scrolls. */
  async isTooWide(): Promise<boolean> {
    return this.page.evaluate(() =>
      [document.documentElement, document.getElementById("main")].some(
        (box) => box !== null && box.scrollWidth > box.clientWidth,
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface Axe {
  run(
    where: unknown,
    how: object,
  ): Promise<{
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
  }>;
}
