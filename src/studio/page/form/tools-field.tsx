import type { FieldProps } from "@rjsf/utils";
import { Plus, Trash2 } from "lucide-react";
import { isJsonObject, JsonEditor, useJsonText } from "../code/json-editor.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { useWords } from "../words/words.tsx";

interface Tool {
  type: string;
  function?: { name?: string; description?: string | null; parameters?: unknown };
}

const serverTools = ["code_interpreter", "file_search"] as const;

/** The tools of an assistant in the words of the OpenAI API: two of the server's, and functions. */
export function ToolsField(props: FieldProps) {
  const words = useWords();
  const tools = ((props.formData ?? []) as Tool[]).filter((one) => typeof one === "object");
  const change = (next: Tool[]) => props.onChange(next, props.fieldPathId.path);
  const toggle = (type: string, isOn: boolean) =>
    change(isOn ? [...tools, { type }] : tools.filter((tool) => tool.type !== type));
  return (
    <div role="group" aria-label={props.name} className="space-y-2">
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {serverTools.map((type) => (
          <label key={type} className="flex items-center gap-2 text-sm">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              checked={tools.some((tool) => tool.type === type)}
              onChange={({ target }) => toggle(type, target.checked)}
            />
            <span>
              {words.tools[type]} <code className="text-xs text-muted">{type}</code>
            </span>
          </label>
        ))}
      </div>
      {tools.map((tool, at) =>
        tool.type === "function" ? (
          <FunctionTool
            key={at}
            tool={tool}
            onChange={(next) => change(tools.with(at, next))}
            onRemove={() => change(tools.toSpliced(at, 1))}
          />
        ) : null,
      )}
      <Button
        icon={Plus}
        onClick={() => change([...tools, { type: "function", function: { name: "" } }])}
      >
        {words.tools.addFunction}
      </Button>
    </div>
  );
}

/** As OpenAI has it. */
const functionName = /^[\w-]{1,64}$/;

function FunctionTool(props: { tool: Tool; onChange(tool: Tool): void; onRemove(): void }) {
  const words = useWords();
  const { name = "", description, parameters } = props.tool.function ?? {};
  const set = (part: object) =>
    props.onChange({ ...props.tool, function: { ...props.tool.function, ...part } });
  const json = useJsonText(parameters ?? undefined, (value) => set({ parameters: value }));
  const isObject = parameters === undefined || parameters === null || isJsonObject(parameters);
  return (
    <div role="group" aria-label={words.tools.function(name)} className="card space-y-2 p-3">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <Field
            label={words.tools.functionName}
            problem={functionName.test(name) ? null : words.tools.functionNameBroken}
          >
            {(control) => (
              <input
                {...control}
                className="control font-mono text-[13px]"
                value={name}
                onChange={({ target }) => set({ name: target.value })}
              />
            )}
          </Field>
        </div>
        <IconButton label={words.tools.remove(name)} icon={Trash2} onClick={props.onRemove} />
      </div>
      <Field label={words.tools.functionDescription}>
        {(control) => (
          <input
            {...control}
            className="control"
            value={description ?? ""}
            onChange={({ target }) => set({ description: target.value })}
          />
        )}
      </Field>
      <p className="label">{words.tools.parameters}</p>
      <JsonEditor
        label={words.tools.parameters}
        text={json.text}
        onChange={json.setText}
        height="12rem"
        problem={isObject ? null : words.test.inputNoObject}
      />
    </div>
  );
}
