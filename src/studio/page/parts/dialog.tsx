import { X } from "lucide-react";
import { AlertDialog as RadixAlert, Dialog as RadixDialog } from "radix-ui";
import { useState, type ReactNode } from "react";
import { useWords } from "../words/words.tsx";
import { Button, IconButton } from "./button.tsx";
import { classNames } from "./class-names.ts";

const backdrop = "fixed inset-0 z-40 bg-black/45";
const box =
  "fixed left-1/2 top-1/2 z-50 flex max-h-[92dvh] w-[min(96vw,var(--width))] -translate-x-1/2 " +
  "-translate-y-1/2 flex-col rounded-xl border border-line bg-panel shadow-xl";

const widths = { small: "28rem", medium: "42rem", large: "72rem" };

/**
 * Who is given the focus back: what had it when the dialog opened; for an entry of a menu, which is gone by
 * then, the menu's button.
 */
function openerNow(): HTMLElement | null {
  const active = document.activeElement as HTMLElement | null;
  const menu = active?.closest('[role="menu"]');
  return menu ? document.getElementById(menu.getAttribute("aria-labelledby") ?? "") : active;
}

function useFocusReturn(): { onCloseAutoFocus(event: Event): void } {
  const [opener] = useState(openerNow);
  return {
    onCloseAutoFocus(event) {
      event.preventDefault();
      // What was deleted cannot have it.
      const next = opener?.isConnected ? opener : document.getElementById("main");
      next?.focus();
    },
  };
}

interface DialogProps {
  title: string;
  description?: string;
  onClose(): void;
  width?: keyof typeof widths;
  children: ReactNode;
  footer?: ReactNode;
}

export function Dialog({ isOpen, ...rest }: DialogProps & { isOpen: boolean }) {
  return (
    <RadixDialog.Root open={isOpen} onOpenChange={(open) => !open && rest.onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={backdrop} />
        <DialogBox {...rest} />
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

function DialogBox(props: DialogProps) {
  const words = useWords();
  const focusReturn = useFocusReturn();
  return (
    <RadixDialog.Content
      className={box}
      style={{ "--width": widths[props.width ?? "medium"] } as React.CSSProperties}
      {...(!props.description && { "aria-describedby": undefined })}
      {...focusReturn}
    >
      <header className="flex items-start gap-2 border-b border-line px-4 py-3">
        <div className="min-w-0 flex-1">
          <RadixDialog.Title className="text-base font-semibold">{props.title}</RadixDialog.Title>
          {props.description && (
            <RadixDialog.Description className="hint">{props.description}</RadixDialog.Description>
          )}
        </div>
        <RadixDialog.Close asChild>
          <IconButton label={words.common.close} icon={X} />
        </RadixDialog.Close>
      </header>
      <div className="min-h-0 flex-1 overflow-auto p-4">{props.children}</div>
      {props.footer && (
        <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">
          {props.footer}
        </footer>
      )}
    </RadixDialog.Content>
  );
}

interface ConfirmProps {
  title: string;
  action: string;
  isBusy?: boolean;
  onClose(): void;
  onConfirm(): void;
  children: ReactNode;
}

/** Asks before something that cannot be undone, and says what it does. */
export function Confirm({ isOpen, ...rest }: ConfirmProps & { isOpen: boolean }) {
  return (
    <RadixAlert.Root open={isOpen} onOpenChange={(open) => !open && rest.onClose()}>
      <RadixAlert.Portal>
        <RadixAlert.Overlay className={backdrop} />
        <ConfirmBox {...rest} />
      </RadixAlert.Portal>
    </RadixAlert.Root>
  );
}

function ConfirmBox(props: ConfirmProps) {
  const words = useWords();
  const focusReturn = useFocusReturn();
  return (
    <RadixAlert.Content
      className={classNames(box, "p-4")}
      style={{ "--width": widths.small } as React.CSSProperties}
      {...focusReturn}
    >
      <RadixAlert.Title className="text-base font-semibold">{props.title}</RadixAlert.Title>
      <RadixAlert.Description asChild>
        <div className="mt-2 space-y-2 text-sm">{props.children}</div>
      </RadixAlert.Description>
      <div className="mt-4 flex justify-end gap-2">
        <RadixAlert.Cancel asChild>
          <Button>{words.common.cancel}</Button>
        </RadixAlert.Cancel>
        <Button variant="danger" isBusy={props.isBusy ?? false} onClick={props.onConfirm}>
          {props.action}
        </Button>
      </div>
    </RadixAlert.Content>
  );
}
