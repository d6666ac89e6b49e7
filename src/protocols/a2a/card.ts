import type { Assistant } from "../../core/assistant.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";

const defaultModes = ["text/plain", "application/json"];

/** Whoever paints user interfaces of an agent's description finds it by this. */
const a2uiExtension = "https://a2ui.org/a2a-extension/a2ui/v0.8";

/**
 * What other agents learn of an assistant. The fields of 1.0 (`supportedInterfaces`) and those of 0.3
 * (`url`, `protocolVersion`, `preferredTransport`) stand side by side; each kind of client reads its own.
 *
 * @param url where the assistant is spoken to
 */
export function agentCard(assistant: Assistant, url: string): JsonObject {
  const { name, graphId, version } = assistant;
  const description = assistant.description ?? `The assistant "${name}" of the graph "${graphId}".`;
  const wishes = isObject(assistant.metadata["a2a"]) ? assistant.metadata["a2a"] : {};
  return {
    name,
    description,
    version: String(version),
    supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    url,
    protocolVersion: "0.3.0",
    preferredTransport: "JSONRPC",
    capabilities: {
      streaming: true,
      pushNotifications: false,
      stateTransitionHistory: false,
      extendedAgentCard: true,
      extensions: extensions(wishes["a2ui"]),
    },
    supportsAuthenticatedExtendedCard: true,
    defaultInputModes: modes(wishes["input_modes"]),
    defaultOutputModes: modes(wishes["output_modes"]),
    skills: [
      { id: `${assistant.assistantId}-main`, name, description, tags: ["assistant", graphId] },
    ],
  };
}

function modes(given: Json | undefined): string[] {
  const named = Array.isArray(given) ? given.filter((one) => typeof one === "string") : [];
  return named.length > 0 ? named : defaultModes;
}

/** `true`, or an object of the extension's parameters. */
function extensions(a2ui: Json | undefined): JsonObject[] {
  if (a2ui !== true && !isObject(a2ui)) return [];
  const description = "Answers may hold user interfaces as A2UI describes them.";
  const extension = { uri: a2uiExtension, description, required: false };
  return [isObject(a2ui) ? { ...extension, params: a2ui } : extension];
}
