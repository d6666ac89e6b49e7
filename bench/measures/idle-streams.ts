import { Client } from "../http.ts";
import { treeBytes, type Target } from "../target.ts";
import type { Figure, Measure } from "./measure.ts";

/** Longer than two heartbeats: streams that a server gives up show themselves. */
const watchMs = 11_000;

/** How long a server takes at most to collect its garbage. */
const collectMs = 2_000;

/** In RAM without garbage, of which there may be tens of megabytes at either time. */
async function settledBytes({ pid, collectGarbage }: Target): Promise<number | null> {
  if (collectGarbage) {
    collectGarbage();
    await wait(collectMs);
  }
  return pid === null ? null : treeBytes(pid);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Streams of a run that has not begun: nothing happens on them for as long as it is measured. */
export const idleStreams: Measure = {
  name: "idle-streams",
  onFloor: false,
  once: true,
  async run({ target, loader, scale }): Promise<Figure[]> {
    const client = new Client(target.url, 1);
    const { thread_id } = await client.json<{ thread_id: string }>("POST", "/threads", {});
    const runs = `/threads/${thread_id}/runs`;
    const { run_id } = await client.json<{ run_id: string }>("POST", runs, {
      assistant_id: "one_node",
      input: { count: 1 },
      after_seconds: 3600,
    });
    const path = `${runs}/${run_id}/stream`;
    // Some first, so that what is loaded and compiled for a stream does not count as its memory.
    await loader.openIdle({ url: target.url, streams: Math.ceil(scale.idleStreams / 10), path });
    await loader.closeIdle();
    const before = await settledBytes(target);
    await loader.openIdle({ url: target.url, streams: scale.idleStreams, path });
    if (scale.rounds > 1) await wait(watchMs);
    const after = await settledBytes(target);
    const broken = await loader.closeIdle();
    await client.text("POST", `${runs}/${run_id}/cancel`, "{}").catch(() => {});
    client.close();
    const streams = scale.idleStreams.toLocaleString("en");
    const figures: Figure[] = [
      { name: `${streams} idle streams, broken`, unit: "×", value: broken },
    ];
    if (before !== null && after !== null) {
      const value = (after - before) / scale.idleStreams / 1024;
      figures.push({ name: `${streams} idle streams, memory of each`, unit: "KB", value });
    }
    return figures;
  },
};
