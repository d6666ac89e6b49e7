import { Auth as SdkAuth, HTTPException } from "@langchain/langgraph-sdk/auth";
import { HTTPException as HTTPException2, Auth as SdkAuth2 } from "langgraph-sdk-2/auth";
import { describe, expect, test } from "vitest";
import { ApiKeys } from "../../src/auth/api-keys.ts";
import { AuthHandlers } from "../../src/auth/handlers.ts";
import type { CacheSettings } from "../../src/auth/remembered.ts";
import { readFilter } from "../../src/core/condition.ts";
import { AuthRefusal, type AuthEvent, type User } from "../../src/core/ports/auth.ts";

const request = new Request("http://localhost/threads", { headers: { authorization: "Bearer x" } });

function authenticating(result: unknown): AuthHandlers {
  return new AuthHandlers(
    new SdkAuth().authenticate(async () => result as string),
    null,
  );
}

/** What the handlers, each a name for its result, say of an event. */
function deciding(handlers: Record<string, (event: never) => unknown>) {
  const auth = new SdkAuth().authenticate(async () => "ada");
  for (const [key, handler] of Object.entries(handlers)) auth.on(key as "*", handler as never);
  return new AuthHandlers(auth, null);
}

const user: User = { identity: "ada", permissions: ["p"], profile: { identity: "ada" } };

function about(action: AuthEvent["action"], value: AuthEvent["value"] = {}): AuthEvent {
  return { action, value, user };
}

/** Lets everybody in under the name in `authorization`, and tells for whom it was asked. */
function remembering(changes: Partial<CacheSettings> = {}) {
  const asked: string[] = [];
  const auth = new SdkAuth().authenticate(async (given) => {
    const name = given.headers.get("authorization") ?? "nobody";
    asked.push(name);
    if (name === "mallory") throw new HTTPException(401, { message: "not you" });
    return { identity: name, permissions: [], tags: [] };
  });
  const cache = { headers: ["authorization", "x-org"], ttlMs: 60_000, sizeMax: 2, ...changes };
  const handlers = new AuthHandlers(auth, null, cache);
  const ask = (headers: Record<string, string>) =>
    handlers.authenticate(new Request("http://localhost", { headers }));
  return { asked, ask, handlers, auth };
}

describe("whom `auth.cache` remembers", () => {
  test("is asked about once for each set of credentials, and gets a profile of its own", async () => {
    const { asked, ask } = remembering();
    const first = await ask({ authorization: "ada", "x-org": "1" });
    (first.profile["tags"] as string[]).push("changed by a handler");
    const again = await ask({ authorization: "ada", "x-org": "1", "x-other": "2" });
    expect(again.profile["tags"]).toEqual([]);
    await ask({ authorization: "ada", "x-org": "2" });
    await ask({ authorization: "ada" });
    expect(asked).toEqual(["ada", "ada", "ada"]);
  });

  test("are neither those without credentials nor those who were not let in", async () => {
    const { asked, ask } = remembering();
    await ask({});
    await ask({});
    for (let times = 0; times < 2; times += 1) {
      await expect(ask({ authorization: "mallory" })).rejects.toMatchObject({ status: 401 });
    }
    expect(asked).toEqual(["nobody", "nobody", "mallory", "mallory"]);
  });

  test("are few, for a while, and only until the rules change", async () => {
    const { asked, ask, handlers, auth } = remembering();
    for (const name of ["ada", "bob", "eve", "eve", "ada"]) await ask({ authorization: name });
    expect(asked).toEqual(["ada", "bob", "eve", "ada"]);
    handlers.replace(auth);
    await ask({ authorization: "ada" });
    expect(asked).toHaveLength(5);
    const short = remembering({ ttlMs: 0 });
    await short.ask({ authorization: "ada" });
    await short.ask({ authorization: "ada" });
    expect(short.asked).toEqual(["ada", "ada"]);
  });
});

describe("who asks", () => {
  test("a text is an identity", async () => {
    expect(await authenticating("ada").authenticate(request)).toEqual({
      identity: "ada",
      permissions: [],
      profile: { identity: "ada", display_name: "ada", is_authenticated: true, permissions: [] },
    });
  });

  test("an object keeps its own fields", async () => {
    const given = { identity: "ada", display_name: "Ada", permissions: ["read"], org: { id: 1 } };
    const found = await authenticating(given).authenticate(request);
    expect(found.permissions).toEqual(["read"]);
    expect(found.profile).toEqual({ ...given, is_authenticated: true });
  });

  test("the handler gets the request's address, method and headers", async () => {
    const auth = new SdkAuth().authenticate(
      async (given) => `${given.method} ${given.url} ${given.headers.get("authorization")}`,
    );
    const found = await new AuthHandlers(auth, null).authenticate(request);
    expect(found.identity).toBe("GET http://localhost/threads Bearer x");
  });

  test.for([null, undefined, {}, { permissions: ["all"] }])("%j is nobody", async (result) => {
    await expect(authenticating(result).authenticate(request)).rejects.toMatchObject({
      code: "unauthenticated",
    });
  });

  test.for([{ identity: "" }, { identity: 7 }, { identity: null }])(
    "%j is a mistake of the server's",
    async (result) => {
      await expect(authenticating(result).authenticate(request)).rejects.toThrow(TypeError);
    },
  );

  test.for([
    ["version 1", SdkAuth, HTTPException],
    ["version 2", SdkAuth2, HTTPException2],
  ] as const)("an HTTPException of the SDK, %s, keeps its status", async ([, Auth, Exception]) => {
    const auth = new Auth().authenticate(async () => {
      throw new Exception(402, { message: "Pay first.", headers: { "X-Price": "3" } });
    });
    const refused = new AuthHandlers(auth, null).authenticate(request);
    await expect(refused).rejects.toBeInstanceOf(AuthRefusal);
    await expect(refused).rejects.toMatchObject({
      status: 402,
      message: "Pay first.",
      headers: { "x-price": "3" },
    });
  });

  test("any other error is the server's own", async () => {
    const auth = new SdkAuth().authenticate(async () => {
      throw new Error("the directory is down");
    });
    await expect(new AuthHandlers(auth, null).authenticate(request)).rejects.not.toBeInstanceOf(
      AuthRefusal,
    );
  });
});

