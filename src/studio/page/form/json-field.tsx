import type { FieldProps } from "@rjsf/utils";
import { JsonEditor, useJsonText } from "../code/json-editor.tsx";

/** For what has no form: any JSON. */
export function JsonField(props: FieldProps) {
  const json = useJsonText(props.formData, (value) =>
    props.onChange(value, props.fieldPathId.path),
  );
  return <JsonEditor label={props.name} text={json.text} onChange={json.setText} height="10rem" />;
}
