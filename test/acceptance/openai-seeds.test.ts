import type OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";
import type { RecordedRequest, Script } from "../support/scripted-server.ts";

let server: OpenaiServer;
afterEach(() => server[Symbol.asyncDispose]());

async function open(script: Script): Promise<OpenAI> {
  server = await openOpenaiServer({ script });
  return server.client;
}

/** What was said last in a request to the model. */
function lastSaid(request: RecordedRequest): string {
  const { messages } = request.body as { messages: { role: string; content: unknown }[] };
  return String(messages.findLast(({ role }) => role === "user")?.content);
}

const instructions = "너는 개인 수학 교사야. 질문에 한 문장 이하로 짧게 답해줘";
const explanation =
  "방정식 3x + 11 = 14에서 11을 양변에서 빼면 3x = 3이 되고, 양변을 3으로 나누면 x = 1이 됩니다.";

function createTutor(client: OpenAI) {
  return client.beta.assistants.create({
    name: "Math Tutor",
    instructions,
    model: "gpt-4-1106-preview",
  });
}

/** Polls as the seeds do, without their half second between two looks. */
async function waitOnRun(client: OpenAI, run: OpenAI.Beta.Threads.Run) {
  let current = run;
  while (current.status === "queued" || current.status === "in_progress") {
    current = await client.beta.threads.runs.retrieve(run.id, { thread_id: run.thread_id });
  }
  return current;
}

async function submitMessage(client: OpenAI, assistantId: string, threadId: string, text: string) {
  await client.beta.threads.messages.create(threadId, { role: "user", content: text });
  return client.beta.threads.runs.create(threadId, { assistant_id: assistantId });
}

async function conversation(client: OpenAI, threadId: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { role, content } of client.beta.threads.messages.list(threadId, {
    order: "asc",
  })) {
    const part = content[0];
    lines.push(`${role}: ${part?.type === "text" ? part.text.value : part?.type}`);
  }
  return lines;
}

