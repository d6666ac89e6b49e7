import type {
  ArrayFieldItemTemplateProps,
  ArrayFieldTemplateProps,
  FieldTemplateProps,
  IconButtonProps,
  MultiSchemaFieldTemplateProps,
  ObjectFieldTemplateProps,
  UnsupportedFieldProps,
} from "@rjsf/utils";
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../parts/button.tsx";
import { useWords } from "../words/words.tsx";

export function Nothing() {
  return null;
}

/** `llm_provider` reads as "Llm provider" in many libraries; here the name stays as the code has it. */
export function FieldFrame(props: FieldTemplateProps) {
  const words = useWords();
  const { id, label, required, rawErrors, schema, hidden, displayLabel } = props;
  if (hidden) return <div className="hidden">{props.children}</div>;
  // A field of our own (see schema-form.tsx) names its controls itself.
  const isOwn = props.uiSchema?.["ui:field"] !== undefined;
  const isGroup = isOwn || schema.type === "object" || schema.type === "array";
  if (id === id.split("_")[0] && isGroup && !isOwn) return <>{props.children}</>;
  const hint = schema.description;
  const name = (
    <>
      <span className="font-mono text-[13px]">{label}</span>
      {required && <span className="text-muted"> · {words.form.required}</span>}
    </>
  );
  return (
    <div className="space-y-1">
      {isGroup ? (
        <p className="label">{name}</p>
      ) : (
        (displayLabel || schema.type === "boolean") && (
          // An editor is no control that a label could name: pointing at it is led there by hand.
          <label
            htmlFor={id}
            className="label block"
            onClick={() => document.getElementById(id)?.focus()}
          >
            {name}
          </label>
        )
      )}
      {props.children}
      {hint && (
        <p id={`${id}-hint`} className="hint whitespace-pre-line">
          {hint}
        </p>
      )}
      {rawErrors && rawErrors.length > 0 && (
        <p id={`${id}-problem`} role="alert" className="text-xs text-bad">
          {rawErrors.join(" ")}
        </p>
      )}
    </div>
  );
}

export function ObjectField(props: ObjectFieldTemplateProps) {
  const isRoot = !props.fieldPathId.$id.includes("_");
  return (
    <div className={isRoot ? "space-y-4" : "space-y-3 border-l-2 border-line pl-3"}>
      {props.properties.map(({ content, name }) => (
        <div key={name}>{content}</div>
      ))}
    </div>
  );
}

export function ArrayField(props: ArrayFieldTemplateProps) {
  const words = useWords();
  return (
    <div className="space-y-2 border-l-2 border-line pl-3">
      {props.items}
      {props.canAdd && (
        <Button icon={Plus} onClick={props.onAddClick}>
          {words.form.add}
        </Button>
      )}
    </div>
  );
}

export function ArrayItem(props: ArrayFieldItemTemplateProps) {
  const words = useWords();
  const { buttonsProps } = props;
  return (
    <div className="flex items-start gap-1">
      <div className="min-w-0 flex-1">{props.children}</div>
      {buttonsProps.hasMoveUp && (
        <IconButton label={words.form.moveUp} icon={ArrowUp} onClick={buttonsProps.onMoveUpItem} />
      )}
      {buttonsProps.hasMoveDown && (
        <IconButton
          label={words.form.moveDown}
          icon={ArrowDown}
          onClick={buttonsProps.onMoveDownItem}
        />
      )}
      {buttonsProps.hasRemove && (
        <IconButton label={words.form.remove} icon={Trash2} onClick={buttonsProps.onRemoveItem} />
      )}
    </div>
  );
}

export function MultiSchema(props: MultiSchemaFieldTemplateProps) {
  return (
    <div className="space-y-2">
      <div className="max-w-64">{props.selector}</div>
      {props.optionSchemaField}
    </div>
  );
}

export function Unsupported({ schema }: UnsupportedFieldProps) {
  const words = useWords();
  return (
    <p className="hint">
      {words.form.unsupported} <code>{JSON.stringify(schema).slice(0, 120)}</code>
    </p>
  );
}

export function AddButton(props: IconButtonProps) {
  const words = useWords();
  return (
    <Button icon={Plus} disabled={props.disabled ?? false} onClick={props.onClick}>
      {words.form.add}
    </Button>
  );
}

export function RemoveButton(props: IconButtonProps) {
  const words = useWords();
  return <IconButton label={words.form.remove} icon={Trash2} onClick={props.onClick} />;
}

export function MoveUpButton(props: IconButtonProps) {
  const words = useWords();
  return <IconButton label={words.form.moveUp} icon={ArrowUp} onClick={props.onClick} />;
}

export function MoveDownButton(props: IconButtonProps) {
  const words = useWords();
  return <IconButton label={words.form.moveDown} icon={ArrowDown} onClick={props.onClick} />;
}
