/** What went wrong, for a person: the server's own sentence where it gave one. */
export interface Trouble {
  kind: "gone" | "locked" | "missing" | "refused" | "broken";
  /** The server's sentence, or the browser's. */
  sentence: string;
  status: number | null;
}

export function troubleOf(thrown: unknown): Trouble {
  const status = statusOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (status === null) {
    const isNetwork =
      thrown instanceof TypeError ||
      brokenOff.test(nameOf(thrown)) ||
      /fetch|network/i.test(message);
    return { kind: isNetwork ? "gone" : "broken", sentence: message, status };
  }
  const sentence = sentenceIn(message);
  // What a proxy says of a server that is not there.
  if (status >= 502 && status <= 504) return { kind: "gone", sentence, status };
  if (status === 401 || status === 403) return { kind: "locked", sentence, status };
  if (status === 404) return { kind: "missing", sentence, status };
  return { kind: status < 500 ? "refused" : "broken", sentence, status };
}

/** How the SDK calls a stream that it has given up. */
const brokenOff = /^(MaxReconnectAttemptsError|StreamIdleTimeoutError)$/;

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "";
}

function statusOf(thrown: unknown): number | null {
  const status = (thrown as { status?: unknown } | null)?.status;
  return typeof status === "number" ? status : null;
}

/** From `HTTP 422: {"detail": "…", "message": "…"}`. */
function sentenceIn(message: string): string {
  const text = message.replace(/^HTTP \d+:\s*/, "");
  try {
    const body = JSON.parse(text) as { detail?: unknown; message?: unknown };
    const found = body.detail ?? body.message;
    return typeof found === "string" ? found : text;
  } catch {
    return text;
  }
}
