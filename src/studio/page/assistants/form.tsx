import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { schemasQuery } from "../api/queries.ts";
import { JsonEditor, useJsonText } from "../code/json-editor.tsx";
import { hasFields, withPlainMessages, type JsonSchema } from "../form/schema.ts";
import { faultsOf } from "../form/validator.ts";
import { Field, Segments, Select } from "../parts/field.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";
import type { Content } from "./content.ts";

const SchemaForm = lazy(() =>
  import("../form/schema-form.tsx").then((module) => ({ default: module.SchemaForm })),
);

/** The form of "New assistant" and of "Edit". */
export function AssistantForm(props: {
  content: Content;
  onChange(content: Content): void;
  /** Graphs to choose from; a single one is shown, not offered. */
  graphIds: string[];
  /** Whether the chosen graph comes with the server. */
  isBuiltin: boolean;
  /** An assistant of the graph: who is asked for its schemas. */
  schemasOf: string;
  isNew: boolean;
  /** Somebody has tried to save: say what is missing, too. */
  isChecked: boolean;
  onSubmit(): void;
  children: ReactNode;
}) {
  const words = useWords();
  const { content, onChange } = props;
  const nameProblem =
    props.isChecked && content.name.trim() === "" ? words.assistants.nameMissing : null;
  return (
    <form
      noValidate
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        props.onSubmit();
      }}
    >
      <div className="card grid gap-4 p-4 md:grid-cols-2">
        <Field
          label={words.assistants.graph}
          hint={props.isBuiltin ? words.assistants.builtinHint : words.assistants.graphHint}
        >
          {(control) => (
            <Select
              {...control}
              value={content.graphId}
              disabled={!props.isNew}
              options={props.graphIds.map((value) => ({ value, label: value }))}
              onChange={({ target }) =>
                target.value !== content.graphId &&
                onChange({ ...content, graphId: target.value, context: {} })
              }
            />
          )}
        </Field>
        <Field label={words.assistants.name} problem={nameProblem}>
          {(control) => (
            <input
              {...control}
              className="control"
              value={content.name}
              placeholder={words.assistants.namePlaceholder}
              onChange={({ target }) => onChange({ ...content, name: target.value })}
            />
          )}
        </Field>
        <Field label={words.assistants.description}>
          {(control) => (
            <input
              {...control}
              className="control"
              value={content.description}
              onChange={({ target }) => onChange({ ...content, description: target.value })}
            />
          )}
        </Field>
        <Field label={words.assistants.note} hint={words.assistants.noteHint}>
          {(control) => (
            <input
              {...control}
              className="control"
              value={content.note}
              onChange={({ target }) => onChange({ ...content, note: target.value })}
            />
          )}
        </Field>
      </div>
      {content.graphId !== "" && <ContextFields {...props} />}
      {props.children}
    </form>
  );
}

function ContextFields(props: {
  content: Content;
  onChange(content: Content): void;
  schemasOf: string;
}) {
  const words = useWords();
  const { content, onChange } = props;
  const schemas = useQuery(schemasQuery(props.schemasOf));
  const [side, setSide] = useState<"form" | "json">("form");
  const schema = contextSchemaOf(schemas.data);
  const setContext = (value: unknown) =>
    onChange({ ...content, context: (value ?? {}) as Record<string, unknown> });
  const json = useJsonText(content.context, setContext);
  const faults = schema ? faultsOf(schema, content.context, words) : [];
  const jsonProblem = faults
    .map(({ path, sentence }) => `${path.join(".")}: ${sentence}`)
    .join(" ");
  if (schemas.isPending) return <Loading />;
  if (schemas.isError) {
    return <Problem thrown={schemas.error} onRetry={() => void schemas.refetch()} />;
  }
  const withForm = hasFields(schema);
  return (
    <section className="card space-y-3 p-4" aria-labelledby="context-title">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id="context-title" className="flex-1 font-semibold">
          {words.assistants.context}
        </h2>
        {withForm && (
          <Segments
            className="lg:hidden"
            label={words.assistants.contextAs}
            value={side}
            onChange={setSide}
            options={[
              { value: "form", label: words.common.form },
              { value: "json", label: "JSON" },
            ]}
          />
        )}
      </div>
      {!withForm && <p className="hint">{words.assistants.noSchema}</p>}
      <div className={withForm ? "grid gap-6 lg:grid-cols-2" : ""}>
        {withForm && (
          <div className={side === "form" ? "" : "max-lg:hidden"}>
            <Suspense fallback={<Loading />}>
              <SchemaForm
                key={content.graphId}
                name="context"
                schema={schema}
                value={content.context}
                onChange={setContext}
              />
            </Suspense>
          </div>
        )}
        <div className={withForm && side === "form" ? "max-lg:hidden" : ""}>
          <JsonEditor
            label={words.assistants.contextJson}
            text={json.text}
            onChange={json.setText}
            height="34rem"
            problem={jsonProblem || null}
          />
        </div>
      </div>
      <Advanced content={content} onChange={onChange} />
    </section>
  );
}

function Advanced({ content, onChange }: { content: Content; onChange(content: Content): void }) {
  const words = useWords();
  const json = useJsonText(content.config, (value) =>
    onChange({ ...content, config: (value ?? {}) as Record<string, unknown> }),
  );
  return (
    <details>
      <summary className="text-sm text-muted">{words.assistants.advanced}</summary>
      <div className="mt-2 space-y-1">
        <p className="hint">{words.assistants.advancedHint}</p>
        <JsonEditor
          label={words.assistants.advanced}
          text={json.text}
          onChange={json.setText}
          height="10rem"
        />
      </div>
    </details>
  );
}

/** Older graphs publish their settings as the schema of `configurable`. */
export function contextSchemaOf(
  schemas: { context_schema?: unknown; config_schema?: unknown } | undefined,
): JsonSchema | null {
  const schema = schemas?.context_schema ?? schemas?.config_schema;
  return schema ? withPlainMessages(schema as JsonSchema) : null;
}

/** Why this content cannot be saved; null when it can be tried. */
export function useContentProblem(content: Content, schemasOf: string): string | null {
  const words = useWords();
  const schemas = useQuery({ ...schemasQuery(schemasOf), enabled: schemasOf !== "" });
  if (content.name.trim() === "") return words.assistants.nameMissing;
  const schema = contextSchemaOf(schemas.data);
  const [fault] = schema ? faultsOf(schema, content.context, words) : [];
  return fault ? `${fault.path.join(".")}: ${fault.sentence}` : null;
}
