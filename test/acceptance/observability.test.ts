import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Collector, type CollectedSpan } from "../support/collector.ts";
import { Gates } from "../support/gates.ts";
import { Receiver, status } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig, Project } from "./project.ts";

/** Traces, logs and metrics of a server in a process of its own, as those who watch it get them. */

const repository = join(import.meta.dirname, "..", "..");

/** A node that calls a model, has a span of its own and writes to the console; and one that fails. */
const thinking = `
import { trace } from "@opentelemetry/api";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { END, MessagesValue, START, StateGraph, StateSchema } from "@langchain/langgraph";

const State = new StateSchema({ messages: MessagesValue });
const model = new FakeListChatModel({ responses: ["because"] });

export const graph = new StateGraph(State)
  .addNode("think", async () => {
    console.log("thinking of %s", "sheep", { many: 3 });
    console.error("not of wolves");
    await trace.getTracer("mine").startActiveSpan("own work", async (span) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      span.end();
    });
    return { messages: [await model.invoke("why?")] };
  })
  .addNode("fail", () => {
    throw new RangeError("boom!");
  })
  .addEdge(START, "think")
  .addConditionalEdges("think", ({ messages }) =>
    messages.some(({ text }) => text === "fail") ? "fail" : END,
  )
  .compile();
`;

const project = new Project({ thinking: "./thinking.ts:graph" }, { "thinking.ts": thinking });
symlinkSync(join(repository, "node_modules"), join(project.directory, "node_modules"));
afterAll(() => project[Symbol.dispose]());

function wait(server: ServerProcess, text: string, headers: Record<string, string> = {}) {
  return fetch(`${server.url}/runs/wait`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      assistant_id: "thinking",
      input: { messages: [{ role: "user", content: text }] },
    }),
  });
}

function runIdOf(response: Response): string {
  return response.headers.get("content-location")!.split("/").at(-1)!;
}

