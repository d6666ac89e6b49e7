/** How much is measured. Times in ms. */
export interface Scale {
  /** Each measure is made so often on each server, in turn; the table shows medians. */
  rounds: number;
  /** How long one burst of requests lasts. */
  forMs: number;
  /** What a burst has at least, for servers that answer twice a second. */
  requestsMin: number;
  warmUpMs: number;
  /** Clients at once, in the measures that have more than one. */
  crowds: number[];
  /** Threads among which one is searched by its metadata. */
  searchedThreads: number;
  /** Turns of a thread that every server gets: some store the square of it. */
  turns: number;
  /** Turns of a thread that only our own server gets; null: none. */
  longTurns: number | null;
  idleStreams: number;
  starts: number;
}

/** About a minute for ours and the floor on two cores. */
export const short: Scale = {
  rounds: 2,
  forMs: 600,
  requestsMin: 5,
  warmUpMs: 400,
  crowds: [16, 64],
  searchedThreads: 5_000,
  turns: 200,
  longTurns: null,
  idleStreams: 300,
  starts: 2,
};

/** About twelve minutes for all four servers. */
export const full: Scale = {
  rounds: 3,
  forMs: 2_000,
  requestsMin: 10,
  warmUpMs: 1_000,
  crowds: [16, 64],
  searchedThreads: 100_000,
  turns: 200,
  longTurns: 2_000,
  idleStreams: 2_000,
  starts: 5,
};

/** Everything once, for the test that keeps the script alive. */
export const tiny: Scale = {
  rounds: 1,
  forMs: 1,
  requestsMin: 2,
  warmUpMs: 1,
  crowds: [2],
  searchedThreads: 20,
  turns: 12,
  longTurns: null,
  idleStreams: 3,
  starts: 1,
};
