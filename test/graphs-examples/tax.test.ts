import { getConfigTypeSchema } from "@langchain/langgraph/zod/schema";
import { describe, expect, test } from "vitest";
import { calculateTax, graph } from "../../graphs/tax.ts";
import { context, human, withoutKeys } from "./environment.ts";

withoutKeys();

/** The formula as the tutorial writes it, piece by piece. */
function piecewise(revenue: number): number {
  if (revenue <= 10_000) return 0;
  if (revenue <= 30_000) return 0.1 * (revenue - 10_000);
  if (revenue <= 70_000) return 2000 + 0.2 * (revenue - 30_000);
  if (revenue <= 150_000) return 10_000 + 0.3 * (revenue - 70_000);
  return 34_000 + 0.4 * (revenue - 150_000);
}

describe("calculateTax", () => {
  test.each([-5, 0, 10_000, 10_001, 30_000, 30_000.5, 70_000, 70_001, 150_000, 150_001, 1e7])(
    "the tax on %d is what the piecewise formula gives, to the cent",
    (revenue) => {
      expect(calculateTax(String(revenue))).toBeCloseTo(piecewise(revenue), 2);
    },
  );

  test.each([
    ["50,000", 6000],
    [" 50000.00 ", 6000],
    ["5e4", 6000],
    [".5", 0],
  ])("%j is read as a number", (revenue, tax) => {
    expect(calculateTax(revenue)).toBe(tax);
  });

  test.each(["", " ", "abc", "0x10", "1,2,3", "5만", "Infinity", "NaN", "-", "."])(
    "%j is refused in Korean and English",
    (revenue) => {
      expect(() => calculateTax(revenue)).toThrow(
        /^매출은 숫자의 문자열 표현이어야 합니다\. Revenue must be a number written as text/,
      );
    },
  );
});

describe("the graph with the offline model", () => {
  test.each([
    ["매출 50000 유로의 세금은?", "50000", "6000"],
    ["매출이 5만 유로면 세금이 얼마예요?", "50000", "6000"],
    ["What is the tax on a revenue of 150,001 euros?", "150001", "34000.4"],
    ['calculate_tax({"revenue": "20000"})', "20000", "1000"],
  ])("%s → calculate_tax(%s) → %s", async (question, revenue, tax) => {
    const { messages } = await graph.invoke(human(question), context());
    expect(messages[1]).toMatchObject({
      tool_calls: [{ name: "calculate_tax", args: { revenue } }],
    });
    expect(messages[2]!.text).toBe(tax);
    expect(messages[3]!.text).toContain(tax);
  });

  test("a revenue that is no number comes back as the tool's error", async () => {
    const { messages } = await graph.invoke(human('calculate_tax({"revenue": "많이"})'));
    expect(messages[2]).toMatchObject({ status: "error" });
    expect(messages[3]!.text).toContain('received "많이"');
  });

  test("naming the tool without a revenue asks for it", async () => {
    const { messages } = await graph.invoke(human("calculate_tax 해 줘"));
    expect(messages[1]!.text).toContain("revenue 값이 필요합니다");
  });

  test("it has its own system prompt, in the schema too", async () => {
    const { messages } = await graph.invoke(human("안녕"));
    expect(messages[1]!.text).toContain("세금 계산을 돕는 도우미");
    expect(getConfigTypeSchema(graph)).toMatchObject({
      properties: { system_prompt: { default: expect.stringContaining("calculate_tax") } },
    });
  });
});
