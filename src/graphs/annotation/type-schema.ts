import ts from "typescript";

export type TypeSchema = Record<string, unknown>;

/** Types nested deeper, or more of them, become "anything": a form with 5,000 fields helps no one. */
const depthMax = 16;
const typesMax = 5_000;

/**
 * JSON Schema of one message; a list of them is marked `langgraph_type: "messages"`, as the library
 * marks those it knows, so that clients show a chat.
 */
const messageSchema: TypeSchema = {
  type: "object",
  properties: {
    type: { enum: ["human", "ai", "system", "tool", "developer", "function", "remove"] },
    role: { type: "string" },
    content: { anyOf: [{ type: "string" }, { type: "array", items: { type: "object" } }] },
    id: { type: ["string", "null"] },
    name: { type: ["string", "null"] },
    tool_calls: { type: "array", items: { type: "object" } },
    tool_call_id: { type: "string" },
    additional_kwargs: { type: "object" },
    response_metadata: { type: "object" },
  },
  required: ["content"],
};

const primitives: [flag: ts.TypeFlags, schema: TypeSchema][] = [
  [ts.TypeFlags.StringLike | ts.TypeFlags.TemplateLiteral, { type: "string" }],
  [ts.TypeFlags.NumberLike, { type: "number" }],
  [ts.TypeFlags.BigIntLike, { type: "integer" }],
  [ts.TypeFlags.BooleanLike, { type: "boolean" }],
  [ts.TypeFlags.Null, { type: "null" }],
];

