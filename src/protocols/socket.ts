/** A WebSocket as routes see it: one text a message. */
export interface Socket {
  /** Aborts when the connection is closed, by whichever side. */
  readonly gone: AbortSignal;
  /** Texts as they come; ends with the connection. */
  messages(): AsyncIterable<string>;
  /** Null when more may follow at once; else resolves when it may, or when the other side has gone. */
  send(text: string): Promise<void> | null;
  /** Another request in the name of the one that opened the socket: same credentials, same gate. `path` is relative to its. */
  request(method: string, path: string, body: string): Promise<Response>;
}
