"""Jobs as tasks, as FastMCP's client sees them, which nobody here wrote.

    python tasks.py URL

It runs analyses as a task and does not wait for them, cancels one, and ends with 0 if all is as it should be."""

import asyncio
import sys

from fastmcp import Client
from fastmcp_tasks import call_tool_task

ANALYSES = ["patterns", "harmony", "modules", "ngrams", "local_key"]


def tune(seed: int, notes: int) -> str:
    state, bars = seed, ""
    for note in range(notes):
        state = state * 48271 % 2147483647
        bars += "CDEFGABcdefgab"[state % 14] + ("|\n" if note % 64 == 63 else "|" if note % 8 == 7 else "")
    return f"X:{seed}\nT:Task {seed}\nM:4/4\nL:1/8\nK:G\n{bars}]\n"


async def main(url: str) -> None:
    async with Client(url) as client:
        assert len(await client.list_tools()) == 9
        scores = []
        for seed in range(101, 121):
            content = {"name": f"{seed}.abc", "content": tune(seed, 6000)}
            imported = await client.call_tool("scores_import", content)
            scores.append(imported.structured_content["scores"][0]["score"])
        task = await call_tool_task(client, "analysis_run", {"scores": scores, "analyses": ANALYSES, "wait_s": 0})
        result = await task.result()
        assert result.structured_content["state"] == "finished", result
        assert result.structured_content["done"] == 20, result
        job = await client.call_tool("jobs_get", {"job": task.task_id})
        assert job.structured_content["state"] == "finished", "a task's id is the job's"
        found = await client.call_tool("scores_search", {"query": "Task 101"})
        assert [score["score"] for score in found.structured_content["scores"]] == scores[:1], found
        rows, cursor = [], ""
        while cursor is not None:
            page = {"job": task.task_id, "fields": ["title"], "limit": 7, "cursor": cursor}
            page = (await client.call_tool("jobs_results", page)).structured_content
            rows, cursor = rows + page["rows"], page.get("next_cursor")
        assert len(rows) == 20, rows
        again = {"scores": scores, "analyses": ANALYSES, "fidelity": "compat", "wait_s": 0}
        task = await call_tool_task(client, "analysis_run", again)
        await task.cancel()
        job = await client.call_tool("jobs_get", {"job": task.task_id, "wait_s": 45})
        assert job.structured_content["state"] == "cancelled", job.structured_content
    print("FastMCP: a job was followed as a task to its end, and another cancelled")


asyncio.run(main(sys.argv[1]))
