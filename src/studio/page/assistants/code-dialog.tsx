import type { Assistant } from "@langchain/langgraph-sdk";
import { Tabs } from "radix-ui";
import { apiUrl } from "../api/address.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useWords } from "../words/words.tsx";
import { codeFor } from "./code.ts";

/** The assistant as lines to paste: to create one like it, and to run it. */
export function CodeDialog(props: { assistant: Assistant; onClose(): void }) {
  const words = useWords();
  const code = codeFor(props.assistant, apiUrl);
  return (
    <Dialog
      isOpen
      title={words.assistants.asCode}
      description={words.assistants.asCodeLead}
      onClose={props.onClose}
    >
      <Tabs.Root defaultValue="curl">
        <Tabs.List aria-label={words.assistants.asCode} className="flex gap-1 border-b border-line">
          {code.map(({ name }) => (
            <Tabs.Trigger
              key={name}
              value={name}
              className="border-b-2 border-transparent px-3 py-1.5 text-sm data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-accent"
            >
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {code.map(({ name, text }) => (
          <Tabs.Content key={name} value={name} className="space-y-2 pt-3">
            <div className="flex justify-end">
              <CopyButton text={text} label={words.common.copyAs(name)} isNamed />
            </div>
            <pre tabIndex={0} className="overflow-x-auto rounded-md bg-sunken p-3 text-[13px]">
              {text}
            </pre>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Dialog>
  );
}
