import type { Row } from "./compare.ts";
import { type Columns, judge, shortNumber } from "./goals.ts";

/** The rows as a Markdown table: a column for each server, ratios of the first of ours, the goal. */
export function table(rows: Row[], names: Columns & { targets: string[] }): string {
  const { ours, alsoOurs } = names;
  const bases = names.targets.filter((name) => name !== ours);
  const half = alsoOurs === undefined ? [] : [`half on ${alsoOurs}`];
  const lines = [
    ["figure", ...names.targets, ...bases.map((name) => `ours / ${name}`), "goal", "met", ...half],
    ...rows.map((row) => {
      const value = row.values[ours];
      const ratios = bases.map((name) => ratio(value, row.values[name]));
      const judgement = judge(row, names);
      return [
        row.name,
        ...names.targets.map((name) => amount(row.values[name], row.unit)),
        ...ratios,
        judgement?.goal ?? "",
        judgement === null ? "" : shown(judgement.met),
        ...half.map(() => (judgement === null ? "" : shown(judgement.alsoHalf))),
      ];
    }),
  ];
  return markdown(lines);
}

function shown(met: boolean | null): string {
  return met === null ? "not judged" : met ? "met" : "NOT MET";
}

function amount(value: number | undefined, unit: string): string {
  return value === undefined ? "" : `${shortNumber(value)} ${unit}`;
}

function ratio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined || base === 0 ? "" : shortNumber(value / base);
}

function markdown(lines: string[][]): string {
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((line) => line[column]!.length)),
  );
  const draw = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [draw(lines[0]!), rule, ...lines.slice(1).map(draw)].join("\n");
}
