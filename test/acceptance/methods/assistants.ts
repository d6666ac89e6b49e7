import { expect } from "vitest";
import {
  collect,
  dataOf,
  logOf,
  newThread,
  unique,
  unknownId,
  type Scenarios,
} from "./scenarios.ts";

const invalidContext = { llm_provider: "a parrot" };

export const assistantScenarios: Scenarios = {
  create: {
    "makes version 1 with everything it was given": async ({ client }) => {
      const given = {
        name: "세무 도우미",
        description: "세금을 계산합니다",
        config: { tags: ["tax"], recursion_limit: 7, configurable: { tenant: "서울" } },
        context: { system_prompt: "친절하게 답하세요." },
        metadata: { team: { name: "회계", size: 3 } },
      };
      const assistant = await client.assistants.create({ graphId: "context", ...given });
      expect(assistant).toMatchObject({ graph_id: "context", version: 1, ...given });
      expect(assistant.assistant_id).toMatch(/^[0-9a-f-]{36}$/);
      expect(Date.parse(assistant.created_at)).not.toBeNaN();
      expect(await client.assistants.get(assistant.assistant_id)).toEqual(assistant);
    },
    "a taken id is a conflict, or with ifExists the assistant that has it": async ({ client }) => {
      const assistantId = crypto.randomUUID();
      const first = await client.assistants.create({
        graphId: "steps",
        assistantId,
        name: "first",
      });
      const again = { graphId: "steps", assistantId, name: "second" };
      await expect(client.assistants.create(again)).rejects.toMatchObject({ status: 409 });
      const same = await client.assistants.create({ ...again, ifExists: "do_nothing" });
      expect(same).toEqual(first);
    },
    "an unknown graph is refused with the names of those there are": async ({ client }) => {
      const created = client.assistants.create({ graphId: "stepz" });
      await expect(created).rejects.toMatchObject({ status: 404, message: /steps/ });
    },
    "a context that breaks the graph's schema is refused with the field's name": async ({
      client,
    }) => {
      const created = client.assistants.create({ graphId: "agent", context: invalidContext });
      await expect(created).rejects.toMatchObject({ status: 422, message: /llm_provider/ });
    },
  },

  get: {
    "takes a graph's id for its default assistant": async ({ client }) => {
      const assistant = await client.assistants.get("steps");
      expect(assistant).toMatchObject({ graph_id: "steps", name: "steps" });
      expect(assistant.metadata).toMatchObject({ created_by: "system" });
      expect(await client.assistants.get(assistant.assistant_id)).toEqual(assistant);
    },
    "an unknown id is 404": async ({ client }) => {
      await expect(client.assistants.get(unknownId)).rejects.toMatchObject({ status: 404 });
    },
  },

  update: {
    "makes a new active version: what is given replaces, metadata is merged": async ({
      client,
    }) => {
      const { assistant_id: id } = await client.assistants.create({
        graphId: "context",
        name: "before",
        context: { system_prompt: "one" },
        metadata: { kept: 1, changed: 1 },
      });
      const updated = await client.assistants.update(id, {
        context: { system_prompt: "two" },
        metadata: { changed: 2 },
      });
      expect(updated).toMatchObject({
        version: 2,
        name: "before",
        context: { system_prompt: "two" },
        metadata: { kept: 1, changed: 2 },
      });
      expect(await client.assistants.get(id)).toEqual(updated);
      const values = await client.runs.wait(null, id, { input: {} });
      expect(logOf(values)).toEqual(["context two", "configurable two"]);
    },
    "also an empty change makes a version": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "steps" });
      expect(await client.assistants.update(id, {})).toMatchObject({ version: 2 });
    },
    "a context that breaks the schema makes none": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "agent" });
      const updated = client.assistants.update(id, { context: invalidContext });
      await expect(updated).rejects.toMatchObject({ status: 422, message: /llm_provider/ });
      expect(await client.assistants.getVersions(id)).toHaveLength(1);
    },
  },

  getVersions: {
    "lists snapshots newest first, by pages and by metadata": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({
        graphId: "steps",
        metadata: { stage: "draft" },
      });
      await client.assistants.update(id, { name: "second", metadata: { stage: "live" } });
      await client.assistants.update(id, { name: "third" });
      const numbers = async (query?: object) =>
        (await client.assistants.getVersions(id, query)).map(({ version }) => version);
      expect(await numbers()).toEqual([3, 2, 1]);
      expect(await numbers({ limit: 1, offset: 1 })).toEqual([2]);
      expect(await numbers({ metadata: { stage: "draft" } })).toEqual([1]);
      const [, second] = await client.assistants.getVersions(id);
      expect(second).toMatchObject({ assistant_id: id, name: "second" });
    },
  },

  setLatest: {
    "restores the whole version; the next change still counts on": async ({ client }) => {
      const first = await client.assistants.create({
        graphId: "context",
        name: "first",
        context: { system_prompt: "one" },
        metadata: { stage: "draft" },
      });
      const id = first.assistant_id;
      await client.assistants.update(id, {
        graphId: "steps",
        name: "second",
        context: { system_prompt: "two" },
        metadata: { stage: "live" },
      });
      const { updated_at: _, ...content } = first;
      expect(await client.assistants.setLatest(id, 1)).toMatchObject(content);
      expect(logOf(await client.runs.wait(null, id, { input: {} }))[0]).toBe("context one");
      expect(await client.assistants.update(id, {})).toMatchObject({ version: 3, name: "first" });
    },
    "an unknown version is 404": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "steps" });
      await expect(client.assistants.setLatest(id, 9)).rejects.toMatchObject({ status: 404 });
    },
  },

  search: {
    "sorts, pages and says where the next page is": async ({ client }) => {
      const group = unique("group");
      for (const name of ["나", "가", "다"]) {
        await client.assistants.create({ graphId: "steps", name, metadata: { group } });
      }
      const query = { metadata: { group }, sortBy: "name", sortOrder: "asc" } as const;
      const all = await client.assistants.search(query);
      expect(all.map(({ name }) => name)).toEqual(["가", "나", "다"]);
      const page = await client.assistants.search({ ...query, limit: 2, includePagination: true });
      expect(page.assistants.map(({ name }) => name)).toEqual(["가", "나"]);
      expect(page.next).toBe("2");
      const rest = await client.assistants.search({
        ...query,
        limit: 2,
        offset: 2,
        includePagination: true,
      });
      expect(rest.assistants.map(({ name }) => name)).toEqual(["다"]);
      expect(rest.next).toBeNull();
      const newest = await client.assistants.search({ metadata: { group } });
      expect(newest.map(({ name }) => name)).toEqual(["다", "가", "나"]);
    },
    "finds by graph, part of the name and metadata, and selects fields": async ({ client }) => {
      const name = unique("Kim's Helper");
      await client.assistants.create({ graphId: "chat", name, metadata: { a: { b: 1, c: 2 } } });
      const part = name.toLowerCase().slice(4);
      const found = (query: object) =>
        client.assistants.search({ name: part, select: ["name", "graph_id"], ...query });
      expect(await found({ graphId: "chat" })).toEqual([{ name, graph_id: "chat" }]);
      expect(await found({ metadata: { a: { b: 1 } } })).toHaveLength(1);
      expect(await found({ metadata: { a: { b: 2 } } })).toEqual([]);
      expect(await found({ graphId: "steps" })).toEqual([]);
    },
    "a limit over 1000 is refused with a sentence": async ({ client }) => {
      const found = client.assistants.search({ limit: 1001 });
      await expect(found).rejects.toMatchObject({ status: 422, message: /limit/ });
    },
  },

  count: {
    "counts what search would find": async ({ client }) => {
      const group = unique("group");
      for (const graphId of ["steps", "steps", "chat"]) {
        await client.assistants.create({ graphId, metadata: { group } });
      }
      expect(await client.assistants.count({ metadata: { group } })).toBe(3);
      expect(await client.assistants.count({ metadata: { group }, graphId: "steps" })).toBe(2);
      expect(await client.assistants.count({ metadata: { group }, name: "nobody" })).toBe(0);
    },
  },

  getGraph: {
    "draws nodes and edges": async ({ client }) => {
      const { nodes, edges } = await client.assistants.getGraph("steps");
      expect(nodes.map(({ id }) => id)).toEqual(["__start__", "one", "two", "three", "__end__"]);
      expect(edges).toContainEqual(expect.objectContaining({ source: "one", target: "two" }));
    },
    "xray opens subgraphs, to a depth or wholly": async ({ client }) => {
      const names = async (xray?: boolean | number) =>
        (await client.assistants.getGraph("nested", { xray })).nodes.map(({ id }) => id);
      expect(await names()).toContain("child");
      for (const xray of [true, 1]) {
        expect(await names(xray)).toContain("child:inside");
        expect(await names(xray)).not.toContain("child");
      }
    },
  },

  getSchemas: {
    "gives the graph's schemas, its context by field": async ({ client }) => {
      const schemas = await client.assistants.getSchemas("agent");
      expect(schemas.graph_id).toBe("agent");
      for (const schema of [schemas.input_schema, schemas.output_schema, schemas.state_schema]) {
        expect(schema).toMatchObject({ type: "object" });
        expect(JSON.stringify(schema)).toContain("messages");
      }
      const context = schemas.context_schema as { properties: Record<string, unknown> };
      expect(Object.keys(context.properties)).toEqual(
        expect.arrayContaining(["llm_provider", "model_name", "system_prompt", "base_url"]),
      );
    },
  },

  getSubgraphs: {
    "lists them by namespace, with their schemas": async ({ client }) => {
      expect(await client.assistants.getSubgraphs("steps")).toEqual({});
      const all = await client.assistants.getSubgraphs("nested", { recurse: true });
      expect(Object.keys(all)).toEqual(["child"]);
      expect(Object.keys(all["child"]!)).toEqual(
        expect.arrayContaining(["input_schema", "output_schema", "state_schema"]),
      );
      const one = await client.assistants.getSubgraphs("nested", { namespace: "child" });
      expect(Object.keys(one)).toEqual(["child"]);
    },
  },

  delete: {
    "removes all versions, and leaves its threads alone": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "steps" });
      await client.assistants.update(id, { name: "second" });
      const threadId = await newThread(client);
      await client.runs.wait(threadId, id, { input: {} });
      await client.assistants.delete(id);
      await expect(client.assistants.get(id)).rejects.toMatchObject({ status: 404 });
      await expect(client.assistants.getVersions(id)).rejects.toMatchObject({ status: 404 });
      await expect(client.runs.create(threadId, id)).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.get(threadId)).toMatchObject({ thread_id: threadId });
    },
    "with deleteThreads its threads go too": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "steps" });
      const [own, other] = [await newThread(client), await newThread(client)];
      await client.runs.wait(own, id, { input: {} });
      const parts = await collect(client.runs.stream(other, "steps", { input: {} }));
      expect(dataOf(parts, "end")).toHaveLength(1);
      await client.assistants.delete(id, { deleteThreads: true });
      await expect(client.threads.get(own)).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.get(other)).toMatchObject({ status: "idle" });
    },
  },
};
