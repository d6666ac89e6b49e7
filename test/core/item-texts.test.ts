import { expect, test } from "vitest";
import { textsAt } from "../../src/core/item-texts.ts";

const item = {
  title: "Tea",
  cups: 2,
  hot: true,
  none: null,
  meta: { title: "On tea", "odd key": "kept" },
  notes: [{ text: "green" }, { text: "black" }, "plain"],
};

test.for<[string, string[]]>([
  ["title", ["Tea"]],
  ["cups", ["2"]],
  ["hot", ["true"]],
  ["none", []],
  ["missing", []],
  ["title.further", []],
  ["meta.title", ["On tea"]],
  ["meta.odd key", ["kept"]],
  ["meta", [JSON.stringify(item.meta, null, 2)]],
  ["notes[0].text", ["green"]],
  ["notes[-1]", ["plain"]],
  ["notes[7]", []],
  ["notes[x]", []],
  ["notes.length", []],
  ["notes[*].text", ["green", "black"]],
  [
    "notes[*]",
    [
      JSON.stringify({ text: "green" }, null, 2),
      JSON.stringify({ text: "black" }, null, 2),
      "plain",
    ],
  ],
  ["meta.*", ["On tea", "kept"]],
  ["{title, meta.title}", ["Tea", "On tea"]],
  ["notes[*].{text}", ["green", "black"]],
  ["$", [JSON.stringify(item, null, 2)]],
  ["$.title", ["Tea"]],
  ["constructor", []],
  ["__proto__", []],
])("%s names %j", ([path, texts]) => {
  expect(textsAt(item, path)).toEqual(texts);
});
