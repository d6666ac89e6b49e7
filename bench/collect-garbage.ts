/** Imported into a server before it starts, with `--expose-gc`. */
process.on("SIGUSR2", () => {
  globalThis.gc?.();
});
