import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  interrupt,
  MessagesValue,
  START,
  StateGraph,
  StateSchema,
  type GraphNode,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";
import { calculate } from "./calculator.ts";
import { ContextSchema, readContext, type Context } from "./context.ts";
import { ChatModels } from "./models.ts";

const calculator = tool(({ expression }) => String(calculate(expression)), {
  name: "calculator",
  description: "Calculates an arithmetic expression. 수식을 계산합니다.",
  schema: z.object({
    expression: z.string().describe("Numbers with + - * / % ^ and parentheses: (2 + 3) * 4.5"),
  }),
});

const currentTime = tool(({ time_zone }) => timeIn(time_zone ?? "UTC"), {
  name: "current_time",
  description: "The current date and time in a time zone. 지금 시각과 오늘 날짜를 알려 줍니다.",
  schema: z.object({
    time_zone: z
      .string()
      .optional()
      .describe("IANA time zone such as Asia/Seoul, or just its city. Default: UTC"),
  }),
});

/** The run waits, for days if need be, until somebody resumes it with an answer. */
const askHuman = tool(
  ({ question }) => {
    const answer: unknown = interrupt({ question });
    return typeof answer === "string" ? answer : JSON.stringify(answer ?? null);
  },
  {
    name: "ask_human",
    description:
      "Asks a human for a decision, an approval or a fact only they know, and waits for the answer. " +
      "사람에게 승인이나 확인을 요청합니다.",
    schema: z.object({ question: z.string().describe("What the human is to answer") }),
  },
);

function timeIn(place: string): string {
  const city = place.trim().replaceAll(/\s+/g, "_").toLowerCase();
  const zone = Intl.supportedValuesOf("timeZone").find(
    (name) => name.toLowerCase() === city || name.toLowerCase().endsWith(`/${city}`),
  );
  try {
    return new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone ?? place,
      dateStyle: "short",
      timeStyle: "long",
    }).format(new Date());
  } catch {
    throw new Error(`"${place}" is not a time zone: give an IANA name such as Asia/Seoul.`);
  }
}

const tools = [calculator, currentTime, askHuman];
const models = new ChatModels(tools);
const State = new StateSchema({ messages: MessagesValue });

const callModel: GraphNode<typeof State, Context> = async (state, runtime) => {
  const context = readContext(ContextSchema, runtime);
  const instructions = context.system_prompt ? [new SystemMessage(context.system_prompt)] : [];
  const answer = await models
    .for(context)
    .invoke([...instructions, ...state.messages], { signal: runtime.signal });
  return { messages: [answer] };
};

export const graph = new StateGraph(State, ContextSchema)
  .addNode("call_model", callModel)
  .addNode("tools", new ToolNode(tools))
  .addEdge(START, "call_model")
  .addConditionalEdges("call_model", toolsCondition, ["tools", "__end__"])
  .addEdge("tools", "call_model")
  .compile();
