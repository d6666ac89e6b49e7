import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";
const storageKey = "adjutant.theme";
const darkQuery = window.matchMedia("(prefers-color-scheme: dark)");

class Theme {
  #choice: ThemeChoice = readChoice();
  readonly #listeners = new Set<() => void>();

  constructor() {
    darkQuery.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  get choice(): ThemeChoice {
    return this.#choice;
  }

  get isDark(): boolean {
    return this.#choice === "dark" || (this.#choice === "system" && darkQuery.matches);
  }

  choose(choice: ThemeChoice): void {
    this.#choice = choice;
    localStorage.setItem(storageKey, choice);
    this.#apply();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #apply(): void {
    document.documentElement.dataset["theme"] = this.isDark ? "dark" : "light";
    for (const listener of this.#listeners) listener();
  }
}

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(storageKey);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export const theme = new Theme();

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(theme.subscribe, () => theme.choice);
}

export function useIsDark(): boolean {
  return useSyncExternalStore(theme.subscribe, () => theme.isDark);
}
