/**
 * What the platform's own OpenAPI document (`agent-server-openapi.json`, as published in 2026) says there is:
 * every route with its parameters, the fields of its body and of its answers, by name. `a.b` is a field
 * of a field, `a[]` an element of a list; a body that is a list itself begins with `[]`.
 */
export interface OfficialRoute {
  /** Names of query parameters. */
  query?: string[];
  /** Names of request headers. */
  headers?: string[];
  body?: string[];
  /** By status. An answer in another form than JSON, or of no particular form, has no fields. */
  answers: Record<number, string[]>;
}

const words = (text: string) => text.trim().split(/\s+/);
const each = (fields: string[]) => fields.map((field) => `[].${field}`);

/** Statuses of errors, which all have the same body. */
const errors = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, ["detail"]]));

const assistant = words(`assistant_id graph_id config config.tags config.recursion_limit
  config.configurable context created_at updated_at metadata version name description`);
const config = words("config config.tags config.recursion_limit config.configurable");
const schemas = words("input_schema output_schema state_schema config_schema context_schema");
const thread = words(`thread_id created_at updated_at state_updated_at metadata config status
  values interrupts ttl ttl.strategy ttl.ttl_minutes ttl.expires_at extracted`);
const checkpoint = (name: string) =>
  words(`${name} ${name}.thread_id ${name}.checkpoint_ns ${name}.checkpoint_id
    ${name}.checkpoint_map`);
const state = [
  ...words(`values next tasks tasks[].id tasks[].name tasks[].error tasks[].interrupts
    tasks[].interrupts[].id tasks[].interrupts[].value tasks[].state metadata created_at
    parent_checkpoint interrupts interrupts[].id interrupts[].value`),
  ...checkpoint("checkpoint"),
  ...checkpoint("tasks[].checkpoint"),
];
const run = words(`run_id thread_id assistant_id created_at updated_at status metadata kwargs
  multitask_strategy langsmith_session_name`);
const command = words("command command.update command.resume command.goto");
const runOptions = [
  ...words(`assistant_id input metadata context webhook stream_mode feedback_keys stream_subgraphs
    stream_resumable after_seconds checkpoint_during durability`),
  ...command,
  ...config,
];
const threadRun = [
  ...runOptions,
  ...checkpoint("checkpoint"),
  ...words("interrupt_before interrupt_after multitask_strategy if_not_exists"),
];
const statelessRun = [...runOptions, "on_completion"];
const cron = words(`cron_id assistant_id thread_id end_time schedule created_at updated_at user_id
  payload next_run_date metadata enabled`);
const cronOptions = [
  ...words(`schedule timezone end_time input metadata context webhook interrupt_before
    interrupt_after enabled stream_mode stream_subgraphs stream_resumable durability`),
  ...config,
];
const item = words("namespace key value created_at updated_at");
const ttl = words("ttl ttl.strategy ttl.ttl");

