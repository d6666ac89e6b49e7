// The math tutor who gives a quiz: a function call that a person answers (requires_action).
import OpenAI from "openai";
const client = new OpenAI({ baseURL: "http://127.0.0.1:8123/v1", apiKey: "any" });

interface Question {
  question_text: string;
  question_type?: "MULTIPLE_CHOICE" | "FREE_RESPONSE";
  choices?: string[];
}

/** In a real program, a person answers. */
function displayQuiz(title: string, questions: Question[]): string[] {
  console.log(`Quiz: ${title}\n`);
  return questions.map((question) => {
    console.log(question.question_text);
    for (const [at, choice] of (question.choices ?? []).entries()) console.log(`${at}. ${choice}`);
    console.log();
    return question.question_type === "MULTIPLE_CHOICE" ? "a" : "I don't know.";
  });
}

const assistant = await client.beta.assistants.create({
  name: "Math Tutor",
  instructions: "너는 개인 수학 교사야. 질문에 한 문장 이하로 짧게 답해줘",
  model: "gpt-4-1106-preview",
  tools: [
    {
      type: "function",
      function: {
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
      },
    },
  ],
});

const content =
  process.argv[2] ??
  "두 가지 질문으로 퀴즈(display_quiz)를 만들어줘. 하나는 주관식, 하나는 객관식으로, 그런 다음 답변에 대한 피드백을 보내줘";
let run = await client.beta.threads.createAndRunPoll({
  assistant_id: assistant.id,
  thread: { messages: [{ role: "user", content }] },
});
while (run.status === "requires_action") {
  const calls = run.required_action!.submit_tool_outputs.tool_calls;
  run = await client.beta.threads.runs.submitToolOutputsAndPoll(run.id, {
    thread_id: run.thread_id,
    tool_outputs: calls.map((call) => {
      const { title, questions } = JSON.parse(call.function.arguments) as {
        title: string;
        questions: Question[];
      };
      return { tool_call_id: call.id, output: JSON.stringify(displayQuiz(title, questions)) };
    }),
  });
}
console.log(`Run ${run.status}${run.last_error ? `: ${run.last_error.message}` : ""}\n`);
for await (const message of client.beta.threads.messages.list(run.thread_id, { order: "asc" })) {
  const [part] = message.content;
  console.log(`${message.role}: ${part?.type === "text" ? part.text.value : ""}`);
}
