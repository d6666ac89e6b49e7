import {
  isAIMessage,
  isToolMessage,
  type BaseMessage,
  type ToolMessage,
} from "@langchain/core/messages";
import { callsFor, missingFor, type CallWanted, type ToolDescription } from "./offline-tools.ts";

export interface Answer {
  text: string;
  calls: { id: string; name: string; args: Record<string, unknown> }[];
}

interface Question {
  messages: BaseMessage[];
  tools: ToolDescription[];
  /** As LangChain has it: "auto", "none", "any", "required", a tool's name or OpenAI's object. */
  toolChoice: unknown;
  /** Why no language model answers. */
  reason: string;
}

const quoteLengthMax = 300;
/** The rules' expressions take quadratic time at worst: what is longer is not looked at further on. */
const questionLengthMax = 10_000;

/** What the offline model says: rules from the most to the least specific, the first that fits wins. */
export function answer({ messages, tools, toolChoice, reason }: Question): Answer {
  const question = lastQuestion(messages);
  const phrases = /\p{Script=Hangul}/u.test(question) ? korean : english;
  const results = trailingResults(messages);
  if (results.length > 0) {
    const sentences = results.map((one) => phrases.result(one));
    return { text: [...sentences, phrases.label].join("\n"), calls: [] };
  }
  const wanted = callsFor(question, tools, choiceOf(toolChoice));
  if (wanted.length > 0) return { text: "", calls: withIds(wanted, messages) };
  const instructions = systemPrompt(messages);
  const sentences = [
    saying(question, tools, phrases),
    phrases.label,
    phrases.reason(reason),
    ...(instructions ? [phrases.instructions(quote(instructions))] : []),
  ];
  return { text: sentences.join(" "), calls: [] };
}

function saying(question: string, tools: ToolDescription[], phrases: Phrases): string {
  const missing = missingFor(question, tools);
  if (missing) return phrases.missing(missing.tool, missing.parameters);
  if (/\bwho (made|created|built|are) you\b|만들었|누구(세요|야|니|예요|십니까)/i.test(question)) {
    return phrases.maker;
  }
  if (/\bwhat can you do\b|^\s*help\b|(무엇|뭘|뭐)[^.?!]*할 수 있|도움말/i.test(question)) {
    return phrases.abilities(tools.map((tool) => tool.name));
  }
  if (/^\s*(hello|hi|hey|good (morning|evening))\b|안녕/i.test(question)) return phrases.greeting;
  return phrases.echo(quote(question));
}

interface Phrases {
  label: string;
  greeting: string;
  maker: string;
  reason(reason: string): string;
  abilities(tools: string[]): string;
  echo(question: string): string;
  instructions(prompt: string): string;
  missing(tool: string, parameters: string[]): string;
  result(message: ToolMessage): string;
}

const english: Phrases = {
  label: "I am the offline stand-in, not a language model.",
  greeting: "Hello!",
  maker: "The authors of this example made me, by writing down a few rules; nobody trained me.",
  reason: (reason) => `I answer because ${reason}.`,
  abilities: (tools) =>
    tools.length > 0
      ? `I can repeat what you say and call ${tools.join(", ")}: ask for one, or write its name ` +
        `followed by its arguments as JSON.`
      : "I can repeat what you say.",
  echo: (question) => `You said: "${question}".`,
  instructions: (prompt) => `My instructions are: "${prompt}"`,
  missing: (tool, parameters) =>
    `To call ${tool} I need ${parameters.join(" and ")}: write ${example(tool, parameters)}.`,
  result: ({ name, status, content }) =>
    status === "error"
      ? `${name ?? "The tool"} failed: ${asText(content)}`
      : `The result of ${name ?? "the tool"} is: ${asText(content)}`,
};

const korean: Phrases = {
  label: "저는 언어 모델이 아니라 오프라인 대역(offline)입니다.",
  greeting: "안녕하세요!",
  maker: "이 예제의 작성자들이 몇 가지 규칙을 적어 저를 만들었습니다. 학습된 것이 아닙니다.",
  reason: (reason) => `제가 답하는 이유: ${reason}.`,
  abilities: (tools) =>
    tools.length > 0
      ? `말씀을 되풀이하고 ${tools.join(", ")} 도구를 호출할 수 있습니다. 도구 이름 뒤에 인자를 ` +
        `JSON으로 적어도 됩니다.`
      : "말씀을 되풀이할 수 있습니다.",
  echo: (question) => `말씀하신 내용: "${question}".`,
  instructions: (prompt) => `제가 받은 지시: "${prompt}"`,
  missing: (tool, parameters) =>
    `${tool} 도구를 호출하려면 ${parameters.join(", ")} 값이 필요합니다. ` +
    `이렇게 적어 주세요: ${example(tool, parameters)}.`,
  result: ({ name, status, content }) =>
    status === "error"
      ? `${name ?? "도구"} 도구가 실패했습니다: ${asText(content)}`
      : `${name ?? "도구"} 도구의 결과: ${asText(content)}`,
};

function example(tool: string, parameters: string[]): string {
  return `${tool}({${parameters.map((name) => `"${name}": …`).join(", ")}})`;
}

/** The text of a message; blocks that are not text are left out. */
export function textOf(message: BaseMessage): string {
  return asText(message.content);
}

function asText(content: BaseMessage["content"]): string {
  if (typeof content === "string") return content;
  return content
    .map((block) => ("text" in block && typeof block["text"] === "string" ? block["text"] : ""))
    .join("");
}

function lastQuestion(messages: BaseMessage[]): string {
  const last = messages.findLast((message) => message.getType() === "human");
  return last ? textOf(last).slice(0, questionLengthMax) : "";
}

function systemPrompt(messages: BaseMessage[]): string {
  const prompts = messages.filter((message) => message.getType() === "system").map(textOf);
  return prompts.join("\n").trim();
}

/** The results that came in since the model spoke last. */
function trailingResults(messages: BaseMessage[]): ToolMessage[] {
  const before = messages.findLastIndex((message) => !isToolMessage(message));
  return messages.slice(before + 1).filter(isToolMessage);
}

function choiceOf(toolChoice: unknown): string {
  if (typeof toolChoice === "string") return toolChoice === "required" ? "any" : toolChoice;
  const named = toolChoice as { function?: { name?: string }; name?: string } | null | undefined;
  return named?.function?.name ?? named?.name ?? "auto";
}

/** Ids must differ within a conversation, or a ToolNode takes a new call for one already answered. */
function withIds(wanted: CallWanted[], messages: BaseMessage[]): Answer["calls"] {
  const used = new Set(
    messages.filter(isAIMessage).flatMap((message) => message.tool_calls?.map(({ id }) => id)),
  );
  let number = 0;
  return wanted.map(({ name, args }) => {
    do number += 1;
    while (used.has(`call_offline_${number}`));
    return { id: `call_offline_${number}`, name, args };
  });
}

function quote(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length > quoteLengthMax ? `${line.slice(0, quoteLengthMax)}…` : line;
}
