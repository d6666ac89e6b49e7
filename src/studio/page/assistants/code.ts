import type { Assistant } from "@langchain/langgraph-sdk";
import { contentOf } from "./content.ts";

/** The same two steps in three languages: create an assistant like this one, run this one. */
export function codeFor(assistant: Assistant, apiUrl: string): { name: string; text: string }[] {
  return [
    { name: "curl", text: asCurl(assistant, apiUrl) },
    { name: "JavaScript", text: asJavaScript(assistant, apiUrl) },
    { name: "Python", text: asPython(assistant, apiUrl) },
  ];
}

function partsOf(assistant: Assistant) {
  const { graphId, name, description, context, config } = contentOf(assistant);
  return {
    graphId,
    name,
    rest: {
      context,
      ...(Object.keys(config).length > 0 && { config }),
      ...(description && { description }),
    },
  };
}

const input = { messages: [{ role: "user", content: "Hello" }] };

function asCurl(assistant: Assistant, apiUrl: string): string {
  const { graphId, name, rest } = partsOf(assistant);
  const create = JSON.stringify({ graph_id: graphId, name, ...rest }, null, 2);
  const run = { assistant_id: assistant.assistant_id, input, stream_mode: "updates" };
  return [
    `curl --request POST '${apiUrl}/assistants' \\`,
    `  --header 'Content-Type: application/json' \\`,
    `  --data ${shellQuote(create)}`,
    "",
    `curl --no-buffer --request POST '${apiUrl}/runs/stream' \\`,
    `  --header 'Content-Type: application/json' \\`,
    `  --data ${shellQuote(JSON.stringify(run, null, 2))}`,
  ].join("\n");
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function asJavaScript(assistant: Assistant, apiUrl: string): string {
  const { graphId, name, rest } = partsOf(assistant);
  const create = JSON.stringify({ graphId, name, ...rest }, null, 2);
  return [
    `import { Client } from "@langchain/langgraph-sdk";`,
    "",
    `const client = new Client({ apiUrl: ${JSON.stringify(apiUrl)} });`,
    "",
    `const assistant = await client.assistants.create(${create});`,
    "",
    "const thread = await client.threads.create();",
    "const stream = client.runs.stream(thread.thread_id, assistant.assistant_id, {",
    `  input: ${JSON.stringify(input)},`,
    `  streamMode: "updates",`,
    "});",
    "for await (const event of stream) console.log(event.event, event.data);",
  ].join("\n");
}

function asPython(assistant: Assistant, apiUrl: string): string {
  const { graphId, name, rest } = partsOf(assistant);
  const named = Object.entries(rest).map(([key, value]) => `    ${key}=${python(value, 1)},`);
  return [
    "from langgraph_sdk import get_client",
    "",
    `client = get_client(url=${JSON.stringify(apiUrl)})`,
    "",
    "assistant = await client.assistants.create(",
    `    ${JSON.stringify(graphId)},`,
    `    name=${JSON.stringify(name)},`,
    ...named,
    ")",
    "",
    "thread = await client.threads.create()",
    "async for event in client.runs.stream(",
    `    thread["thread_id"],`,
    `    assistant["assistant_id"],`,
    `    input=${python(input, 1)},`,
    `    stream_mode="updates",`,
    "):",
    "    print(event.event, event.data)",
  ].join("\n");
}

/** JSON, but for the three words that Python writes otherwise. */
function python(value: unknown, depth: number): string {
  const indent = "    ".repeat(depth + 1);
  const close = "    ".repeat(depth);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((one) => python(one, depth)).join(", ")}]`;
  if (typeof value === "object") {
    const lines = Object.entries(value).map(
      ([key, one]) => `${indent}${JSON.stringify(key)}: ${python(one, depth + 1)},`,
    );
    return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${close}}`;
  }
  return JSON.stringify(value);
}
