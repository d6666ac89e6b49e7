import { Switch as RadixSwitch } from "radix-ui";
import { useId, type ComponentProps, type ReactNode } from "react";
import { classNames } from "./class-names.ts";

/** A label, what belongs in the control, and what is wrong with what is there. */
export function Field(props: {
  label: string;
  hint?: ReactNode;
  problem?: string | null;
  children(control: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }): ReactNode;
}) {
  const id = useId();
  const described = [props.hint && `${id}-hint`, props.problem && `${id}-problem`].filter(Boolean);
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="label block">
        {props.label}
      </label>
      {props.children({
        id,
        ...(described.length > 0 && { "aria-describedby": described.join(" ") }),
        ...(props.problem && { "aria-invalid": true }),
      })}
      {props.hint && (
        <p id={`${id}-hint`} className="hint">
          {props.hint}
        </p>
      )}
      {props.problem && (
        <p id={`${id}-problem`} className="text-xs text-bad" role="alert">
          {props.problem}
        </p>
      )}
    </div>
  );
}

export function Select(
  props: Omit<ComponentProps<"select">, "children"> & {
    options: { value: string; label: string }[];
  },
) {
  const { options, className, ...rest } = props;
  return (
    <select {...rest} className={classNames("control", className)}>
      {options.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

export function Toggle(props: {
  label: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange(isOn: boolean): void;
}) {
  const id = useId();
  return (
    <span className="inline-flex items-center gap-2">
      <RadixSwitch.Root
        id={id}
        checked={props.isOn}
        disabled={props.isDisabled ?? false}
        onCheckedChange={props.onChange}
        className={
          "relative h-5 w-9 shrink-0 rounded-full border border-line-strong bg-sunken " +
          "data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-60"
        }
      >
        <RadixSwitch.Thumb
          className={
            "block size-3.5 translate-x-0.5 rounded-full bg-line-strong transition-transform " +
            "data-[state=checked]:translate-x-[1.1rem] data-[state=checked]:bg-on-accent"
          }
        />
      </RadixSwitch.Root>
      <label htmlFor={id} className="text-sm">
        {props.label}
      </label>
    </span>
  );
}

/** One of a few, side by side. */
export function Segments<Value extends string>(props: {
  label: string;
  /** Null: none is chosen yet. */
  value: Value | null;
  options: { value: NoInfer<Value>; label: string }[];
  onChange(value: NoInfer<Value>): void;
  className?: string;
}) {
  return (
    <div
      role="group"
      aria-label={props.label}
      className={classNames(
        "inline-flex rounded-md border border-line-strong p-0.5",
        props.className,
      )}
    >
      {props.options.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
          className={classNames(
            "flex-1 rounded px-2.5 py-0.5 text-sm whitespace-nowrap",
            props.value === value ? "bg-accent text-on-accent" : "text-ink hover:bg-sunken",
          )}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
