import type { Language } from "./words.tsx";

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** "3 minutes ago"; older than a week, the date. */
export function relativeTime(iso: string, language: Language, now = Date.now()): string {
  const ageMs = now - Date.parse(iso);
  if (Number.isNaN(ageMs)) return iso;
  if (ageMs > 7 * 86_400_000) {
    return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(iso));
  }
  const [unit, unitMs] = units.find(([, ms]) => Math.abs(ageMs) >= ms) ?? ["second", 1_000];
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return format.format(-Math.floor(ageMs / unitMs), unit);
}

export function absoluteTime(iso: string, language: Language): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(
    date,
  );
}

/** "840 ms", "12.4 s", "3 min 20 s": the same in every language. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((milliseconds % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
