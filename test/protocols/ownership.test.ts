import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readFilter } from "../../src/core/condition.ts";
import type { RunId } from "../../src/core/ids.ts";
import type { AuthEvent } from "../../src/core/ports/auth.ts";
import { openApi, type Answered, type TestApi } from "../support/api.ts";
import { ownedByUser, TestAuth } from "../support/auth.ts";

let auth: TestAuth;
let api: TestApi;

beforeEach(async () => {
  auth = new TestAuth();
  auth.decide = ownedByUser;
  api = await openApi({ ports: { auth } });
});
afterEach(() => api[Symbol.asyncDispose]());

function as(user: string, headers: Record<string, string> = {}) {
  return (method: string, path: string, body?: unknown): Promise<Answered> =>
    api.call(method, path, body, { "x-user": user, ...headers });
}

const run = { assistant_id: "steps", input: { input: "x" } };

async function ownerOf(threadId: string): Promise<unknown> {
  const thread = await api.ports.storage.threads.get(threadId as never);
  return thread?.metadata["owner"];
}

describe("what a handler writes into value.metadata is kept with", () => {
  test("a thread, and wins over what the client says", async () => {
    const { json } = await as("ada")("POST", "/threads", { metadata: { owner: "bob", a: 1 } });
    expect(json.metadata).toEqual({ owner: "ada", a: 1 });
  });

  test("a thread that a run makes", async () => {
    const id = crypto.randomUUID();
    const body = { ...run, if_not_exists: "create" };
    const { json } = await as("ada")("POST", `/threads/${id}/runs`, body);
    expect(json.metadata.owner).toBe("ada");
    expect(await ownerOf(id)).toBe("ada");
    expect((await as("ada")("GET", `/threads/${id}`)).status).toBe(200);
  });

  test("the thread of a stateless run", async () => {
    const { json } = await as("ada")("POST", "/runs", { ...run, on_completion: "keep" });
    expect(await ownerOf(json.thread_id)).toBe("ada");
  });

  test("the threads of a cron's runs", async () => {
    const body = { ...run, schedule: "* * * * *", on_run_completed: "keep" };
    const { json } = await as("ada")("POST", "/runs/crons", body);
    expect(json).toMatchObject({ user_id: "ada", metadata: { owner: "ada" } });
    const { fireCron } = await import("../../src/core/operations/crons.ts");
    const cron = await api.ports.storage.crons.get(json.cron_id);
    await fireCron(api.ports, cron!);
    const found = await as("ada")("POST", "/threads/search", {});
    expect(found.json).toHaveLength(1);
    expect((await as("bob")("POST", "/threads/search", {})).json).toEqual([]);
  });

  test("a thread that a cron makes", async () => {
    const id = crypto.randomUUID();
    const body = { ...run, schedule: "0 0 1 1 *", if_not_exists: "create" };
    expect((await as("ada")("POST", `/threads/${id}/runs/crons`, body)).status).toBe(200);
    expect(await ownerOf(id)).toBe("ada");
  });

  test("a copy, whoever owns the original", async () => {
    const { json } = await as("ada")("POST", "/threads", {});
    auth.decide = (event) =>
      event.action === "threads:read" ? { kind: "allow" } : ownedByUser(event);
    const copy = await as("bob")("POST", `/threads/${json.thread_id}/copy`);
    expect(copy.json.metadata.owner).toBe("bob");
    expect(await ownerOf(json.thread_id)).toBe("ada");
  });

  test("an assistant, and each of its versions", async () => {
    const made = await as("ada")("POST", "/assistants", { graph_id: "steps" });
    expect(made.json.metadata.owner).toBe("ada");
    const path = `/assistants/${made.json.assistant_id}`;
    const patched = await as("ada")("PATCH", path, { metadata: { owner: "bob" } });
    expect(patched.json.metadata.owner).toBe("ada");
  });
});

