import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Client as CurrentClient, type Assistant } from "@langchain/langgraph-sdk";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf } from "./methods/scenarios.ts";
import { missingPrograms } from "./programs.ts";
import { exampleGraphs } from "./project.ts";

/**
 * The guide "어시스턴트 관리" (managing assistants), step by step: create an assistant, run it, make a
 * second version, go back to the first. Once by each JavaScript SDK, once by its curl lines.
 */
let server: ServerProcess;
const project = exampleGraphs();
beforeAll(async () => {
  server = await ServerProcess.start({ config: project.config });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

const firstConfig = { configurable: { model_name: "openai" } };
const unhelpful = "You are an unhelpful assistant!";
const secondSettings = { model_name: "openai", system_prompt: unhelpful };

type Answer = { call_model: { messages: { type: string; content: string }[] } };

/** Without a key, the offline model quotes its instructions: which version ran can be read off its answer. */
async function ask(client: CurrentClient, assistantId: string): Promise<string> {
  const thread = await client.threads.create();
  const input = { messages: [{ role: "user", content: "who made you?" }] };
  const streamResponse = client.runs.stream(thread["thread_id"], assistantId, {
    input,
    streamMode: "updates",
  });
  const parts = await collect(streamResponse);
  expect(parts[0]).toMatchObject({ event: "metadata", data: { run_id: expect.any(String) } });
  const updates = dataOf<Answer>(parts, "updates");
  expect(updates).toHaveLength(1);
  const [message] = updates[0]!.call_model.messages;
  expect(message!.type).toBe("ai");
  return message!.content;
}

describe.each([
  { sdk: "1.x", Client: CurrentClient },
  { sdk: "2.0.0", Client: SecondClient as unknown as typeof CurrentClient },
])("the guide's JavaScript, with SDK $sdk", ({ Client }) => {
  let client: CurrentClient;
  let openAIAssistant: Assistant;
  let assistantId: string;

  beforeAll(() => {
    client = new Client({ apiUrl: server.url });
  });

  it("creates an assistant", async () => {
    openAIAssistant = await client.assistants.create({
      graphId: "agent",
      name: "Open AI Assistant",
      config: { configurable: { model_name: "openai" } },
    });
    assistantId = openAIAssistant.assistant_id;
    expect(openAIAssistant).toMatchObject({
      graph_id: "agent",
      name: "Open AI Assistant",
      config: firstConfig,
      metadata: {},
      version: 1,
    });
  });

  it("runs it on a thread and streams updates", async () => {
    const answer = await ask(client, assistantId);
    expect(answer).toContain("The authors of this example made me");
    expect(answer).not.toContain(unhelpful);
  });

  it("makes a second version by an update with only a config, and runs that", async () => {
    const openaiAssistantV2 = await client.assistants.update(assistantId, {
      config: {
        configurable: { model_name: "openai", system_prompt: "You are an unhelpful assistant!" },
      },
    });
    expect(openaiAssistantV2).toMatchObject({
      version: 2,
      name: "Open AI Assistant",
      config: { configurable: secondSettings },
    });
    expect(await ask(client, assistantId)).toContain(unhelpful);
  });

  it("goes back to the first version, which is what runs then", async () => {
    await client.assistants.setLatest(assistantId, 1);
    const { updated_at: _, ...first } = openAIAssistant;
    expect(await client.assistants.get(assistantId)).toMatchObject(first);
    expect(await ask(client, assistantId)).not.toContain(unhelpful);
  });

  it("runs record the version they used", async () => {
    const threads = await client.threads.search({ metadata: { assistant_id: assistantId } });
    const runs = await Promise.all(threads.map((one) => client.runs.list(one.thread_id)));
    const versions = runs
      .flat()
      .map((run) => (run as { assistant_version?: number }).assistant_version);
    expect(versions.toSorted()).toEqual([1, 1, 2]);
  });

  it("keeps Korean names, and finds the assistant by part of one", async () => {
    const made = await client.assistants.create({
      graphId: "agent",
      name: "세무 상담 도우미",
      description: "부가세를 묻는 분께 답합니다",
      config: firstConfig,
    });
    const found = await client.assistants.search({ name: "상담" });
    expect(found.map(({ assistant_id: id }) => id)).toContain(made.assistant_id);
    await client.assistants.delete(made.assistant_id);
  });

  it("deletes all versions with the assistant", async () => {
    await client.assistants.delete(assistantId);
    await expect(client.assistants.getVersions(assistantId)).rejects.toMatchObject({ status: 404 });
  });
});

const missing = missingPrograms("curl", "jq", "awk", "sed");
const because = missing.length > 0 ? ` (skipped: ${missing.join(" and ")} not installed)` : "";

describe.skipIf(missing.length > 0)(`the guide's curl lines${because}`, () => {
  /** The lines as the guide has them, with the address and ids filled in. */
  async function shell(script: string, ids: Record<string, string> = {}): Promise<string> {
    const places = { DEPLOYMENT_URL: server.url, DEPOLYMENT_URL: server.url, ...ids };
    const filled = script.replaceAll(/<([A-Z_]+)>/g, (whole, name: string) =>
      name in places ? places[name as keyof typeof places] : whole,
    );
    // As a person's shell without the progress bars that curl draws where nobody looks.
    const { stdout } = await promisify(execFile)("sh", ["-e", "-c", filled]);
    return stdout;
  }

  const createLine = `
    curl --request POST \\
        --url <DEPLOYMENT_URL>/assistants \\
        --header 'Content-Type: application/json' \\
        --data '{"graph_id":"agent", "config":{"configurable":{"model_name":"openai"}}, "name": "Open AI Assistant"}'
  `;

  const runLines = `
    thread_id=$(curl --request POST \\
        --url <DEPLOYMENT_URL>/threads \\
        --header 'Content-Type: application/json' \\
        --data '{}' | jq -r '.thread_id') && \\
    curl --request POST \\
        --url "<DEPLOYMENT_URL>/threads/\${thread_id}/runs/stream" \\
        --header 'Content-Type: application/json' \\
        --data '{
            "assistant_id": <OPENAI_ASSISTANT_ID>,
            "input": {
                "messages": [
                    {
                        "role": "user",
                        "content": "who made you?"
                    }
                ]
            },
            "stream_mode": [
                "updates"
            ]
        }' | \\
        sed 's/\\r$//' | \\
        awk '
        /^event:/ {
            if (data_content != "") {
                print data_content "\\n"
            }
            sub(/^event: /, "Receiving event of type: ", $0)
            printf "%s...\\n", $0
            data_content = ""
        }
        /^data:/ {
            sub(/^data: /, "", $0)
            data_content = $0
        }
        END {
            if (data_content != "") {
                print data_content "\\n\\n"
            }
        }
    '
  `;

  const updateLine = `
    curl --request PATCH \\
    --url <DEPOLYMENT_URL>/assistants/<ASSISTANT_ID> \\
    --header 'Content-Type: application/json' \\
    --data '{
    "config": {"model_name": "openai", "system_prompt": "You are an unhelpful assistant!"}
    }'
  `;

  const latestLine = `
    curl --request POST \\
    --url <DEPLOYMENT_URL>/assistants/<ASSISTANT_ID>/latest \\
    --header 'Content-Type: application/json' \\
    --data '{
    "version": 1
    }'
  `;

  let id: string;

  async function askByCurl(): Promise<string> {
    const output = await shell(runLines, { OPENAI_ASSISTANT_ID: JSON.stringify(id) });
    const events = output.split("Receiving event of type: ").slice(1);
    expect(events.map((event) => event.slice(0, event.indexOf("...\n")))).toEqual([
      "metadata",
      "updates",
      "end",
    ]);
    const update = JSON.parse(events[1]!.slice(events[1]!.indexOf("\n"))) as Answer;
    return update.call_model.messages[0]!.content;
  }

  it("create an assistant", async () => {
    const assistant = JSON.parse(await shell(createLine)) as Assistant;
    id = assistant.assistant_id;
    expect(assistant).toMatchObject({ name: "Open AI Assistant", config: firstConfig, version: 1 });
  });

  it("run it, and print its events", async () => {
    expect(await askByCurl()).toContain("The authors of this example made me");
  });

  it("make a second version with bare keys under config, which reach the graph", async () => {
    const assistant = JSON.parse(await shell(updateLine, { ASSISTANT_ID: id })) as Assistant;
    expect(assistant).toMatchObject({ version: 2, config: { configurable: secondSettings } });
    expect(await askByCurl()).toContain(unhelpful);
  });

  it("go back to the first version", async () => {
    const assistant = JSON.parse(await shell(latestLine, { ASSISTANT_ID: id })) as Assistant;
    expect(assistant).toMatchObject({ version: 1, config: firstConfig });
    expect(await askByCurl()).not.toContain(unhelpful);
  });
});
