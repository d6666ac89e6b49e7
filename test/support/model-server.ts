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
import { embedWords } from "./word-embedder.ts";

interface ChatRequest {
  model: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
}

interface EmbeddingRequest {
  model: string;
  input: string | string[];
  dimensions?: number;
  encoding_format?: "float" | "base64";
}

const created = 1_760_000_000;
const embeddingDimensions = 8;

/**
 * A model server that speaks the OpenAI wire: POST /v1/chat/completions (streamed and not),
 * GET /v1/models, POST /v1/embeddings. Its replies are scripted, what it was asked is in `requests`.
 */
export class ModelServer extends ScriptedServer {
  #count = 0;

  static start(script: Script = []): Promise<ModelServer> {
    return new ModelServer(script).listen();
  }

  /** What goes into `base_url`. */
  get url(): string {
    return `${this.origin}/v1`;
  }

  protected override async respond(request: RecordedRequest, answer: ReplyWriter): Promise<void> {
    const route = `${request.method} ${request.path.split("?")[0]}`;
    if (route === "GET /v1/models") return answer.json(200, modelList());
    if (route === "POST /v1/embeddings") {
      return answer.json(200, embeddings(request.body as EmbeddingRequest));
    }
    if (route !== "POST /v1/chat/completions") {
      return answer.json(404, errorBody(404, `Unknown request URL: ${route}.`));
    }
    const reply = await this.next(request);
    if (reply.error) {
      const { status, message, code, headers } = reply.error;
      return answer.json(status, errorBody(status, message, code), headers);
    }
    this.#count += 1;
    const body = request.body as ChatRequest;
    const completion = new Completion(`chatcmpl-${this.#count}`, body, reply);
    if (body.stream) await answer.events(reply, completion.events());
    else await answer.whole(reply, completion.whole());
  }
}

class Completion {
  readonly #id: string;
  readonly #request: ChatRequest;
  readonly #reply: Reply;

  constructor(id: string, request: ChatRequest, reply: Reply) {
    this.#id = id;
    this.#request = request;
    this.#reply = reply;
  }

  whole(): unknown {
    const text = wholeText(this.#reply);
    const calls = this.#calls().map(({ id, type, function: { name }, pieces }) => ({
      id,
      type,
      function: { name, arguments: pieces.join("") },
    }));
    return {
      ...this.#envelope("chat.completion"),
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: text === "" ? null : text,
            refusal: null,
            ...(calls.length > 0 && { tool_calls: calls }),
          },
          logprobs: null,
          finish_reason: this.#finishReason(),
        },
      ],
      usage: this.#usage(),
    };
  }

  events(): { before: string[]; pieces: string[]; after: string[] } {
    const withUsage = this.#request.stream_options?.include_usage === true;
    const callDeltas = this.#calls().flatMap(({ pieces, ...call }) => [
      { tool_calls: [call] },
      ...pieces.map((part) => ({
        tool_calls: [{ index: call.index, function: { arguments: part } }],
      })),
    ]);
    return {
      before: [this.#chunk({ role: "assistant", content: "" })],
      pieces: [
        ...textPieces(this.#reply).map((content) => this.#chunk({ content })),
        ...callDeltas.map((delta) => this.#chunk(delta)),
        ...laterPieces(this.#reply).map((content) => this.#chunk({ content })),
      ],
      after: [
        this.#chunk({}, this.#finishReason()),
        ...(withUsage ? [this.#event({ choices: [], usage: this.#usage() })] : []),
        "data: [DONE]",
      ],
    };
  }

  #calls() {
    return (this.#reply.toolCalls ?? []).map(({ name, arguments: args, id }, index) => ({
      index,
      id: id ?? `call_${this.#id}_${index}`,
      type: "function",
      function: { name, arguments: "" },
      pieces: argumentPieces(args),
    }));
  }

  #chunk(delta: object, finishReason: string | null = null): string {
    return this.#event({
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    });
  }

  #event(fields: object): string {
    return `data: ${JSON.stringify({ ...this.#envelope("chat.completion.chunk"), ...fields })}`;
  }

  #envelope(object: string) {
    return {
      id: this.#id,
      object,
      created,
      model: this.#request.model,
      system_fingerprint: "fp_1",
    };
  }

  #finishReason(): string {
    return this.#reply.toolCalls?.length ? "tool_calls" : "stop";
  }

  #usage() {
    const { input, output } = this.#reply.usage ?? { input: 10, output: 5 };
    return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  }
}

const errorTypes: Record<number, string> = {
  400: "invalid_request_error",
  401: "invalid_request_error",
  404: "invalid_request_error",
  429: "requests",
};
const errorCodes: Record<number, string> = { 401: "invalid_api_key", 429: "rate_limit_exceeded" };

function errorBody(status: number, message: string, code?: string): unknown {
  const type = errorTypes[status] ?? "server_error";
  return { error: { message, type, param: null, code: code ?? errorCodes[status] ?? null } };
}

function modelList(): unknown {
  const ids = ["gpt-4.1-mini", "gpt-4o"];
  return {
    object: "list",
    data: ids.map((id) => ({ id, object: "model", created, owned_by: "test" })),
  };
}

function embeddings(body: EmbeddingRequest): unknown {
  const inputs = [body.input].flat();
  return {
    object: "list",
    model: body.model,
    data: inputs.map((text, index) => {
      const vector = Float32Array.from(embedWords(text, body.dimensions ?? embeddingDimensions));
      return {
        object: "embedding",
        index,
        embedding:
          body.encoding_format === "base64"
            ? Buffer.from(vector.buffer).toString("base64")
            : [...vector],
      };
    }),
    usage: { prompt_tokens: inputs.length, total_tokens: inputs.length },
  };
}
