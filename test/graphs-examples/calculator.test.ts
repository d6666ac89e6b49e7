import { expect, test } from "vitest";
import { calculate } from "../../graphs/calculator.ts";

test.each([
  ["1 + 2 * 3", 7],
  ["(1 + 2) * 3", 9],
  ["10 - 4 - 3", 3],
  ["100 / 10 / 2", 5],
  ["7 % 4", 3],
  ["2 ^ 3 ^ 2", 512],
  ["2 ** 10", 1024],
  ["-2 ^ 2", -4],
  ["2 ^ -1", 0.5],
  ["--3", 3],
  ["6 × 7 ÷ 2", 21],
  ["1,234.5 + .5", 1235],
  ["1.5e3", 1500],
])("%s = %d", (expression, value) => {
  expect(calculate(expression)).toBe(value);
});

test.each([
  ["", 'Expected a number or "(" at character 1, found the end.'],
  ["2 +", 'Expected a number or "(" at character 4, found the end.'],
  ["(1 + 2", 'Expected ")" at character 7, found the end.'],
  ["2 3", 'Expected an operator or the end at character 3, found "3".'],
  ["process.exit()", 'Expected a number or "(" at character 1, found "p".'],
  ["1 / 0", "The result is too large or a division by zero."],
  ["(".repeat(100), "Nested deeper than 50 levels."],
  ["1+".repeat(300), "The expression is longer than 500 characters."],
])("%j is refused: %s", (expression, message) => {
  expect(() => calculate(expression)).toThrow(new Error(message));
});
