import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ServerResponse } from "node:http";
import { serve } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { graph as chat } from "./graphs/chat.ts";
import { graph as oneNode } from "./graphs/one-node.ts";
import { graph as tenSteps } from "./graphs/ten-steps.ts";
import { graph as tokens } from "./graphs/tokens.ts";
import { NaiveSaver } from "./naive-saver.ts";

/**
 * The floor: `node floor.ts <port> <directory>`. The least that any server of these graphs must do:
 * read the request, run the graph over a checkpointer on SQLite, write the answer. No runs, no
 * threads, no queue, no log, no checks, and a run whose process dies is lost. What a real server takes
 * longer is the price of these.
 */
interface Body {
  assistant_id: string;
  input: Record<string, unknown>;
  stream_mode?: string;
}

type Streamable = {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  invoke(input: unknown, config: object): Promise<unknown>;
};

const [port, directory] = process.argv.slice(2);
const checkpointer = new NaiveSaver(join(directory!, "floor.sqlite"));
const graphs = Object.fromEntries(
  Object.entries({ one_node: oneNode, ten_steps: tenSteps, tokens, chat }).map(([name, graph]) => [
    name,
    Object.assign(Object.create(graph) as Streamable, { checkpointer }),
  ]),
);

const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
app.get("/ok", (context) => context.json({ ok: true }));
app.post("/runs/wait", async (context) => {
  const body = await context.req.json<Body>();
  const config = { configurable: { thread_id: randomUUID() } };
  return context.json(toWire(await graphs[body.assistant_id]!.invoke(body.input, config)));
});
app.post("/runs/stream", async (context) => {
  await stream(await context.req.json<Body>(), randomUUID(), context.env.outgoing);
  return RESPONSE_ALREADY_SENT;
});
app.post("/threads", (context) => context.json({ thread_id: randomUUID() }));
app.post("/threads/:id/runs/stream", async (context) => {
  await stream(await context.req.json<Body>(), context.req.param("id"), context.env.outgoing);
  return RESPONSE_ALREADY_SENT;
});

/** Straight to Node's response: a web stream between would halve it. */
async function stream(body: Body, threadId: string, outgoing: ServerResponse): Promise<void> {
  const mode = body.stream_mode === "messages-tuple" ? "messages" : (body.stream_mode ?? "values");
  const config = { configurable: { thread_id: threadId }, streamMode: mode };
  const parts = await graphs[body.assistant_id]!.stream(body.input, config);
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  for await (const part of parts) {
    outgoing.write(`event: ${mode}\ndata: ${JSON.stringify(toWire(part))}\n\n`);
  }
  outgoing.end("event: end\ndata: null\n\n");
}

/** Messages as clients see them: flat, with a `type`. */
function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  if ("toDict" in value && typeof value.toDict === "function") {
    const { type, data } = value.toDict() as { type: string; data: object };
    return { ...data, type };
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toWire(inner)]));
}

serve({ fetch: app.fetch, port: Number(port), hostname: "127.0.0.1" });
