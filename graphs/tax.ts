import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  MessagesValue,
  START,
  StateGraph,
  StateSchema,
  type GraphNode,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";
import { ContextSchema as BaseContextSchema, readContext, type Context } from "./context.ts";
import { ChatModels } from "./models.ts";

/** Upper bounds of the brackets and their rates. An example of a tool, not of any country's law. */
const brackets = [
  { upTo: 10_000, rate: 0 },
  { upTo: 30_000, rate: 0.1 },
  { upTo: 70_000, rate: 0.2 },
  { upTo: 150_000, rate: 0.3 },
  { upTo: Infinity, rate: 0.4 },
];

const numberWritten = /^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?(?<=\d\.?)(e[+-]?\d+)?$/i;

/**
 * The tax on a yearly revenue in euros: each rate applies to the part of the revenue in its bracket.
 *
 * @param revenue a number written as text; thousands may be grouped by commas.
 * @throws Error in Korean and English when it is not a number.
 */
export function calculateTax(revenue: string): number {
  const amount = numberWritten.test(revenue.trim()) ? Number(revenue.replaceAll(",", "")) : NaN;
  if (!Number.isFinite(amount)) {
    throw new Error(
      `매출은 숫자의 문자열 표현이어야 합니다. Revenue must be a number written as text, such as ` +
        `"50000"; received "${revenue}".`,
    );
  }
  let tax = 0;
  let from = 0;
  for (const { upTo, rate } of brackets) {
    if (amount > from) tax += rate * (Math.min(amount, upTo) - from);
    from = upTo;
  }
  // Whole cents: 0.1 * 1 + 0.2 * 1 would otherwise show as 0.30000000000000004.
  return Math.round(tax * 100) / 100;
}

const calculateTaxTool = tool(({ revenue }) => String(calculateTax(revenue)), {
  name: "calculate_tax",
  description:
    "유로로 주어진 매출에 대한 세금을 가져옵니다. Gets the tax on a revenue given in euros.",
  schema: z.object({
    revenue: z.string().describe("유로로 연간 매출. The yearly revenue in euros, a number as text"),
  }),
});

const ContextSchema = BaseContextSchema.extend({
  system_prompt: BaseContextSchema.shape.system_prompt.default(
    "당신은 세금 계산을 돕는 도우미입니다. 세금은 직접 계산하지 말고 calculate_tax 도구로 구하고, " +
      "매출을 모르면 물어보세요. 질문받은 언어로 답하세요.",
  ),
});

const tools = [calculateTaxTool];
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