describe("what a handler writes elsewhere counts, too", () => {
  test("a search is narrowed by what it adds to the metadata", async () => {
    await as("ada")("POST", "/threads", { metadata: { kind: "public" } });
    await as("ada")("POST", "/threads", {});
    auth.decide = ({ value }) => {
      value["metadata"] = { kind: "public" };
      return { kind: "allow" };
    };
    const found = await as("bob")("POST", "/threads/search", {});
    expect(found.headers.get("x-pagination-total")).toBe("1");
    expect((await as("bob")("POST", "/threads/count", {})).json).toBe(1);
  });

  test("items move into a namespace of the user's own", async () => {
    auth.decide = ({ value, user }) => {
      value["namespace"] = [user.identity, ...(value["namespace"] as string[])];
      return { kind: "allow" };
    };
    await as("ada")("PUT", "/store/items", { namespace: ["notes"], key: "k", value: { a: 1 } });
    expect(await api.ports.storage.items.get(["ada", "notes"], "k", 0)).not.toBeNull();
    const get = (user: string) => as(user)("GET", "/store/items?key=k&namespace=notes");
    expect((await get("ada")).json).toMatchObject({ value: { a: 1 } });
    expect((await get("bob")).json).toBeNull();
    const search = { namespace_prefix: ["notes"] };
    expect((await as("ada")("POST", "/store/items/search", search)).json.items).toHaveLength(1);
    expect((await as("bob")("POST", "/store/items/search", search)).json.items).toEqual([]);
    const listed = await as("ada")("POST", "/store/namespaces", {});
    expect(listed.json.namespaces).toEqual([["ada", "notes"]]);
    expect((await as("bob")("POST", "/store/namespaces", {})).json.namespaces).toEqual([]);
    await as("bob")("DELETE", "/store/items", { namespace: ["notes"], key: "k" });
    expect((await get("ada")).json).not.toBeNull();
  });

  test("metadata that is no object is the server's mistake, and nothing is made", async () => {
    auth.decide = ({ value }) => {
      value["metadata"] = "ada";
      return { kind: "allow" };
    };
    expect((await as("ada")("POST", "/threads", {})).status).toBe(500);
    auth.decide = () => ({ kind: "allow" });
    expect((await as("ada")("POST", "/threads/count", {})).json).toBe(0);
  });
});

describe("items under a filter", () => {
  test("pages and namespaces have only those that match", async () => {
    for (const [owner, key] of [
      ["ada", "1"],
      ["bob", "2"],
      ["ada", "3"],
      ["bob", "4"],
    ] as const) {
      const { items } = api.ports.storage;
      const value = { owner };
      await items.put({
        namespace: [owner],
        key,
        value,
        createdAt: 1,
        updatedAt: Number(key),
        ttl: null,
      });
    }
    const search = (body: object) => as("ada")("POST", "/store/items/search", body);
    const keys = ({ json }: Answered) => json.items.map(({ key }: { key: string }) => key);
    expect(keys(await search({}))).toEqual(["3", "1"]);
    expect(keys(await search({ limit: 1, offset: 1 }))).toEqual(["1"]);
    expect((await as("ada")("POST", "/store/namespaces", {})).json.namespaces).toEqual([["ada"]]);
  });

  test("nobody stores into what is not theirs", async () => {
    const body = { namespace: ["ada"], key: "k", value: {} };
    expect((await as("ada")("PUT", "/store/items", body)).status).toBe(204);
    expect((await as("bob")("PUT", "/store/items", body)).status).toBe(403);
    expect((await as("bob")("DELETE", "/store/items", { ...body })).status).toBe(404);
  });
});

