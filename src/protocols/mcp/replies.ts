import type { Ports } from "../../core/ports/ports.ts";
import type { Reply } from "../route.ts";
import type { Sink } from "../sink.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../sse.ts";
import type { RunningCall } from "./call.ts";

/** One JSON document behind newlines while the run lasts, or, with progress, an event stream. */
export function callReply(ports: Ports, running: RunningCall): Reply {
  const headers = running.streams
    ? eventStreamHeaders
    : { "content-type": "application/json", "cache-control": "no-store" };
  const frame = (text: string) => (running.streams ? eventFrame("message", text) : text);
  return {
    status: 200,
    headers,
    body: null,
    async stream(sink) {
      const writer = patientWriter(ports, sink, running.streams ? heartbeatComment : "\n");
      try {
        const told = await running.answer(sink.gone, (texts) => writer.write(texts.map(frame)));
        // Without its end an answer must not look whole: this server stops.
        if (told === null) sink.abort();
        else sink.end(frame(told));
      } finally {
        writer.close();
      }
    },
  };
}

/** An event stream with the answers of a batch, each as soon as it is there. */
export function batchReply(ports: Ports, answers: (() => Promise<string | RunningCall>)[]): Reply {
  return {
    status: 200,
    headers: { ...eventStreamHeaders },
    body: null,
    async stream(sink) {
      const writer = patientWriter(ports, sink, heartbeatComment);
      const tell = (texts: string[]) =>
        writer.write(texts.map((text) => eventFrame("message", text)));
      try {
        const told = await Promise.all(
          answers.map(async (answer) => {
            const begun = await answer();
            const text = typeof begun === "string" ? begun : await begun.answer(sink.gone, tell);
            if (text !== null) await tell([text]);
            return text !== null;
          }),
        );
        if (told.includes(false)) sink.abort();
        else sink.end();
      } finally {
        writer.close();
      }
    },
  };
}

function patientWriter(ports: Ports, sink: Sink, sign: string): PatientWriter {
  return new PatientWriter(sink, { sign, silenceMs: ports.limits.heartbeatMs });
}
