import { styleText } from "node:util";
import { destination, pino, type Logger } from "pino";

/** Structured lines for machines, or one readable line each for people. Both go to standard error. */
export function createLog(format: "text" | "json", level: string): Logger {
  const options = {
    level: Object.hasOwn(pino.levels.values, level) ? level : "info",
    base: null,
    redact: ["headers.authorization", "headers['x-api-key']"],
    serializers: { error: pino.stdSerializers.err },
  };
  if (format === "json") return pino(options, destination({ dest: 2, sync: true }));
  return pino(options, {
    write: (line: string) => void process.stderr.write(`${readable(line)}\n`),
  });
}

const marks: Record<number, string> = {
  30: "",
  40: styleText("yellow", "warning "),
  50: styleText("red", "error "),
  60: styleText("red", "fatal "),
};

function readable(line: string): string {
  const { level, time, msg, error, ...fields } = JSON.parse(line) as Record<string, unknown> & {
    level: number;
    time: number;
    msg?: string;
    error?: unknown;
  };
  const clock = new Date(time).toTimeString().slice(0, 8);
  const details = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const text = [msg ?? "", ...details.map((detail) => styleText("dim", detail))].join(" ");
  return `${styleText("dim", clock)} ${marks[level] ?? ""}${text}${explain(error)}`;
}

function explain(error: unknown): string {
  if (error === undefined) return "";
  if (typeof error !== "object" || error === null) return ` ${String(error)}`;
  const { stack, message } = error as { stack?: string; message?: string };
  return `\n${stack ?? message ?? JSON.stringify(error)}`;
}
