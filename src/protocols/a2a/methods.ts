import type { Assistant } from "../../core/assistant.ts";
import type { JsonObject } from "../../core/json.ts";
import { methodNotFound, resultText, RpcError } from "../json-rpc.ts";
import type { Reply } from "../route.ts";
import type { Call } from "./call.ts";
import { agentCard } from "./card.ts";
import type { Family } from "./parts.ts";
import { send, sendStream } from "./send.ts";
import { cancel, get, list } from "./tasks.ts";

type Handler = (call: Call, assistant: Assistant) => Promise<Reply>;

export interface Method {
  family: Family;
  /** The answer is an event stream. */
  streams: boolean;
  handle: Handler;
}

/** By name in either family (specification 1.8). */
const methods = new Map<string, Method>();

function method(names: { "1.0": string; "0.3"?: string }, handle: Handler, streams = false): void {
  methods.set(names["1.0"], { family: "1.0", streams, handle });
  if (names["0.3"]) methods.set(names["0.3"], { family: "0.3", streams, handle });
}

/** A method whose answer is a value. */
function answers(read: (call: Call, assistant: Assistant) => Promise<JsonObject>): Handler {
  return async (call, assistant) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: resultText(call.id, await read(call, assistant)),
  });
}

method({ "1.0": "SendMessage", "0.3": "message/send" }, send);
method({ "1.0": "SendStreamingMessage", "0.3": "message/stream" }, sendStream, true);
method({ "1.0": "GetTask", "0.3": "tasks/get" }, answers(get));
method({ "1.0": "CancelTask", "0.3": "tasks/cancel" }, answers(cancel));
method({ "1.0": "ListTasks" }, answers(list));
method(
  { "1.0": "GetExtendedAgentCard", "0.3": "agent/getAuthenticatedExtendedCard" },
  answers(async ({ url }, assistant) => agentCard(assistant, url)),
);

/** Methods of the protocol that the platform has not, either, and what to do instead. */
const absent: [pattern: RegExp, hint: string][] = [
  [
    /^(SubscribeToTask|tasks\/resubscribe)$/,
    "A stream cannot be taken up again. Ask for the task itself, with GetTask or tasks/get.",
  ],
  [
    /PushNotificationConfigs?$|^tasks\/pushNotificationConfig\//,
    "Nothing is pushed. Ask for the task itself, with GetTask or tasks/get.",
  ],
];

/** @throws RpcError */
export function findMethod(name: string): Method {
  const found = methods.get(name);
  if (found) return found;
  const hint = absent.find(([pattern]) => pattern.test(name))?.[1];
  throw new RpcError(
    methodNotFound,
    hint ? `${name} is not supported. ${hint}` : `There is no method "${name}".`,
  );
}
