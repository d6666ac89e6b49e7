"""The guide "어시스턴트 관리" (managing assistants) with the Python client, as the guide has it.

Usage: seed_000.py <url>. Ends with an AssertionError where the server does something else.
"""

import asyncio
import sys

from langgraph_sdk import get_client

UNHELPFUL = "You are an unhelpful assistant!"


async def ask(client, assistant_id: str) -> str:
    """Without a key, the offline model quotes its instructions: the answer tells which version ran."""
    thread = await client.threads.create()
    input = {"messages": [{"role": "user", "content": "who made you?"}]}
    events = []
    async for event in client.runs.stream(
        thread["thread_id"],
        # this is where we specify the assistant id to use
        assistant_id,
        input=input,
        stream_mode="updates",
    ):
        events.append(event)
    assert [event.event for event in events] == ["metadata", "updates", "end"], events
    assert events[0].data["run_id"], events[0]
    (message,) = events[1].data["call_model"]["messages"]
    assert message["type"] == "ai", message
    return message["content"]


async def main(url: str) -> None:
    client = get_client(url=url)
    openai_assistant = await client.assistants.create(
        # "agent" is the name of a graph we deployed
        "agent", config={"configurable": {"model_name": "openai"}}, name="Open AI Assistant"
    )
    assert openai_assistant["graph_id"] == "agent", openai_assistant
    assert openai_assistant["name"] == "Open AI Assistant", openai_assistant
    assert openai_assistant["config"] == {"configurable": {"model_name": "openai"}}, openai_assistant
    assert openai_assistant["version"] == 1, openai_assistant

    answer = await ask(client, openai_assistant["assistant_id"])
    assert "The authors of this example made me" in answer, answer
    assert UNHELPFUL not in answer, answer

    openai_assistant_v2 = await client.assistants.update(
        openai_assistant["assistant_id"],
        config={
            "configurable": {
                "model_name": "openai",
                "system_prompt": "You are an unhelpful assistant!",
            }
        },
    )
    assert openai_assistant_v2["version"] == 2, openai_assistant_v2
    assert openai_assistant_v2["name"] == "Open AI Assistant", openai_assistant_v2
    assert UNHELPFUL in await ask(client, openai_assistant["assistant_id"])

    await client.assistants.set_latest(openai_assistant['assistant_id'], 1)
    restored = await client.assistants.get(openai_assistant["assistant_id"])
    assert restored["version"] == 1, restored
    assert restored["config"] == openai_assistant["config"], restored
    assert UNHELPFUL not in await ask(client, openai_assistant["assistant_id"])

    korean = await client.assistants.create("agent", name="세무 상담 도우미", description="세금 안내")
    found = await client.assistants.search(name="상담")
    assert korean in found, found
    await client.assistants.delete(korean["assistant_id"])
    await client.assistants.delete(openai_assistant["assistant_id"])
    print("the guide's steps all hold")


asyncio.run(main(sys.argv[1]))
