import { describe, expect, test } from "vitest";
import { Cors, defaultCors, type CorsOptions } from "../../src/protocols/cors.ts";

function asking(origin?: string, asked?: string): Request {
  return new Request("http://localhost/threads", {
    method: "OPTIONS",
    headers: {
      ...(origin && { origin }),
      ...(asked && { "access-control-request-headers": asked }),
    },
  });
}

function cors(options: Partial<CorsOptions>): Cors {
  return new Cors({ ...defaultCors, ...options });
}

describe("which pages may call", () => {
  test("all, by default", () => {
    const headers = new Cors().headers(() => undefined);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers).not.toHaveProperty("vary");
  });

  test.for<[Partial<CorsOptions>, string, string | undefined]>([
    [{ allowOrigins: ["https://a.example"] }, "https://a.example", "https://a.example"],
    [{ allowOrigins: ["https://a.example"] }, "https://b.example", undefined],
    [{ allowOriginPattern: /^https:\/\/\w+\.example$/ }, "https://b.example", "https://b.example"],
    [{ allowOriginPattern: /^https:\/\/\w+\.example$/ }, "https://b.example.org", undefined],
    // The pattern counts, whatever the list says.
    [{ allowOrigins: ["*"], allowOriginPattern: /^https:\/\/a$/ }, "https://b", undefined],
  ])("%j, asked by %s", ([options, origin, allowed]) => {
    const headers = cors(options).headers(() => origin);
    expect(headers["access-control-allow-origin"]).toBe(allowed);
    expect(headers["vary"]).toBe("origin");
  });

  test("what clients read is exposed, whatever else is", () => {
    const headers = cors({ exposeHeaders: ["X-Mine", "Location"] }).headers(() => undefined);
    expect(headers["access-control-expose-headers"]).toBe(
      "x-mine,location,content-location,x-pagination-total,x-pagination-next,x-request-id",
    );
  });

  test("credentials are allowed when that is set", () => {
    const options = { allowOrigins: ["https://a"], allowCredentials: true };
    expect(cors(options).headers(() => "https://a")).toMatchObject({
      "access-control-allow-credentials": "true",
    });
    expect(cors(options).headers(() => "https://b")).toEqual({ vary: "origin" });
  });
});

describe("a preflight", () => {
  test("allows the headers that were asked for", () => {
    const { status, headers } = new Cors().preflight(asking("https://a", "x-api-key,x-mine"));
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-headers")).toBe("x-api-key,x-mine");
    expect(headers.get("vary")).toBe("access-control-request-headers");
    expect(headers.get("access-control-max-age")).toBe("600");
  });

  test("or those that are set, with methods and age", () => {
    const options = { allowHeaders: ["x-api-key"], allowMethods: ["GET"], maxAgeSeconds: 5 };
    const { headers } = cors(options).preflight(asking("https://a", "x-mine"));
    expect(headers.get("access-control-allow-headers")).toBe("x-api-key");
    expect(headers.get("access-control-allow-methods")).toBe("GET");
    expect(headers.get("access-control-max-age")).toBe("5");
  });
});
