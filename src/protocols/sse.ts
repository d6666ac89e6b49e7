import type { Sink } from "./sink.ts";

export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // Proxies that collect answers would hold events back.
  "x-accel-buffering": "no",
};

/** `data` must be one line, as JSON is; an event without a name or with an empty line ends early at some clients. */
export function eventFrame(name: string, data: string, id?: number | string): string {
  const oneLine =
    name.includes("\n") || name.includes("\r") ? name.replaceAll(/[\r\n]/g, " ") : name;
  return id === undefined
    ? `event: ${oneLine}\ndata: ${data}\n\n`
    : `id: ${id}\nevent: ${oneLine}\ndata: ${data}\n\n`;
}

/** How much of a backlog is handed to the connection before asking whether it has room. */
const writeCharactersMax = 64 * 1024;

/**
 * Writes to a reader that may be slow or silent for long. After `silenceMs` without a word it gets
 * `sign`, so that proxies and clients know that the connection lives; one that has not taken what it
 * got before gets none.
 */
export class PatientWriter {
  readonly #sink: Sink;
  readonly #timer: NodeJS.Timeout;

  constructor(sink: Sink, silence: { sign: string; silenceMs: number }) {
    this.#sink = sink;
    this.#timer = setInterval(() => {
      if (!sink.full) void sink.write(silence.sign);
    }, silence.silenceMs);
    this.#timer.unref();
  }

  /** As few writes as there can be. Null when the reader has room for more. */
  write(texts: string[]): Promise<void> | null {
    this.#timer.refresh();
    if (texts.length === 1) return this.#sink.write(texts[0]!);
    let batch = "";
    for (let at = 0; at < texts.length; at += 1) {
      batch += texts[at];
      if (batch.length < writeCharactersMax) continue;
      const room = this.#sink.write(batch);
      if (room) return room.then(() => this.write(texts.slice(at + 1)) ?? undefined);
      batch = "";
    }
    return batch === "" ? null : this.#sink.write(batch);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** A comment without an empty line after it: with one, SDKs up to 1.12 make an event of it (specification 2.1). */
export const heartbeatComment = ": heartbeat\n";
