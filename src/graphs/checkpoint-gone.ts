/** A stored checkpoint was removed while it was being read. */
export class CheckpointGone extends Error {}
