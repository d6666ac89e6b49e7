import type { LucideIcon } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

export interface MenuEntry {
  label: string;
  icon: LucideIcon;
  isDangerous?: boolean;
  isDisabled?: boolean;
  onSelect(): void;
}

export function Menu(props: { trigger: ReactNode; entries: MenuEntry[] }) {
  return (
    // Modal, it would hide from screen readers what can still be reached with the keyboard.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{props.trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          className="z-50 min-w-44 rounded-md border border-line bg-panel p-1 shadow-lg"
        >
          {props.entries.map(({ label, icon: Icon, isDangerous, isDisabled, onSelect }) => (
            <DropdownMenu.Item
              key={label}
              disabled={isDisabled ?? false}
              onSelect={onSelect}
              className={classNames(
                "flex cursor-pointer items-center gap-2 rounded px-2 py-1.5 text-sm outline-none",
                "data-[highlighted]:bg-sunken data-[disabled]:opacity-50",
                isDangerous && "text-bad",
              )}
            >
              <Icon className="size-4" aria-hidden />
              {label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
