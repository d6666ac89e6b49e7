/**
 * Something wrong in a file of the user's project: what, where, and the lines around it. `code` is
 * Node's error code where Node would have set one, so that an optional `require` in a `try` works.
 */
export class UserFileError extends Error {
  readonly file: string;
  readonly line: number | null;
  readonly code: string | undefined;
  constructor(params: { message: string; file: string; line?: number | null; code?: string }) {
    super(params.message);
    this.name = "UserFileError";
    this.file = params.file;
    this.line = params.line ?? null;
    this.code = params.code;
  }
}

/** The number, from 1, of the first line that contains `text`; null when none does. */
export function lineOf(source: string, text: string): number | null {
  const offset = source.indexOf(text);
  return offset < 0 ? null : lineAt(source, offset);
}

export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