describe("traces", () => {
  let collector: Collector;
  let server: ServerProcess;
  beforeAll(async () => {
    collector = await Collector.listen();
    server = await ServerProcess.start({
      config: project.config,
      environment: {
        ...collector.environment,
        OTEL_SERVICE_NAME: "thinkers",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test%20bench,bad",
      },
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await collector?.[Symbol.asyncDispose]();
  });

  const ofRun = (runId: string, name: string) =>
    collector.span((span) => span.name === name && span.attributes["adjutant.run.id"] === runId);
  const below = (parent: CollectedSpan, name: string) =>
    collector.span((span) => span.name === name && span.parentSpanId === parent.spanId);

  it("go on from the caller's: request, run, attempt, node, model call, and the graph's own spans", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const answered = await wait(server, "why?", {
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    });
    const runId = runIdOf(answered);
    await answered.text();
    const request = await collector.span(
      ({ name, traceId: one }) => name === "POST /runs/wait" && one === traceId,
    );
    expect(request).toMatchObject({
      parentSpanId: "b7ad6b7169203331",
      attributes: { "http.response.status_code": 200, "http.route": "/runs/wait" },
      resource: { "service.name": "thinkers", "deployment.environment": "test bench" },
      error: "",
    });
    const run = await ofRun(runId, "run thinking");
    expect(run).toMatchObject({
      traceId,
      parentSpanId: request.spanId,
      attributes: {
        "adjutant.graph.id": "thinking",
        "adjutant.run.status": "success",
        "adjutant.run.attempts": 1,
      },
    });
    const attempt = await below(run, "attempt 1");
    expect(attempt.attributes).toMatchObject({
      "adjutant.run.id": runId,
      "adjutant.attempt": 1,
      "adjutant.attempt.end": "success",
    });
    const node = await below(attempt, "node think");
    expect(node.attributes).toMatchObject({ "adjutant.node": "think", "adjutant.step": 1 });
    const call = await collector.span(
      ({ name, parentSpanId }) => name.startsWith("chat") && parentSpanId === node.spanId,
    );
    expect(call.attributes["gen_ai.operation.name"]).toBe("chat");
    await below(attempt, "own work");
    for (const span of collector.spans.filter((one) => one.traceId === traceId)) {
      // Neither what was asked nor what was answered leaves the server this way.
      expect(JSON.stringify(span)).not.toMatch(/why\?|because/);
    }
  });

  it("say what failed, and where", async () => {
    const answered = await wait(server, "fail");
    const runId = runIdOf(answered);
    await answered.text();
    const run = await ofRun(runId, "run thinking");
    expect(run).toMatchObject({
      error: "boom!",
      attributes: { "adjutant.run.status": "error" },
    });
    const attempt = await below(run, "attempt 1");
    expect(attempt.error).toBe("boom!");
    expect((await below(attempt, "node fail")).error).toBe("boom!");
    expect((await below(attempt, "node think")).error).toBe("");
  });

  it("leave out requests that only look whether the server is well", async () => {
    await (await fetch(`${server.url}/ok`)).text();
    await (await fetch(`${server.url}/metrics`)).text();
    await (await wait(server, "why?")).text();
    await collector.span(({ name }) => name === "POST /runs/wait");
    expect(collector.spans.map(({ name }) => name)).not.toContain("GET /ok");
    expect(collector.spans.map(({ name }) => name)).not.toContain("GET /metrics");
  });
});

it("a run that survives a crash is one span, with both its attempts below", async () => {
  await using collector = await Collector.listen();
  await using gates = await Gates.listen();
  const environment = {
    ...collector.environment,
    ADJUTANT_LEASE_MS: "1000",
    ADJUTANT_BEAT_MS: "200",
  };
  await using server = await ServerProcess.start({ config: fixtureConfig, environment });
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const { thread_id } = await client.threads.create();
  const input = { gates: gates.url };
  const { run_id } = await client.runs.create(thread_id, "gated", { input });
  await gates.arrival("one");
  await server.kill();
  await server.restart();
  gates.openAll();
  await client.runs.join(thread_id, run_id);
  const run = await collector.span(({ name }) => name === "run gated");
  expect(run.attributes["adjutant.run.attempts"]).toBe(2);
  const second = await collector.span(({ name }) => name === "attempt 2");
  expect(second.parentSpanId).toBe(run.spanId);
  expect(second.traceId).toBe(run.traceId);
  const created = await collector.span(({ name }) => name === "POST /threads/{thread_id}/runs");
  expect(run.parentSpanId).toBe(created.spanId);
});

describe("a collector that is no help", () => {
  it.for(["gone", "silent"])("%s: costs no run anything, and not the stop", async (kind) => {
    const sockets = new Set<{ destroy(): void }>();
    // Takes connections, and never answers.
    const silent = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
    await new Promise((listening) => silent.once("listening", listening));
    const { port } = silent.address() as AddressInfo;
    if (kind === "gone") silent.close();
    try {
      await using server = await ServerProcess.start({
        config: project.config,
        environment: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
          OTEL_BSP_SCHEDULE_DELAY: "20",
        },
      });
      const answers = await Promise.all(Array.from({ length: 5 }, () => wait(server, "why?")));
      for (const answered of answers) {
        expect(await answered.text()).toContain("because");
      }
      const { code, output } = await server.stop();
      expect(code, output).toBe(0);
      // Once, not for every batch.
      expect(output.match(/traces do not arrive/g)?.length ?? 0).toBeLessThanOrEqual(1);
    } finally {
      silent.close();
      for (const socket of sockets) socket.destroy();
    }
  });
});

it("without a word about traces nothing of them is loaded", async () => {
  const script = `
    import { createRequire } from "node:module";
    await import(${JSON.stringify(join(repository, "src", "cli", "serve.ts"))});
    const { openConfiguredTracing } = await import(${JSON.stringify(join(repository, "src", "cli", "tracing.ts"))});
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const { cache } = createRequire(${JSON.stringify(join(repository, "package.json"))});
    const loaded = () => Object.keys(cache).filter((file) => /@opentelemetry.(sdk|exporter)/.test(file)).length;
    const open = await openConfiguredTracing({}, log);
    const before = loaded();
    await using tracing = await openConfiguredTracing({ OTEL_TRACES_EXPORTER: "console" }, log);
    console.log(JSON.stringify({ open, before, after: loaded() > 0 }));
  `;
  const words = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(JSON.parse(stdout)).toEqual({ open: null, before: 0, after: true });
});