describe("seed 001: the math tutor", () => {
  test("solves an equation, then explains what it did", async () => {
    const client = await open([{ text: "x = 1" }, { text: explanation }]);
    const assistant = await createTutor(client);
    expect(assistant).toMatchObject({ name: "Math Tutor", instructions, metadata: {}, tools: [] });
    const thread = await client.beta.threads.create();
    const question = await client.beta.threads.messages.create(thread.id, {
      role: "user",
      content: "방정식 '3x + 11 = 14'를 풀어줘",
    });
    expect(question).toMatchObject({ assistant_id: null, run_id: null, thread_id: thread.id });

    const queued = await client.beta.threads.runs.create(thread.id, { assistant_id: assistant.id });
    expect(queued).toMatchObject({
      status: "queued",
      instructions,
      model: "gpt-4-1106-preview",
      started_at: null,
      completed_at: null,
      expires_at: queued.created_at + 600,
    });
    const run = await waitOnRun(client, queued);
    expect(run).toMatchObject({ id: queued.id, status: "completed", expires_at: null });
    expect(run.completed_at).toBeGreaterThanOrEqual(run.started_at!);

    const messages = await client.beta.threads.messages.list(thread.id);
    expect(messages.data).toMatchObject([
      {
        role: "assistant",
        assistant_id: assistant.id,
        run_id: run.id,
        content: [{ type: "text", text: { value: "x = 1", annotations: [] } }],
      },
      question,
    ]);
    expect(messages).toMatchObject({ has_more: false });
    expect(await client.get(`/threads/${thread.id}/messages`)).toMatchObject({
      object: "list",
      first_id: messages.data[0]!.id,
      last_id: question.id,
    });

    const followUp = await client.beta.threads.messages.create(thread.id, {
      role: "user",
      content: "설명해 주시겠어요?",
    });
    await waitOnRun(
      client,
      await client.beta.threads.runs.create(thread.id, { assistant_id: assistant.id }),
    );
    const after = await client.beta.threads.messages.list(thread.id, {
      order: "asc",
      after: followUp.id,
    });
    expect(after.data.map(({ content }) => content)).toEqual([
      [{ type: "text", text: { value: explanation, annotations: [] } }],
    ]);
    expect((server.model.requests[1]!.body as { messages: unknown }).messages).toEqual([
      { role: "system", content: instructions },
      { role: "user", content: "방정식 '3x + 11 = 14'를 풀어줘" },
      { role: "assistant", content: "x = 1" },
      { role: "user", content: "설명해 주시겠어요?" },
    ]);
  });

  test("talks on three threads at once, each of which holds its own talk", async () => {
    const answers: Record<string, string> = {
      "방정식 '3x + 11 = 14'를 풀어줘": "x = 1",
      "선형대수에 대해 설명해줘":
        "선형대수학은 벡터 공간과 이러한 공간에서의 변환을 다루는 수학의 한 분야입니다.",
      "나는 수학을 싫어해. 어떻게 하면 좋을까?":
        "수학과 관련된 재미있는 활동이나 실생활 연관 문제를 통해 흥미를 느낄 수 있는 부분부터 시작해 보세요.",
      고마워: "언제나 도와드릴 준비가 되어 있으니 질문이 있으면 언제든지 말씀해 주세요!",
    };
    const questions = Object.keys(answers).slice(0, 3);
    // Each answer waits until all three runs have come to the model.
    const { promise: allAsked, resolve } = Promise.withResolvers<void>();
    let asked = 0;
    const client = await open(async (request) => {
      asked += 1;
      if (asked === questions.length) resolve();
      await allAsked;
      return { text: answers[lastSaid(request)]! };
    });
    const { id: assistantId } = await createTutor(client);
    const talks = await Promise.all(
      questions.map(async (question) => {
        const thread = await client.beta.threads.create();
        return { question, run: await submitMessage(client, assistantId, thread.id, question) };
      }),
    );
    for (const { question, run } of talks) {
      expect((await waitOnRun(client, run)).status).toBe("completed");
      expect(await conversation(client, run.thread_id)).toEqual([
        `user: ${question}`,
        `assistant: ${answers[question]}`,
      ]);
    }
    const third = talks[2]!;
    await waitOnRun(
      client,
      await submitMessage(client, assistantId, third.run.thread_id, "고마워"),
    );
    expect(await conversation(client, third.run.thread_id)).toEqual([
      `user: ${third.question}`,
      `assistant: ${answers[third.question]}`,
      "user: 고마워",
      `assistant: ${answers["고마워"]}`,
    ]);
  });

  const displayQuiz = {
    name: "display_quiz",
    description:
      "학생에게 퀴즈를 표시하고 학생의 응답을 반환합니다. 하나의 퀴즈에 여러 개의 질문이 포함될 수 있습니다.",
    parameters: {
      type: "object",
      properties: {
        title: { type: "string" },
        questions: {
          type: "array",
          description: "제목과 옵션(객관식인 경우)이 있는 질문의 배열입니다.",
          items: {
            type: "object",
            properties: {
              question_text: { type: "string" },
              question_type: { type: "string", enum: ["MULTIPLE_CHOICE", "FREE_RESPONSE"] },
              choices: { type: "array", items: { type: "string" } },
            },
            required: ["question_text"],
          },
        },
      },
      required: ["title", "questions"],
    },
  };

  test("shows a quiz through a function and comments on the answers", async () => {
    const quiz = {
      title: "Math Quiz",
      questions: [
        { question_text: "이름이 뭐야?", question_type: "FREE_RESPONSE" },
        {
          question_text: "Which of the following represents the derivative of f(x) = x^2?",
          question_type: "MULTIPLE_CHOICE",
          choices: ["2x", "2x^2", "x", "1"],
        },
      ],
    };
    const client = await open([
      { toolCalls: [{ name: "display_quiz", arguments: quiz }], usage: { input: 100, output: 50 } },
      { text: "Thank you for taking the quiz.", usage: { input: 200, output: 20 } },
    ]);
    const { id: assistantId } = await createTutor(client);
    const assistant = await client.beta.assistants.update(assistantId, {
      tools: [
        { type: "code_interpreter" },
        { type: "file_search" },
        { type: "function", function: displayQuiz },
      ],
    });
    expect(assistant).toMatchObject({
      id: assistantId,
      instructions,
      tools: [
        { type: "code_interpreter" },
        { type: "file_search" },
        { type: "function", function: displayQuiz },
      ],
    });
    const thread = await client.beta.threads.create();
    const text =
      "두 가지 질문으로 퀴즈를 만들어줘. 하나는 주관식, 하나는 객관식으로, 그런 다음 답변에 대한 피드백을 보내줘";
    const run = await waitOnRun(client, await submitMessage(client, assistantId, thread.id, text));
    expect(run.status).toBe("requires_action");
    const [call, ...others] = run.required_action!.submit_tool_outputs.tool_calls;
    expect(others).toEqual([]);
    expect(call!.function.name).toBe("display_quiz");
    expect(JSON.parse(call!.function.arguments)).toEqual(quiz);

    const output = JSON.stringify(["I don't know.", "a"]);
    const submitted = await client.beta.threads.runs.submitToolOutputs(run.id, {
      thread_id: thread.id,
      tool_outputs: [{ tool_call_id: call!.id, output }],
    });
    expect(submitted).toMatchObject({
      id: run.id,
      status: "queued",
      required_action: null,
      started_at: run.started_at,
      expires_at: run.expires_at,
    });
    const done = await waitOnRun(client, submitted);
    expect(done).toMatchObject({
      status: "completed",
      usage: { prompt_tokens: 300, completion_tokens: 70, total_tokens: 370 },
    });
    expect(await conversation(client, thread.id)).toEqual([
      `user: ${text}`,
      "assistant: Thank you for taking the quiz.",
    ]);
    const steps = await client.beta.threads.runs.steps.list(run.id, {
      thread_id: thread.id,
      order: "asc",
    });
    expect(steps.data).toMatchObject([
      {
        type: "tool_calls",
        status: "completed",
        usage: { total_tokens: 150 },
        step_details: {
          tool_calls: [{ id: call!.id, function: { name: "display_quiz", output } }],
        },
      },
      { type: "message_creation", status: "completed", usage: { total_tokens: 220 } },
    ]);
    const request = server.model.requests[0]!.body as { tools: { function: unknown }[] };
    expect(request.tools.map((tool) => tool.function)).toContainEqual(displayQuiz);
  });
});

