"""Puts and searches items with the Python client. The first argument is the server's address."""

import asyncio
import sys

from langgraph_sdk import get_client


async def main(url: str) -> None:
    store = get_client(url=url).store
    texts = {"tea": "green tea", "coffee": "black coffee", "both": "tea or coffee"}
    for key, text in texts.items():
        await store.put_item(["py"], key=key, value={"text": text, "short": len(text) < 12})
    await store.put_item(["py"], key="unindexed", value={"text": "green tea"}, index=False)
    found = (await store.search_items(["py"], query="green tea"))["items"]
    assert [item["key"] for item in found] == ["tea", "both", "coffee", "unindexed"], found
    scores = [item["score"] for item in found[:3]]
    assert abs(scores[0] - 1) < 1e-4 and scores == sorted(scores, reverse=True), scores
    assert found[3].get("score") is None, found[3]
    filtered = await store.search_items(
        ["py"], query="green tea", filter={"short": {"$ne": True}}, limit=1
    )
    assert [item["key"] for item in filtered["items"]] == ["both"], filtered
    print("found what was meant")


asyncio.run(main(sys.argv[1]))
