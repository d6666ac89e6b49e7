import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi({ worker: false });
});
afterAll(() => api[Symbol.asyncDispose]());

const create = async (body: object) => (await api.call("POST", "/assistants", body)).json;
const defaultOfAgent = { graph: "context", name: "context", created: { created_by: "system" } };

describe("assistants", () => {
  test("a created assistant has exactly the keys of the specification", async () => {
    const { status, json } = await api.call("POST", "/assistants", {
      graph_id: "context",
      name: "Open AI Assistant",
      context: { llm_provider: "openai" },
      metadata: { owner: "a" },
      unknown_key: true,
    });
    expect(status).toBe(200);
    expect(json).toEqual({
      assistant_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      graph_id: "context",
      name: "Open AI Assistant",
      description: null,
      config: {},
      context: { llm_provider: "openai" },
      metadata: { owner: "a" },
      version: 1,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      updated_at: json.created_at,
    });
    expect((await api.call("GET", `/assistants/${json.assistant_id}`)).json).toEqual(json);
  });

  test("bare keys under config are meant as configurable, as curl users write them", async () => {
    const made = await create({
      graph_id: "context",
      config: { system_prompt: "Hi", tags: ["a"] },
    });
    expect(made.config).toEqual({ configurable: { system_prompt: "Hi" }, tags: ["a"] });
    const patched = await api.call("PATCH", `/assistants/${made.assistant_id}`, {
      config: { system_prompt: "Bye" },
    });
    expect(patched.json).toMatchObject({
      version: 2,
      config: { configurable: { system_prompt: "Bye" } },
    });
  });

  test("an id that is taken is a conflict, unless nothing is to be done then", async () => {
    const made = await create({ graph_id: "steps", name: "first" });
    const again = { graph_id: "steps", assistant_id: made.assistant_id, name: "second" };
    const refused = await api.call("POST", "/assistants", again);
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toContain("already exists");
    const kept = await api.call("POST", "/assistants", { ...again, if_exists: "do_nothing" });
    expect([kept.status, kept.json]).toEqual([200, made]);
  });

  test("a graph's id means its default assistant, everywhere and also percent-encoded", async () => {
    const { json } = await api.call("GET", "/assistants/context");
    expect(json).toMatchObject({
      graph_id: defaultOfAgent.graph,
      name: defaultOfAgent.name,
      metadata: defaultOfAgent.created,
    });
    expect((await api.call("GET", "/assistants/%63ontext")).json).toEqual(json);
    expect((await api.call("GET", "/assistants/context%2Fother%20one")).json.detail).toContain(
      '"context/other one"',
    );
  });

  test("every change is a version, also an empty one, and latest restores everything", async () => {
    const made = await create({ graph_id: "steps", name: "one", context: { n: 1 } });
    const path = `/assistants/${made.assistant_id}`;
    const second = await api.call("PATCH", path, {
      graph_id: "context",
      name: "two",
      description: "d",
      context: { n: 2 },
      metadata: { a: 1 },
    });
    expect(second.json).toMatchObject({ version: 2, graph_id: "context", description: "d" });
    expect((await api.call("PATCH", path, {})).json).toMatchObject({ version: 3, name: "two" });
    expect((await api.call("PATCH", path, { description: null, name: null })).json).toMatchObject({
      version: 4,
      description: null,
      name: "two",
    });
    const restored = await api.call("POST", `${path}/latest`, { version: 1 });
    expect(restored.json).toMatchObject({
      version: 1,
      graph_id: "steps",
      name: "one",
      description: null,
      context: { n: 1 },
      metadata: {},
    });
    expect((await api.call("PATCH", path, {})).json.version).toBe(5);

    const versions = await api.call("POST", `${path}/versions`, { limit: 2, offset: 1 });
    expect(versions.json.map((one: { version: number }) => one.version)).toEqual([4, 3]);
    expect(Object.keys(versions.json[0])).not.toContain("updated_at");
    const tagged = await api.call("POST", `${path}/versions`, { metadata: { a: 1 } });
    expect(tagged.json).toHaveLength(3);
    expect((await api.call("POST", `${path}/latest`, { version: 9 })).status).toBe(404);
    // As the official document has it; what the body says counts more.
    expect((await api.call("POST", `${path}/latest?version=2`, {})).json.version).toBe(2);
    expect((await api.call("POST", `${path}/latest?version=2`, { version: 3 })).json.version).toBe(
      3,
    );
  });

  test("search filters, sorts, selects and tells of the next page", async () => {
    for (const name of ["needle B", "Needle A", "other"]) {
      await create({ graph_id: "chat", name, metadata: { search: { deep: true }, name } });
    }
    const filter = { metadata: { search: { deep: true } }, graph_id: "chat", name: "NEEDLE" };
    const first = await api.call("POST", "/assistants/search", {
      ...filter,
      limit: 1,
      sort_by: "name",
      sort_order: "asc",
      select: ["name", "version"],
    });
    expect(first.json).toEqual([{ name: "Needle A", version: 1 }]);
    expect(first.headers.get("x-pagination-total")).toBe("2");
    expect(first.headers.get("x-pagination-next")).toBe("1");
    const last = await api.call("POST", "/assistants/search", { ...filter, limit: 1, offset: 1 });
    expect(last.headers.get("x-pagination-next")).toBeNull();
    expect((await api.call("POST", "/assistants/count", filter)).text).toBe("2");
  });

  test("deleting answers with JSON and takes the versions along, and threads where asked", async () => {
    const made = await create({ graph_id: "steps" });
    const thread = await api.thread({ metadata: { assistant_id: made.assistant_id } });
    const path = `/assistants/${made.assistant_id}`;
    const { status, json } = await api.call("DELETE", `${path}?delete_threads=True`);
    expect([status, json]).toEqual([200, [made.assistant_id]]);
    for (const [method, gone] of [
      ["GET", path],
      ["DELETE", path],
      ["POST", `${path}/versions`],
      ["GET", `/threads/${thread}`],
    ] as const) {
      expect((await api.call(method, gone)).status, gone).toBe(404);
    }
  });

  test("the built-in graph is described by its id, also while it has no assistant", async () => {
    expect((await api.call("GET", "/assistants/assistant")).status).toBe(404);
    const schemas = await api.call("GET", "/assistants/assistant/schemas");
    expect(schemas.json.graph_id).toBe("assistant");
    const fields = Object.keys(schemas.json.context_schema.properties);
    expect(fields).toEqual(expect.arrayContaining(["model", "instructions", "tools"]));
    const drawing = await api.call("GET", "/assistants/assistant/graph");
    expect(drawing.json.nodes).toContainEqual(expect.objectContaining({ id: "call_model" }));
    expect((await api.call("GET", "/assistants/assistants/schemas")).status).toBe(404);
  });

  test("the graph is drawn and described", async () => {
    const drawing = await api.call("GET", "/assistants/nested/graph");
    expect(drawing.json.nodes.map((node: { id: string }) => node.id)).toContain("child");
    const deep = await api.call("GET", "/assistants/nested/graph?xray=true");
    expect(JSON.stringify(deep.json.nodes)).toContain("inside");
    expect((await api.call("GET", "/assistants/nested/graph?xray=1")).json).toEqual(deep.json);
    expect((await api.call("GET", "/assistants/nested/graph?xray=deep")).status).toBe(422);

    const schemas = await api.call("GET", "/assistants/nested/schemas");
    expect(schemas.json).toMatchObject({ graph_id: "nested" });
    const keys = [
      "input_schema",
      "output_schema",
      "state_schema",
      "config_schema",
      "context_schema",
    ];
    expect(Object.keys(schemas.json).toSorted()).toEqual([...keys, "graph_id"].toSorted());

    const subgraphs = await api.call("GET", "/assistants/nested/subgraphs?recurse=1");
    expect(Object.keys(subgraphs.json)).toEqual(["child"]);
    expect(Object.keys(subgraphs.json.child).toSorted()).toEqual(keys.toSorted());
    const one = await api.call("GET", "/assistants/nested/subgraphs/child");
    expect(one.json).toEqual(subgraphs.json);
  });
});