describe("seed 002: the investor", () => {
  const functions = [
    "get_ticker",
    "get_income_statement",
    "get_balance_sheet",
    "get_daily_stock_performance",
  ];
  const tools = functions.map((name) => ({
    type: "function" as const,
    function: {
      name,
      description: `Given a ticker symbol (i.e AAPL): ${name}`,
      parameters: {
        type: "object",
        properties: { [name === "get_ticker" ? "company_name" : "ticker"]: { type: "string" } },
      },
    },
  }));

  async function createInvestor(client: OpenAI) {
    const assistant = await client.beta.assistants.create({
      name: "Investor Assistant",
      instructions:
        "You help user do research on publicly traded companies and you help them decide if they should buy the stock or not.",
      model: "gpt-3.5-turbo-0125",
      tools,
    });
    const thread = await client.beta.threads.create();
    await client.beta.threads.messages.create(thread.id, {
      role: "user",
      content: "I want to know if Health Catalyst stock is a good buy.",
    });
    return { assistantId: assistant.id, threadId: thread.id };
  }

  test("calls several functions at once, in several rounds, with large outputs", async () => {
    const ticker = { ticker: "HCAT" };
    const client = await open([
      { toolCalls: [{ name: "get_ticker", arguments: { company_name: "Health Catalyst" } }] },
      {
        toolCalls: [
          { name: "get_income_statement", arguments: ticker },
          { name: "get_balance_sheet", arguments: ticker },
          { name: "get_daily_stock_performance", arguments: ticker },
        ],
      },
      { text: "It depends on how patient you are." },
    ]);
    const { assistantId, threadId } = await createInvestor(client);
    const statement = JSON.stringify({ revenue: "9".repeat(40_000) });
    let run = await waitOnRun(
      client,
      await client.beta.threads.runs.create(threadId, { assistant_id: assistantId }),
    );
    const rounds: string[][] = [];
    while (run.status === "requires_action") {
      const calls = run.required_action!.submit_tool_outputs.tool_calls;
      rounds.push(calls.map((call) => call.function.name));
      run = await waitOnRun(
        client,
        await client.beta.threads.runs.submitToolOutputs(run.id, {
          thread_id: threadId,
          tool_outputs: calls.map(({ id }) => ({ tool_call_id: id, output: statement })),
        }),
      );
    }
    expect(rounds).toEqual([["get_ticker"], functions.slice(1)]);
    expect(run.status).toBe("completed");
    const last = server.model.requests[2]!.body as {
      messages: { role: string; content: string }[];
    };
    expect(
      last.messages.filter(({ role }) => role === "tool").map(({ content }) => content),
    ).toEqual(Array.from({ length: 4 }, () => statement));
  });

  test("a handler calls back while its stream is unread, and opens the next stream inside", async () => {
    const client = await open([
      { toolCalls: [{ name: "get_ticker", arguments: { company_name: "Health Catalyst" } }] },
      { text: ["The ticker ", "is ", "HCAT."] },
    ]);
    const { assistantId, threadId } = await createInvestor(client);
    const statuses: string[] = [];
    let fragments = "";
    let answer = "";
    const first = client.beta.threads.runs.stream(threadId, { assistant_id: assistantId });
    first.on("toolCallDelta", (delta) => {
      if (delta.type === "function") fragments += delta.function?.arguments ?? "";
    });
    for await (const event of first) {
      if (event.event === "thread.run.step.created") {
        const run = await client.beta.threads.runs.retrieve(event.data.run_id, {
          thread_id: threadId,
        });
        statuses.push(run.status);
      }
      if (event.event !== "thread.run.requires_action") continue;
      const run = await client.beta.threads.runs.retrieve(event.data.id, { thread_id: threadId });
      statuses.push(run.status);
      const nested = client.beta.threads.runs.submitToolOutputsStream(run.id, {
        thread_id: threadId,
        tool_outputs: run.required_action!.submit_tool_outputs.tool_calls.map(({ id }) => ({
          tool_call_id: id,
          output: "HCAT",
        })),
      });
      nested.on("textDelta", ({ value }) => (answer += value ?? ""));
      expect((await nested.finalRun()).status).toBe("completed");
    }
    expect(statuses.at(-1)).toBe("requires_action");
    expect(JSON.parse(fragments)).toEqual({ company_name: "Health Catalyst" });
    expect(answer).toBe("The ticker is HCAT.");
  });
});

