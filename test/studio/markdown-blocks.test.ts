import { describe, expect, it } from "vitest";
import { markdownBlocks } from "../../src/studio/page/test/markdown-blocks.ts";

describe("a text of Markdown in pieces", () => {
  it.for<[string, string, string[]]>([
    ["paragraphs", "one\ntwo\n\nthree", ["one\ntwo", "three"]],
    ["several blank lines", "\n\none\n\n\n\ntwo\n\n", ["one", "two"]],
    ["code with blank lines", "a\n\n```js\nx\n\ny\n```\n\nb", ["a", "```js\nx\n\ny\n```", "b"]],
    ["code that is not closed yet", "```\nx\n\ny", ["```\nx\n\ny"]],
    ["shorter marks inside", "````\n```\n\nx\n````\n\ny", ["````\n```\n\nx\n````", "y"]],
    ["a list with blank lines", "1. a\n\n2. b\n\nc", ["1. a\n\n2. b", "c"]],
    ["a paragraph within an item", "- a\n\n  more\n\nb", ["- a\n\n  more", "b"]],
    [
      "a reference to the end",
      "see [a]\n\n[a]: https://b.example",
      ["see [a]\n\n[a]: https://b.example"],
    ],
    ["nothing", "", []],
  ])("%s", ([, text, blocks]) => {
    expect(markdownBlocks(text)).toEqual(blocks);
  });

  it("grows at its end only: what is finished is not parsed again", () => {
    const text = Array.from({ length: 50 }, (_, at) => `Paragraph ${at}.`).join("\n\n");
    const before = markdownBlocks(text);
    const after = markdownBlocks(`${text} And more.\n\nA new one.`);
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });
});
