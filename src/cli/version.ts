import { readFileSync } from "node:fs";

/** As package.json says: of the server, and of the LangGraph that graphs without one of their own get. */
const { version, dependencies } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string; dependencies: Record<string, string> };

export { version };
export const langgraphVersion = dependencies["@langchain/langgraph"]!;
