import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventsOf, openApi, type TestApi } from "../../support/api.ts";
import { engineFixture, waiting } from "../../support/engine.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const unknown = "0123456789abcdef0123456789abcdef";

describe("strict_resume", () => {
  const resume = (id: string) => ({
    assistant_id: "asking",
    command: { resume: { [id]: "ten" } },
    strict_resume: true,
  });

  async function asked(): Promise<{ thread: string; id: string }> {
    const thread = await api.thread();
    const body = { assistant_id: "asking", input: {} };
    const { json } = await api.call("POST", `/threads/${thread}/runs/wait`, body);
    return { thread, id: json.__interrupt__[0].id };
  }

  test("refuses a resume of an interrupt that is not pending, and makes no run", async () => {
    const { thread, id } = await asked();
    const refused = await api.call("POST", `/threads/${thread}/runs`, resume(unknown));
    expect(refused.status).toBe(422);
    expect(refused.json.message).toContain(unknown);
    expect(refused.json.message).toContain(id);
    expect((await api.call("GET", `/threads/${thread}/runs`)).json).toHaveLength(1);
    const answered = await api.call("POST", `/threads/${thread}/runs/wait`, resume(id));
    expect(answered.json.log).toEqual(["answer ten", "after"]);
  });

  test("fails a run that waited for another, when its turn comes", async () => {
    const thread = await api.thread();
    const first = { assistant_id: "obedient", input: { input: "x" } };
    await api.call("POST", `/threads/${thread}/runs`, first);
    await waiting(`gate:${thread}`);
    const waits = api.call("POST", `/threads/${thread}/runs/wait`, {
      ...resume(unknown),
      assistant_id: "obedient",
    });
    engineFixture().gates.get(`gate:${thread}`)!();
    expect((await waits).json.__error__).toMatchObject({ error: "UnknownInterruptError" });
  });
});

describe("namespace", () => {
  test.each<[string, string[], RegExp[]]>([
    ["only the root graph when it is empty", ["namespace="], [/^updates$/]],
    ["a node's graphs, of whichever task", ["namespace=child"], [/^updates\|child:/]],
    ["several", ["namespace=", "namespace=child"], [/^updates\|child:/, /^updates$/]],
    ["nothing of what is not there", ["namespace=other"], []],
  ])("lets through %s", async (_, query, expected) => {
    const thread = await api.thread();
    const body = {
      assistant_id: "nested",
      input: {},
      stream_mode: "updates",
      stream_subgraphs: true,
      stream_resumable: true,
    };
    const asked = `?${query.join("&")}`;
    const streamed = await api.call("POST", `/threads/${thread}/runs/stream${asked}`, body);
    const [run] = (await api.call("GET", `/threads/${thread}/runs`)).json;
    const path = `/threads/${thread}/runs/${run.run_id}/stream${asked}`;
    const joined = await api.call("GET", path, undefined, { "last-event-id": "-1" });
    for (const { text } of [streamed, joined]) {
      const names = eventsOf(text).map(({ event }) => event);
      expect([names[0], names.at(-1)]).toEqual(["metadata", "end"]);
      const updates = new Set(
        names.slice(1, -1).map((one) => expected.findIndex((it) => it.test(one))),
      );
      expect([...updates].toSorted()).toEqual(expected.map((__, at) => at));
    }
  });
});

describe("cancel?reason=taken", () => {
  test("stays with the run; with rollback, or as another word, it is refused", async () => {
    const thread = await api.thread();
    const body = { assistant_id: "steps", input: {}, after_seconds: 3600 };
    const { json } = await api.call("POST", `/threads/${thread}/runs`, body);
    const path = `/threads/${thread}/runs/${json.run_id}`;
    for (const query of ["?reason=taken&action=rollback", "?reason=whim"]) {
      expect((await api.call("POST", `${path}/cancel${query}`)).status).toBe(422);
    }
    expect((await api.call("GET", path)).json).not.toHaveProperty("cancel_reason");
    await api.call("POST", `${path}/cancel?reason=taken`);
    const cancelled = (await api.call("GET", path)).json;
    expect(cancelled).toMatchObject({ status: "interrupted" });
    expect(cancelled.cancel_reason).toMatch(/^taken:/);
  });
});
