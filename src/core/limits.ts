/** Every limit of the server, named with its unit. The command line reads overrides from the environment. */
export interface Limits {
  /** A request body, in bytes. Larger: 413. */
  bodyBytesMax: number;
  /** How many runs one server executes at once. */
  jobsPerWorker: number;
  /** How long a claim holds without a beat before another worker may take the run, in ms. */
  leaseMs: number;
  /** Time between two beats, in ms; well under a third of the lease. */
  beatMs: number;
  /** Attempts lost to crashes before a run ends in error. */
  attemptsMax: number;
  /** Execution time of one attempt, in ms, before the run ends with status timeout. */
  runTimeoutMs: number;
  /** How long a turn may take, with all it waits for, before it expires, in ms. */
  turnLifetimeMs: number;
  /** Runs that may wait on one thread. */
  pendingRunsPerThreadMax: number;
  /** How long a finished run's events can still be read, in ms. */
  eventLogTtlMs: number;
  /** What one run's event log may hold, in bytes of JSON; the oldest events go first. */
  eventLogBytesMax: number;
  /** What all finished runs' logs may hold together, in bytes of JSON; the oldest logs go first. */
  eventLogsBytesMax: number;
  /** Messages and other items of threads used last that are kept ready for the next run, in bytes as stored. */
  itemCacheBytesMax: number;
  /** Silence on an event stream before a heartbeat comment, in ms. */
  heartbeatMs: number;
  /** How long a stopping server lets its runs finish before it hands them back, in ms. */
  shutdownGraceMs: number;
  /** Webhooks one server delivers at once. */
  webhooksAtOnce: number;
  /** How long a webhook's receiver may take to answer, in ms. */
  webhookTimeoutMs: number;
  /** Tries before a webhook is given up. */
  webhookAttemptsMax: number;
  /** How long a repeated creation finds the run it made, in ms. */
  idempotencyTtlMs: number;
  /** How long texts of items may take to become vectors, in ms. */
  embedTimeoutMs: number;
  /** Texts of one item that are indexed; one of more is refused. */
  vectorsPerItemMax: number;
}

export const defaultLimits: Limits = {
  bodyBytesMax: 100 * 1024 * 1024,
  jobsPerWorker: 10,
  leaseMs: 15_000,
  beatMs: 5_000,
  attemptsMax: 3,
  runTimeoutMs: 60 * 60 * 1000,
  turnLifetimeMs: 10 * 60 * 1000,
  pendingRunsPerThreadMax: 1000,
  eventLogTtlMs: 2 * 60 * 1000,
  eventLogBytesMax: 64 * 1024 * 1024,
  eventLogsBytesMax: 256 * 1024 * 1024,
  itemCacheBytesMax: 64 * 1024 * 1024,
  heartbeatMs: 5_000,
  shutdownGraceMs: 5_000,
  webhooksAtOnce: 10,
  webhookTimeoutMs: 10_000,
  webhookAttemptsMax: 8,
  idempotencyTtlMs: 24 * 60 * 60 * 1000,
  embedTimeoutMs: 60_000,
  vectorsPerItemMax: 1000,
};
