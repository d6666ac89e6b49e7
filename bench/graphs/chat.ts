import { AIMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const text = "A message of one kilobyte, as long conversations are made of. "
  .repeat(17)
  .slice(0, 1024);

/** Every turn appends one message of 1,024 characters to the thread. */
export const graph = new StateGraph(MessagesAnnotation)
  .addNode("reply", () => ({ messages: [new AIMessage(text)] }))
  .addEdge(START, "reply")
  .addEdge("reply", END)
  .compile();
