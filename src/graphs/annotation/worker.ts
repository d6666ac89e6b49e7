/**
 * Reads the types of a graph out of its source with the TypeScript compiler: `node worker.ts
 * '{"file":"/…/agent.ts","exportName":"graph"}'` prints `TypesRead` as JSON. A process of its own,
 * because it takes seconds of processor time and hundreds of megabytes, which then are given back.
 */
import { basename, dirname, join } from "node:path";
import { findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { TypeSchemaWriter, type TypeSchema } from "./type-schema.ts";

export interface TypesRequest {
  file: string;
  exportName: string;
}

export interface TypesRead {
  input: TypeSchema;
  output: TypeSchema;
  state: TypeSchema;
  context: TypeSchema;
  /** Absolute paths of what the types depend on; while these stay, so do the schemas. */
  dependsOn: string[];
}

/** The library types a compiled graph's input, output and state under these keys. */
function probeSource(request: TypesRequest): string {
  const module = JSON.stringify(`./${basename(request.file)}`);
  return `
type Exported = (typeof import(${module}))[${JSON.stringify(request.exportName)}];
type Made = Awaited<Exported extends (...parameters: any[]) => infer Result ? Result : Exported>;
type Compiled<Value> =
  Value extends { "~OutputType": any } ? Value
  : Value extends { compile(...parameters: any[]): infer Result } ? Result
  : Value extends { graph: infer Inner } ? Inner
  : never;
type Graph = Compiled<Made>;
type Options = Graph extends { invoke(input: any, options?: infer Given): any } ? NonNullable<Given> : never;
export declare const isGraph: [Graph] extends [never] ? false : true;
export declare const input: Graph["~InputType"];
export declare const output: Graph["~OutputType"];
export declare const state: Graph extends { "~RunOutput": infer State } ? State : Graph["~OutputType"];
export declare const context: Options extends { context?: infer Context } ? NonNullable<Context> : never;
`;
}

function readTypes(request: TypesRequest): TypesRead {
  const directory = dirname(request.file);
  const probe = join(directory, "__adjutant_types__.ts");
  const configPath = ts.findConfigFile(directory, ts.sys.fileExists);
  const options = compilerOptions(configPath);
  const host = ts.createCompilerHost(options);
  const source = probeSource(request);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => path === probe || fileExists(path);
  host.readFile = (path) => (path === probe ? source : readFile(path));
  host.getSourceFile = (path, ...rest) =>
    path === probe
      ? ts.createSourceFile(probe, source, ts.ScriptTarget.ESNext, true)
      : getSourceFile(path, ...rest);
  const program = ts.createProgram({ rootNames: [probe], options, host });
  const checker = program.getTypeChecker();
  const types = exportedTypes(program, checker, probe);
  if (checker.typeToString(types["isGraph"]!) !== "true") {
    throw new Error(`export "${request.exportName}" has no type of a graph`);
  }
  const write = (name: string) => new TypeSchemaWriter(checker).write(types[name]!);
  return {
    input: write("input"),
    output: write("output"),
    state: write("state"),
    context: write("context"),
    dependsOn: [...sourcesOf(program, probe), ...(configPath ? [configPath] : [])],
  };
}

function compilerOptions(configPath: string | undefined): ts.CompilerOptions {
  const read = configPath ? ts.readConfigFile(configPath, ts.sys.readFile).config : {};
  const parsed = ts.parseJsonConfigFileContent(
    { compilerOptions: {}, ...read, files: [], include: [] },
    ts.sys,
    configPath ? dirname(configPath) : process.cwd(),
  ).options;
  const usesNodeResolution =
    parsed.moduleResolution === ts.ModuleResolutionKind.NodeNext ||
    parsed.moduleResolution === ts.ModuleResolutionKind.Node16;
  return {
    ...parsed,
    ...(usesNodeResolution
      ? {}
      : {
          module: ts.ModuleKind.ESNext,
          moduleResolution: ts.ModuleResolutionKind.Bundler,
        }),
    target: ts.ScriptTarget.ESNext,
    strict: parsed.strict ?? true,
    types: parsed.types ?? ["node"],
    noEmit: true,
    allowJs: true,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    composite: false,
    incremental: false,
    ignoreDeprecations: "6.0",
  };
}

function exportedTypes(
  program: ts.Program,
  checker: ts.TypeChecker,
  probe: string,
): Record<string, ts.Type> {
  const file = program.getSourceFile(probe);
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error("the compiler did not read the probe");
  return Object.fromEntries(
    checker.getExportsOfModule(module).map((one) => [one.name, checker.getTypeOfSymbol(one)]),
  );
}

/** The project's own files, and of packages the manifest of LangGraph: its types change with its version. */
function sourcesOf(program: ts.Program, probe: string): string[] {
  const files = program.getSourceFiles().map((one) => one.fileName);
  const own = files.filter((file) => file !== probe && !file.includes("/node_modules/"));
  const library = files.find((file) => file.includes("/@langchain/langgraph/"));
  const manifest = library && findPackageJSON(pathToFileURL(library));
  return manifest ? [...own, manifest] : own;
}

process.stdout.write(JSON.stringify(readTypes(JSON.parse(process.argv[2]!) as TypesRequest)));