describe("runs", () => {
  test("the graph learns who asked, whatever the request says of it", async () => {
    const langgraph_auth_user = { identity: "root" };
    const body = {
      ...run,
      config: { configurable: { langgraph_auth_user, langgraph_auth_user_id: "root" } },
      context: { langgraph_auth_user_id: "root" },
    };
    const { json } = await as("ada")("POST", "/runs", { ...body, after_seconds: 3600 });
    const stored = await api.ports.storage.runs.get(json.run_id as RunId);
    expect(stored?.request.config.configurable).toMatchObject({
      user_id: "ada",
      langgraph_auth_user_id: "ada",
      langgraph_auth_user: { identity: "ada", display_name: "ada" },
      langgraph_auth_permissions: [],
    });
    expect(json.kwargs.config.configurable).not.toHaveProperty("langgraph_auth_user");
    expect(json.kwargs.config.configurable["langgraph_auth_user_id"]).toBe("ada");
  });

  test("an assistant of another's is not found; a graph itself is everybody's", async () => {
    const { json } = await as("ada")("POST", "/assistants", { graph_id: "steps" });
    const foreign = { ...run, assistant_id: json.assistant_id };
    expect((await as("bob")("POST", "/runs", foreign)).status).toBe(404);
    expect((await as("bob")("POST", "/runs", { ...foreign, assistant_version: 1 })).status).toBe(
      404,
    );
    expect((await as("bob")("POST", "/runs", run)).status).toBe(200);
    expect(auth.asked.map(({ action }) => action)).toContain("assistants:read");
  });

  test("an assistant that assistants:read denies cannot be run", async () => {
    const { json } = await as("ada")("POST", "/assistants", { graph_id: "steps" });
    auth.decide = ({ action }) => ({ kind: action === "assistants:read" ? "deny" : "allow" });
    const answered = await as("ada")("POST", "/runs", { ...run, assistant_id: json.assistant_id });
    expect(answered.status).toBe(403);
  });

  test("threads:create_run is shown what the official server shows", async () => {
    auth.asked.length = 0;
    const id = crypto.randomUUID();
    await as("ada")("POST", `/threads/${id}/runs`, { ...run, multitask_strategy: "reject" });
    const { action, value } = auth.asked[0]!;
    expect(action).toBe("threads:create_run");
    expect(value).toMatchObject({
      thread_id: id,
      assistant_id: "steps",
      status: "pending",
      multitask_strategy: "reject",
      prevent_insert_if_inflight: true,
      if_not_exists: "reject",
      after_seconds: 0,
      kwargs: { input: { input: "x" } },
    });
  });

  test("each run of a batch is asked about, and one refused makes none", async () => {
    auth.decide = (event) =>
      event.value["assistant_id"] === "asking" ? { kind: "deny" } : ownedByUser(event);
    const batch = [run, { ...run, assistant_id: "asking" }];
    expect((await as("ada")("POST", "/runs/batch", batch)).status).toBe(403);
    expect((await api.ports.storage.runs.inFlight("all")).length).toBe(0);
  });

  test("another's idempotency key or run id finds nothing of theirs", async () => {
    const key = { "idempotency-key": "same" };
    const body = { ...run, after_seconds: 3600 };
    const first = await as("ada", key)("POST", "/runs", body);
    expect((await as("ada", key)("POST", "/runs", body)).json.run_id).toBe(first.json.run_id);
    const other = await as("bob", key)("POST", "/runs", body);
    expect(other.status).toBe(200);
    expect(other.json.run_id).not.toBe(first.json.run_id);
    const taken = await as("bob")("POST", "/runs", { ...body, run_id: first.json.run_id });
    expect(taken.status).toBe(409);
    expect(api.errors).toEqual([]);
  });

  test("cancelling all cancels one's own", async () => {
    const later = { ...run, after_seconds: 3600, on_completion: "keep" };
    const hers = await as("ada")("POST", "/runs", later);
    const his = await as("bob")("POST", "/runs", later);
    expect((await as("bob")("POST", "/runs/cancel", { status: "all" })).status).toBe(204);
    const statusOf = async ({ json }: Answered) =>
      (await api.ports.storage.runs.get(json.run_id as RunId))?.status;
    expect(await statusOf(his)).toBe("interrupted");
    expect(await statusOf(hers)).toBe("pending");
    expect((await as("bob")("POST", "/runs/cancel", { status: "all" })).status).toBe(404);
  });

  test("deleting an assistant with its threads leaves those of others", async () => {
    auth.decide = () => ({ kind: "allow" });
    const { json } = await as("ada")("POST", "/assistants", { graph_id: "steps" });
    const body = { ...run, assistant_id: json.assistant_id, on_completion: "keep" };
    auth.decide = ownedByUserOrAssistant;
    for (const user of ["ada", "bob"]) {
      expect((await as(user)("POST", "/runs/wait", body)).status).toBe(200);
    }
    await as("ada")("DELETE", `/assistants/${json.assistant_id}?delete_threads=true`);
    expect((await as("ada")("POST", "/threads/count", {})).json).toBe(0);
    expect((await as("bob")("POST", "/threads/count", {})).json).toBe(1);
  });
});

