import { Field, Select } from "../parts/field.tsx";
import { useWords } from "../words/words.tsx";

/** How long an item is to be kept, as somebody is choosing it. */
export interface TtlChoice {
  kind: "server" | "none" | "minutes";
  /** As it was typed. */
  minutes: string;
}

const kinds = ["server", "none", "minutes"] as const;

/** What the API is told: minutes, null for ever, nothing for `store.ttl.default_ttl`. Undefined: it is no number. */
export function ttlOf({ kind, minutes }: TtlChoice): { ttl?: number | null } | undefined {
  if (kind === "server") return {};
  if (kind === "none") return { ttl: null };
  const ttl = Number(minutes);
  return minutes.trim() !== "" && Number.isFinite(ttl) && ttl > 0 ? { ttl } : undefined;
}

/** The API takes an item's time to live and does not tell it: on editing, it has to be chosen again. */
export function TtlField(props: {
  choice: TtlChoice;
  onChange(choice: TtlChoice): void;
  isNew: boolean;
  isChecked: boolean;
}) {
  const words = useWords();
  const { choice, onChange } = props;
  const isBroken = props.isChecked && ttlOf(choice) === undefined;
  return (
    <div className="flex flex-wrap items-start gap-3">
      <div className="min-w-52 flex-1">
        <Field
          label={words.memory.ttl}
          hint={props.isNew ? words.memory.ttlHint : words.memory.ttlEditHint}
        >
          {(control) => (
            <Select
              {...control}
              value={choice.kind}
              options={kinds.map((value) => ({ value, label: words.memory.ttls[value] }))}
              onChange={({ target }) =>
                onChange({ ...choice, kind: kinds.find((kind) => kind === target.value)! })
              }
            />
          )}
        </Field>
      </div>
      {choice.kind === "minutes" && (
        <div className="min-w-40 flex-1">
          <Field label={words.memory.ttlMinutes} problem={isBroken ? words.memory.ttlBroken : null}>
            {(control) => (
              <input
                {...control}
                className="control"
                inputMode="decimal"
                value={choice.minutes}
                onChange={({ target }) => onChange({ ...choice, minutes: target.value })}
              />
            )}
          </Field>
        </div>
      )}
    </div>
  );
}
