import { burst, quantile, type Figure, type Measure } from "./measure.ts";

/** Fills our own server with threads and looks for one user's: others take minutes to be filled. */
export const threadSearch: Measure = {
  name: "thread-search",
  onFloor: false,
  once: true,
  async run(context): Promise<Figure[]> {
    const { target, loader, scale } = context;
    if (target.kind !== "ours") return [];
    await loader.load({
      url: target.url,
      clients: 32,
      amount: { requests: scale.searchedThreads },
      method: "POST",
      path: "/threads",
      body: '{"metadata":{"user":"user-{n}","fleet":"searched","seat":{n}}}',
      read: "body",
    });
    const user = `user-${Math.floor(scale.searchedThreads / 2)}`;
    const { durations } = await burst(context, 1, {
      path: "/threads/search",
      body: { metadata: { user }, limit: 10 },
    });
    const among = scale.searchedThreads.toLocaleString("en");
    const name = `threads.search by metadata among ${among}, p50`;
    return [{ name, unit: "ms", value: quantile(durations) }];
  },
};
