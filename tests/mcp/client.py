"""Ripieno's MCP server as the Python client `mcp` sees it, which nobody here wrote.

    client.py RIPIENO MODE       MODE is stdio, or the version of HTTP: auto, legacy

It discovers, imports, searches, runs, waits, pages, reads resources, listens and cancels, and is told what is wrong. Ends
with 0 if all of that is as it should be.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.types import PromptReference

SCORES = Path(__file__).parent.parent / "data" / "scores"
# Bytes of an answer that nobody asked to be long: two thousand tokens.
ANSWER_BYTES_MAX = 8_000
LISTED_BYTES_MAX = 16_000
NAMES = [
    "scores_search",
    "scores_inspect",
    "scores_import",
    "analysis_catalog",
    "analysis_run",
    "jobs_get",
    "jobs_results",
    "jobs_list",
    "jobs_cancel",
]


def same(got, expected):
    if got != expected:
        raise AssertionError(f"{got!r} is not {expected!r}")


def holds(truth, what):
    if not truth:
        raise AssertionError(what)


class Session:
    """A client that counts bytes and holds every answer to its schema, as the client itself does."""

    def __init__(self, client):
        self.client = client
        self.bytes = {}

    async def call(self, tool, **arguments):
        result = await self.client.call_tool(tool, arguments)
        size = len(result.model_dump_json(exclude_none=True, by_alias=True))
        self.bytes.setdefault(tool, []).append(size)
        text = "".join(block.text for block in result.content if block.type == "text")
        holds(not result.is_error, f"{tool} {arguments}: {text}")
        holds(size <= ANSWER_BYTES_MAX, f"{tool} {arguments} answers {size} bytes")
        return result.structured_content

    async def refused(self, tool, **arguments):
        result = await self.client.call_tool(tool, arguments)
        holds(result.is_error, f"{tool} {arguments} is no error")
        return "".join(block.text for block in result.content if block.type == "text")


async def discover(client):
    listed = await client.list_tools()
    same([tool.name for tool in listed.tools], NAMES)
    size = len(listed.model_dump_json(exclude_none=True, by_alias=True))
    holds(size < LISTED_BYTES_MAX, f"tools/list has {size} bytes")
    for tool in listed.tools:
        hints = tool.annotations.model_dump()
        missing = [name for name in hints if name.endswith("_hint") and hints[name] is None]
        same(missing, [])
        holds(tool.output_schema, f"{tool.name} has no output schema")
    prompts = await client.list_prompts()
    same([prompt.name for prompt in prompts.prompts], ["analyse_corpus", "compare_pieces", "explain_result"])
    templates = await client.list_resource_templates()
    same(len(templates.resource_templates), 3)
    return size


async def scores(session, folder):
    """Imports, finds, looks at."""
    tune = (SCORES / "abc" / "repeats.abc").read_text()
    one = await session.call("scores_import", name="repeats.abc", content=tune, corpus="few")
    handle = one["scores"][0]["score"]
    again = await session.call("scores_import", name="other.abc", content=tune)
    same((again["known"], again["scores"][0]["score"]), (1, handle))
    if folder:
        many = await session.call("scores_import", path=str(SCORES / "kern"), corpus="few")
        holds(many["imported"] > 10 and many["failed"] > 0, many)
    found = await session.call("scores_search", query="repeats")
    same(found["scores"][0]["score"], handle)
    card = await session.call("scores_inspect", score=handle, detail="full")
    holds(card["summary"]["notes"] > 0 and card["format"] == "abc", card)
    source = await session.call("scores_inspect", score=handle, detail="source")
    same(source["source"], tune[: len(source["source"])])
    return handle


async def jobs(session, handle):
    """Runs, waits, pages, lists, cancels."""
    catalogue = await session.call("analysis_catalog", analyses=["key"])
    holds("key.fidelity" in catalogue["analyses"][0]["options"] or catalogue["analyses"][0]["options"], catalogue)
    done = await session.call("analysis_run", scores=[handle], analyses=["key", "ambitus"], idempotency_key="k1")
    same((done["state"], done["done"], len(done["rows"])), ("finished", 1, 1))
    holds("key_simple" in done["columns"], done)
    again = await session.call("analysis_run", scores=[handle], analyses=["key", "ambitus"], idempotency_key="k1")
    same(again["job"], done["job"])
    job = await session.call("analysis_run", corpus="few", analyses=["summary"], wait_s=0)
    status = await session.call("jobs_get", job=job["job"], wait_s=45)
    same(status["state"], "finished")
    rows, cursor = [], ""
    while True:
        page = await session.call("jobs_results", job=job["job"], limit=3, fields=["piece", "summary_notes"], cursor=cursor)
        holds(len(page["rows"]) <= 3, page)
        rows += page["rows"]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    sources = [row[0] for row in rows]
    same((len(sources), sources), (status["pieces"], sorted(sources)))
    few = await session.call("jobs_results", job=job["job"], where=["summary_notes > 1000000"])
    same(few["rows"], [])
    details = await session.call("jobs_results", job=done["job"], detail="detailed")
    holds("key" in details["details"][0]["findings"], details)
    listed = await session.call("jobs_list", limit=1)
    holds(len(listed["jobs"]) == 1 and listed["next_cursor"], listed)
    cancelled = await session.call("jobs_cancel", job=job["job"])
    same(cancelled["state"], "finished")
    return job["job"]


async def teaching(session, handle):
    """Each mistake is answered with what would be right."""
    for tool, arguments, taught in [
        ("analysis_run", {"scores": [handle], "analysis": "key"}, 'did you mean "analyses"?'),
        ("analysis_run", {"scores": [handle], "analyses": ["keys"]}, 'did you mean "key"?'),
        ("analysis_run", {"analyses": ["key"]}, "say scores"),
        ("analysis_run", {"scores": [handle], "analyses": ["key"], "wait_s": 90}, "from 0 to 45, not 90"),
        ("analysis_run", {"scores": [handle], "analyses": ["key"], "options": {"key.x": 1}}, "has no parameter"),
        ("analysis_run", {"corpus": "none", "analyses": ["key"]}, "there are: few"),
        ("jobs_get", {"job": "7"}, "a job is like job-"),
        ("jobs_get", {"job": "job-aaaaaaaaaaaaaaaa"}, "no job job-aaaaaaaaaaaaaaaa"),
        ("scores_inspect", {"score": "score-aaaaaaaaaaaaaaaa"}, "there is no score"),
        ("scores_import", {"content": "not a score", "name": "x.txt"}, "known format"),
    ]:
        said = await session.refused(tool, **arguments)
        holds(taught in said and f"Example of {tool}" in said, f"{tool} {arguments}: {said}")


async def resources(client, handle, job):
    rows = await client.read_resource(f"job://{job}/results")
    holds(rows.contents[0].text.startswith("source,"), rows)
    score = await client.read_resource(f"score://{handle}")
    holds("X:1" in score.contents[0].text, score)
    completed = await client.complete(PromptReference(name="analyse_corpus"), {"name": "analysis", "value": "key"})
    same(completed.completion.values, ["key", "keyscape"])
    prompt = await client.get_prompt("explain_result", {"job": job})
    holds(job in prompt.messages[0].content.text, prompt)


async def listening(client, session, handle):
    """A listener hears of the end of a job."""
    run = await session.call("analysis_run", scores=[handle], analyses=["npvi"], wait_s=20)
    uri = f"job://{run['job']}"
    async with client.listen(resource_subscriptions=[uri]) as events:
        async for event in events:
            return str(event)


async def visit(server, mode, folder):
    async with Client(server, mode=mode) as client:
        size = await discover(client)
        session = Session(client)
        handle = await scores(session, folder)
        job = await jobs(session, handle)
        await teaching(session, handle)
        await resources(client, handle, job)
        if client.protocol_version >= "2026-07-28":
            heard = await asyncio.wait_for(listening(client, session, handle), 30)
            holds("job://" in heard, heard)
        deleted = await session.call("jobs_cancel", score=handle)
        same(deleted["deleted"], True)
        worst = {tool: max(sizes) for tool, sizes in session.bytes.items()}
        print(f"python mcp, {mode}, {client.protocol_version}: tools/list {size} bytes; longest answers {worst}")


async def main(program, mode):
    with tempfile.TemporaryDirectory() as data:
        if mode == "stdio":
            server = StdioServerParameters(command=program, args=["--data", data, "mcp"])
            await visit(server, "auto", True)
            return
        serve = await asyncio.create_subprocess_exec(
            program, "--data", data, "serve", "--listen", "127.0.0.1:0", stdout=asyncio.subprocess.PIPE
        )
        try:
            line = (await serve.stdout.readline()).decode()
            url = line.split()[-1] + "/mcp"
            await visit(url, mode, False)
        finally:
            serve.terminate()
            await serve.wait()


asyncio.run(main(*sys.argv[1:]))
