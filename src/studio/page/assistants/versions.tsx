import type { Assistant, AssistantVersion } from "@langchain/langgraph-sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { versionsQuery } from "../api/queries.ts";
import { Badge } from "../parts/badge.tsx";
import { Button, buttonClass } from "../parts/button.tsx";
import { Toggle } from "../parts/field.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useWords } from "../words/words.tsx";
import { comparable, noteOf } from "./content.ts";

const TextDiff = lazy(() =>
  import("../code/text-diff.tsx").then((module) => ({ default: module.TextDiff })),
);

/** Makes an older version the active one. */
export function useActivate(assistantId: string) {
  const words = useWords();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (version: number) => client.assistants.setLatest(assistantId, version),
    onSuccess: async (assistant) => {
      toast.success(words.assistants.activated(assistant.version));
      await cache.invalidateQueries({ queryKey: ["assistants"] });
    },
  });
}

/** All versions, newest first; any two of them side by side. */
export function Versions({ assistant }: { assistant: Assistant }) {
  const words = useWords();
  const versions = useQuery(versionsQuery(assistant.assistant_id));
  const [picked, setPicked] = useState<{ before?: number; after?: number }>({});
  if (versions.isPending) return <Loading />;
  if (versions.isError) {
    return <Problem thrown={versions.error} onRetry={() => void versions.refetch()} />;
  }
  const numbers = versions.data.map(({ version }) => version);
  const after = picked.after ?? numbers[0] ?? 1;
  const before = picked.before ?? numbers.find((number) => number < after) ?? after;
  const textOf = (number: number) => {
    const found = versions.data.find(({ version }) => version === number);
    return found ? comparable(found) : "";
  };
  return (
    <div className="space-y-4">
      <section className="card" aria-labelledby="versions-title">
        <h2 id="versions-title" className="border-b border-line px-4 py-2 font-semibold">
          {words.assistants.versions} <Badge>{numbers.length}</Badge>
        </h2>
        <ol>
          {versions.data.map((version) => (
            <VersionRow
              key={version.version}
              version={version}
              assistant={assistant}
              compare={{ before, after, pick: setPicked }}
            />
          ))}
        </ol>
      </section>
      <section className="card space-y-2 p-4" aria-labelledby="diff-title">
        <h2 id="diff-title" className="font-semibold">
          {before === after
            ? words.assistants.content(after)
            : words.assistants.difference(before, after)}
        </h2>
        {before !== after && textOf(before) === textOf(after) && (
          <p className="text-sm text-muted">{words.assistants.same}</p>
        )}
        <Suspense fallback={<Loading />}>
          <TextDiff
            before={textOf(before)}
            after={textOf(after)}
            labels={[words.assistants.content(before), words.assistants.content(after)]}
          />
        </Suspense>
      </section>
    </div>
  );
}

function VersionRow(props: {
  version: AssistantVersion;
  assistant: Assistant;
  compare: {
    before: number;
    after: number;
    pick(picked: { before: number; after: number }): void;
  };
}) {
  const words = useWords();
  const { version, assistant, compare } = props;
  const activate = useActivate(assistant.assistant_id);
  const number = version.version;
  const isActive = number === assistant.version;
  const note = noteOf(version);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-0">
      <Badge tone={isActive ? "good" : "plain"}>v{number}</Badge>
      <div className="min-w-0 flex-1 basis-40">
        <p className="truncate" title={note || version.name}>
          {note || version.name}
        </p>
        <p className="text-xs text-muted">
          <Time at={version.created_at} />
        </p>
      </div>
      <fieldset className="flex gap-3 text-sm">
        <legend className="sr-only">{words.assistants.compareVersion(number)}</legend>
        {(["before", "after"] as const).map((side) => (
          <label key={side} className="flex items-center gap-1">
            <input
              type="radio"
              className="accent-accent"
              name={`compare-${side}`}
              checked={compare[side] === number}
              onChange={() =>
                compare.pick({ before: compare.before, after: compare.after, [side]: number })
              }
            />
            {words.assistants[side]}
          </label>
        ))}
      </fieldset>
      <Toggle
        label={words.assistants.active}
        isOn={isActive}
        isDisabled={activate.isPending}
        onChange={(isOn) =>
          isOn ? activate.mutate(number) : toast.info(words.assistants.oneIsActive)
        }
      />
      <div className="flex gap-1">
        <Link
          to="/test"
          search={{ assistant: assistant.assistant_id, version: number }}
          className={buttonClass("quiet")}
          aria-label={words.assistants.testVersion(number)}
        >
          {words.places.test}
        </Link>
        {/* Of the active version only its space, so that the columns stand in line. */}
        <Button
          className={isActive ? "invisible max-sm:hidden" : undefined}
          isBusy={activate.isPending}
          onClick={() => activate.mutate(number)}
        >
          {words.assistants.restore}
        </Button>
      </div>
      {activate.isError && (
        <div className="basis-full">
          <Problem thrown={activate.error} />
        </div>
      )}
    </li>
  );
}
