import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a test looks at it. */
export interface CollectedSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** Empty for the first of a trace. */
  parentSpanId: string;
  attributes: Record<string, unknown>;
  /** `service.name` and the like. */
  resource: Record<string, unknown>;
  /** Empty unless it failed. */
  error: string;
  /** Milliseconds. */
  tookMs: number;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Sent {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        attributes: Attribute[];
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        status: { code?: number; message?: string };
      }[];
    }[];
  }[];
}

/** Takes traces as a collector of OpenTelemetry does: OTLP over HTTP, as JSON. */
export class Collector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;
  readonly #lookers = new Set<() => void>();

  static async listen(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => void chunks.push(chunk));
      request.on("end", () => {
        if (request.url !== "/v1/traces") return void response.writeHead(404).end();
        this.#take(JSON.parse(Buffer.concat(chunks).toString()) as Sent);
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  /** The environment of a server that is to send its traces here, soon. */
  get environment(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: "20",
    };
  }

  /** Resolves with the first span that is as asked, when it has come. */
  async span(is: (span: CollectedSpan) => boolean): Promise<CollectedSpan> {
    for (;;) {
      const found = this.spans.find(is);
      if (found) return found;
      await new Promise<void>((resolve) => {
        const look = () => {
          this.#lookers.delete(look);
          resolve();
        };
        this.#lookers.add(look);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #take({ resourceSpans }: Sent): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const { name, traceId, spanId, parentSpanId = "", status } = span;
        this.spans.push({
          name,
          traceId,
          spanId,
          parentSpanId,
          attributes: read(span.attributes),
          resource: read(resource.attributes),
          error: status.code === 2 ? (status.message ?? "failed") : "",
          tookMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
        });
      }
    }
    for (const look of this.#lookers) look();
  }
}

function read(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [[kind, one] = []] = Object.entries(value);
      return [key, kind === "intValue" ? Number(one) : one];
    }),
  );
}
