import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const builtPage = join(import.meta.dirname, "dist");

/**
 * Scripts and data come from this server alone. Style elements are made at run time by the editor, the
 * dialogs and the notices, hence the one exception. Messages may show pictures that are data or that the
 * page itself was given; none is fetched from elsewhere, since that would tell others what is read here.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": contentSecurityPolicy,
  "cache-control": "no-cache",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const contentTypes: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  woff2: "font/woff2",
};

/** Names that Vite gives: the hash in them changes with the content. */
const hashedFile = /^assets\/[\w.-]+\.(\w+)$/;

/**
 * The built page, for requests below `/studio`. The page asks for everything, the API included, at
 * addresses relative to itself, so it works behind any prefix that a proxy puts before the server.
 *
 * @param path of the request from the server's root: `/studio`, `/studio/assets/…`, `/studio/threads/…`.
 * @param accepted the request's `accept-encoding`
 */
export async function serveStudio(method: string, path: string, accepted = ""): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  // Without the slash, relative addresses would lead beside the page.
  if (path === "/studio") return redirect("studio/");
  const inner = path.slice("/studio/".length);
  const asset = hashedFile.exec(inner);
  if (asset) return serveAsset(inner, asset[1]!, { method, accepted });
  if (inner.startsWith("assets/")) return notThere();
  return servePage(inner, method);
}

async function serveAsset(
  name: string,
  extension: string,
  { method, accepted }: { method: string; accepted: string },
): Promise<Response> {
  const contentType = contentTypes[extension];
  const whole = contentType && (await readBuilt(name));
  if (!whole) return notThere();
  const isSmaller = whole.byteLength >= compressedFromBytes && extension !== "woff2";
  const isCompressed = isSmaller && takesGzip(accepted);
  const body = isCompressed ? await compressed(name, whole) : whole;
  const headers = {
    "content-type": contentType,
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-length": String(body.byteLength),
    vary: "accept-encoding",
    ...(isCompressed && { "content-encoding": "gzip" }),
  };
  return new Response(method === "HEAD" ? null : body, { headers });
}

function takesGzip(accepted: string): boolean {
  const codings = accepted.split(",").map((one) => one.trim().split(/\s*;\s*/));
  return codings.some(([name, weight]) => name === "gzip" && !/^q=0(\.0*)?$/.test(weight ?? ""));
}

/** Below this, compressing saves less than a network packet. */
const compressedFromBytes = 1_400;

/** A name stands for one content: each is compressed once. 700 KB in all. */
const compressedFiles = new Map<string, Promise<Buffer<ArrayBuffer>>>();

function compressed(name: string, whole: Buffer<ArrayBuffer>): Promise<Buffer<ArrayBuffer>> {
  const known = compressedFiles.get(name);
  if (known) return known;
  const made = promisify(gzip)(whole) as Promise<Buffer<ArrayBuffer>>;
  compressedFiles.set(name, made);
  return made;
}

/** Every address of the page is answered with the page, which then finds out what to show. */
async function servePage(inner: string, method: string): Promise<Response> {
  const built = await readBuilt("index.html");
  if (!built) {
    const text = "The Studio page has not been built. Run: npm run build:studio\n";
    return new Response(text, { status: 503, headers: { "content-type": "text/plain" } });
  }
  const depth = inner.split("/").length - 1;
  const base = depth === 0 ? "./" : "../".repeat(depth);
  const html = built.toString("utf8").replace("<head>", `<head>\n    <base href="${base}" />`);
  return new Response(method === "HEAD" ? null : html, { headers: pageHeaders });
}

async function readBuilt(name: string): Promise<Buffer<ArrayBuffer> | null> {
  try {
    return await readFile(join(builtPage, name));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}

function redirect(location: string): Response {
  return new Response(null, { status: 308, headers: { location } });
}

function notThere(): Response {
  const headers = { "content-type": "text/plain", "cache-control": "no-cache" };
  return new Response("There is no such file. Load the page again.\n", { status: 404, headers });
}
