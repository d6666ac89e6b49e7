import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AssistantStream } from "openai/lib/AssistantStream";
import { describe, expect, test } from "vitest";
import { openAssistance, type Assistance } from "../support/openai-streams.ts";
import { Hold, type Reply } from "../support/scripted-server.ts";

const library = join(createRequire(import.meta.url).resolve("openai"), "..", "lib");

/** The callbacks that the installed client declares: its own and those of every stream. */
function declaredCallbacks(): string[] {
  return [
    { file: "AssistantStream.d.ts", name: "AssistantStreamEvents" },
    { file: "EventStream.d.ts", name: "BaseEvents" },
  ].flatMap(({ file, name }) => {
    const text = readFileSync(join(library, file), "utf8");
    const [, members] = new RegExp(`interface ${name}[^{]*\\{(.*?)\\n\\}`, "s").exec(text)!;
    return [...members!.matchAll(/^ {4}(\w+): \(/gm)].map(([, callback]) => callback!);
  });
}

/** Those that no server without files can cause. */
const impossible: Record<string, string> = {
  imageFileDone: "an answer holds an image only when the code interpreter has drawn one",
};

interface Scenario {
  /** What it must call, in this order; others may be called in between. */
  calls: string[];
  script: Reply[];
  /** What the user does meanwhile. */
  act?: (stream: AssistantStream, assistance: Assistance) => void;
}

const call = { name: "look_up", arguments: { q: "서울의 날씨" }, id: "call_a" };
const other = { name: "add", arguments: { a: 1 }, id: "call_b" };

const scenarios: Record<string, Scenario> = {
  "a plain answer": {
    script: [{ text: ["안녕", "하세요"] }],
    calls: [
      "connect",
      "event",
      "runStepCreated",
      "messageCreated",
      "textCreated",
      "messageDelta",
      "textDelta",
      "textDelta",
      "textDone",
      "messageDone",
      "runStepDone",
      "run",
      "end",
    ],
  },
  "two functions at once, after a word": {
    script: [{ text: "Let me see.", toolCalls: [call, other] }],
    calls: [
      "messageDone",
      "runStepDone",
      "runStepCreated",
      "toolCallCreated",
      "runStepDelta",
      "toolCallDelta",
      "toolCallDone",
      "toolCallCreated",
      "toolCallDelta",
      "toolCallDone",
      "run",
      "end",
    ],
  },
  "a reader who has heard enough": {
    script: [{ text: ["One ", "two"], hold: new Hold(), holdAfter: 1 }],
    act: (stream) => stream.on("textDelta", () => stream.abort()),
    calls: ["textDelta", "abort", "end"],
  },
  "a server that goes away": {
    script: [{ text: ["One ", "two"], hold: new Hold(), holdAfter: 1 }],
    act: (stream, { server }) => stream.on("textDelta", () => server.hangUp()),
    calls: ["textDelta", "error", "end"],
  },
};

async function heardIn({ script, act }: Scenario): Promise<string[]> {
  await using assistance = await openAssistance(script);
  const heard: string[] = [];
  const stream = assistance.ask();
  for (const callback of declaredCallbacks()) {
    stream.on(callback as "end", () => heard.push(callback));
  }
  act?.(stream, assistance);
  await stream.done().catch(() => {});
  for (const { hold } of script) hold?.release();
  return heard;
}

describe("AssistantStream calls back", () => {
  test.for(Object.entries(scenarios))("%s", async ([, scenario]) => {
    const heard = await heardIn(scenario);
    let at = -1;
    for (const wanted of scenario.calls) {
      at = heard.indexOf(wanted, at + 1);
      expect(at, `${wanted} in ${heard.join(", ")}`).toBeGreaterThanOrEqual(0);
    }
  });

  test("every callback that the client has is heard in one of these, or cannot be", () => {
    const declared = declaredCallbacks();
    expect(declared).toContain("toolCallDelta");
    const covered = new Set(Object.values(scenarios).flatMap(({ calls }) => calls));
    const missing = declared.filter((name) => !covered.has(name));
    expect(missing).toEqual(Object.keys(impossible));
  });
});
