import type { BaseInputTemplateProps, WidgetProps } from "@rjsf/utils";
import { Maximize2 } from "lucide-react";
import { useState } from "react";
import { PromptEditor } from "../code/prompt-editor.tsx";
import { IconButton } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { classNames } from "../parts/class-names.ts";
import { useWords } from "../words/words.tsx";

type Control = Pick<WidgetProps, "id" | "rawErrors" | "schema">;

/** Ties the control to the sentences that stand below it (see FieldFrame). */
function described({ id, rawErrors, schema }: Control) {
  const ids = [schema.description && `${id}-hint`, rawErrors?.length && `${id}-problem`];
  return {
    "aria-invalid": rawErrors?.length ? true : undefined,
    "aria-describedby": ids.filter(Boolean).join(" ") || undefined,
  };
}

/** An empty text stays one where leaving it out would mean the default. */
function emptyValue(schema: WidgetProps["schema"]) {
  return typeof schema.default === "string" ? "" : undefined;
}

export function OneLine(props: BaseInputTemplateProps) {
  const { schema, value } = props;
  const isNumber = schema.type === "number" || schema.type === "integer";
  const example = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  return (
    <input
      id={props.id}
      type={isNumber ? "number" : props.type === "password" ? "password" : "text"}
      inputMode={isNumber ? "decimal" : undefined}
      step={schema.type === "integer" ? 1 : "any"}
      value={value ?? ""}
      placeholder={props.placeholder || (example === undefined ? "" : String(example))}
      disabled={props.disabled}
      readOnly={props.readonly}
      className={classNames("control", isNumber && "max-w-48")}
      onChange={({ target }) => props.onChange(readInput(target.value, isNumber, schema))}
      onBlur={({ target }) => props.onBlur(props.id, target.value)}
      {...described(props)}
    />
  );
}

function readInput(text: string, isNumber: boolean, schema: WidgetProps["schema"]) {
  if (text === "") return emptyValue(schema);
  return isNumber && !Number.isNaN(Number(text)) ? Number(text) : text;
}

/** For prompts: grows with its text, and opens large. */
export function LongText(props: WidgetProps) {
  const words = useWords();
  const [isLarge, setLarge] = useState(false);
  const change = (text: string) => props.onChange(text === "" ? emptyValue(props.schema) : text);
  const value = typeof props.value === "string" ? props.value : "";
  const { "aria-describedby": describedBy, "aria-invalid": isInvalid = false } = described(props);
  return (
    <div className="flex items-start gap-1">
      <div className="min-w-0 flex-1">
        <PromptEditor
          id={props.id}
          label={props.label}
          text={value}
          onChange={change}
          isReadOnly={props.disabled ?? false}
          heights={["6rem", "24rem"]}
          describedBy={describedBy}
          isInvalid={isInvalid}
        />
      </div>
      <IconButton label={words.form.enlarge} icon={Maximize2} onClick={() => setLarge(true)} />
      <Dialog title={props.label} isOpen={isLarge} onClose={() => setLarge(false)} width="large">
        <PromptEditor
          label={props.label}
          text={value}
          onChange={change}
          heights={["60dvh", "60dvh"]}
        />
        <p className="hint mt-1 text-right">{words.form.characters(value.length)}</p>
      </Dialog>
    </div>
  );
}

/** An index into the options stands for the value, which may be of any type. */
export function Choice(props: WidgetProps) {
  const options = props.options.enumOptions ?? [];
  const index = options.findIndex(({ value }) => value === props.value);
  const mayBeEmpty = !props.required || index < 0;
  return (
    <select
      id={props.id}
      value={index < 0 ? "" : String(index)}
      disabled={props.disabled}
      className="control"
      onChange={({ target }) =>
        props.onChange(target.value === "" ? undefined : options[Number(target.value)]?.value)
      }
      {...described(props)}
    >
      {mayBeEmpty && <option value="">—</option>}
      {options.map(({ label }, at) => (
        <option key={label} value={String(at)}>
          {label}
        </option>
      ))}
    </select>
  );
}

export function YesNo(props: WidgetProps) {
  return (
    <input
      id={props.id}
      type="checkbox"
      checked={props.value === true}
      disabled={props.disabled}
      className="size-4 accent-accent"
      onChange={({ target }) => props.onChange(target.checked)}
      {...described(props)}
    />
  );
}
