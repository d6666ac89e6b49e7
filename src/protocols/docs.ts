import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { z } from "zod";
import { route, type Reply, type Route } from "./route.ts";

/**
 * Swagger UI over our OpenAPI document, from the installed package: no CDN, no call to anyone. Addresses
 * are relative, so that the server may sit under a path prefix.
 */
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Adjutant API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png" sizes="32x32" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/initializer.js"></script>
  </body>
</html>
`;

/** Without `validatorUrl: null` the page would send the document's address to a validator on the Internet. */
const initializer = `window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
`;

/** Swagger UI sets styles on elements and shows its icons as data; it runs no inline script. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const packageFiles: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

const require = createRequire(import.meta.url);

export const docsRoutes: Route[] = [
  {
    ...docsRoute("/docs", () => ({
      status: 200,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": contentSecurityPolicy,
      },
      body: page,
    })),
    hidden: false,
    answers: { 200: { description: "The page", schema: z.string(), contentType: "text/html" } },
  },
  // Relative addresses would lead astray from here.
  docsRoute("/docs/", () => ({ status: 308, headers: { location: "../docs" }, body: null })),
  docsRoute("/docs/initializer.js", () => file("text/javascript; charset=utf-8", initializer)),
  ...Object.entries(packageFiles).map(([name, contentType]) =>
    docsRoute(`/docs/${name}`, async () => file(contentType, await readPackageFile(name))),
  ),
];

function docsRoute(path: string, handle: () => Promise<Reply> | Reply): Route {
  return route({
    method: "GET",
    path,
    tag: "System",
    summary: "This API as a page",
    action: "member",
    hidden: true,
    answers: {},
    handle,
  });
}

function file(contentType: string, body: string | Uint8Array<ArrayBuffer>): Reply {
  const headers = { "content-type": contentType, "cache-control": "public, max-age=3600" };
  return { status: 200, headers, body };
}

async function readPackageFile(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(require.resolve(`swagger-ui-dist/${name}`));
}
