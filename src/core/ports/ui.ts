/** One set of components that graphs show in a chat, made ready for browsers. */
export interface UiBundle {
  /** By name, such as `entrypoint.js`. */
  files: ReadonlyMap<string, UiFile>;
}

export interface UiFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** Changes with the bytes. */
  digest: string;
}

/** The components that `ui` of langgraph.json names. */
export interface UiBundles {
  /** Made when it is asked for first. @throws not_found for a key that is not named; invalid for files that are broken */
  bundle(key: string): Promise<UiBundle>;
}
