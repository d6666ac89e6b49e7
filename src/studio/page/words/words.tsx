import { createContext, use, useEffect, useMemo, useState, type ReactNode } from "react";
import { english } from "./english.ts";
import { korean } from "./korean.ts";

export type Language = "en" | "ko";
export type Words = typeof english;

const dictionaries: Record<Language, Words> = { en: english, ko: korean };
const storageKey = "adjutant.language";

interface Speech {
  language: Language;
  words: Words;
  speak(language: Language): void;
}

const SpeechContext = createContext<Speech | null>(null);

export function Speaking({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speech = useMemo<Speech>(
    () => ({
      language,
      words: dictionaries[language],
      speak(next) {
        localStorage.setItem(storageKey, next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <SpeechContext value={speech}>{children}</SpeechContext>;
}

function firstLanguage(): Language {
  const stored = localStorage.getItem(storageKey);
  if (stored === "en" || stored === "ko") return stored;
  return navigator.languages.some((one) => one.toLowerCase().startsWith("ko")) ? "ko" : "en";
}

export function useSpeech(): Speech {
  const speech = use(SpeechContext);
  if (!speech) throw new Error("useSpeech belongs inside <Speaking>.");
  return speech;
}

export function useWords(): Words {
  return useSpeech().words;
}
