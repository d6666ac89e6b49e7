const fence = /^ {0,3}(`{3,}|~{3,})/;
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
/** References and footnotes are known in the whole text. */
const definition = /^ {0,3}\[[^\]]+\]:/m;

/**
 * A text of Markdown in pieces that mean the same each for itself, so that a message that is still being
 * written is parsed from its last piece on. Joined with blank lines they are the text again, but for
 * how many blank lines there were.
 */
export function markdownBlocks(text: string): string[] {
  if (definition.test(text)) return [text];
  const blocks: string[] = [];
  let block: string[] = [];
  let closing: string | null = null;
  let isAfterBlank = false;
  for (const line of text.split("\n")) {
    const isBlank = line.trim() === "";
    if (closing === null && isAfterBlank && !isBlank && block.length > 0 && !goesOn(block, line)) {
      blocks.push(block.join("\n").trimEnd());
      block = [];
    }
    if (block.length > 0 || !isBlank) block.push(line);
    closing = afterLine(closing, line);
    isAfterBlank = isBlank;
  }
  if (block.length > 0) blocks.push(block.join("\n").trimEnd());
  return blocks;
}

/** Behind a blank line: what is indented, and the next item of a list, belongs to what was before. */
function goesOn(block: string[], line: string): boolean {
  if (/^(?: {2,}|\t)/.test(line)) return true;
  return listItem.test(block[0]!) && listItem.test(line);
}

/** The marks that will close the code we are in; null outside of code. */
function afterLine(closing: string | null, line: string): string | null {
  const marks = fence.exec(line)?.[1];
  if (closing === null) return marks ?? null;
  const isClosed = marks?.startsWith(closing) && line.trim() === marks;
  return isClosed ? null : closing;
}