export const officialRoutes: Record<string, OfficialRoute> = {
  "POST /assistants": {
    body: words("assistant_id graph_id config context metadata if_exists name description"),
    answers: { 200: assistant, ...errors(404, 409, 422) },
  },
  "POST /assistants/search": {
    body: words("metadata graph_id name limit offset sort_by sort_order select"),
    answers: { 200: each(assistant), ...errors(404, 422) },
  },
  "POST /assistants/count": {
    body: words("metadata graph_id name"),
    answers: { 200: [], ...errors(404, 422) },
  },
  "GET /assistants/{assistant_id}": { answers: { 200: assistant, ...errors(404) } },
  "DELETE /assistants/{assistant_id}": {
    query: ["delete_threads"],
    answers: { 200: [], ...errors(404, 422) },
  },
  "PATCH /assistants/{assistant_id}": {
    body: words("graph_id config context metadata name description"),
    answers: { 200: assistant, ...errors(404, 422) },
  },
  "GET /assistants/{assistant_id}/graph": {
    query: ["xray"],
    answers: { 200: [], ...errors(404, 422) },
  },
  "GET /assistants/{assistant_id}/subgraphs": {
    query: ["recurse"],
    answers: { 200: schemas.map((name) => `{}.${name}`), ...errors(404, 422) },
  },
  "GET /assistants/{assistant_id}/subgraphs/{namespace}": {
    query: ["recurse"],
    answers: { 200: schemas.map((name) => `{}.${name}`), ...errors(422) },
  },
  "GET /assistants/{assistant_id}/schemas": {
    answers: { 200: ["graph_id", ...schemas], ...errors(404, 422) },
  },
  "POST /assistants/{assistant_id}/versions": {
    body: words("metadata limit offset"),
    answers: { 200: each(assistant), ...errors(422) },
  },
  "POST /assistants/{assistant_id}/latest": {
    query: ["version"],
    body: ["version"],
    answers: { 200: assistant, ...errors(404, 422) },
  },

  "POST /threads": {
    body: [
      ...words("thread_id metadata if_exists supersteps supersteps[].updates"),
      ...words("values as_node command command.update command.resume command.goto").map(
        (name) => `supersteps[].updates[].${name}`,
      ),
      ...ttl,
    ],
    answers: { 200: thread, ...errors(409, 422) },
  },
  "POST /threads/search": {
    body: words("ids metadata values status limit offset sort_by sort_order select extract"),
    answers: { 200: each(thread), ...errors(422) },
  },
  "POST /threads/count": {
    body: words("metadata values status"),
    answers: { 200: [], ...errors(404, 422) },
  },
  "POST /threads/prune": {
    body: words("thread_ids strategy"),
    answers: { 200: ["pruned_count"], ...errors(422) },
  },
  "GET /threads/{thread_id}/storage": {
    answers: {
      200: words(`thread_id total_bytes checkpoints checkpoints.count checkpoints.bytes
        channel_values channel_values.count channel_values.bytes channel_values.by_channel
        channel_values.by_channel{}.versions channel_values.by_channel{}.bytes
        pending_writes pending_writes.count pending_writes.bytes`),
      ...errors(404, 422),
    },
  },
  "GET /threads/{thread_id}/state": {
    query: ["subgraphs"],
    answers: { 200: state, ...errors(422) },
  },
  "POST /threads/{thread_id}/state": {
    body: ["values", "as_node", ...checkpoint("checkpoint")],
    answers: { 200: ["checkpoint"], ...errors(422) },
  },
  "GET /threads/{thread_id}/state/{checkpoint_id}": {
    query: ["subgraphs"],
    answers: { 200: state, ...errors(422) },
  },
  "POST /threads/{thread_id}/state/checkpoint": {
    body: ["subgraphs", ...checkpoint("checkpoint")],
    answers: { 200: state, ...errors(422) },
  },
  "GET /threads/{thread_id}/history": {
    query: words("limit before"),
    answers: { 200: each(state), ...errors(422) },
  },
  "POST /threads/{thread_id}/history": {
    body: ["limit", "metadata", ...checkpoint("before"), ...checkpoint("checkpoint")],
    answers: { 200: each(state), ...errors(422) },
  },
  "POST /threads/{thread_id}/copy": { answers: { 200: thread, ...errors(409, 422) } },
  "GET /threads/{thread_id}": {
    query: ["include"],
    answers: { 200: thread, ...errors(404, 422) },
  },
  "DELETE /threads/{thread_id}": { answers: { 200: [], ...errors(404, 422) } },
  "PATCH /threads/{thread_id}": {
    body: ["metadata", ...ttl],
    answers: { 200: thread, ...errors(404, 422) },
  },
  "GET /threads/{thread_id}/stream": {
    headers: ["Last-Event-ID"],
    query: ["stream_modes"],
    answers: { 200: [], ...errors(404, 422) },
  },
  "POST /threads/{thread_id}/stream/events": {
    body: words("channels namespaces depth since"),
    answers: { 200: [], ...errors(400) },
  },
  "POST /threads/{thread_id}/commands": {
    body: words("id method params"),
    answers: {
      200: words("type id result error message stacktrace meta meta.applied_through_seq"),
      400: [],
    },
  },

  "GET /threads/{thread_id}/runs": {
    query: words("limit offset status select"),
    answers: { 200: each(run), ...errors(404, 422) },
  },
  "POST /threads/{thread_id}/runs": {
    body: threadRun,
    answers: { 200: run, ...errors(404, 409, 422) },
  },
  "POST /threads/{thread_id}/runs/crons": {
    body: [...cronOptions, "assistant_id", "multitask_strategy"],
    answers: { 200: cron, ...errors(404, 422) },
  },
  "POST /threads/{thread_id}/runs/stream": {
    body: [...threadRun, "on_disconnect"],
    answers: { 200: [], ...errors(404, 409, 422) },
  },
  "POST /threads/{thread_id}/runs/wait": {
    body: [...threadRun, "on_disconnect"],
    answers: { 200: [], ...errors(404, 409, 422) },
  },
  "GET /threads/{thread_id}/runs/{run_id}": { answers: { 200: run, ...errors(404, 422) } },
  "DELETE /threads/{thread_id}/runs/{run_id}": { answers: { 200: [], ...errors(404, 422) } },
  "GET /threads/{thread_id}/runs/{run_id}/join": {
    query: ["cancel_on_disconnect"],
    answers: { 200: [], ...errors(404, 422) },
  },
  "GET /threads/{thread_id}/runs/{run_id}/stream": {
    headers: ["Last-Event-ID"],
    query: words("stream_mode cancel_on_disconnect"),
    answers: { 200: [], ...errors(404, 422) },
  },
  "POST /threads/{thread_id}/runs/{run_id}/cancel": {
    query: words("wait action"),
    answers: { 200: [], ...errors(404, 422) },
  },
  "POST /runs": { body: statelessRun, answers: { 200: [], ...errors(404, 409, 422) } },
  "POST /runs/stream": {
    body: [...statelessRun, "on_disconnect"],
    answers: { 200: [], ...errors(404, 409, 422) },
  },
  "POST /runs/wait": {
    body: [...statelessRun, "on_disconnect"],
    answers: { 200: [], ...errors(404, 409, 422) },
  },
  "POST /runs/batch": {
    body: each(statelessRun),
    answers: { 200: [], ...errors(404, 409, 422) },
  },
  "POST /runs/cancel": {
    query: ["action"],
    body: words("status thread_id run_ids"),
    answers: { 204: [], ...errors(404, 422) },
  },

  "POST /runs/crons": {
    body: [...cronOptions, "assistant_id", "on_run_completed"],
    answers: { 200: cron, ...errors(404, 422) },
  },
  "POST /runs/crons/search": {
    body: words("assistant_id thread_id enabled metadata limit offset sort_by sort_order select"),
    answers: { 200: each(cron), ...errors(422) },
  },
  "POST /runs/crons/count": {
    body: words("assistant_id thread_id metadata"),
    answers: { 200: [], ...errors(404, 422) },
  },
  "GET /runs/crons/{cron_id}": { answers: { 200: cron, ...errors(404, 422) } },
  "PATCH /runs/crons/{cron_id}": {
    body: [...cronOptions, "on_run_completed"],
    answers: { 200: cron, ...errors(404, 422) },
  },
  "DELETE /runs/crons/{cron_id}": { answers: { 200: [], ...errors(404, 422) } },

  "PUT /store/items": {
    body: words("namespace key value index ttl"),
    answers: { 204: [], ...errors(422) },
  },
  "DELETE /store/items": { body: words("namespace key"), answers: { 204: [], ...errors(422) } },
  "GET /store/items": {
    query: words("key namespace refresh_ttl"),
    answers: { 200: item, ...errors(400, 422) },
  },
  "POST /store/items/search": {
    body: words("namespace_prefix filter limit offset query refresh_ttl"),
    answers: { 200: ["items", ...item.map((name) => `items[].${name}`)], ...errors(422) },
  },
  "POST /store/namespaces": {
    body: words("prefix suffix max_depth limit offset"),
    answers: { 200: [], ...errors(422) },
  },

  "POST /a2a/{assistant_id}": {
    headers: ["Accept"],
    body: words("jsonrpc id method params"),
    answers: {
      200: words("jsonrpc id result error error.code error.message"),
      400: [],
      404: [],
      500: [],
    },
  },
  "POST /mcp/": {
    headers: ["Accept"],
    body: [],
    answers: { 200: [], 202: [], 400: [], 405: [], 500: [] },
  },
  "GET /mcp/": { answers: { 405: [] } },
  "DELETE /mcp/": { answers: { 404: [] } },

  "GET /info": { answers: { 200: words("version langgraph_py_version flags metadata") } },
  "GET /metrics": { query: ["format"], answers: { 200: [] } },
  "GET /docs": { answers: { 200: [] } },
  "GET /ok": { query: ["check_db"], answers: { 200: ["ok"], ...errors(500) } },
};
