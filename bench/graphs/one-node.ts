import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ count: Annotation<number> });

/** The least a run can be: one node that returns one number. */
export const graph = new StateGraph(State)
  .addNode("add", ({ count }) => ({ count: (count ?? 0) + 1 }))
  .addEdge(START, "add")
  .addEdge("add", END)
  .compile();