describe("who may do what", () => {
  test.for<[AuthEvent["action"], string[], string]>([
    ["threads:create", ["*", "*:create", "threads", "threads:create"], "threads:create"],
    ["threads:create", ["*", "*:create", "threads"], "threads"],
    ["threads:create", ["*", "*:create"], "*:create"],
    ["threads:create", ["*", "threads:read", "assistants"], "*"],
    ["store:put", ["store", "threads", "*"], "store"],
  ])("for %s, of %j, the handler asked is %s", async ([action, keys, expected]) => {
    const asked: string[] = [];
    const handlers = Object.fromEntries(keys.map((key) => [key, () => void asked.push(key)]));
    await deciding(handlers).authorize(about(action));
    expect(asked).toEqual([expected]);
  });

  test.for<[unknown, object]>([
    [undefined, { kind: "allow" }],
    [null, { kind: "allow" }],
    [true, { kind: "allow" }],
    [{}, { kind: "allow" }],
    [false, { kind: "deny" }],
    [{ owner: "ada" }, { kind: "filter", condition: readFilter({ owner: "ada" }) }],
  ])("%j", async ([result, decision]) => {
    expect(await deciding({ "*": () => result }).authorize(about("threads:read"))).toEqual(
      decision,
    );
  });

  test.for([1, "yes", [], { owner: undefined }, { owner: { $ne: "ada" } }])(
    "%j lets nobody in and is a mistake of the server's",
    async (result) => {
      const decision = deciding({ "*": () => result }).authorize(about("threads:read"));
      await expect(decision).rejects.toThrow(/auth handler for threads:read/);
    },
  );

  test("without a handler for it, everything is allowed", async () => {
    const auth = deciding({ assistants: () => false });
    expect(await auth.authorize(about("threads:read"))).toEqual({ kind: "allow" });
  });

  test("the handler sees event, resource, action, value and the user as authenticated", async () => {
    const seen: unknown[] = [];
    const original = { identity: "ada", permissions: ["p"], token: () => "not JSON" };
    const auth = new SdkAuth()
      .authenticate(async () => original)
      .on("threads", (event) => void seen.push(event));
    const handlers = new AuthHandlers(auth, null);
    const asking = await handlers.authenticate(request);
    const value = { metadata: {} };
    await handlers.authorize({ action: "threads:create_run", value, user: asking });
    expect(seen).toEqual([
      {
        event: "threads:create_run",
        resource: "threads",
        action: "create_run",
        value,
        user: { ...original, display_name: "ada", is_authenticated: true },
        permissions: ["p"],
      },
    ]);
  });
});

describe("the Auth object", () => {
  const keys = new ApiKeys("k".repeat(16));

  test("may leave it to the keys who asks", async () => {
    const auth = new AuthHandlers(
      new SdkAuth().on("*", () => false),
      keys,
    );
    const headers = { "x-api-key": "k".repeat(16) };
    const asking = await auth.authenticate(new Request("http://localhost", { headers }));
    expect(await auth.authorize({ ...about("threads:read"), user: asking })).toEqual({
      kind: "deny",
    });
  });

  test("must be one, and either it or the keys say who asks", () => {
    expect(() => new AuthHandlers({}, null)).toThrow("must name an Auth object");
    expect(() => new AuthHandlers(null, null)).toThrow("must name an Auth object");
    expect(() => new AuthHandlers(new SdkAuth(), null)).toThrow("has no `authenticate`");
    const both = new SdkAuth().authenticate(async () => "ada");
    expect(() => new AuthHandlers(both, keys)).toThrow("Leave one of them out");
  });

  test("can be replaced; what is none leaves the one before", async () => {
    const auth = deciding({ "*": () => false });
    expect(() => auth.replace({})).toThrow("must name an Auth object");
    expect(await auth.authorize(about("threads:read"))).toEqual({ kind: "deny" });
    auth.replace(new SdkAuth().authenticate(async () => "ada"));
    expect(await auth.authorize(about("threads:read"))).toEqual({ kind: "allow" });
  });
});
