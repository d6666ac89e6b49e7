import { z } from "zod";

/**
 * Values in a URL's query, in all the spellings clients use (LangGraph API specification 0A.1):
 * booleans as `1`, `true`, `yes`, lists repeated, separated by commas or as JSON text. An empty value
 * counts as absent. Spelling is undone here; the schema then judges as it judges a body.
 */
export interface QueryField<Schema extends z.ZodType = z.ZodType> {
  schema: Schema;
  /** What the texts mean; what means nothing is returned as it is, for the schema to refuse. */
  read(texts: string[]): unknown;
  /** An empty value counts. */
  keepsEmpty?: boolean;
}

export type QueryFields = Record<string, QueryField>;

export type Query<Fields extends QueryFields> = {
  [Name in keyof Fields]: z.output<Fields[Name]["schema"]>;
};

export function flag() {
  return { schema: z.boolean().default(false), read: (texts: string[]) => readFlag(texts.at(-1)!) };
}

export function optionalFlag() {
  const read = (texts: string[]) => readFlag(texts.at(-1)!);
  return { schema: z.boolean().optional(), read };
}

export function integer<Schema extends z.ZodType>(schema: Schema): QueryField<Schema> {
  return { schema, read: (texts) => readInteger(texts.at(-1)!) };
}

export function text<Schema extends z.ZodType>(schema: Schema): QueryField<Schema> {
  return { schema, read: (texts) => texts.at(-1)! };
}

export function list<Schema extends z.ZodType>(schema: Schema): QueryField<Schema> {
  return { schema, read: (texts) => texts.flatMap(readList) };
}

/** A list whose texts may hold commas of their own. */
export function repeated<Schema extends z.ZodType>(schema: Schema): QueryField<Schema> {
  return { schema, read: (texts) => texts.flatMap((one) => readJsonList(one) ?? [one]) };
}

export function flagOrInteger(schema: z.ZodType<boolean | number>) {
  const read = (texts: string[]) => readIntegerOrFlag(texts.at(-1)!);
  return { schema, read };
}

/** The values of a query by name; names the route does not know are ignored. */
export function readQuery(url: string, fields: QueryFields): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const mark = url.indexOf("?");
  if (mark < 0) return values;
  const parameters = new URLSearchParams(url.slice(mark + 1));
  for (const [name, field] of Object.entries(fields)) {
    const given = parameters.getAll(name);
    const texts = field.keepsEmpty ? given : given.filter((one) => one !== "");
    if (texts.length > 0) values[name] = field.read(texts);
  }
  return values;
}

function readFlag(value: string): boolean | string {
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  if (/^(0|false|no|off)$/i.test(value)) return false;
  return value;
}

function readInteger(value: string): number | string {
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

function readIntegerOrFlag(value: string): number | boolean | string {
  const number = readInteger(value);
  return typeof number === "number" ? number : readFlag(value);
}

function readList(value: string): unknown[] {
  return readJsonList(value) ?? value.split(",").filter((one) => one !== "");
}

function readJsonList(value: string): unknown[] | null {
  if (!value.startsWith("[")) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
