import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ count: Annotation<number> });

/** One node that runs ten times: ten supersteps, each with its checkpoint. */
export const graph = new StateGraph(State)
  .addNode("add", ({ count }) => ({ count: (count ?? 0) + 1 }))
  .addEdge(START, "add")
  .addConditionalEdges("add", ({ count }) => (count < 10 ? "add" : END), ["add", END])
  .compile();
