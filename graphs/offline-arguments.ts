/** The part of JSON Schema that tools' parameters use. */
export interface Parameters {
  type?: string | string[];
  properties?: Record<string, Parameters>;
  required?: string[];
  items?: Parameters;
  enum?: unknown[];
  anyOf?: Parameters[];
  [keyword: string]: unknown;
}

interface Filled {
  args: Record<string, unknown>;
  /** How many values the question gave away for exactly this; an expression counts three. */
  specific: number;
}

const placeNames = /zone|city|location|place|country/i;
const expressionNames = /^(expression|formula)$/i;
const textNames = /^(query|question|text|input|message|prompt|content|topic|sentence)$/i;

/**
 * Arguments for a tool out of the words of a question: numbers, quoted text, arithmetic, places
 * after "in", values of an enum. Each number and quotation is used once, in order.
 *
 * @param force fill what the question does not say with something of the right type.
 * @returns undefined when a required parameter stays without a value.
 */
export function fill(
  schema: Parameters | undefined,
  question: string,
  force: boolean,
): Filled | undefined {
  return new Filler(question, force).object(schema ?? {});
}

interface Found {
  value: unknown;
  specific: number;
}

class Filler {
  readonly #question: string;
  readonly #force: boolean;
  readonly #numbers: number[];
  readonly #quotations: string[];

  constructor(question: string, force: boolean) {
    this.#question = question;
    this.#force = force;
    this.#numbers = numbersIn(question);
    this.#quotations = [...question.matchAll(/"([^"]+)"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)/g)].map(
      (match) => (match[1] ?? match[2] ?? match[3])!,
    );
  }

  object(schema: Parameters): Filled | undefined {
    const args: Record<string, unknown> = {};
    let specific = 0;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const required = schema.required?.includes(name) ?? false;
      const found = required
        ? (this.#required(name, property) ?? (this.#force ? this.#anything(property) : undefined))
        : this.#unmistakable(name, property);
      if (found) {
        args[name] = found.value;
        specific += found.specific;
      } else if (required) return undefined;
    }
    return { args, specific };
  }

  #required(name: string, schema: Parameters): Found | undefined {
    if (schema.enum) return this.#unmistakable(name, schema);
    switch (typeOf(schema)) {
      case "number":
        return this.#number(() => true);
      case "integer":
        return this.#number(Number.isInteger);
      case "boolean":
        return { value: true, specific: 0 };
      case "array":
        return this.#array(schema.items ?? {});
      case "object": {
        const nested = this.object(schema);
        return nested && { value: nested.args, specific: nested.specific };
      }
      default:
        return this.#unmistakable(name, schema) ?? this.#text(name);
    }
  }

  /** What may fill even a parameter that nobody has to give. */
  #unmistakable(name: string, schema: Parameters): Found | undefined {
    const lower = this.#question.toLowerCase();
    if (schema.enum) {
      const value = schema.enum.find((one) => lower.includes(String(one).toLowerCase()));
      return value === undefined ? undefined : { value, specific: 1 };
    }
    if (typeOf(schema) !== "string") return undefined;
    if (expressionNames.test(name)) return arithmeticIn(this.#question);
    if (placeNames.test(name)) return placeIn(this.#question);
    return undefined;
  }

  #number(suits: (value: number) => boolean): Found | undefined {
    const index = this.#numbers.findIndex(suits);
    if (index === -1) return undefined;
    return { value: this.#numbers.splice(index, 1)[0], specific: 1 };
  }

  #array(items: Parameters): Found | undefined {
    const type = typeOf(items);
    const all = type === "number" || type === "integer" ? this.#numbers : this.#quotations;
    return all.length > 0 ? { value: all.splice(0), specific: 1 } : undefined;
  }

  #text(name: string): Found | undefined {
    const quotation = this.#quotations.shift();
    if (quotation !== undefined) return { value: quotation, specific: 1 };
    if (textNames.test(name)) return { value: this.#question.trim(), specific: 0 };
    if (expressionNames.test(name) || placeNames.test(name)) return undefined;
    const number = this.#number(() => true);
    return number && { value: String(number.value), specific: 1 };
  }

  #anything(schema: Parameters): Found {
    const value = {
      string: this.#question.trim(),
      number: 0,
      integer: 0,
      boolean: true,
      array: [],
      object: {},
    }[typeOf(schema)];
    return { value: schema.enum ? schema.enum[0] : value, specific: 0 };
  }
}

const types = ["string", "number", "integer", "boolean", "array", "object"] as const;

/** The first type a schema allows that is not null; text when it names none. */
function typeOf(schema: Parameters): (typeof types)[number] {
  const allowed = [schema, ...(schema.anyOf ?? [])].flatMap((one) => one.type ?? []);
  return types.find((type) => allowed.find((one) => one !== "null") === type) ?? "string";
}

const koreanUnits: Record<string, number> = { 천: 1e3, 만: 1e4, 억: 1e8 };

/** 1,234.5 and -3; with Korean units, 5만 is 50000. */
function numbersIn(text: string): number[] {
  const found = text.matchAll(/(?<![\w.])(-?\d[\d,]*(?:\.\d+)?)(?:\s?([천만억]))?/g);
  return [...found].map(
    ([, digits, unit]) => Number(digits!.replaceAll(",", "")) * (koreanUnits[unit ?? ""] ?? 1),
  );
}

function arithmeticIn(text: string): Found | undefined {
  const runs = text.match(/[(\-\d.][\d\s.,+\-*/%^()×÷]*[\d)]/g) ?? [];
  const value = runs.find((run) => /[\d)]\s*[+\-*/%^×÷]\s*[-(\d.]/.test(run));
  return value === undefined ? undefined : { value: value.trim(), specific: 3 };
}

function placeIn(text: string): Found | undefined {
  const zone = /\b[A-Z][A-Za-z]+(?:\/[A-Z][A-Za-z_]+)+/.exec(text)?.[0];
  const place = /\b(?:[Ii]n|[Aa]t|[Ff]or|of) ((?:[A-Z][\p{L}'-]+)(?: [A-Z][\p{L}'-]+)*)/u.exec(
    text,
  )?.[1];
  const value = zone ?? place;
  return value === undefined ? undefined : { value, specific: 1 };
}
