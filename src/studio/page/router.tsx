import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { studioUrl } from "./api/address.ts";
import { Loading, Problem } from "./parts/notice.tsx";
import { Shell, PageMissing } from "./shell.tsx";

type Search = Record<string, unknown>;

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function whole(value: unknown): number | undefined {
  const number = Number(value);
  return value !== undefined && Number.isInteger(number) && number >= 0 ? number : undefined;
}

function oneOf<Value extends string>(value: unknown, values: readonly Value[]): Value | undefined {
  return values.find((one) => one === value);
}

/** Leaves out what is not set, so that addresses stay short. */
function known<Found extends object>(found: Found): Partial<Found> {
  return Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined),
  ) as Partial<Found>;
}

const root = createRootRoute({ component: Shell, notFoundComponent: PageMissing });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/assistants" });
  },
});

const assistantSorts = ["name", "graph_id", "created_at", "updated_at"] as const;

const assistants = createRoute({
  getParentRoute: () => root,
  path: "/assistants",
  validateSearch: (search: Search) =>
    known({
      name: text(search["name"]),
      graph: text(search["graph"]),
      sort: oneOf(search["sort"], assistantSorts),
      order: oneOf(search["order"], ["asc", "desc"] as const),
      offset: whole(search["offset"]),
    }),
  component: lazyRouteComponent(() => import("./assistants/list.tsx"), "AssistantList"),
});

const newAssistant = createRoute({
  getParentRoute: () => root,
  path: "/assistants/new",
  validateSearch: (search: Search) => known({ graph: text(search["graph"]) }),
  component: lazyRouteComponent(() => import("./assistants/new.tsx"), "NewAssistant"),
});

const assistant = createRoute({
  getParentRoute: () => root,
  path: "/assistants/$assistantId",
  component: lazyRouteComponent(() => import("./assistants/detail.tsx"), "AssistantDetail"),
});

const editAssistant = createRoute({
  getParentRoute: () => root,
  path: "/assistants/$assistantId/edit",
  component: lazyRouteComponent(() => import("./assistants/edit.tsx"), "EditAssistant"),
});

const test = createRoute({
  getParentRoute: () => root,
  path: "/test",
  validateSearch: (search: Search) =>
    known({
      assistant: text(search["assistant"]),
      version: whole(search["version"]),
      thread: text(search["thread"]),
      checkpoint: text(search["checkpoint"]),
      mode: oneOf(search["mode"], ["graph", "chat"] as const),
    }),
  component: lazyRouteComponent(() => import("./test/page.tsx"), "TestPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (search: Search) =>
    known({ left: text(search["left"]), right: text(search["right"]) }),
  component: lazyRouteComponent(() => import("./test/compare.tsx"), "ComparePage"),
});

const threads = createRoute({
  getParentRoute: () => root,
  path: "/threads",
  validateSearch: (search: Search) =>
    known({
      find: text(search["find"]),
      status: oneOf(search["status"], ["idle", "busy", "interrupted", "error"] as const),
      offset: whole(search["offset"]),
    }),
  component: lazyRouteComponent(() => import("./threads/list.tsx"), "ThreadList"),
});

const runStatuses = ["pending", "running", "success", "error", "interrupted", "timeout"] as const;

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search: Search) =>
    known({
      status: oneOf(search["status"], runStatuses),
      assistant: text(search["assistant"]),
      thread: text(search["thread"]),
      offset: whole(search["offset"]),
    }),
  component: lazyRouteComponent(() => import("./runs/list.tsx"), "RunList"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$threadId/$runId",
  component: lazyRouteComponent(() => import("./runs/detail.tsx"), "RunDetail"),
});

const memory = createRoute({
  getParentRoute: () => root,
  path: "/memory",
  validateSearch: (search: Search) =>
    known({ namespace: text(search["namespace"]), offset: whole(search["offset"]) }),
  component: lazyRouteComponent(() => import("./memory/page.tsx"), "MemoryPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    assistants,
    newAssistant,
    assistant,
    editAssistant,
    test,
    compare,
    threads,
    runs,
    run,
    memory,
  ]),
  basepath: studioUrl.pathname.replace(/\/$/, ""),
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => (
    <div className="p-4">
      <Problem thrown={error} onRetry={reset} />
    </div>
  ),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
