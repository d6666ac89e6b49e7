/** An event of a thread as protocol v2 has it (LangGraph API specification 6.3). */
export interface ThreadEvent {
  /** Unique on the thread, and the same whenever the event is told. */
  eventId: string;
  /** Grows along the thread, see core/thread-sequence.ts. */
  sequence: number;
  method: Method;
  /** Empty for the root graph, else `node:task` of each graph and node on the way. */
  namespace: string[];
  node?: string;
  /** Of a custom stream that has a name. */
  name?: string;
  /** JSON. */
  data: string;
}

export type Method =
  | "values"
  | "updates"
  | "messages"
  | "tools"
  | "lifecycle"
  | "input.requested"
  | "checkpoints"
  | "tasks"
  | "custom";

/** The data is written as it is: a state can be large, and most of them are never looked into. */
export function presentEvent(event: ThreadEvent, now: number): string {
  const { eventId, sequence, method, namespace, node, data } = event;
  const head = JSON.stringify({ type: "event", event_id: eventId, seq: sequence, method });
  const place = JSON.stringify({ namespace, timestamp: now, ...(node !== undefined && { node }) });
  return `${head.slice(0, -1)},"params":${place.slice(0, -1)},"data":${data}}}`;
}
