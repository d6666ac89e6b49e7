import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build, type Rollup } from "vite";

/** A page of one script, on an origin of its own. */
export class PageServer implements AsyncDisposable {
  readonly #server: Server;

  /** @param file the script's source, as Vite reads it. It finds an element `#page`. */
  static async of(file: string): Promise<PageServer> {
    const script = await bundled(file);
    const server = createServer(({ url }, response) => {
      const isScript = url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript
          ? script
          : '<!doctype html><div id="page"></div><script type="module" src="/page.js"></script>',
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function bundled(file: string): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      write: false,
      target: "es2022",
      minify: false,
      lib: { entry: file, formats: ["es"], fileName: "page" },
    },
  })) as Rollup.RollupOutput[];
  const [{ output }] = built as [Rollup.RollupOutput];
  return output[0].code;
}
