import { describe, expect, test } from "vitest";
import { ApiKeys } from "../../src/auth/api-keys.ts";

const first = "a".repeat(32);
const second = "b".repeat(32);

function asking(headers: Record<string, string>): Request {
  return new Request("http://localhost/threads", { headers });
}

describe("API keys of the environment", () => {
  const keys = new ApiKeys(` ${first}, ci:${second} ,`);

  test.for<[Record<string, string>, string]>([
    [{ "x-api-key": first }, "key-1"],
    [{ "X-Api-Key": second }, "ci"],
    [{ authorization: `Bearer ${second}` }, "ci"],
    [{ authorization: `bearer  ${first}` }, "key-1"],
  ])("%j is %s", async ([headers, identity]) => {
    const user = await keys.authenticate(asking(headers));
    expect(user.identity).toBe(identity);
    expect(user.profile).toEqual({
      identity,
      display_name: identity,
      is_authenticated: true,
      permissions: [],
    });
    expect(await keys.authorize()).toEqual({ kind: "allow" });
  });

  test.for<[Record<string, string>, string]>([
    [{}, "This server needs an API key. Send it as `x-api-key: <key>`"],
    [{ "x-api-key": "" }, "is not one of this server's"],
    [{ "x-api-key": first.slice(1) }, "is not one of this server's"],
    [{ "x-api-key": `${first}a` }, "is not one of this server's"],
    [{ "x-api-key": `ci:${second}` }, "is not one of this server's"],
    [{ authorization: first }, "This server needs an API key"],
    [{ authorization: `Basic ${first}` }, "This server needs an API key"],
    [{ "x-auth-scheme": "langsmith" }, "This server needs an API key"],
  ])("%j lets nobody in", async ([headers, sentence]) => {
    await expect(keys.authenticate(asking(headers))).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining(sentence),
    });
  });

  test("a key that can be guessed is refused at the start, without being repeated", () => {
    const make = () => new ApiKeys(`ops:${"c".repeat(15)}`);
    expect(make).toThrow('the key "ops" has fewer than 16 characters');
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining("ccc") }));
  });
});
