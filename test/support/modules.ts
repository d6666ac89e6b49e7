import { readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import typescript from "typescript";

/**
 * What the rooms of the house may reach: the table of design section 3. A room is a directory of src; in storage,
 * events and protocols each directory inside is a room of its own, and the files directly in them are shared by those.
 * A room may always import its own files.
 */
export const mayImport: Record<string, string[]> = {
  core: [],
  storage: ["core"],
  "storage/sqlite": ["core", "storage"],
  "storage/postgres": ["core", "storage"],
  events: ["core"],
  "events/memory": ["core", "events"],
  // Readers follow a log in memory, whatever else keeps it.
  "events/sqlite": ["core", "events", "events/memory"],
  "events/postgres": ["core", "events", "events/memory"],
  graphs: ["core"],
  auth: ["core"],
  engine: ["core"],
  protocols: ["core"],
  "protocols/langgraph": ["core", "protocols"],
  "protocols/openai": ["core", "protocols"],
  "protocols/mcp": ["core", "protocols"],
  "protocols/a2a": ["core", "protocols"],
  studio: ["core"],
  tracing: ["core"],
};

/** The only room that knows the others: it may import them all. */
const wiringRoom = "cli";

/** npm packages that belong to certain rooms. What is not listed is open to every room but core, which uses Node alone. */
const packageRooms: { packages: RegExp; rooms: string[] }[] = [
  // The page calls the API as any browser would.
  { packages: /^@langchain\/langgraph-sdk$/, rooms: ["studio"] },
  { packages: /^(@langchain\/|langchain$)/, rooms: ["graphs"] },
  { packages: /^croner$/, rooms: ["engine"] },
  { packages: /^@opentelemetry\//, rooms: ["tracing"] },
  { packages: /^(pg|pg-.*)$/, rooms: ["storage/postgres", "events/postgres"] },
  {
    packages: /^(hono|@hono\/.*)$/,
    rooms: ["protocols", "protocols/langgraph", "protocols/openai", wiringRoom],
  },
];

/** Source text by path from the repository's root, with forward slashes: `src/core/run.ts`. */
export type Sources = Map<string, string>;

/** Reads every TypeScript file in the given directories of the repository. */
export function readSources(repository: string, directories: string[]): Sources {
  const sources: Sources = new Map();
  for (const directory of directories) {
    for (const entry of readdirSync(join(repository, directory), {
      withFileTypes: true,
      recursive: true,
    })) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      sources.set(relative(repository, path).split(sep).join("/"), readFileSync(path, "utf8"));
    }
  }
  return sources;
}

/** One sentence for each import that crosses the plan, each file in no room, and each cycle. */
export function findViolations(sources: Sources): string[] {
  const edges = new Map<string, string[]>();
  const violations: string[] = [];
  for (const [path, text] of sources) {
    const specifiers = importsOf(text);
    const targets = specifiers.filter(isRelative).map((specifier) => resolveFrom(path, specifier));
    edges.set(path, targets);
    const room = roomOf(path);
    if (path.startsWith("src/") && room === undefined) {
      violations.push(
        `${path} is in no room: rooms are the directories of src in test/support/modules.ts.`,
      );
      continue;
    }
    for (const target of targets) violations.push(...checkFile(path, room, target, sources));
    for (const specifier of specifiers.filter((one) => !isRelative(one))) {
      violations.push(...checkPackage(path, room, specifier));
    }
  }
  return [...violations, ...findCycles(edges)];
}

/** Specifiers of all imports, re-exports, dynamic imports and type imports, as TypeScript itself reads them. */
function importsOf(text: string): string[] {
  return typescript.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith(".");
}

function resolveFrom(path: string, specifier: string): string {
  return relative("/", resolve("/", dirname(path), specifier))
    .split(sep)
    .join("/");
}

/** The room of a file; undefined outside src and for files in no known room. */
function roomOf(path: string): string | undefined {
  const [source, room, inner] = path.split("/").slice(0, -1);
  if (source !== "src" || room === undefined) return undefined;
  const nested = `${room}/${inner}`;
  if (nested in mayImport) return nested;
  const holdsRooms = Object.keys(mayImport).some((name) => name.startsWith(`${room}/`));
  if (inner !== undefined && holdsRooms) return undefined;
  return room in mayImport || room === wiringRoom ? room : undefined;
}

function checkFile(
  path: string,
  room: string | undefined,
  target: string,
  sources: Sources,
): string[] {
  const isModule = /\.[cm]?[jt]sx?$/.test(target);
  if (room === undefined) {
    return target.startsWith("src/")
      ? [
          `${path} imports ${target}: an example graph is written as a user would write it, without the server.`,
        ]
      : [];
  }
  if (!target.startsWith("src/")) {
    return isModule ? [`${path} imports ${target}, which is outside src.`] : [];
  }
  if (isModule && !sources.has(target)) return [`${path} imports ${target}, which does not exist.`];
  const targetRoom = roomOf(target);
  if (room === wiringRoom || targetRoom === undefined || targetRoom === room) return [];
  const allowed = mayImport[room] ?? [];
  if (allowed.includes(targetRoom)) return [];
  const rooms = allowed.length > 0 ? allowed.join(" and ") : "nothing but Node";
  return [`${path} imports ${target}: ${room} may import ${rooms}, not ${targetRoom}.`];
}

function checkPackage(path: string, room: string | undefined, specifier: string): string[] {
  if (room === undefined || specifier.startsWith("node:")) return [];
  if (builtinModules.includes(specifier))
    return [`${path} imports ${specifier}: write node:${specifier}.`];
  if (room === "core")
    return [`${path} imports the package ${specifier}: core imports nothing but Node.`];
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const rule = packageRooms.find(({ packages }) => packages.test(name));
  if (rule === undefined || rule.rooms.includes(room)) return [];
  return [
    `${path} imports the package ${specifier}: only ${rule.rooms.join(" and ")} may, not ${room}.`,
  ];
}

/** One sentence for each cycle met by a depth-first walk; imports of types count, since they bind the files as well. */
function findCycles(edges: Map<string, string[]>): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      cycles.push(`Import cycle: ${[...trail.slice(start), path].join(" → ")}.`);
      return;
    }
    if (finished.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return cycles;
}
