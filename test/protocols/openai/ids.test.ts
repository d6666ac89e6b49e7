import { assert, property, uuid as anyUuid } from "fast-check";
import { expect, test } from "vitest";
import { decodeId, encodeId } from "../../../src/protocols/openai/ids.ts";

test("every UUID has a spelling of OpenAI's form, which leads back to it", () => {
  assert(
    property(anyUuid(), (uuid) => {
      const id = encodeId("thread", uuid);
      expect(id).toMatch(/^thread_[0-9A-Za-z]{24}$/);
      expect(decodeId(id)).toBe(uuid);
    }),
  );
});

test("a UUID as it stands is understood, in either case", () => {
  const uuid = "01995d2e-7d3c-7c55-b0a5-0d3c36a1f9d2";
  expect(decodeId(uuid.toUpperCase())).toBe(uuid);
});

test("an id that OpenAI made stays itself and leads to one UUID, always", () => {
  const id = "thread_MSSuluvFEkJg2gedb9kniwKi";
  expect(encodeId("thread", id)).toBe(id);
  expect(decodeId(id)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(decodeId(id)).toBe(decodeId(id));
  expect(decodeId(id)).not.toBe(decodeId("thread_MSSuluvFEkJg2gedb9kniwKj"));
});

test("an id of a message that is no UUID, from another graph, has a spelling of its own", () => {
  expect(encodeId("msg", "chatcmpl-1")).toMatch(/^msg_[0-9A-Za-z]{24}$/);
  expect(encodeId("msg", "chatcmpl-1")).not.toBe(encodeId("msg", "chatcmpl-2"));
});
