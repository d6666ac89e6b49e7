import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";

const examples = join(import.meta.dirname, "..", "..", "examples", "openai");
const python = process.env["ADJUTANT_TEST_PYTHON"];
const because = python ? "" : " (skipped: ADJUTANT_TEST_PYTHON names no interpreter)";

function findStreamlit(): boolean {
  if (!python) return false;
  return spawnSync(python, ["-c", "import streamlit.testing.v1"]).status === 0;
}

const hasStreamlit = findStreamlit();

/** Types two questions into the page and prints what stands there then. */
const pageTest = `
import json, sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_string(sys.argv[1], default_timeout=60).run()
for question in ["매출이 50000유로이면 세금은 얼마야?", "글자로 된 매출이면?"]:
    page.chat_input[0].set_value(question).run()
    assert not page.exception, page.exception
print(json.dumps([[one.name, one.markdown[0].value] for one in page.chat_message]))
`;

let server: OpenaiServer;
afterEach(() => server[Symbol.asyncDispose]());

/** The program as it stands, but for the address of the server. */
function program(name: string): string {
  const text = readFileSync(join(examples, name), "utf8");
  const address = "http://127.0.0.1:8123/v1";
  expect(text.split(address)).toHaveLength(2);
  return text.replace(address, server.url);
}

test("quiz.ts shows the quiz that the model makes, and prints the talk", async () => {
  const questions = [
    { question_text: "이름이 뭐야?", question_type: "FREE_RESPONSE" },
    {
      question_text: "가장 좋아하는 색이 뭐야?",
      question_type: "MULTIPLE_CHOICE",
      choices: ["빨간색", "파랑색"],
    },
  ];
  server = await openOpenaiServer({
    script: [
      { toolCalls: [{ name: "display_quiz", arguments: { title: "Math Quiz", questions } }] },
      { text: "Well done." },
    ],
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module-typescript",
    "--eval",
    program("quiz.ts"),
  ]);
  expect(stdout).toContain("Quiz: Math Quiz\n\n이름이 뭐야?\n");
  expect(stdout).toContain("0. 빨간색\n1. 파랑색\n");
  expect(stdout).toContain("Run completed");
  expect(stdout).toContain("assistant: Well done.");
});

describe.skipIf(!python)(`with Python${because}`, () => {
  test("investor.py calls its functions, and prints the talk", async () => {
    const ticker = { ticker: "HCAT" };
    server = await openOpenaiServer({
      script: [
        { toolCalls: [{ name: "get_ticker", arguments: { company_name: "Health Catalyst" } }] },
        {
          toolCalls: [
            { name: "get_income_statement", arguments: ticker },
            { name: "get_balance_sheet", arguments: ticker },
          ],
        },
        { text: "Wait for now." },
      ],
    });
    const { stdout } = await promisify(execFile)(python!, ["-c", program("investor.py")]);
    expect(stdout).toContain('Calling get_ticker with {"company_name":"Health Catalyst"}');
    expect(stdout).toContain('Calling get_balance_sheet with {"ticker":"HCAT"}');
    expect(stdout).toContain("assistant: Wait for now.");
  }, 120_000);

  test("tax_assistant.py is a program", async () => {
    server = await openOpenaiServer();
    const check = "import ast, sys; ast.parse(sys.argv[1])";
    const checking = promisify(execFile)(python!, ["-c", check, program("tax_assistant.py")]);
    await expect(checking).resolves.toMatchObject({ stderr: "" });
  });

  test.skipIf(!hasStreamlit)(
    `tax_assistant.py writes into its page, before and after the calculation${hasStreamlit ? "" : " (skipped: no streamlit)"}`,
    async () => {
      const calculate = (revenue: string) => ({
        text: "계산해 볼게요.",
        toolCalls: [{ name: "calculate_tax", arguments: { revenue } }],
      });
      server = await openOpenaiServer({
        script: [
          calculate("50000"),
          { text: ["세금은 ", "6000", "유로입니다."] },
          calculate("many"),
          { text: "숫자로 말해 주세요." },
        ],
      });
      const args = ["-W", "ignore", "-c", pageTest, program("tax_assistant.py")];
      const { stdout } = await promisify(execFile)(python!, args);
      expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual([
        ["user", "매출이 50000유로이면 세금은 얼마야?"],
        ["assistant", "계산해 볼게요.\n\n세금은 6000유로입니다."],
        ["user", "글자로 된 매출이면?"],
        ["assistant", "계산해 볼게요.\n\n숫자로 말해 주세요."],
      ]);
      const said = server.model.requests.map(({ body }) => JSON.stringify(body));
      expect(said[1]).toContain('"content":"6000.0"');
      expect(said[3]).toContain("error: 매출은 숫자의 문자열 표현이어야 합니다.");
    },
    120_000,
  );
});
