"""The OpenAI client of PyPI, unmodified, against a server: openai_handlers.py <base URL>.

The model behind the server follows a script that the test has written: each part below says what it expects.
"""

import json
import sys

import openai
from openai import AssistantEventHandler, OpenAI
from typing_extensions import override

client = OpenAI(base_url=sys.argv[1], api_key="sk-any", max_retries=0)
beta = client.beta

get_ticker = {
    "type": "function",
    "function": {
        "name": "get_ticker",
        "description": "Given the name of a company returns its ticker symbol",
        "parameters": {
            "type": "object",
            "properties": {"company_name": {"type": "string"}},
            "required": ["company_name"],
        },
    },
}


def text_of(message):
    return message.content[0].text.value


# Seed 001, as it stands but for the half second between two looks.
def math_tutor():
    assistant = beta.assistants.create(
        name="Math Tutor",
        instructions="너는 개인 수학 교사야. 질문에 한 문장 이하로 짧게 답해줘",
        model="gpt-4-1106-preview",
    )
    thread = beta.threads.create()
    beta.threads.messages.create(
        thread_id=thread.id, role="user", content="방정식 '3x + 11 = 14'를 풀어줘"
    )
    run = beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "queued" and run.expires_at == run.created_at + 600, run
    while run.status == "queued" or run.status == "in_progress":
        run = beta.threads.runs.retrieve(thread_id=thread.id, run_id=run.id)
    assert run.status == "completed", run
    messages = beta.threads.messages.list(thread_id=thread.id, order="asc")
    assert [(m.role, text_of(m)) for m in messages] == [
        ("user", "방정식 '3x + 11 = 14'를 풀어줘"),
        ("assistant", "x = 1"),
    ], messages
    assert messages.data[1].run_id == run.id
    assert beta.assistants.delete(assistant.id).deleted


# Seed 002: a handler that asks the server from inside its callbacks, and opens the next stream inside one.
class Investor(AssistantEventHandler):
    def __init__(self, thread_id):
        super().__init__()
        self.thread_id = thread_id
        self.run_id = None
        self.arguments = ""
        self.log = []
        self.nested = None

    @override
    def on_run_step_created(self, run_step):
        self.run_id = run_step.run_id
        self.log.append(f"step {run_step.type}")

    @override
    def on_tool_call_created(self, tool_call):
        # Polls until the run waits, while this stream is not being read.
        run = beta.threads.runs.retrieve(thread_id=self.thread_id, run_id=self.run_id)
        while run.status in ["queued", "in_progress"]:
            run = beta.threads.runs.retrieve(thread_id=self.thread_id, run_id=self.run_id)
        self.log.append(f"call {tool_call.function.name} {run.status}")

    @override
    def on_tool_call_delta(self, delta, snapshot):
        self.arguments += delta.function.arguments or ""

    @override
    def on_tool_call_done(self, tool_call):
        run = beta.threads.runs.retrieve(thread_id=self.thread_id, run_id=self.run_id)
        self.log.append(f"done {run.status}")
        assert json.loads(self.arguments) == {"company_name": "Health Catalyst"}
        self.nested = Investor(self.thread_id)
        with beta.threads.runs.submit_tool_outputs_stream(
            thread_id=self.thread_id,
            run_id=self.run_id,
            tool_outputs=[{"tool_call_id": tool_call.id, "output": "HCAT"}],
            event_handler=self.nested,
        ) as stream:
            stream.until_done()

    @override
    def on_text_delta(self, delta, snapshot):
        self.log.append(f"text {delta.value}")

    @override
    def on_text_done(self, text):
        self.log.append(f"whole {text.value}")

    @override
    def on_message_done(self, message):
        self.log.append(f"message {message.status}")

    @override
    def on_event(self, event):
        if event.event == "thread.run.requires_action":
            self.log.append("requires_action")

    @override
    def on_end(self):
        self.log.append("end")


def investor():
    assistant = beta.assistants.create(
        name="Investor Assistant", model="gpt-3.5-turbo-0125", tools=[get_ticker]
    )
    thread = beta.threads.create(
        messages=[{"role": "user", "content": "I want to know if Health Catalyst stock is a good buy."}]
    )
    handler = Investor(thread.id)
    with beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=handler
    ) as stream:
        stream.until_done()
    assert [line for line in handler.log if line != "requires_action"] == [
        "step tool_calls",
        "call get_ticker requires_action",
        "done requires_action",
        "end",
    ], handler.log
    assert "requires_action" in handler.log
    assert handler.nested.log == [
        "step message_creation",
        "text The ticker ",
        "text is ",
        "text HCAT.",
        "whole The ticker is HCAT.",
        "message completed",
        "end",
    ], handler.nested.log