/** Makes the JSON Schema (draft 2020-12) of a type, as data of that type looks once it is JSON. */
export class TypeSchemaWriter {
  #checker: ts.TypeChecker;
  #definitions: Record<string, TypeSchema> = {};
  #inProgress: ts.Type[] = [];
  #names = new Map<ts.Type, string>();
  #written = 0;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  write(type: ts.Type): TypeSchema {
    const schema = this.#schema(type);
    return {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      ...schema,
      ...(Object.keys(this.#definitions).length > 0 ? { $defs: this.#definitions } : {}),
    };
  }

  #schema(type: ts.Type): TypeSchema {
    this.#written += 1;
    if (this.#written > typesMax || this.#inProgress.length > depthMax) return {};
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
    if (type.isUnion()) return this.#union(type);
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.flags & ts.TypeFlags.BooleanLiteral) {
      return { const: this.#checker.typeToString(type) === "true" };
    }
    const primitive = primitives.find(([flag]) => hasFlag(type, flag));
    if (primitive) return { ...primitive[1] };
    if (type.flags & ts.TypeFlags.TypeParameter) {
      const constraint = type.getConstraint();
      return constraint ? this.#schema(constraint) : {};
    }
    return hasFlag(type, ts.TypeFlags.Object) ? this.#object(type) : {};
  }

  #union(type: ts.UnionType): TypeSchema {
    const members = type.types.filter(
      (one) =>
        !(one.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) &&
        // What an update may say instead of a value; on the wire it is no value.
        !one.getProperty("__overwrite__"),
    );
    if (members.some((one) => this.#isMessageList(one))) return messageList();
    if (members.some((one) => this.#isMessage(one))) return { ...messageSchema };
    const literals = members.map((one) => this.#literal(one));
    if (members.length > 1 && literals.every((one) => one !== undefined)) {
      const isBoolean = literals.length === 2 && literals.every((one) => typeof one === "boolean");
      return isBoolean ? { type: "boolean" } : { enum: literals };
    }
    const schemas = this.#withBoolean(members).map((one) =>
      one === "boolean" ? { type: "boolean" } : this.#schema(one),
    );
    const distinct = [...new Map(schemas.map((one) => [JSON.stringify(one), one])).values()];
    if (distinct.some((one) => Object.keys(one).length === 0)) return {};
    return distinct.length === 1 ? distinct[0]! : { anyOf: distinct };
  }

  /** TypeScript has no union with `boolean` in it, only with `true | false`. */
  #withBoolean(members: ts.Type[]): (ts.Type | "boolean")[] {
    const booleans = members.filter((one) => one.flags & ts.TypeFlags.BooleanLiteral);
    if (booleans.length < 2) return members;
    return [...members.filter((one) => !booleans.includes(one)), "boolean"];
  }

  #literal(type: ts.Type): string | number | boolean | null | undefined {
    if (type.isStringLiteral() || type.isNumberLiteral()) return type.value;
    if (type.flags & ts.TypeFlags.BooleanLiteral) {
      return this.#checker.typeToString(type) === "true";
    }
    return type.flags & ts.TypeFlags.Null ? null : undefined;
  }

  #object(type: ts.Type): TypeSchema {
    if (this.#checker.isTupleType(type)) return this.#tuple(type as ts.TupleTypeReference);
    if (this.#checker.isArrayType(type)) return this.#array(type as ts.TypeReference);
    if (this.#isMessage(type)) return { ...messageSchema };
    if (type.isIntersection()) {
      const brand = primitives.find(([flag]) => type.types.some((one) => hasFlag(one, flag)));
      if (brand) return { ...brand[1] };
    }
    if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return {};
    const builtIn = isDeclaredInLibrary(type) ? type.symbol.name : null;
    if (builtIn === "Date") return { type: "string", format: "date-time" };
    if (builtIn && builtIn !== "__type" && builtIn !== "Object") return {};
    if (this.#inProgress.includes(type)) {
      return { $ref: `#/$defs/${this.#nameOf(type)}` };
    }
    this.#inProgress.push(type);
    const schema = this.#properties(type);
    this.#inProgress.pop();
    const name = this.#names.get(type);
    if (!name) return schema;
    this.#definitions[name] = schema;
    return { $ref: `#/$defs/${name}` };
  }

  #properties(type: ts.Type): TypeSchema {
    const properties: Record<string, TypeSchema> = {};
    const required: string[] = [];
    for (const symbol of this.#checker.getPropertiesOfType(type)) {
      if (symbol.name.startsWith("__@")) continue; // a symbol as key: not in JSON
      const property = this.#checker.getTypeOfSymbol(symbol);
      if (property.getNonNullableType().getCallSignatures().length > 0) continue;
      properties[symbol.name] = { ...this.#schema(property), ...this.#description(symbol) };
      if (!isOptional(symbol, property)) required.push(symbol.name);
    }
    const index = this.#checker.getIndexTypeOfType(type, ts.IndexKind.String);
    const indexed = index && this.#schema(index);
    return {
      type: "object",
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(indexed && Object.keys(indexed).length > 0 ? { additionalProperties: indexed } : {}),
    };
  }

  #description(symbol: ts.Symbol): TypeSchema {
    const description = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker));
    return description ? { description } : {};
  }

  #array(type: ts.TypeReference): TypeSchema {
    if (this.#isMessageList(type)) return messageList();
    const element = this.#checker.getTypeArguments(type)[0];
    return { type: "array", items: element ? this.#schema(element) : {} };
  }

  #tuple(type: ts.TupleTypeReference): TypeSchema {
    const elements = this.#checker.getTypeArguments(type);
    const { elementFlags, minLength } = type.target;
    const fixed = elements.filter((_, index) => !(elementFlags[index]! & ts.ElementFlags.Variable));
    const isClosed = fixed.length === elements.length;
    return {
      type: "array",
      prefixItems: fixed.map((one) => this.#schema(one)),
      minItems: minLength,
      ...(isClosed ? { maxItems: elements.length } : {}),
    };
  }

  /** Also a list of what a message may be given as, which is how the library types updates. */
  #isMessageList(type: ts.Type): boolean {
    if (!this.#checker.isArrayType(type)) return false;
    const element = this.#checker.getTypeArguments(type as ts.TypeReference)[0];
    if (!element) return false;
    return element.isUnion()
      ? element.types.some((one) => this.#isMessage(one))
      : this.#isMessage(element);
  }

  /** By its members, since a project may have several copies of the class. */
  #isMessage(type: ts.Type): boolean {
    return ["content", "_getType", "additional_kwargs", "response_metadata"].every((name) =>
      this.#checker.getPropertyOfType(type, name),
    );
  }

  #nameOf(type: ts.Type): string {
    let name = this.#names.get(type);
    if (!name) {
      const symbol = type.aliasSymbol ?? type.symbol;
      const base = symbol.name.startsWith("__") ? "Type" : symbol.name;
      const taken = new Set(this.#names.values());
      name = base;
      for (let count = 2; taken.has(name); count += 1) name = `${base}${count}`;
      this.#names.set(type, name);
    }
    return name;
  }
}

function messageList(): TypeSchema {
  return { type: "array", items: messageSchema, langgraph_type: "messages" };
}

function hasFlag(type: ts.Type, flag: ts.TypeFlags): boolean {
  return (type.flags & flag) !== 0 || (type.isIntersection() && flag === ts.TypeFlags.Object);
}

function isUndefined(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Undefined) !== 0;
}

function isOptional(symbol: ts.Symbol, type: ts.Type): boolean {
  return (
    (symbol.flags & ts.SymbolFlags.Optional) !== 0 ||
    (type.isUnion() ? type.types.some(isUndefined) : isUndefined(type))
  );
}

/** Classes and interfaces of the language itself; `Record` and `Partial` are aliases and not among them. */
function isDeclaredInLibrary(type: ts.Type): boolean {
  const files = type.symbol?.declarations?.map((one) => one.getSourceFile().fileName) ?? [];
  return files.some((file) => /[\\/]typescript[\\/]lib[\\/]lib\.[^\\/]*\.d\.ts$/.test(file));
}
