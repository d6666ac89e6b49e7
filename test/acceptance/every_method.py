"""Calls every public method of the Python client's assistants, threads, runs, crons and store.

Usage: every_method.py <url> <address of the test's gates>. The parts are read off the client, the
methods off their classes: one that is not called fails the script.
"""

import asyncio
import inspect
import sys
import uuid

from langgraph_sdk import get_client
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

GROUPS = ("assistants", "threads", "runs", "crons", "store")
ALL = ["one", "two", "three"]

called: set[str] = set()


def public_methods(part) -> list[str]:
    found = inspect.getmembers(type(part), inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


def note_calls(client) -> None:
    for group in GROUPS:
        part = getattr(client, group)
        for name in public_methods(part):

            def noted(*given, _method=getattr(part, name), _name=f"{group}.{name}", **named):
                called.add(_name)
                return _method(*given, **named)

            setattr(part, name, noted)


async def fails(error: type[Exception], call) -> None:
    try:
        answer = await call
    except error:
        return
    raise AssertionError(f"no {error.__name__}, but {answer}")


async def collect(stream) -> list:
    return [part async for part in stream]


async def assistants(client) -> None:
    mark = str(uuid.uuid4())
    made = await client.assistants.create(
        "context", name="도우미", context={"system_prompt": "one"}, metadata={"mark": mark}
    )
    key = made["assistant_id"]
    assert await client.assistants.get(key) == made
    await fails(ConflictError, client.assistants.create("steps", assistant_id=key))
    assert await client.assistants.create("steps", assistant_id=key, if_exists="do_nothing") == made
    changed = await client.assistants.update(key, context={"system_prompt": "two"})
    assert (changed["version"], changed["name"]) == (2, "도우미"), changed
    versions = await client.assistants.get_versions(key)
    assert [one["version"] for one in versions] == [2, 1], versions
    assert (await client.assistants.set_latest(key, 1))["context"] == {"system_prompt": "one"}
    page = await client.assistants.search(
        metadata={"mark": mark}, sort_by="name", sort_order="asc", response_format="object"
    )
    assert [one["assistant_id"] for one in page["assistants"]] == [key], page
    assert page["next"] is None, page
    assert await client.assistants.count(metadata={"mark": mark}) == 1
    drawing = await client.assistants.get_graph("nested", xray=True)
    assert "child:inside" in [node["id"] for node in drawing["nodes"]], drawing
    schemas = await client.assistants.get_schemas("agent")
    assert "system_prompt" in schemas["context_schema"]["properties"], schemas
    assert list(await client.assistants.get_subgraphs("nested", recurse=True)) == ["child"]
    thread = await client.threads.create()
    await client.runs.wait(thread["thread_id"], key, input={})
    await client.assistants.delete(key, delete_threads=True)
    await fails(NotFoundError, client.assistants.get(key))
    await fails(NotFoundError, client.threads.get(thread["thread_id"]))
    await fails(
        UnprocessableEntityError,
        client.assistants.create("agent", context={"llm_provider": "a parrot"}),
    )


async def threads(client) -> None:
    mark = str(uuid.uuid4())
    steps = [{"updates": [{"values": {"log": [name]}, "as_node": name}]} for name in ("one", "two")]
    begun = await client.threads.create(graph_id="steps", supersteps=steps)
    assert begun["values"]["log"] == ["one", "two"], begun
    thread = await client.threads.create(metadata={"mark": mark, "이름": "지민"})
    key = thread["thread_id"]
    assert await client.threads.get(key) == thread
    updated = await client.threads.update(key, metadata={"more": 1})
    assert updated["metadata"] == {"mark": mark, "이름": "지민", "more": 1}, updated
    assert await client.threads.update(key, metadata={}, return_minimal=True) is None
    await client.runs.wait(key, "steps", input={"input": "x"}, interrupt_before=["three"])
    state = await client.threads.get_state(key, subgraphs=True)
    assert (state["next"], state["values"]["log"]) == (["three"], ["one", "two"]), state
    earlier = await client.threads.get_state(key, checkpoint=state["parent_checkpoint"])
    assert earlier["next"] == ["two"], earlier
    written = await client.threads.update_state(key, {"log": ["by hand"]}, as_node="two")
    history = await client.threads.get_history(key, limit=3)
    newest = history[0]["checkpoint"]["checkpoint_id"]
    assert newest == written["checkpoint"]["checkpoint_id"], history[0]
    before = await client.threads.get_history(key, before=history[0]["checkpoint"], limit=2)
    assert before == history[1:], before
    found = await client.threads.search(metadata={"mark": mark}, status="interrupted", limit=5)
    assert [one["thread_id"] for one in found] == [key], found
    assert await client.threads.count(metadata={"mark": mark}, status="idle") == 0
    copy = await client.threads.copy(key)
    assert copy["values"]["log"] == ["one", "two", "by hand"], copy
    [picked] = await client.threads.search(
        metadata={"mark": mark, "more": 1},
        ids=[key],
        select=["thread_id"],
        extract={"last": "values.log[-1]", "mark": "metadata.mark", "none": "values.no[3].where"},
    )
    assert picked == {
        "thread_id": key,
        "extracted": {"last": "by hand", "mark": mark, "none": None},
    }, picked
    kept = await client.threads.create(ttl=5)
    ttl = (await client.threads.get(kept["thread_id"], include=["ttl"]))["ttl"]
    assert (ttl["strategy"], ttl["ttl_minutes"]) == ("delete", 5), ttl
    await client.threads.update(
        kept["thread_id"], metadata={}, ttl={"ttl": 7, "strategy": "keep_latest"}
    )
    ttl = (await client.threads.get(kept["thread_id"], include=["ttl"]))["ttl"]
    assert (ttl["strategy"], ttl["ttl_minutes"]) == ("keep_latest", 7), ttl
    latest = await client.threads.get_state(key)
    pruned = await client.threads.prune([key, str(uuid.uuid4())], strategy="keep_latest")
    assert pruned == {"pruned_count": 1}, pruned
    assert len(await client.threads.get_history(key)) == 1
    assert (await client.threads.get_state(key))["values"] == latest["values"]
    assert await client.threads.prune([kept["thread_id"]]) == {"pruned_count": 1}
    await fails(NotFoundError, client.threads.get(kept["thread_id"]))
    await client.threads.delete(key)
    await fails(NotFoundError, client.threads.get(key))
    assert (await client.threads.get(copy["thread_id"]))["status"] == "interrupted"


async def thread_streams(client) -> None:
    """The stream of a whole thread, and protocol v2 over both of its transports."""
    key = (await client.threads.create())["thread_id"]
    for word in ("one", "two"):
        await client.runs.wait(key, "steps", input={"input": word})
    ends = []
    async for part in await client.threads.join_stream(key, last_event_id="-"):
        if part.event == "run_done":
            ends.append(part.data["status"])
        if len(ends) == 2:
            break
    assert ends == ["success", "success"], ends
    for transport in ("sse", "websocket"):
        async with client.threads.stream(assistant_id="asking", transport=transport) as thread:
            await thread.run.start(input={})
            # Ends when the run asks.
            async for _ in thread.values:
                pass
            [asked] = thread.interrupts
            assert asked["value"] == {"question": "how old?"}, asked
            await thread.run.respond("열", interrupt_id=asked["interrupt_id"])
            assert (await thread.output)["log"] == ["answer 열", "after"]
        async with client.threads.stream(assistant_id="steps", transport=transport) as thread:
            await thread.run.start(input={"input": "x"})
            assert (await thread.output)["log"] == ALL
            # A second connection, which is told again what it missed.
            kinds = []
            async for event in thread.subscribe(["lifecycle", "updates"]):
                kinds.append(event["method"])
                if len(kinds) == 5:
                    break
            assert kinds == ["lifecycle", "updates", "updates", "updates", "lifecycle"], kinds


async def runs(client, gates: str) -> None:
    key = (await client.threads.create())["thread_id"]
    told = []
    run = await client.runs.create(
        key, "steps", input={"input": "x"}, stream_resumable=True, on_run_created=told.append
    )
    assert told[0]["run_id"] == run["run_id"], told
    assert (await client.runs.join(key, run["run_id"]))["log"] == ALL
    assert (await client.runs.get(key, run["run_id"]))["status"] == "success"
    joined = await collect(client.runs.join_stream(key, run["run_id"], last_event_id="-1"))
    values = [part.data for part in joined if part.event == "values"]
    assert values[-1]["log"] == ALL, joined
    streamed = await collect(
        client.runs.stream(None, "nested", input={}, stream_mode=["updates"], stream_subgraphs=True)
    )
    assert any(part.event.startswith("updates|child:") for part in streamed), streamed
    failed = await client.runs.wait(None, "thrower", input={}, raise_error=False)
    assert failed == {"__error__": {"error": "RangeError", "message": "boom!"}}, failed
    asked = await client.runs.wait(key, "asking", input={})
    assert asked["__interrupt__"][0]["value"] == {"question": "how old?"}, asked
    answered = await client.runs.wait(key, "asking", command={"resume": "마흔둘"})
    assert answered["log"][-2:] == ["answer 마흔둘", "after"], answered
    batch = await client.runs.create_batch(
        [{"assistant_id": "steps", "input": {}}, {"assistant_id": "chat", "input": {"messages": "hi"}}]
    )
    assert len(batch) == 2, batch
    waiting = await client.runs.create(key, "gated", input={"gates": gates})
    queued = await client.runs.create(key, "steps", input={}, multitask_strategy="enqueue")
    await fails(
        ConflictError, client.runs.create(key, "steps", input={}, multitask_strategy="reject")
    )
    await client.runs.cancel_many(thread_id=key, run_ids=[queued["run_id"]])
    await client.runs.cancel(key, waiting["run_id"], wait=True)
    listed = await client.runs.list(key, limit=2)
    assert [one["status"] for one in listed] == ["interrupted", "interrupted"], listed
    await client.runs.delete(key, queued["run_id"])
    await fails(NotFoundError, client.runs.get(key, queued["run_id"]))


async def crons(client) -> None:
    # Years away: none of them fires while the tests run.
    schedule = "0 9 29 2 *"
    mark = {"mark": str(uuid.uuid4())}
    cron = await client.crons.create(
        "steps", schedule=schedule, input={"input": "x"}, metadata=mark, timezone="Asia/Seoul"
    )
    assert cron["next_run_date"].split("T")[1].startswith("00:00"), cron
    await fails(UnprocessableEntityError, client.crons.create("steps", schedule="often"))
    key = (await client.threads.create())["thread_id"]
    on_thread = await client.crons.create_for_thread(key, "steps", schedule=schedule, metadata=mark)
    assert on_thread["thread_id"] == key, on_thread
    changed = await client.crons.update(cron["cron_id"], enabled=False)
    assert (changed["enabled"], changed["next_run_date"]) == (False, None), changed
    found = await client.crons.search(metadata=mark, enabled=True)
    assert [one["cron_id"] for one in found] == [on_thread["cron_id"]], found
    assert await client.crons.count(metadata=mark) == 2
    await client.crons.delete(cron["cron_id"])
    assert await client.crons.count(metadata=mark) == 1
    await fails(NotFoundError, client.crons.delete(cron["cron_id"]))


async def store(client) -> None:
    root = str(uuid.uuid4())
    for name, people in (("서울", 9.4), ("부산", 3.3)):
        await client.store.put_item([root, "cities"], key=name, value={"people": people})
    await client.store.put_item([root, "cities"], key="서울", value={"people": 9.4}, ttl=60)
    item = await client.store.get_item([root, "cities"], key="서울", refresh_ttl=True)
    assert item["value"] == {"people": 9.4}, item
    found = await client.store.search_items(
        [root], filter={"people": {"$lt": 5}}, refresh_ttl=False
    )
    assert [one["key"] for one in found["items"]] == ["부산"], found
    spaces = await client.store.list_namespaces(prefix=[root])
    assert spaces == {"namespaces": [[root, "cities"]]}, spaces
    await client.store.delete_item([root, "cities"], key="부산")
    left = await client.store.search_items([root])
    assert [one["key"] for one in left["items"]] == ["서울"], left


async def main(url: str, gates: str) -> None:
    client = get_client(url=url)
    parts = {name for name in vars(client) if name != "http" and not name.startswith("_")}
    assert parts == set(GROUPS), f"parts without calls: {parts - set(GROUPS)}"
    note_calls(client)
    await assistants(client)
    await threads(client)
    await thread_streams(client)
    await runs(client, gates)
    await crons(client)
    await store(client)
    every = {f"{group}.{name}" for group in GROUPS for name in public_methods(getattr(client, group))}
    forgotten = sorted(every - called)
    assert forgotten == [], f"never called: {forgotten}"
    print(f"{len(called)} methods called")


asyncio.run(main(sys.argv[1], sys.argv[2]))
