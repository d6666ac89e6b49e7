import { readFileSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { transformSync, type TransformOptions } from "oxc-transform";
import type { TsConfigJson } from "get-tsconfig";
import { UserFileError, lineAt } from "./file-error.ts";

export type CompilerOptions = TsConfigJson.CompilerOptions;

/** JavaScript that Node can run, with its source map inline. */
export interface Transformed {
  format: "module" | "commonjs";
  source: string;
}

const require = createRequire(import.meta.url);

/**
 * Turns a source file of a user's project into JavaScript. Files are ES modules unless they use
 * `exports` and neither `import` nor `export`, in a package that is not of type `module`. In a module, free uses of `__dirname`, `__filename`,
 * `require` and `module` work too: people write them, and TypeScript compiled to CommonJS lets them.
 * `requireFrom` names the virtual module which exports those two (see hooks.ts).
 *
 * oxc takes 1 ms a file where TypeScript takes 10; only files with standard decorators, which oxc does
 * not lower and V8 does not have, go through TypeScript, and must be plain ES modules.
 */
export function transformFile(params: {
  file: string;
  source: string;
  compilerOptions: CompilerOptions;
  requireFrom: string;
}): Transformed {
  const { file, source, compilerOptions } = params;
  if (usesStandardDecorators(source, compilerOptions)) {
    return { format: "module", source: lowerDecorators(file, source, compilerOptions) };
  }
  if (isCommonJs(file, source, compilerOptions)) {
    return {
      format: "commonjs",
      source: run(file, source, {
        ...optionsFor(file, compilerOptions),
        sourceType: "commonjs",
      }).replace(emptyExport, ""),
    };
  }
  const options: TransformOptions = {
    ...optionsFor(file, compilerOptions),
    sourceType: "module",
    define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" },
  };
  if (/\b(?:require|module)\b/.test(source)) {
    options.inject = {
      require: [params.requireFrom, "require"],
      module: [params.requireFrom, "module"],
    };
  }
  return { format: "module", source: run(file, source, options) };
}

/**
 * Node's own rule. It also decides for us: a file it loads as CommonJS it reads by the `type` of the
 * package, whatever format a hook gives.
 */
function isCommonJs(file: string, source: string, compilerOptions: CompilerOptions): boolean {
  const extension = extname(file);
  if (extension === ".cjs" || extension === ".cts") return true;
  if (extension === ".mjs" || extension === ".mts") return false;
  if (!/\bexports\b|\bexport\s*=/.test(source) || isModulePackage(file)) return false;
  const plain = run(file, source, {
    ...optionsFor(file, compilerOptions),
    sourceType: "module",
    sourcemap: false,
  });
  return !/^(?:import|export)\b|\bimport\.meta\b/m.test(plain.replace(emptyExport, ""));
}

/** oxc marks a file as a module with this when it has removed its last import, a type's. */
const emptyExport = /^export \{\};\n?/m;

function isModulePackage(file: string): boolean {
  const manifest = findPackageJSON(pathToFileURL(file));
  if (!manifest) return false;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { type?: unknown }).type === "module";
}

function run(file: string, source: string, options: TransformOptions): string {
  const result = transformSync(file, source, options);
  const error = result.errors.find((one) => one.severity === "Error");
  if (error) {
    const start = error.labels[0]?.start;
    const line = start === undefined ? null : lineAt(source, start);
    const frame = error.codeframe ? `\n${error.codeframe.trimEnd()}` : "";
    throw new UserFileError({ message: `${error.message}${frame}`, file, line });
  }
  if (!result.map) return result.code;
  const { sourcesContent: _, ...map } = { ...result.map, sources: [file] }; // Node keeps maps for ever
  const encoded = Buffer.from(JSON.stringify(map)).toString("base64");
  return `${result.code}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
}

function optionsFor(file: string, compilerOptions: CompilerOptions): TransformOptions {
  const assignFields = assignsClassFields(compilerOptions);
  return {
    lang: languageOf(file),
    sourcemap: true,
    target: assignFields ? "es2021" : "esnext",
    assumptions: { setPublicClassFields: assignFields },
    decorator: {
      legacy: true,
      emitDecoratorMetadata: compilerOptions.emitDecoratorMetadata === true,
    },
    typescript: {
      removeClassFieldsWithoutInitializer: assignFields,
      onlyRemoveTypeImports: compilerOptions.verbatimModuleSyntax === true,
    },
    jsx: jsxOptions(compilerOptions),
  };
}

/** JavaScript files may hold JSX as well; TypeScript needs the two apart, because of `<T>value`. */
function languageOf(file: string): "ts" | "tsx" | "jsx" {
  const extension = extname(file);
  if (extension === ".tsx") return "tsx";
  return extension === ".ts" || extension === ".mts" || extension === ".cts" ? "ts" : "jsx";
}

/** TypeScript's rule: fields are assigned, not defined, below ES2022 unless the option says so. */
function assignsClassFields(compilerOptions: CompilerOptions): boolean {
  const defined = compilerOptions.useDefineForClassFields;
  if (defined !== undefined) return !defined;
  const year = /^es(\d+)$/i.exec(compilerOptions.target ?? "")?.[1];
  return year !== undefined && (year.length < 4 || Number(year) < 2022);
}

function jsxOptions(compilerOptions: CompilerOptions): TransformOptions["jsx"] {
  if (compilerOptions.jsx === "react") {
    return {
      runtime: "classic",
      pragma: compilerOptions.jsxFactory,
      pragmaFrag: compilerOptions.jsxFragmentFactory,
    };
  }
  return {
    runtime: "automatic",
    importSource: compilerOptions.jsxImportSource,
    development: compilerOptions.jsx === "react-jsxdev",
  };
}

function usesStandardDecorators(source: string, compilerOptions: CompilerOptions): boolean {
  return !compilerOptions.experimentalDecorators && /^\s*(?:export\s+)?@[\w$(]/m.test(source);
}

function lowerDecorators(file: string, source: string, compilerOptions: CompilerOptions): string {
  run(file, source, { ...optionsFor(file, compilerOptions), sourcemap: false }); // finds syntax errors
  const typescript = require("typescript") as typeof import("typescript");
  const output = typescript.transpileModule(source, {
    fileName: file,
    reportDiagnostics: false,
    compilerOptions: {
      target: typescript.ScriptTarget.ES2022,
      module: typescript.ModuleKind.ESNext,
      jsx: typescript.JsxEmit.ReactJSX,
      useDefineForClassFields: !assignsClassFields(compilerOptions),
      verbatimModuleSyntax: compilerOptions.verbatimModuleSyntax === true,
      inlineSourceMap: true,
      inlineSources: true,
    },
  });
  return output.outputText;
}
