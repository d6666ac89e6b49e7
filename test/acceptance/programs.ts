import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Those of the programs that are not on PATH. */
export function missingPrograms(...names: string[]): string[] {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return names.filter((name) => !directories.some((one) => isExecutable(join(one, name))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
