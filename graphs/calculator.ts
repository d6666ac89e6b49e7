/** Deeper nesting would be an attack on the stack, not arithmetic. */
const depthMax = 50;
const expressionLengthMax = 500;

/**
 * The value of an arithmetic expression: numbers, + - * / % ^, parentheses. A parser and not `eval`,
 * because the expression is written by a model on behalf of whoever talks to it.
 *
 * @throws Error that says what is wrong and where.
 */
export function calculate(expression: string): number {
  if (expression.length > expressionLengthMax) {
    throw new Error(`The expression is longer than ${expressionLengthMax} characters.`);
  }
  return new Parser(expression).parse();
}

class Parser {
  readonly #text: string;
  #position = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text.replaceAll("×", "*").replaceAll("÷", "/").replaceAll("**", "^");
  }

  parse(): number {
    const value = this.#sum();
    if (this.#peek() !== "") this.#fail("an operator or the end");
    if (!Number.isFinite(value)) throw new Error("The result is too large or a division by zero.");
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (;;) {
      if (this.#take("+")) value += this.#product();
      else if (this.#take("-")) value -= this.#product();
      else return value;
    }
  }

  #product(): number {
    let value = this.#signed();
    for (;;) {
      if (this.#take("*")) value *= this.#signed();
      else if (this.#take("/")) value /= this.#signed();
      else if (this.#take("%")) value %= this.#signed();
      else return value;
    }
  }

  /** The sign binds weaker than the power, as in mathematics: -2^2 is -4. */
  #signed(): number {
    if (++this.#depth > depthMax) throw new Error(`Nested deeper than ${depthMax} levels.`);
    const value = this.#take("-")
      ? -this.#signed()
      : this.#take("+")
        ? this.#signed()
        : this.#power();
    this.#depth -= 1;
    return value;
  }

  #power(): number {
    const base = this.#atom();
    return this.#take("^") ? base ** this.#signed() : base;
  }

  #atom(): number {
    if (this.#take("(")) {
      const value = this.#sum();
      if (!this.#take(")")) this.#fail('")"');
      return value;
    }
    this.#peek();
    const number = /^(\d[\d,_]*\.?\d*|\.\d+)(e[+-]?\d+)?/i.exec(this.#text.slice(this.#position));
    if (!number) return this.#fail('a number or "("');
    this.#position += number[0].length;
    return Number(number[0].replaceAll(/[,_]/g, ""));
  }

  #peek(): string {
    while (/\s/.test(this.#text.charAt(this.#position))) this.#position += 1;
    return this.#text.charAt(this.#position);
  }

  #take(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.#position += 1;
    return true;
  }

  #fail(expected: string): never {
    const found = this.#peek() === "" ? "the end" : `"${this.#peek()}"`;
    throw new Error(`Expected ${expected} at character ${this.#position + 1}, found ${found}.`);
  }
}
