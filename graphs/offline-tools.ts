import { fill, type Parameters } from "./offline-arguments.ts";

/** A tool as a chat model is told of it; `parameters` is a JSON Schema of an object. */
export interface ToolDescription {
  name: string;
  description?: string;
  parameters?: Parameters;
}

export interface CallWanted {
  name: string;
  args: Record<string, unknown>;
}

/**
 * Which tools the question asks for. In this order:
 *
 * 1. A tool's name followed by JSON, `tool({"a": 1})` or `use tool with {"a": 1}`, once or repeatedly.
 * 2. A tool's name; its parameters are filled from the question.
 * 3. The tool whose name and description share enough words with the question, if the question
 *    holds a value for each required parameter.
 * 4. With `choice` "any" or a tool's name: that tool or the nearest, whatever can be filled.
 */
export function callsFor(question: string, tools: ToolDescription[], choice: string): CallWanted[] {
  if (choice === "none" || tools.length === 0) return [];
  const allowed = tools.filter((tool) => tool.name === choice);
  const candidates = allowed.length > 0 ? allowed : tools;
  const named = namedCalls(question, candidates);
  if (named.length > 0) return named;
  const ranked = candidates
    .map((tool) => ({ tool, ...rank(question, tool) }))
    .toSorted((a, b) => b.score - a.score);
  const best = ranked.find(({ score, args }) => score >= scoreNeeded && args);
  if (best?.args) return [{ name: best.tool.name, args: best.args }];
  if (allowed.length === 0 && choice !== "any") return [];
  const { tool } = ranked[0]!;
  return [{ name: tool.name, args: fill(tool.parameters, question, true)!.args }];
}

/** The tool the question names without saying what it needs, and the names of what is missing. */
export function missingFor(
  question: string,
  tools: ToolDescription[],
): { tool: string; parameters: string[] } | undefined {
  const tool = mentions(question, tools)[0]?.tool;
  const required = tool?.parameters?.required ?? [];
  return tool && required.length > 0 ? { tool: tool.name, parameters: required } : undefined;
}

interface Mention {
  tool: ToolDescription;
  start: number;
  end: number;
}

function mentions(question: string, tools: ToolDescription[]): Mention[] {
  return tools
    .flatMap((tool) => {
      const spelled = tool.name.replaceAll(/[^\w]/g, "\\$&").replaceAll("_", "[_ ]");
      const found = question.matchAll(new RegExp(`(?<!\\w)${spelled}(?!\\w)`, "gi"));
      return [...found].map(({ index, 0: text }) => ({
        tool,
        start: index,
        end: index + text.length,
      }));
    })
    .toSorted((a, b) => a.start - b.start);
}

/** More calls than this in one question are a mistake or an attack. */
const callsMax = 10;

function namedCalls(question: string, tools: ToolDescription[]): CallWanted[] {
  const calls: CallWanted[] = [];
  const found = mentions(question, tools).slice(0, callsMax);
  let position = 0;
  for (const [index, { tool, start, end }] of found.entries()) {
    if (start < position) continue; // inside the JSON of the call before
    const next = found[index + 1]?.start ?? question.length;
    const json = jsonAfter(question, end, next);
    position = json?.end ?? end;
    const repeated = !json && calls.some((call) => call.name === tool.name);
    const before = found.length > 1 ? "" : question.slice(0, start);
    const args = json?.value ?? fillAround(tool, before, question.slice(end, next));
    if (args && !repeated) calls.push({ name: tool.name, args });
  }
  return calls;
}

/** What follows the name is what it is called with, unless what precedes it says more. */
function fillAround(
  tool: ToolDescription,
  before: string,
  after: string,
): CallWanted["args"] | undefined {
  const following = fill(tool.parameters, after.replace(/^\s*(for|about|:)\s+/i, ""), false);
  const around = fill(tool.parameters, before + after, false);
  if (!following || !around) return (following ?? around)?.args;
  return (around.specific > following.specific ? around : following).args;
}

/** The JSON object that begins between `from` and `before`; undefined when there is none. */
function jsonAfter(
  text: string,
  from: number,
  before: number,
): { value: Record<string, unknown>; end: number } | undefined {
  const start = text.indexOf("{", from);
  if (start === -1 || start >= before) return undefined;
  const end = closing(text, start) + 1;
  try {
    return { value: JSON.parse(text.slice(start, end)), end };
  } catch {
    return undefined;
  }
}

/** Where the brace that opens at `start` is closed, those within strings not counted. */
function closing(text: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === "{") depth += 1;
    if (token === "}" && --depth === 0) return start + index;
  }
  return text.length;
}

/** About a name's telling word and one more hint; less calls tools that nobody asked for. */
const scoreNeeded = 3;

const generic = new Set(
  "get set ask run use make find search list create calculate current fetch tool".split(" "),
);
const ignored = new Set(
  (
    "the and for with from that this what when where who how are was can you your not only they " +
    "its has have given please 알려 줍니 주어 대한 가져 합니 있습 무엇 어떻"
  ).split(" "),
);

function rank(question: string, tool: ToolDescription) {
  const asked = words(question);
  const name = words(tool.name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").replaceAll(/[_-]/g, " "));
  let score = 0;
  for (const word of name) if (asked.has(word)) score += generic.has(word) ? 1 : 2;
  for (const word of words(tool.description ?? "")) {
    if (!asked.has(word) || name.has(word)) continue;
    // A Korean question shares no word with an English name, so its words must weigh more.
    score += /\p{Script=Hangul}/u.test(word) ? 1.5 : 1;
  }
  const filled = fill(tool.parameters, question, false);
  return { score: score + (filled?.specific ?? 0), args: filled?.args };
}

/** English words without plural s; of Korean words the first two syllables, which particles follow. */
function words(text: string): Set<string> {
  const latin = text.toLowerCase().match(/[a-z]{3,}/g) ?? [];
  const hangul = text.match(/[가-힣]{2,}/g) ?? [];
  const all = [
    ...latin.map((word) => word.replace(/(?<=\w{3})s$/, "")),
    ...hangul.map((word) => word.slice(0, 2)),
  ];
  return new Set(all.filter((word) => !ignored.has(word)));
}
