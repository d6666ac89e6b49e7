import { beforeEach, vi } from "vitest";
import type { z } from "zod";
import type { graph } from "../../graphs/agent.ts";
import type { ContextSchema } from "../../graphs/context.ts";

/** The machine's own keys and addresses must not decide which model a test talks to. */
export function withoutKeys(): void {
  beforeEach(() => {
    for (const name of [
      "OPENAI_API_KEY",
      "OPENAI_BASE_URL",
      "OPENAI_API_BASE",
      "ANTHROPIC_API_KEY",
      "ANTHROPIC_BASE_URL",
      "ANTHROPIC_API_URL",
      "BASE_URL_API_KEY",
    ]) {
      vi.stubEnv(name, undefined);
    }
    return () => void vi.unstubAllEnvs();
  });
}

/** LangGraph's type of a context wants every key; who runs a graph gives what they have. */
type WholeContext = NonNullable<NonNullable<Parameters<typeof graph.invoke>[1]>["context"]>;

export function context(given: z.input<typeof ContextSchema> = {}): { context: WholeContext } {
  return { context: given as WholeContext };
}

export function human(content: string) {
  return { messages: [{ role: "user", content }] };
}
