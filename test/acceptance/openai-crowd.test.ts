import { expect, test } from "vitest";
import { openOpenaiServer } from "../support/openai.ts";
import { Hold } from "../support/scripted-server.ts";

const crowd = 64;
const pieces = Array.from({ length: 200 }, (_, at) => `단어${at} `);

test("64 streams of 200 tokens at once: none waits for another to end", async () => {
  const holds = Array.from({ length: crowd }, () => new Hold());
  const waiting = [...holds];
  await using server = await openOpenaiServer({
    script: () => ({ text: pieces, hold: waiting.pop()!, holdAfter: pieces.length / 2 }),
    limits: { jobsPerWorker: crowd },
  });
  const { beta } = server.client;
  const { id: assistant_id } = await beta.assistants.create({ model: "m", instructions: "x" });
  const halves: Promise<void>[] = [];
  const streams = holds.map(() => {
    const stream = beta.threads.createAndRunStream({ assistant_id });
    const half = Promise.withResolvers<void>();
    halves.push(half.promise);
    let heard = 0;
    stream.on("textDelta", () => {
      heard += 1;
      if (heard === pieces.length / 2) half.resolve();
    });
    return stream.finalMessages();
  });
  // The models of all are silent in the middle of their answers, and all readers have what was said.
  await Promise.all(halves);
  for (const hold of holds) hold.release();
  for (const [message] of await Promise.all(streams)) {
    expect(message!.content).toMatchObject([{ text: { value: pieces.join("") } }]);
  }
}, 120_000);
