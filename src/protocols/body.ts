import { AdjutantError } from "../core/error.ts";

/** Values nested deeper than this cannot be written back as JSON without risking the stack. */
const nestingMax = 500;

/**
 * The JSON of a request's body, whatever its content type says: the first LangGraph server did not look,
 * and curl says `application/x-www-form-urlencoded`. No body is an empty object.
 *
 * @throws malformed, too_large
 */
export async function readJsonBody(request: Request, bytesMax: number): Promise<unknown> {
  const content = await readText(request, bytesMax);
  if (content.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(withoutUnstorable(content));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AdjutantError("malformed", `Malformed JSON in request body: ${reason}`);
  }
  if (content.length > nestingMax && nestsDeeper(value, nestingMax)) {
    throw new AdjutantError(
      "malformed",
      `The JSON in the request body nests deeper than ${nestingMax} levels. Flatten it.`,
    );
  }
  return value;
}

/** By its announced length where there is one (Node refuses more than was announced), else while reading. */
async function readText(request: Request, bytesMax: number): Promise<string> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > bytesMax) throw tooLarge(bytesMax);
    return request.text().catch(cutOff);
  }
  return readAtMost(request, bytesMax);
}

async function readAtMost(request: Request, bytesMax: number): Promise<string> {
  const reader = request.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let content = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(cutOff);
    if (done) return content + decoder.decode();
    bytes += value.byteLength;
    // The rest is left unread: cancelling would close the connection before the answer is out.
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    content += decoder.decode(value, { stream: true });
  }
}

function cutOff(): never {
  throw new AdjutantError("malformed", "The request body ended before it was complete.");
}

function tooLarge(bytesMax: number): AdjutantError {
  return new AdjutantError(
    "too_large",
    `The request body is larger than ${bytesMax} bytes, which is this server's limit. Send less at once.`,
  );
}

/** Escapes that name no character of their own: U+0000 and halves of surrogate pairs without the other half. */
const suspectEscape = /\\u(?:0000|[dD][89a-fA-F])/;
const escape =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|[^])/g;

/** Postgres refuses them in text; the platform puts U+FFFD in their place, and so do we. */
function withoutUnstorable(content: string): string {
  if (!suspectEscape.test(content)) return content;
  return content.replaceAll(escape, (whole, unstorable) => (unstorable ? "\\ufffd" : whole));
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (nestsDeeper(inner, levels - 1)) return true;
  return false;
}
