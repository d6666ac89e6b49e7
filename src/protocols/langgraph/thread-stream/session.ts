import { randomUUID } from "node:crypto";
import type { RunId, ThreadId } from "../../../core/ids.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { lastSequence } from "../../../core/operations/thread-events.ts";
import type { Ports } from "../../../core/ports/ports.ts";
import type { Socket } from "../../socket.ts";
import * as schemas from "../schemas/thread-stream.ts";
import { presentFailure, presentResult, ProtocolError, readParams } from "./answer.ts";
import { presentEvent, type ThreadEvent } from "./event.ts";
import { threadEvents } from "./feed.ts";
import { matches, type EventFilter } from "./filter.ts";

interface Subscription {
  filter: EventFilter;
  /** The number of the last event that it was asked about. */
  through: number;
}

/**
 * One WebSocket on a thread (specification 6.2). Subscriptions belong to it and end with it. Every other
 * command is the request that it would be over HTTP, made in the name of who opened the socket.
 *
 * One reader serves all subscriptions, so that events come in their order and each one once. A new
 * subscription sends the reader back to the beginning; those who know what comes then are spared it.
 */
export class Session {
  readonly #ports: Ports;
  readonly #threadId: ThreadId;
  readonly #socket: Socket;
  readonly #subscriptions = new Map<string, Subscription>();
  #reader: AbortController | null = null;

  constructor(ports: Ports, threadId: ThreadId, socket: Socket) {
    this.#ports = ports;
    this.#threadId = threadId;
    this.#socket = socket;
  }

  /** Returns when the connection is closed. */
  async serve(): Promise<void> {
    try {
      for await (const text of this.#socket.messages()) void this.#onMessage(text);
    } finally {
      this.#reader?.abort();
    }
  }

  async #onMessage(text: string): Promise<void> {
    let id: number | null = null;
    try {
      const command = readCommand(text);
      id = command.id;
      if (!command.method.startsWith("subscription.")) return await this.#forward(text);
      const { result, begin } = await this.#subscribe(command.method, command.params ?? {});
      const appliedThrough = await lastSequence(this.#ports, this.#threadId);
      // The answer goes out before the events that are replayed for it.
      this.#send(presentResult(id, { result, appliedThrough }, this.#threadId));
      begin?.();
    } catch (thrown) {
      this.#send(this.#failure(id, thrown));
    }
  }

  async #forward(text: string): Promise<void> {
    const response = await this.#socket.request("POST", "../commands", text);
    const answer = await response.text();
    if (response.ok) return void this.#socket.send(answer);
    const { id } = JSON.parse(text) as { id: number };
    const { message } = JSON.parse(answer) as { message?: string };
    const refused = response.status === 401 || response.status === 403;
    throw new ForwardError(id, refused, message ?? "The command could not be carried out.");
  }

  async #subscribe(method: string, params: Json): Promise<{ result: object; begin?: () => void }> {
    switch (method) {
      case "subscription.subscribe": {
        const filter = readParams(schemas.filter, params);
        const id = randomUUID();
        const begin = (): void => {
          this.#subscriptions.set(id, { filter, through: 0 });
          void this.#read();
        };
        return { result: { subscription_id: id }, begin };
      }
      case "subscription.unsubscribe": {
        const id = readParams(schemas.unsubscribe, params).subscription_id;
        if (this.#subscriptions.delete(id)) return { result: {} };
        const message = `There is no subscription ${id} on this connection.`;
        throw new ProtocolError("no_such_subscription", message);
      }
      case "subscription.reconnect": {
        // Subscriptions ended with their connection: whoever is back makes them again, and is told all.
        const id = readParams(schemas.reconnect, params).run_id;
        const run = await this.#ports.storage.runs.get(id as RunId);
        if (run?.threadId === this.#threadId) return { result: { restored: false } };
        throw new ProtocolError("no_such_run", `There is no run ${id} on this thread.`);
      }
      default:
        throw new ProtocolError("unknown_command", `There is no command ${method}.`);
    }
  }

  /** From what the newest subscription lacks on; ends the reader before. */
  async #read(): Promise<void> {
    const { clock, log } = this.#ports;
    this.#reader?.abort();
    this.#reader = new AbortController();
    const signal = AbortSignal.any([this.#reader.signal, this.#socket.gone]);
    const since = Math.min(...[...this.#subscriptions.values()].map(({ through }) => through));
    try {
      for await (const events of threadEvents(this.#ports, this.#threadId, since, signal)) {
        for (const event of events) {
          if (signal.aborted) return;
          if (!this.#isWanted(event)) continue;
          const room = this.#socket.send(presentEvent(event, clock.now()));
          if (room) await room;
        }
      }
    } catch (thrown) {
      log.error({ thread_id: this.#threadId, error: thrown }, "a subscription was broken off");
    }
  }

  #isWanted(event: ThreadEvent): boolean {
    let wanted = false;
    for (const subscription of this.#subscriptions.values()) {
      if (event.sequence <= subscription.through) continue;
      subscription.through = event.sequence;
      wanted ||= matches(event, subscription.filter);
    }
    return wanted;
  }

  #failure(id: number | null, thrown: unknown): JsonObject {
    if (thrown instanceof ForwardError) {
      const error = thrown.refused ? "permission_denied" : "unknown_error";
      return { type: "error", id: thrown.id, error, message: thrown.message };
    }
    try {
      return presentFailure(id, thrown) as unknown as JsonObject;
    } catch {
      this.#ports.log.error({ thread_id: this.#threadId, error: thrown }, "a command failed");
      const message = "The command failed for an unforeseen reason; the server's log tells it.";
      return { type: "error", id, error: "unknown_error", message };
    }
  }

  #send(answer: object): void {
    void this.#socket.send(JSON.stringify(answer));
  }
}

class ForwardError extends Error {
  readonly id: number;
  readonly refused: boolean;
  constructor(id: number, refused: boolean, message: string) {
    super(message);
    this.id = id;
    this.refused = refused;
  }
}

function readCommand(text: string): { id: number; method: string; params?: JsonObject | null } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("invalid_argument", "A message must be the JSON of a command.");
  }
  if (!isObject(value)) {
    throw new ProtocolError(
      "invalid_argument",
      "A message must be a command: {id, method, params}.",
    );
  }
  return readParams(schemas.commandBody, value);
}
