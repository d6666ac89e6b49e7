/** A UUID as its 16 bytes; anything else as it is. Both sort as the text does, among themselves. */
export type PackedId = string | Uint8Array;

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Checkpoints are known by UUIDs, and rows and indexes are mostly these: 16 bytes instead of 36. */
export function packId(id: string): PackedId {
  return canonicalUuid.test(id) ? Buffer.from(id.replaceAll("-", ""), "hex") : id;
}

export function unpackId(packed: PackedId): string {
  if (typeof packed === "string") return packed;
  const hex = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength).toString("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join("-")}-${hex.slice(20)}`;
}