describe("seed 003: the tax assistant", () => {
  const calculateTax = {
    type: "function" as const,
    function: {
      name: "calculate_tax",
      description: "유로로 주어진 매출에 대한 세금을 가져옵니다.",
      parameters: {
        type: "object",
        properties: { revenue: { type: "string", description: "유로로 연간 매출" } },
        required: ["revenue"],
      },
    },
  };

  test("streams with temperature 0, refuses an output with `error`, then takes a right one", async () => {
    const client = await open([
      { toolCalls: [{ name: "calculate_tax", arguments: { revenue: "50000" } }] },
      { text: ["세금은 ", "6000", "유로입니다."] },
    ]);
    const assistant = await client.beta.assistants.create({
      name: "Assistant",
      instructions: "",
      tools: [calculateTax],
      model: "gpt-4o",
    });
    expect(assistant).toMatchObject({ instructions: "", temperature: 1 });
    const thread = await client.beta.threads.create({
      messages: [{ role: "user", content: "매출이 50000유로이면 세금은 얼마야?" }],
    });
    const stream = client.beta.threads.runs.stream(thread.id, {
      assistant_id: assistant.id,
      temperature: 0,
    });
    const run = await stream.finalRun();
    expect(run).toMatchObject({ status: "requires_action", temperature: 0 });
    expect(server.model.requests[0]!.body).toMatchObject({ temperature: 0 });
    const [call] = run.required_action!.submit_tool_outputs.tool_calls;
    expect(JSON.parse(call!.function.arguments)).toEqual({ revenue: "50000" });

    const wrong = { tool_call_id: call!.id, error: "매출은 숫자의 문자열 표현이어야 합니다." };
    await expect(
      client.beta.threads.runs.submitToolOutputs(run.id, {
        thread_id: thread.id,
        tool_outputs: [wrong],
      }),
    ).rejects.toMatchObject({
      status: 400,
      param: "tool_outputs[0].error",
      code: "unknown_parameter",
      message: "400 Unknown parameter: 'tool_outputs[0].error'.",
    });
    const boxes: string[] = [];
    const answering = client.beta.threads.runs.submitToolOutputsStream(run.id, {
      thread_id: thread.id,
      tool_outputs: [{ tool_call_id: call!.id, output: "6000.0" }],
    });
    answering.on("textCreated", () => boxes.push(""));
    answering.on("textDelta", ({ value }) => boxes.push(`${boxes.pop()!}${value}`));
    await answering.done();
    expect(boxes).toEqual(["세금은 6000유로입니다."]);
  });
});

describe("seed 004: the blog's walk-through", () => {
  test("a run's instructions are its own; the assistant keeps the ones it has", async () => {
    const answer = "The solution to the equation (3x + 11 = 14) for (x) is (x = 1), Jane Doe.";
    const client = await open([{ text: answer }]);
    const own = "You are a personal math tutor. Write and run code to answer math questions.";
    const assistant = await client.beta.assistants.create({
      name: "Math Tutor",
      instructions: own,
      tools: [{ type: "code_interpreter" }],
      model: "gpt-4-1106-preview",
    });
    const thread = await client.beta.threads.create();
    const question = "I need to solve the equation `3x + 11 = 14`. Can you help me?";
    await client.beta.threads.messages.create(thread.id, { role: "user", content: question });
    const jane = "Please address the user as Jane Doe. The user has a premium account.";
    const run = await waitOnRun(
      client,
      await client.beta.threads.runs.create(thread.id, {
        assistant_id: assistant.id,
        instructions: jane,
      }),
    );
    expect(run).toMatchObject({ status: "completed", instructions: jane });
    expect((await client.beta.assistants.retrieve(assistant.id)).instructions).toBe(own);
    expect(await conversation(client, thread.id)).toEqual([
      `user: ${question}`,
      `assistant: ${answer}`,
    ]);
    expect((server.model.requests[0]!.body as { messages: unknown[] }).messages[0]).toEqual({
      role: "system",
      content: jane,
    });
  });
});
