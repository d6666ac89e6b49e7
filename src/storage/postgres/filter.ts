import type { Condition } from "../../core/condition.ts";
import type { JsonObject } from "../../core/json.ts";
import { json } from "./database.ts";

/** Conditions joined by `and`, each with its parameter as `$n`. */
export class Filter {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = [];
  #byMetadata = false;

  /** `condition` says where its parameter goes: `filter.add((n) => `status = ${n}`, "idle")`. */
  add(condition: (parameter: string) => string, value: unknown): void {
    if (value === undefined) return;
    this.#conditions.push(condition(this.parameter(value)));
  }

  addContainment(metadata: JsonObject | undefined): void {
    this.#byMetadata ||= metadata !== undefined;
    this.add((n) => `metadata @> ${n}::jsonb`, metadata && json(metadata));
  }

  /** `meets(metadata, condition)`. */
  addCondition(condition: Condition | null | undefined): void {
    if (!condition) return;
    this.#byMetadata = true;
    this.#conditions.push(this.#written(condition));
  }

  /** The same of the metadata of a row's thread. */
  addConditionOfThread(condition: Condition | null | undefined): void {
    if (!condition) return;
    const written = this.#written(condition);
    this.#conditions.push(`thread_id in (select thread_id from threads where ${written})`);
  }

  #written(condition: Condition): string {
    if ("contains" in condition) {
      return `metadata @> ${this.parameter(json(condition.contains))}::jsonb`;
    }
    const isAll = "all" in condition;
    const parts = (isAll ? condition.all : condition.any).map((one) => this.#written(one));
    if (parts.length === 0) return String(isAll);
    return `(${parts.join(isAll ? " and " : " or ")})`;
  }

  /** A parameter outside the conditions, such as a limit. */
  parameter(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** Whether the rows' own metadata decides. */
  get byMetadata(): boolean {
    return this.#byMetadata;
  }

  /** `where …`, or nothing. */
  get where(): string {
    return this.#conditions.length > 0 ? `where ${this.#conditions.join(" and ")}` : "";
  }
}
