import { Client as CurrentClient } from "@langchain/langgraph-sdk";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everyDatabase } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { assistantScenarios } from "./methods/assistants.ts";
import { cronScenarios } from "./methods/crons.ts";
import { runRecordScenarios } from "./methods/run-records.ts";
import { runStreamScenarios } from "./methods/run-streams.ts";
import { runScenarios } from "./methods/runs.ts";
import type { Scenarios, Setting } from "./methods/scenarios.ts";
import { storeScenarios } from "./methods/store.ts";
import { threadStreamScenarios } from "./methods/thread-streams.ts";
import { threadScenarios } from "./methods/threads.ts";
import { allGraphs } from "./project.ts";

/**
 * Every public method of the official JavaScript clients, as they come from the registry, against a
 * server in a process of its own, on each database. The parts are read off the client, the methods off
 * their prototypes: one that has neither a scenario nor a reason here fails the suite.
 */
const scenarios = {
  assistants: assistantScenarios,
  threads: { ...threadScenarios, ...threadStreamScenarios },
  runs: { ...runScenarios, ...runStreamScenarios, ...runRecordScenarios },
  crons: cronScenarios,
  store: storeScenarios,
} satisfies Record<string, Scenarios>;

type Group = keyof typeof scenarios;
const groups = Object.keys(scenarios) as Group[];

const sdks = [
  { sdk: "1.x", Client: CurrentClient },
  { sdk: "2.0.0", Client: SecondClient as unknown as typeof CurrentClient },
] as const;

let server: ServerProcess;
const project = allGraphs();
afterAll(() => project[Symbol.dispose]());

function methodsOf(part: object): string[] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(part));
  return names.filter((name) => name !== "constructor");
}

/** A client that notes which methods of a group were called, and which answers have come. */
function settingFor({ sdk, Client }: (typeof sdks)[number], group: Group) {
  const calls = new Set<string>();
  const urls: string[] = [];
  const waiting = new Set<() => void>();
  const client = new Client({
    apiUrl: server.url,
    apiKey: null,
    callerOptions: {
      // A 500 is to fail the test at once, not to be tried again until the test is out of time.
      maxRetries: 0,
      fetch: async (input: string | URL | Request, init?: RequestInit) => {
        const response = await fetch(input, init);
        urls.push(input instanceof Request ? input.url : String(input));
        for (const look of waiting) look();
        return response;
      },
    },
  });
  for (const name of methodsOf(client[group])) {
    const part = client[group] as unknown as Record<string, Function>;
    const method = part[name]!;
    Object.defineProperty(part, name, {
      value(...given: unknown[]): unknown {
        calls.add(name);
        return method.apply(part, given);
      },
    });
  }
  const setting: Setting = {
    client,
    sdk,
    answered: (text) =>
      new Promise((resolve) => {
        const look = () => void (urls.some((url) => url.includes(text)) && resolve());
        waiting.add(look);
        look();
      }),
  };
  return { setting, calls };
}

function sampleOf({ Client }: (typeof sdks)[number]) {
  return new Client({ apiUrl: "http://127.0.0.1:1", apiKey: null });
}

describe.each(sdks)("@langchain/langgraph-sdk $sdk", (one) => {
  const sample = sampleOf(one);
  it("has no part without scenarios, but for `~ui`, which is not for callers", () => {
    const parts = Object.entries(sample).filter(([, part]) => typeof part === "object" && part);
    const names = parts.map(([name]) => name).filter((name) => name !== "~ui");
    expect(names.toSorted()).toEqual(groups.toSorted());
  });

  it("has a scenario, or a reason to have none, for every method", () => {
    const known = (group: Group, name: string) => Object.hasOwn(scenarios[group], name);
    const forgotten = groups.flatMap((group) =>
      methodsOf(sample[group])
        .filter((name) => !known(group, name))
        .map((name) => `${group}.${name}`),
    );
    expect(forgotten).toEqual([]);
  });
});

describe.each(await everyDatabase())("on $name", ({ postgres, skipped, because }) => {
  describe.skipIf(skipped)(`the methods${because}`, () => {
    beforeAll(async () => {
      server = await ServerProcess.start({ config: project.config, postgres });
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    describe.each(sdks)("of $sdk", (one) => {
      describe.each(groups)("%s", (group) => {
        for (const name of methodsOf(sampleOf(one)[group])) {
          for (const [sentence, scenario] of Object.entries(scenarios[group][name] ?? {})) {
            it(`${name}: ${sentence}`, async () => {
              const { setting, calls } = settingFor(one, group);
              await scenario(setting);
              expect(calls).toContain(name);
            });
          }
        }
      });
    });
  });
});
