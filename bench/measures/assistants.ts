import { Client } from "../http.ts";
import { burst, quantile, type Context, type Figure, type Measure } from "./measure.ts";

const delta = "thread.message.delta";

/**
 * Streams of the OpenAI Assistants API. The offline model answers at once and word by word, so all the
 * time that passes is the server's own. Other servers do not have this API.
 */
export const assistants: Measure = {
  name: "assistants",
  onFloor: false,
  once: false,
  async run(context): Promise<Figure[]> {
    if (context.target.kind !== "ours") return [];
    const one = await burst(context, 1, await request(context, "Hello"));
    const crowd = 64;
    // The model repeats what it hears.
    const many = await burst(context, crowd, await request(context, "word ".repeat(200).trim()));
    const deltas = many.events[delta] ?? 0;
    return [
      { name: "assistants first delta, 1 client, p50", unit: "ms", value: quantile(one.awaited) },
      {
        name: `assistants 200-token streams, ${crowd} clients, tokens`,
        unit: "/s",
        value: deltas / many.seconds,
      },
      {
        name: `assistants 200-token streams, ${crowd} clients, longest silence, p50`,
        unit: "ms",
        value: quantile(many.silences),
      },
    ];
  },
};

async function request({ target }: Context, content: string) {
  const client = new Client(target.url, 1);
  const { id } = await client.json<{ id: string }>("POST", "/v1/assistants", { model: "offline" });
  client.close();
  return {
    path: "/v1/threads/runs",
    body: { assistant_id: id, stream: true, thread: { messages: [{ role: "user", content }] } },
    read: "events" as const,
    awaits: delta,
  };
}
