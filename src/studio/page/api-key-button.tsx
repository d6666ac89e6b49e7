import { useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useApiKey, writeApiKey } from "./api/key.ts";
import { Button, IconButton } from "./parts/button.tsx";
import { Dialog } from "./parts/dialog.tsx";
import { Field } from "./parts/field.tsx";
import { useWords } from "./words/words.tsx";

/** For servers that let only those in who have a key. */
export function ApiKeyButton() {
  const words = useWords();
  const cache = useQueryClient();
  const known = useApiKey();
  const [isOpen, setOpen] = useState(false);
  const [key, setKey] = useState("");
  const use = (next: string) => {
    writeApiKey(next.trim());
    setOpen(false);
    setKey("");
    void cache.invalidateQueries();
  };
  return (
    <>
      <IconButton
        label={words.shell.apiKey}
        icon={KeyRound}
        isPressed={known !== ""}
        onClick={() => setOpen(true)}
      />
      <Dialog
        title={words.shell.apiKey}
        description={words.shell.apiKeyLead}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        width="small"
      >
        <form
          className="space-y-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (key.trim() !== "") use(key);
          }}
        >
          <Field label={words.shell.apiKey}>
            {(control) => (
              <input
                {...control}
                type="password"
                autoComplete="off"
                className="control"
                value={key}
                onChange={({ target }) => setKey(target.value)}
              />
            )}
          </Field>
          <div className="flex justify-end gap-2">
            {known !== "" && <Button onClick={() => use("")}>{words.shell.apiKeyForget}</Button>}
            <Button type="submit" variant="primary" disabled={key.trim() === ""}>
              {words.shell.apiKeySave}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
