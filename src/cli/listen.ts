import { createServer, type RequestListener, type Server } from "node:http";
import { invalid } from "../core/error.ts";

/** How many ports are tried when the default one is taken. */
const portsTriedMax = 100;

/** Listens on the port, or, unless somebody asked for just this one, on the next that is free. */
export async function listen(
  listener: RequestListener,
  place: { host: string; port: number; portIsFixed: boolean },
): Promise<{ server: Server; port: number }> {
  const { host, port, portIsFixed } = place;
  const last = portIsFixed ? port : Math.min(port + portsTriedMax - 1, 65_535);
  for (let candidate = port; candidate <= last; candidate += 1) {
    const server = createServer(listener);
    // Streams of events and long waits stay open; a client that is silent while it sends does not.
    server.requestTimeout = 0;
    server.headersTimeout = 60_000;
    server.keepAliveTimeout = 75_000;
    if (await tryListen(server, host, candidate)) {
      const address = server.address();
      return { server, port: typeof address === "object" && address ? address.port : candidate };
    }
  }
  throw invalid(
    portIsFixed
      ? `Port ${port} is taken on ${host}. Name another one with --port, or none to get a free one.`
      : `No port from ${port} to ${last} is free on ${host}. Name one with --port.`,
  );
}

function tryListen(server: Server, host: string, port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") return resolve(false);
    if (error.code === "EACCES")
      return reject(invalid(`Port ${port} needs more rights than you have.`));
    if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") {
      return reject(invalid(`${host} is no address of this machine.`));
    }
    reject(error);
  });
  server.listen(port, host, () => resolve(true));
  return promise;
}
