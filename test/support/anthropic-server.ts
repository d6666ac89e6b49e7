import {
  argumentPieces,
  laterPieces,
  ScriptedServer,
  textPieces,
  wholeText,
  type RecordedRequest,
  type Reply,
  type ReplyWriter,
  type Script,
} from "./scripted-server.ts";

/**
 * A model server that speaks the Anthropic wire: POST /v1/messages, streamed and not. Its replies are
 * scripted, what it was asked is in `requests`.
 */
export class AnthropicServer extends ScriptedServer {
  #count = 0;

  static start(script: Script = []): Promise<AnthropicServer> {
    return new AnthropicServer(script).listen();
  }

  /** What goes into `base_url`. */
  get url(): string {
    return this.origin;
  }

  protected override async respond(request: RecordedRequest, answer: ReplyWriter): Promise<void> {
    const route = `${request.method} ${request.path.split("?")[0]}`;
    if (route !== "POST /v1/messages") {
      return answer.json(404, errorBody(404, `Unknown request: ${route}.`));
    }
    const reply = await this.next(request);
    if (reply.error) {
      const { status, message, code, headers } = reply.error;
      return answer.json(status, errorBody(status, message, code), headers);
    }
    this.#count += 1;
    const body = request.body as { model: string; stream?: boolean };
    const message = new Message(`msg_${this.#count}`, body.model, reply);
    if (body.stream) await answer.events(reply, message.events());
    else await answer.whole(reply, message.whole());
  }
}

class Message {
  readonly #id: string;
  readonly #model: string;
  readonly #reply: Reply;

  constructor(id: string, model: string, reply: Reply) {
    this.#id = id;
    this.#model = model;
    this.#reply = reply;
  }

  whole(): unknown {
    const text = wholeText(this.#reply);
    return {
      ...this.#envelope(),
      content: [
        ...(text === "" ? [] : [{ type: "text", text }]),
        ...this.#calls().map(({ start, input }) => ({ ...start, input })),
      ],
      stop_reason: this.#stopReason(),
      usage: this.#usage(),
    };
  }

  events(): { before: string[]; pieces: string[]; after: string[] } {
    const { input_tokens, output_tokens } = this.#usage();
    const begun = {
      ...this.#envelope(),
      content: [],
      stop_reason: null,
      usage: { input_tokens, output_tokens: 1 },
    };
    return {
      before: [event("message_start", { message: begun })],
      pieces: [
        ...textEvents(0, textPieces(this.#reply)),
        ...this.#callEvents(),
        ...textEvents(this.#blocksBefore() + this.#calls().length, laterPieces(this.#reply)),
      ],
      after: [
        event("message_delta", {
          delta: { stop_reason: this.#stopReason(), stop_sequence: null },
          usage: { output_tokens },
        }),
        event("message_stop", {}),
      ],
    };
  }

  #blocksBefore(): number {
    return textPieces(this.#reply).length > 0 ? 1 : 0;
  }

  #callEvents(): string[] {
    const first = this.#blocksBefore();
    return this.#calls().flatMap(({ start, input }, position) => {
      const index = first + position;
      return [
        event("content_block_start", { index, content_block: { ...start, input: {} } }),
        ...argumentPieces(input).map((partial_json) =>
          event("content_block_delta", {
            index,
            delta: { type: "input_json_delta", partial_json },
          }),
        ),
        event("content_block_stop", { index }),
      ];
    });
  }

  #calls() {
    return (this.#reply.toolCalls ?? []).map(({ id, name, arguments: input }, index) => ({
      start: { type: "tool_use", id: id ?? `toolu_${this.#id}_${index}`, name },
      input,
    }));
  }

  #envelope() {
    return {
      id: this.#id,
      type: "message",
      role: "assistant",
      model: this.#model,
      stop_sequence: null,
    };
  }

  #stopReason(): string {
    return this.#reply.toolCalls?.length ? "tool_use" : "end_turn";
  }

  #usage() {
    const { input, output } = this.#reply.usage ?? { input: 10, output: 5 };
    return { input_tokens: input, output_tokens: output };
  }
}

function textEvents(index: number, pieces: string[]): string[] {
  if (pieces.length === 0) return [];
  const deltas = pieces.map((text) =>
    event("content_block_delta", { index, delta: { type: "text_delta", text } }),
  );
  // A block's start and stop go out with its first and last delta: only deltas count as pieces.
  deltas[0] =
    event("content_block_start", { index, content_block: { type: "text", text: "" } }) +
    `\n\n${event("ping", {})}\n\n${deltas[0]}`;
  deltas[deltas.length - 1] += `\n\n${event("content_block_stop", { index })}`;
  return deltas;
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}`;
}

const errorTypes: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function errorBody(status: number, message: string, type?: string): unknown {
  return { type: "error", error: { type: type ?? errorTypes[status] ?? "api_error", message } };
}
