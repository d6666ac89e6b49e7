import type { TestApi } from "./api.ts";

/** An event of protocol v2 as it came over the wire. */
export interface WireEvent {
  event_id: string;
  seq: number;
  method: string;
  params: {
    namespace: string[];
    node?: string;
    // Tests look into whatever came; a wrong guess is a failed test.
    // oxlint-disable-next-line typescript/no-explicit-any
    data: any;
  };
}

const allChannels = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
];

/** An open `POST /threads/{t}/stream/events`. */
export class EventStream implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  static async open(api: TestApi, threadId: string, filter: object = {}): Promise<EventStream> {
    const response = await api.app.request(`/threads/${threadId}/stream/events`, {
      method: "POST",
      body: JSON.stringify({ channels: allChannels, ...filter }),
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new EventStream(response.body!.getReader());
  }

  private constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async next(): Promise<WireEvent> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const frame = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return readFrame(frame);
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`The stream ended: ${this.#text}`);
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** All up to the event for which `isLast` holds. */
  async until(isLast: (event: WireEvent) => boolean): Promise<WireEvent[]> {
    const events: WireEvent[] = [];
    for (;;) {
      const event = await this.next();
      events.push(event);
      if (isLast(event)) return events;
    }
  }

  /** All up to the end of a run. */
  run(): Promise<WireEvent[]> {
    return this.until(isRunEnd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}

function isRunEnd({ method, params }: WireEvent): boolean {
  if (method !== "lifecycle" || params.namespace.length > 0) return false;
  return ["completed", "failed", "interrupted"].includes(params.data.event);
}

/** Kinds and places, in order: what changes from run to run is left out. */
export function told(events: WireEvent[]): string[] {
  return events.map(({ method, params }) => {
    const { event } = params.data ?? {};
    const place = params.namespace.map((one) => one.split(":")[0]).join(" ");
    return `${method}${typeof event === "string" ? ` ${event}` : ""} [${place}]`;
  });
}

/** The name, the id and the data of a frame must tell the same. */
function readFrame(frame: string): WireEvent {
  const lines = frame.split("\n").filter((line) => !line.startsWith(":"));
  const fields = new Map(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  const event = JSON.parse(fields.get("data")!) as WireEvent;
  if (fields.get("event") !== event.method || fields.get("id") !== event.event_id) {
    throw new Error(`A frame contradicts itself: ${frame}`);
  }
  return event;
}
