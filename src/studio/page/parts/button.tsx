import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";
import { classNames } from "./class-names.ts";

type Variant = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Variant, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border border-transparent",
  plain: "bg-panel text-ink border border-line-strong hover:bg-sunken",
  quiet: "text-ink hover:bg-sunken border border-transparent",
  danger: "bg-panel text-bad border border-bad hover:bg-bad-soft",
};

export interface ButtonProps extends ComponentProps<"button"> {
  variant?: Variant;
  icon?: LucideIcon;
  /** Something the button started is under way. */
  isBusy?: boolean;
}

export const buttonClass = (variant: Variant = "plain") =>
  classNames(
    "inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md px-3 py-1 text-sm font-medium",
    "whitespace-nowrap no-underline disabled:opacity-55 disabled:cursor-not-allowed",
    looks[variant],
  );

export function Button({
  variant = "plain",
  icon: Icon,
  isBusy = false,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
      className={classNames(buttonClass(variant), className)}
    >
      {isBusy ? (
        <LoaderCircle className="size-4 animate-spin" aria-hidden />
      ) : (
        Icon && <Icon className="size-4 shrink-0" aria-hidden />
      )}
      {children}
    </button>
  );
}

/** A button that is only an icon: its name is read out, and shown when pointed at. */
export function IconButton({
  label,
  icon: Icon,
  className,
  isPressed,
  ...rest
}: Omit<ComponentProps<"button">, "children"> & {
  label: string;
  icon: LucideIcon;
  isPressed?: boolean;
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={isPressed}
      {...rest}
      className={classNames(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-sunken",
        "hover:text-ink disabled:cursor-not-allowed disabled:opacity-50",
        isPressed && "bg-accent-soft text-accent",
        className,
      )}
    >
      <Icon className="size-4" aria-hidden />
    </button>
  );
}
