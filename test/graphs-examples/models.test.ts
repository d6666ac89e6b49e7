import { describe, expect, test, vi } from "vitest";
import { ContextSchema } from "../../graphs/context.ts";
import { ChatModels, modelSettings } from "../../graphs/models.ts";
import { withoutKeys } from "./environment.ts";

withoutKeys();

const both = { OPENAI_API_KEY: "key-o", ANTHROPIC_API_KEY: "key-a" };
const openai = { OPENAI_API_KEY: "key-o" };
const anthropic = { ANTHROPIC_API_KEY: "key-a" };
const base_url = "http://127.0.0.1:11434/v1";

describe("who answers", () => {
  test.each([
    [{}, {}, { provider: "offline" }],
    [{}, openai, { provider: "openai", model: "gpt-4.1-mini", apiKey: "key-o" }],
    [{}, anthropic, { provider: "anthropic", model: "claude-sonnet-4-5", apiKey: "key-a" }],
    [{}, both, { provider: "openai" }],
    [{ llm_provider: "offline" }, both, { provider: "offline" }],
    [{ llm_provider: "anthropic" }, both, { provider: "anthropic", apiKey: "key-a" }],
    [{ model_name: "gpt-4o" }, openai, { provider: "openai", model: "gpt-4o" }],
    [{ model_name: "claude-opus-4-5" }, both, { provider: "anthropic", model: "claude-opus-4-5" }],
    [{ model_name: "openai" }, openai, { provider: "openai", model: "gpt-4.1-mini" }],
    [{ model_name: "anthropic" }, both, { provider: "anthropic", model: "claude-sonnet-4-5" }],
    [{ model_name: "openai" }, anthropic, { provider: "offline" }],
    [{ model_name: "offline" }, both, { provider: "offline" }],
    [{ llm_provider: "anthropic", model_name: "openai" }, both, { model: "claude-sonnet-4-5" }],
    [{ base_url, model_name: "llama3" }, {}, { provider: "openai", model: "llama3" }],
    [{ base_url, llm_provider: "anthropic" }, {}, { provider: "anthropic", apiKey: "no-key" }],
  ] as const)("context %j with %j gives %j", (context, environment, settings) => {
    expect(modelSettings(ContextSchema.parse(context), environment)).toMatchObject(settings);
  });

  test("a base_url gets its own key, never the provider's", () => {
    const context = ContextSchema.parse({ base_url, llm_provider: "openai" });
    expect(modelSettings(context, both)).toMatchObject({ apiKey: "no-key" });
    expect(modelSettings(context, { ...both, BASE_URL_API_KEY: "key-b" })).toMatchObject({
      apiKey: "key-b",
    });
  });

  test("a provider asked for by name without its key is an error", () => {
    const context = ContextSchema.parse({ llm_provider: "anthropic" });
    expect(() => modelSettings(context, openai)).toThrow("ANTHROPIC_API_KEY is not set");
  });
});

test("a base_url that is not http is refused", () => {
  expect(ContextSchema.safeParse({ base_url: "file:///etc/passwd" }).success).toBe(false);
});

describe("ChatModels", () => {
  test("makes one model for one set of settings", () => {
    const models = new ChatModels([]);
    const context = ContextSchema.parse({ base_url, temperature: 0.5 });
    const model = models.for(context);
    // The system prompt is sent with each call: it does not make another model.
    expect(models.for({ ...context, system_prompt: "other" })).toBe(model);
    expect(models.for({ ...context, temperature: 0.6 })).not.toBe(model);
    vi.stubEnv("BASE_URL_API_KEY", "another key");
    expect(models.for(context)).not.toBe(model);
  });

  test("forgets the model used longest ago when there are more than a hundred", () => {
    const models = new ChatModels([]);
    const named = (name: string) => models.for(ContextSchema.parse({ base_url, model_name: name }));
    const first = named("first");
    const second = named("second");
    for (let number = 0; number < 98; number += 1) named(`model ${number}`);
    expect(named("first")).toBe(first);
    named("one too many");
    expect(named("first")).toBe(first);
    expect(named("second")).not.toBe(second);
  });
});
