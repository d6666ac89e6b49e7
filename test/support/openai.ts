import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import OpenAI from "openai";
import type { Limits } from "../../src/core/limits.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import { createOpenaiApp } from "../../src/protocols/openai/app.ts";
import { openEngine } from "./engine.ts";
import { ModelServer } from "./model-server.ts";
import type { Script } from "./scripted-server.ts";

/** The OpenAI dialect over HTTP on a free port, with a real worker and a scripted model behind it. */
export interface OpenaiServer extends AsyncDisposable {
  /** What goes into the client's `baseURL`. */
  url: string;
  ports: Ports;
  model: ModelServer;
  client: OpenAI;
  /** Breaks all connections off. */
  hangUp(): void;
}

export async function openOpenaiServer(
  params: {
    script?: Script;
    limits?: Partial<Limits>;
    aliases?: Record<string, string>;
    /** Of the providers, beside that of the scripted model. */
    environment?: Record<string, string>;
    worker?: boolean;
  } = {},
): Promise<OpenaiServer> {
  const model = await ModelServer.start(params.script ?? []);
  const engine = await openEngine({
    limits: params.limits ?? {},
    models: {
      aliases: params.aliases ?? {},
      environment: {
        OPENAI_BASE_URL: model.url,
        OPENAI_API_KEY: "sk-behind",
        ...params.environment,
      },
    },
  });
  if (params.worker ?? true) engine.startWorker();
  const app = createOpenaiApp(engine.ports, {
    models: () => Object.keys(params.aliases ?? {}).map((id) => ({ id, owner: "alias" })),
  });
  const server = createServer(getRequestListener(app.fetch));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    url,
    ports: engine.ports,
    model,
    hangUp: () => server.closeAllConnections(),
    client: new OpenAI({ baseURL: url, apiKey: "sk-any", maxRetries: 0 }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      await engine[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    },
  };
}
