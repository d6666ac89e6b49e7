// The package itself also exports a helper for tests that needs a validator of its own.
import Form from "@rjsf/core/lib/components/Form.js";
import type { RegistryWidgetsType, TemplatesType, UiSchema } from "@rjsf/utils";
import { useMemo } from "react";
import { useWords } from "../words/words.tsx";
import { JsonField } from "./json-field.tsx";
import { MessagesField } from "./messages-field.tsx";
import { isOpen, withoutNulls } from "./plain-schema.ts";
import { isLongText, resolve, withPlainMessages, type JsonSchema } from "./schema.ts";
import {
  AddButton,
  ArrayField,
  ArrayItem,
  FieldFrame,
  MultiSchema,
  MoveDownButton,
  MoveUpButton,
  Nothing,
  ObjectField,
  RemoveButton,
  Unsupported,
} from "./templates.tsx";
import { ToolsField } from "./tools-field.tsx";
import { formValidator } from "./validator.ts";
import { Choice, LongText, OneLine, YesNo } from "./widgets.tsx";

const templates: Partial<TemplatesType> = {
  FieldTemplate: FieldFrame,
  ObjectFieldTemplate: ObjectField,
  ArrayFieldTemplate: ArrayField,
  ArrayFieldItemTemplate: ArrayItem,
  FieldErrorTemplate: Nothing,
  MultiSchemaFieldTemplate: MultiSchema,
  UnsupportedFieldTemplate: Unsupported,
  ErrorListTemplate: Nothing,
  BaseInputTemplate: OneLine,
  TitleFieldTemplate: Nothing,
  DescriptionFieldTemplate: Nothing,
};
const buttons = {
  ButtonTemplates: {
    AddButton,
    RemoveButton,
    MoveUpButton,
    MoveDownButton,
    SubmitButton: Nothing,
  },
} as unknown as Partial<TemplatesType>;
const widgets: RegistryWidgetsType = {
  SelectWidget: Choice,
  RadioWidget: Choice,
  CheckboxWidget: YesNo,
  TextareaWidget: LongText,
};
const fields = { messages: MessagesField, json: JsonField, tools: ToolsField };

/** A form made of a JSON Schema; says at each field what is wrong with it. */
export function SchemaForm(props: {
  schema: JsonSchema;
  value: unknown;
  onChange(value: unknown): void;
  /** Sets the ids of fields apart when a page has several forms. */
  name: string;
}) {
  const words = useWords();
  const whole = useMemo(() => withPlainMessages(props.schema), [props.schema]);
  const schema = useMemo(() => withoutNulls(whole), [whole]);
  const uiSchema = useMemo(() => uiSchemaOf(schema), [schema]);
  const validator = useMemo(() => formValidator(whole, words), [whole, words]);
  return (
    <Form
      tagName="div"
      idPrefix={props.name}
      schema={schema}
      uiSchema={uiSchema}
      validator={validator}
      formData={props.value}
      onChange={(event) => props.onChange(event.formData)}
      liveValidate="onChange"
      showErrorList={false}
      noHtml5Validate
      templates={{ ...templates, ...buttons }}
      widgets={widgets}
      fields={fields}
      experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipDefaults" }}
    >
      <></>
    </Form>
  );
}

/** What an assistant of the built-in graph is, before how it answers. */
const firstFields = ["instructions", "model", "tools"];

function uiSchemaOf(schema: JsonSchema): UiSchema {
  const own = resolve(schema, schema);
  const properties = own.properties ?? {};
  const entries = Object.entries(properties).map(([name, field]) => {
    const inner = resolve(field as JsonSchema, schema);
    if (name === "messages") return [name, { "ui:field": "messages" }];
    if (name === "tools" && takesTools(inner)) return [name, { "ui:field": "tools" }];
    if (isOpen(inner)) {
      return [name, { "ui:field": "json", "ui:fieldReplacesAnyOrOneOf": true }];
    }
    if (inner.type === "string" && isLongText(name, inner))
      return [name, { "ui:widget": "textarea" }];
    return [name, {}];
  });
  const isBuiltIn = firstFields.every((name) => name in properties);
  return {
    ...(Object.fromEntries(entries) as UiSchema),
    ...(isBuiltIn && { "ui:order": [...firstFields, "*"] }),
  };
}

/** Tools as the OpenAI API has them: objects that name their type. */
function takesTools(schema: JsonSchema): boolean {
  if (schema.type !== "array") return false;
  return JSON.stringify(schema.items ?? null).includes('"const":"function"');
}