describe("the log", () => {
  const lines = (output: string) =>
    output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("as JSON names the run on every line that is a run's, also on what its nodes print", async () => {
    await using server = await ServerProcess.start({
      config: project.config,
      environment: { ADJUTANT_LOG_FORMAT: "json", LOG_LEVEL: "debug" },
    });
    const answered = await wait(server, "fail");
    const run_id = runIdOf(answered);
    await answered.text();
    await server.printed(/a run ended in error/);
    const told = lines(server.output).filter((line) => line["run_id"] === run_id);
    const [first] = told;
    for (const line of told) {
      expect(line).toMatchObject({
        run_id,
        thread_id: expect.any(String),
        assistant_id: first!["assistant_id"],
        graph_id: "thinking",
        attempt: 1,
      });
    }
    expect(told.map(({ msg, level }) => [level, msg])).toEqual([
      [20, "an attempt at a run begins"],
      [30, "thinking of sheep { many: 3 }"],
      [50, "not of wolves"],
      [40, "a run ended in error"],
    ]);
    // Nothing of the server's stands between the lines of JSON, but for the greeting.
    const { output } = await server.stop();
    expect(output).not.toMatch(/^(thinking of|not of)/m);
  });

  it("as text leaves what nodes print as it is, and is silent about runs that end well", async () => {
    await using server = await ServerProcess.start({ config: project.config });
    await (await wait(server, "why?")).text();
    const { output } = await server.stop();
    expect(output).toMatch(/^thinking of sheep \{ many: 3 \}$/m);
    expect(output).not.toContain("an attempt at a run begins");
  });
});

it("the figures tell of runs, requests, streams, the database, webhooks and crons", async () => {
  await using receiver = await Receiver.listen();
  receiver.answers.push(status(503));
  await using server = await ServerProcess.start({
    config: fixtureConfig,
    environment: { ADJUTANT_WEBHOOK_PRIVATE_TARGETS: "allow", ADJUTANT_WEBHOOK_ATTEMPTS_MAX: "1" },
  });
  const client = new Client({ apiUrl: server.url, apiKey: null });
  await client.runs.wait(null, "steps", { input: {} });
  await client.runs.wait(null, "thrower", { input: {}, raiseError: false });
  await client.runs.create(null, "steps", { input: {}, webhook: receiver.url });
  await receiver.count(1);
  const { thread_id } = await client.threads.create();
  const waiting = await client.runs.create(thread_id, "steps", { input: {}, afterSeconds: 3600 });
  await client.runs.cancel(thread_id, waiting.run_id);
  const closed = new AbortController();
  const { signal } = closed;
  const stream = await fetch(`${server.url}/threads/${thread_id}/stream`, { signal });
  const figures = async () => (await fetch(`${server.url}/metrics`)).text();
  const told = async (line: RegExp) => {
    // Counted when it has happened, which is not when its answer has come.
    while (!line.test(await figures())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  for (const line of [
    /^adjutant_runs\{status="pending"\} 0$/m,
    /^adjutant_runs_active 0$/m,
    /^adjutant_run_attempts_total\{graph="steps",taken_over="false"\} 2$/m,
    /^adjutant_runs_ended_total\{graph="steps",status="success"\} 2$/m,
    /^adjutant_runs_ended_total\{graph="steps",status="interrupted"\} 1$/m,
    /^adjutant_run_duration_seconds_count\{graph="thrower",status="error"\} 1$/m,
    /^adjutant_run_wait_seconds_count\{graph="steps"\} 2$/m,
    /^adjutant_streams_open\{kind="events"\} 1$/m,
    /^adjutant_streams_open\{kind="websocket"\} 0$/m,
    /^adjutant_http_request_duration_seconds_count\{method="POST",route="\/runs\/wait"\} 2$/m,
    /^adjutant_database_operation_seconds_count\{operation="threads.transact"\} \d+$/m,
    /^adjutant_webhook_deliveries_total\{outcome="given_up"\} 1$/m,
    /^# TYPE adjutant_cron_firings_total counter$/m,
  ]) {
    await told(line);
  }
  closed.abort();
  await stream.body?.cancel().catch(() => {});
  await told(/^adjutant_streams_open\{kind="events"\} 0$/m);
  const asJson = (await (await fetch(`${server.url}/metrics?format=json`)).json()) as {
    name: string;
  }[];
  expect(asJson.map(({ name }) => name)).toContain("adjutant_run_duration_seconds");
});
