"""The tax assistant with a chat page: pip install openai streamlit && streamlit run tax_assistant.py

Only to show the API: do not use it for your taxes.
"""

import json

import streamlit as st
from openai import AssistantEventHandler, OpenAI

client = OpenAI(base_url="http://127.0.0.1:8123/v1", api_key="any")


def calculate_tax(revenue: str) -> float:
    try:
        revenue = float(revenue)
    except ValueError:
        raise ValueError("매출은 숫자의 문자열 표현이어야 합니다.")
    if revenue <= 10000:
        return 0
    if revenue <= 30000:
        return 0.10 * (revenue - 10000)
    if revenue <= 70000:
        return 2000 + 0.20 * (revenue - 30000)
    if revenue <= 150000:
        return 10000 + 0.30 * (revenue - 70000)
    return 34000 + 0.40 * (revenue - 150000)


function_tools = [
    {
        "type": "function",
        "function": {
            "name": "calculate_tax",
            "description": "유로로 주어진 매출에 대한 세금을 가져옵니다.",
            "parameters": {
                "type": "object",
                "properties": {"revenue": {"type": "string", "description": "유로로 연간 매출"}},
                "required": ["revenue"],
            },
        },
    }
]


class EventHandler(AssistantEventHandler):
    """Shows what the assistant writes as it comes, and answers its function calls."""

    def __init__(self, box, written=""):
        super().__init__()
        self.box = box
        self.written = written

    def on_text_created(self, text):
        if self.written:
            self.written += "\n\n"

    def on_text_delta(self, delta, snapshot):
        self.written += delta.value or ""
        self.box.markdown(self.written)

    def on_event(self, event):
        if event.event == "thread.run.requires_action":
            self.answer(event.data)
        elif event.event == "thread.run.failed":
            self.box.error(event.data.last_error.message)

    def answer(self, run):
        outputs = []
        for call in run.required_action.submit_tool_outputs.tool_calls:
            try:
                output = str(calculate_tax(json.loads(call.function.arguments)["revenue"]))
            except (KeyError, ValueError) as error:
                # The model is told in the output: an item with `error` is refused.
                output = f"error: {error}"
            outputs.append({"tool_call_id": call.id, "output": output})
        # A handler serves one stream; the next one goes on in the same box.
        handler = EventHandler(self.box, self.written)
        with client.beta.threads.runs.submit_tool_outputs_stream(
            thread_id=run.thread_id, run_id=run.id, tool_outputs=outputs, event_handler=handler
        ) as stream:
            stream.until_done()
        self.written = handler.written


@st.cache_resource
def assistant_id() -> str:
    assistant = client.beta.assistants.create(
        name="Assistant", instructions="", tools=function_tools, model="gpt-4o"
    )
    return assistant.id


st.title("세금 계산 어시스턴트")
if "thread_id" not in st.session_state:
    st.session_state.thread_id = client.beta.threads.create().id
    st.session_state.chat_history = []
for role, text in st.session_state.chat_history:
    st.chat_message(role).markdown(text)

if question := st.chat_input("calculate tax of 50000"):
    st.chat_message("user").markdown(question)
    client.beta.threads.messages.create(
        thread_id=st.session_state.thread_id, role="user", content=question
    )
    handler = EventHandler(st.chat_message("assistant").empty())
    with client.beta.threads.runs.stream(
        thread_id=st.session_state.thread_id,
        assistant_id=assistant_id(),
        event_handler=handler,
        temperature=0,
    ) as stream:
        stream.until_done()
    st.session_state.chat_history += [("user", question), ("assistant", handler.written)]
