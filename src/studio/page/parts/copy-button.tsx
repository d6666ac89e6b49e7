import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { useWords } from "../words/words.tsx";
import { Button, IconButton } from "./button.tsx";

/** `isNamed`: with its label beside the icon. */
export function CopyButton(props: { text: string; label?: string; isNamed?: boolean }) {
  const words = useWords();
  const [isCopied, setCopied] = useState(false);
  const label = isCopied ? words.common.copied : (props.label ?? words.common.copy);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(props.text);
      setCopied(true);
      window.setTimeout(() => setCopied(false), 1500);
    } catch {
      toast.error(words.common.copyFailed);
    }
  };
  const icon = isCopied ? Check : Copy;
  if (!props.isNamed) return <IconButton label={label} icon={icon} onClick={() => void copy()} />;
  return (
    <Button icon={icon} onClick={() => void copy()}>
      {label}
    </Button>
  );
}
