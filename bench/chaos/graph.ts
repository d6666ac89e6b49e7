import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  name: Annotation<string>,
  log: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});

/** Each step is written to a file outside the server when it begins, and to the state when it ends. */
function step(stepName: string) {
  return async ({ name }: typeof State.State) => {
    const entry = `${name} ${stepName}`;
    appendFileSync(process.env["CHAOS_LEDGER"]!, `${entry}\n`);
    await delay(Math.random() * 40);
    return { log: [entry] };
  };
}

/** Four supersteps, one of them with two nodes side by side. */
export const graph = new StateGraph(State)
  .addNode("first", step("first"))
  .addNode("left", step("left"))
  .addNode("right", step("right"))
  .addNode("third", step("third"))
  .addNode("fourth", step("fourth"))
  .addEdge(START, "first")
  .addEdge("first", "left")
  .addEdge("first", "right")
  .addEdge(["left", "right"], "third")
  .addEdge("third", "fourth")
  .addEdge("fourth", END)
  .compile();
