import { Agent, request, type IncomingMessage } from "node:http";

/** The least a client can be: Node's own, with connections that stay open. */
export class Client {
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(url: string, connectionsMax: number) {
    this.#url = new URL(url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, scheduling: "fifo" });
  }

  /** Resolves with the headers. @throws when the status is not 2xx, with what the server says. */
  async open(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const response = await this.#send(method, path, body);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const answer = (await readText(response)).slice(0, 300);
    throw new Error(`${method} ${path} answered ${status}: ${answer}`);
  }

  async text(method: string, path: string, body?: string): Promise<string> {
    return readText(await this.open(method, path, body));
  }

  async json<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return JSON.parse(await this.text(method, path, text)) as Answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body: string | undefined): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers: Record<string, string | number> = {};
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = Buffer.byteLength(body);
    }
    const outgoing = request({
      agent: this.#agent,
      host: this.#url.hostname,
      port: this.#url.port,
      path,
      method,
      headers,
    });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
    return promise;
  }
}

export async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk as string;
  return text;
}

/**
 * Reads a stream of server-sent events to its end and tells of each line that begins with `event: `.
 * Nothing is parsed: the client must not be what is measured.
 */
export function readEvents(
  response: IncomingMessage,
  onEvents: (names: string[]) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let rest = "";
  response.setEncoding("latin1");
  response.on("data", (chunk: string) => {
    const text = rest + chunk;
    const end = text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    const names: string[] = [];
    for (let at = nextEvent(text, 0, end); at >= 0; at = nextEvent(text, at, end)) {
      names.push(text.slice(at + 7, text.indexOf("\n", at)).trim());
      at += 7;
    }
    if (names.length > 0) onEvents(names);
  });
  response.on("end", resolve);
  response.on("error", reject);
  return promise;
}

function nextEvent(text: string, from: number, end: number): number {
  for (let at = text.indexOf("event: ", from); at >= 0 && at < end;) {
    if (at === 0 || text[at - 1] === "\n") return at;
    at = text.indexOf("event: ", at + 1);
  }
  return -1;
}