function ownedByUserOrAssistant(event: AuthEvent) {
  return event.action.startsWith("assistants") ? ({ kind: "allow" } as const) : ownedByUser(event);
}

describe("a stateless run that has ended", () => {
  const everything = { "last-event-id": "-1" };
  const placeOf = ({ headers }: Answered) => headers.get("content-location")!;

  test("is read again by who made it, and is not there for others", async () => {
    const waited = await as("ada")("POST", "/runs/wait", run);
    expect(waited.json.log).toEqual(["one", "two", "three"]);
    const path = `${placeOf(waited)}/stream`;
    const streamed = await as("ada", everything)("GET", path);
    expect([streamed.status, streamed.text]).toEqual([200, expect.stringContaining("three")]);
    const joined = await as("ada")("GET", waited.headers.get("location")!);
    expect(joined.json.log).toEqual(["one", "two", "three"]);
    for (const other of [path, waited.headers.get("location")!]) {
      const refused = await as("bob", everything)("GET", other);
      expect([refused.status, refused.text]).toEqual([404, expect.not.stringContaining("three")]);
    }
  });

  test("is told to its owner also when it was cancelled", async () => {
    const made = await as("ada")("POST", "/runs", { ...run, after_seconds: 600 });
    const { thread_id: thread, run_id: id } = made.json;
    const path = `${placeOf(made)}/stream`;
    await as("ada")("POST", `/threads/${thread}/runs/${id}/cancel?wait=1`);
    const streamed = await as("ada", everything)("GET", path);
    expect([streamed.status, streamed.text]).toEqual([200, expect.stringContaining("cancelled")]);
    expect((await as("bob", everything)("GET", path)).status).toBe(404);
  });

  test("belongs to whom its thread belonged when the thread was deleted with it", async () => {
    const { json: thread } = await as("ada")("POST", "/threads", {});
    const body = { ...run, after_seconds: 600 };
    const made = await as("ada")("POST", `/threads/${thread.thread_id}/runs`, body);
    await as("ada")("DELETE", `/threads/${thread.thread_id}`);
    const path = `/runs/${made.json.run_id}/stream`;
    const streamed = await as("ada", everything)("GET", path);
    expect([streamed.status, streamed.text]).toEqual([200, expect.stringContaining("deleted")]);
    expect((await as("bob", everything)("GET", path)).status).toBe(404);
  });
});

describe("filters with $or", () => {
  test("show what is shared, in lists, counts and by id", async () => {
    const shared = await as("ada")("POST", "/threads", { metadata: { shared_with: ["bob"] } });
    const own = await as("ada")("POST", "/threads", {});
    auth.decide = ({ user }) => ({
      kind: "filter",
      condition: readFilter({
        $or: [{ owner: user.identity }, { shared_with: { $contains: user.identity } }],
      }),
    });
    expect((await as("bob")("POST", "/threads/count", {})).json).toBe(1);
    expect((await as("ada")("POST", "/threads/count", {})).json).toBe(2);
    expect((await as("bob")("GET", `/threads/${shared.json.thread_id}`)).status).toBe(200);
    expect((await as("bob")("GET", `/threads/${own.json.thread_id}`)).status).toBe(404);
  });
});
