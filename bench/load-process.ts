import { makeLoad, openIdle } from "./load.ts";
import type { Job, JobAnswer } from "./loader.ts";

/** The main file of the process that `loader.ts` starts. */

let idle: Awaited<ReturnType<typeof openIdle>> | null = null;

process.on("message", (job: Job) => {
  void work(job)
    .catch((thrown: unknown) => ({ error: String(thrown) }))
    .then((answer) => process.send!(answer));
});
process.on("disconnect", () => process.exit());

async function work(job: Job): Promise<JobAnswer> {
  switch (job.kind) {
    case "load":
      return { report: await makeLoad(job.load) };
    case "open":
      idle = await openIdle(job.idle);
      return { done: true };
    case "close": {
      const broken = idle?.broken() ?? 0;
      idle?.close();
      idle = null;
      return { broken };
    }
  }
}
