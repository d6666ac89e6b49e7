/** `npm run build:studio`: the page into `dist/`, and the hash of its sources beside it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { fingerprintSources } from "./fingerprint.ts";

const repository = join(import.meta.dirname, "..", "..");

await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: "warn" });
writeFileSync(
  join(import.meta.dirname, "dist", "sources.sha256"),
  `${fingerprintSources(repository)}\n`,
);
