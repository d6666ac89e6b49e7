/**
 * Sweeps that all servers on a database take turns at. A server that dies within one leaves it to the
 * next turn: a sweep is many small changes, each of them whole.
 */
export interface SweepStorage {
  /**
   * Takes the turn at the sweep `name` if it has come by `now`, and puts the next one off by
   * `intervalMs`. A turn that lies further away than that, since the interval was longer or a clock
   * was wrong, has come. `nextAt`, in ms since 1970: when there is something to take again.
   */
  take(params: {
    name: string;
    now: number;
    intervalMs: number;
  }): Promise<{ taken: boolean; nextAt: number }>;
}
