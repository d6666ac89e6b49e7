import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import {
  Bot,
  Database,
  FlaskConical,
  Languages,
  ListTree,
  MessagesSquare,
  Monitor,
  Moon,
  Sun,
  Unplug,
  type LucideIcon,
} from "lucide-react";
import { useEffect } from "react";
import { Toaster } from "sonner";
import { ApiKeyButton } from "./api-key-button.tsx";
import { lookNow, useIsServerUp } from "./api/connection.ts";
import { Button, IconButton } from "./parts/button.tsx";
import { theme, useIsDark, useThemeChoice, type ThemeChoice } from "./theme.ts";
import { useSpeech, useWords } from "./words/words.tsx";

const places = [
  { to: "/assistants", name: "assistants", icon: Bot },
  { to: "/test", name: "test", icon: FlaskConical },
  { to: "/threads", name: "threads", icon: MessagesSquare },
  { to: "/runs", name: "runs", icon: ListTree },
  { to: "/memory", name: "memory", icon: Database },
] as const;

/** Navigation beside the page on wide screens, below it on narrow ones. */
export function Shell() {
  const words = useWords();
  const isDark = useIsDark();
  useTitle();
  return (
    <div className="flex h-full flex-col md:flex-row">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        {words.shell.skip}
      </a>
      <header className="flex shrink-0 items-center gap-2 border-line bg-panel px-3 py-1.5 max-md:border-b md:w-44 md:flex-col md:items-stretch md:border-r md:px-2 md:py-3">
        <p className="px-2 font-semibold tracking-tight md:pb-2">
          Adjutant <span className="font-normal text-muted">Studio</span>
        </p>
        <nav
          aria-label={words.shell.navigation}
          className="border-line bg-panel max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:z-30 max-md:border-t"
        >
          <ul className="flex md:flex-col md:gap-0.5">
            {places.map(({ to, name, icon }) => (
              <Place key={to} to={to} label={words.places[name]} icon={icon} />
            ))}
          </ul>
        </nav>
        <div className="flex-1" />
        <Settings />
      </header>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col max-md:pb-14">
        <ServerGone />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-auto outline-none">
          <Outlet />
        </main>
      </div>
      <Toaster
        theme={isDark ? "dark" : "light"}
        position="bottom-right"
        mobileOffset={{ bottom: "4.5rem" }}
        richColors
        closeButton
        containerAriaLabel={words.shell.notifications}
        toastOptions={{ closeButtonAriaLabel: words.common.close }}
      />
    </div>
  );
}

function Place(props: { to: string; label: string; icon: LucideIcon }) {
  const Icon = props.icon;
  return (
    <li className="min-w-0 flex-1">
      <Link
        to={props.to}
        activeOptions={{ includeSearch: false }}
        className={
          "flex items-center gap-2 px-2 py-1.5 text-muted hover:text-ink max-md:flex-col max-md:gap-0.5 " +
          "max-md:px-0.5 max-md:text-[11px] md:rounded-md md:hover:bg-sunken"
        }
        activeProps={{
          className: "font-semibold text-accent! md:bg-accent-soft!",
          "aria-current": "page",
        }}
      >
        <Icon className="size-4.5" aria-hidden />
        <span className="max-w-full truncate">{props.label}</span>
      </Link>
    </li>
  );
}

const themeIcons: Record<ThemeChoice, LucideIcon> = { system: Monitor, light: Sun, dark: Moon };
const nextTheme: Record<ThemeChoice, ThemeChoice> = {
  system: "light",
  light: "dark",
  dark: "system",
};

function Settings() {
  const { language, words, speak } = useSpeech();
  const choice = useThemeChoice();
  return (
    <div className="flex items-center gap-1">
      <IconButton
        label={words.shell.theme[choice]}
        icon={themeIcons[choice]}
        onClick={() => theme.choose(nextTheme[choice])}
      />
      <ApiKeyButton />
      <Button
        variant="quiet"
        icon={Languages}
        className="px-2"
        lang={language === "en" ? "ko" : "en"}
        onClick={() => speak(language === "en" ? "ko" : "en")}
      >
        {words.shell.otherLanguage}
      </Button>
    </div>
  );
}

function ServerGone() {
  const words = useWords();
  const isUp = useIsServerUp();
  return (
    <div role="status" aria-live="assertive">
      {!isUp && (
        <div className="flex flex-wrap items-center gap-2 border-b border-bad bg-bad-soft px-4 py-2 text-sm">
          <Unplug className="size-4 text-bad" aria-hidden />
          <p className="min-w-0 flex-1">
            <strong className="text-bad">{words.shell.gone}</strong> {words.shell.goneAdvice}
          </p>
          <Button onClick={lookNow}>{words.common.retry}</Button>
        </div>
      )}
    </div>
  );
}

function useTitle(): void {
  const words = useWords();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const place = places.find(({ to }) => path.startsWith(to));
  const other = path.startsWith("/compare") ? words.compare.title : "";
  const name = place ? words.places[place.name] : other;
  useEffect(() => {
    document.title = name ? `${name} · Adjutant Studio` : "Adjutant Studio";
  }, [name]);
}

export function PageMissing() {
  const words = useWords();
  return (
    <div className="space-y-3 p-8 text-center">
      <h1 className="text-lg font-semibold">{words.shell.pageMissing}</h1>
      <p className="text-muted">{words.shell.pageMissingAdvice}</p>
      <Link to="/assistants" className="text-accent underline">
        {words.places.assistants}
      </Link>
    </div>
  );
}
