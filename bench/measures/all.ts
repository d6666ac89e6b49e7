import { assistants } from "./assistants.ts";
import { idleStreams } from "./idle-streams.ts";
import { longThread, thread } from "./long-thread.ts";
import type { Measure } from "./measure.ts";
import { records } from "./records.ts";
import { start } from "./start.ts";
import { firstEvent, tokens } from "./streams.ts";
import { supersteps } from "./supersteps.ts";
import { threadSearch } from "./thread-search.ts";
import { waitLatency, waitThroughput } from "./wait.ts";

/** In the order of the table. Those that fill the server come last. */
export const measures: Measure[] = [
  waitLatency,
  waitThroughput,
  firstEvent,
  tokens,
  assistants,
  supersteps,
  records,
  start,
  idleStreams,
  thread,
  longThread,
  threadSearch,
];