# Seed 003: an output with `error` is refused by name; the run still waits for a right one.
def tax_error():
    assistant = beta.assistants.create(instructions="", model="gpt-4o", tools=[get_ticker])
    assert assistant.instructions == ""
    thread = beta.threads.create(messages=[{"role": "user", "content": "세금"}])
    run = beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, temperature=0
    )
    assert (run.status, run.temperature) == ("requires_action", 0), run
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    where = {"thread_id": thread.id, "run_id": run.id}
    try:
        beta.threads.runs.submit_tool_outputs(
            **where, tool_outputs=[{"tool_call_id": call.id, "error": "no number"}]
        )
        raise AssertionError("an output with `error` was taken")
    except openai.BadRequestError as refused:
        assert refused.param == "tool_outputs[0].error", refused
    run = beta.threads.runs.submit_tool_outputs_and_poll(
        **where, tool_outputs=[{"tool_call_id": call.id, "output": "0"}]
    )
    assert run.status == "completed", run
    steps = beta.threads.runs.steps.list(**where)
    assert [step.type for step in steps] == ["message_creation", "tool_calls"]


# What fails in the server is heard: the stream ends with a run that has failed.
def failure():
    assistant = beta.assistants.create(model="gpt-4o")
    thread = beta.threads.create(messages=[{"role": "user", "content": "Fail"}])
    with beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        events = [event.event for event in stream]
        final = stream.get_final_run()
    assert events[-1] == "thread.run.failed" and final.last_error.message, events


# All callbacks that the client has, read off the client, are heard, but for those that nothing here can cause.
IMPOSSIBLE = {
    "on_image_file_done": "only the code interpreter draws images",
    "on_timeout": "the client calls it for errors of asyncio and httpx that no server sends",
}


def callbacks():
    heard = []
    names = [name for name in dir(AssistantEventHandler) if name.startswith("on_")]

    class Listener(AssistantEventHandler):
        fails = False

        def on_run_step_done(self, run_step):
            heard.append("on_run_step_done")
            if self.fails:
                raise ValueError("as a user's callback may")

    for name in names:
        if name != "on_run_step_done":
            setattr(Listener, name, lambda self, *_, name=name: heard.append(name))

    class Failing(Listener):
        fails = True

    assistant = beta.assistants.create(model="gpt-4o", tools=[get_ticker])
    thread = beta.threads.create(messages=[{"role": "user", "content": "Call"}])
    with beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=Listener()
    ) as stream:
        stream.until_done()
        run = stream.get_final_run()
    calls = run.required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": call.id, "output": "HCAT"} for call in calls]
    try:
        with beta.threads.runs.submit_tool_outputs_stream(
            thread_id=thread.id, run_id=run.id, tool_outputs=outputs, event_handler=Failing()
        ) as stream:
            stream.until_done()
        raise AssertionError("the callback's own error was lost")
    except ValueError:
        pass
    run = beta.threads.runs.poll(thread_id=thread.id, run_id=run.id)
    assert run.status == "completed", run
    assert set(names) - set(heard) == set(IMPOSSIBLE), (names, heard)


# The helpers that wait: without a stream, with outputs, and for a run that somebody else began.
def pollers():
    assistant = beta.assistants.create(model="gpt-4o", tools=[get_ticker])
    thread = {"messages": [{"role": "user", "content": "Call"}]}
    asking = beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread)
    assert asking.status == "requires_action", asking
    call = asking.required_action.submit_tool_outputs.tool_calls[0]
    done = beta.threads.runs.submit_tool_outputs_and_poll(
        thread_id=asking.thread_id,
        run_id=asking.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "HCAT"}],
    )
    assert (done.id, done.status) == (asking.id, "completed"), done
    again = beta.threads.runs.create_and_poll(
        thread_id=asking.thread_id, assistant_id=assistant.id, poll_interval_ms=50
    )
    assert again.status == "completed", again


for part in (math_tutor, investor, tax_error, failure, callbacks, pollers):
    part()
print(f"all parts hold with openai {openai.__version__}")
