import { useSyncExternalStore } from "react";

const storageKey = "adjutant.api-key";
const listeners = new Set<() => void>();

/** Kept for this tab only. */
export function readApiKey(): string {
  return sessionStorage.getItem(storageKey) ?? "";
}

export function writeApiKey(key: string): void {
  if (key === "") sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, key);
  for (const listener of listeners) listener();
}

export function useApiKey(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readApiKey);
}
