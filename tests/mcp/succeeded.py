"""The twenty questions of docs/mcp.md, put to Ripieno and to the Python server that came before it, in one run.

    succeeded.py RIPIENO PYTHON SOURCES

PYTHON is one with that server's dependencies (fastmcp 2.9.0, music21), SOURCES the folder `src` of it. Says the bytes of each
answer as the Python client `mcp` sees it, and ends with 0 if ours are all answered and have a fifth of the bytes or less.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters

ROOT = Path(__file__).parent.parent.parent
CHORALE = ROOT / "tests" / "data" / "scores" / "kern" / "bwv-66-6.krn"
SHARE_MAX = 0.2
# What it is asked for each question: its nearest tool, where it has none that answers just that. What a job would cost it cannot be
# asked, so that this one counts for neither.
ITS = {
    1: ("import_score", {"score_id": "s", "source": "FILE", "source_type": "file"}),
    2: ("list_scores", {}),
    3: ("score_info", {"score_id": "s"}),
    4: ("tools/list", None),
    5: ("key_analysis", {"score_id": "s"}),
    6: ("key_analysis", {"score_id": "s"}),
    7: ("chord_analysis", {"score_id": "s"}),
    8: ("chord_analysis", {"score_id": "s"}),
    9: ("harmony_analysis", {"score_id": "s", "analysis_type": "roman"}),
    10: ("harmony_analysis", {"score_id": "s", "analysis_type": "functional"}),
    11: ("harmony_analysis", {"score_id": "s", "analysis_type": "cadence"}),
    12: ("voice_leading_analysis", {"score_id": "s"}),
    13: ("voice_leading_analysis", {"score_id": "s"}),
    14: ("pattern_recognition", {"score_id": "s", "pattern_type": "melodic"}),
    15: ("pattern_recognition", {"score_id": "s", "pattern_type": "melodic"}),
    16: ("score_info", {"score_id": "s"}),
    17: ("pattern_recognition", {"score_id": "s", "pattern_type": "rhythmic"}),
    19: ("export_score", {"score_id": "s", "format": "musicxml"}),
    20: ("delete_score", {"score_id": "s"}),
}


def questions():
    """The rows of the table: number, question, tool, arguments as text."""
    page = (ROOT / "docs" / "mcp.md").read_text()
    section = page.split("## Twenty questions\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|", 2)]
        if len(cells) == 3 and cells[0].isdigit():
            tool, arguments = cells[2].strip("`").split(" ", 1)
            yield int(cells[0]), cells[1], tool, arguments


async def ask(client, tool, arguments):
    """The answer, its bytes, and whether it is one: a refusal may also stand in a result that says it is none."""
    result = await client.call_tool(tool, arguments)
    size = len(result.model_dump_json(exclude_none=True, by_alias=True))
    text = "".join(block.text for block in result.content if block.type == "text")
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    refused = result.is_error or (isinstance(told, dict) and (told.get("status") == "error" or "error" in told))
    return result, size, text if refused else None


async def main(program, python, sources):
    ours, theirs, refused = 0, 0, []
    with tempfile.TemporaryDirectory() as data:
        mine = StdioServerParameters(command=program, args=["--data", data, "mcp", "--jobs", "1"])
        other = StdioServerParameters(
            command=python, args=["-m", "music21_mcp.server_minimal"], env={"PYTHONPATH": sources, "HOME": data}
        )
        async with Client(mine, mode="legacy") as mine, Client(other, mode="legacy") as other:
            score = job = ""
            for number, question, tool, arguments in questions():
                arguments = arguments.replace("FILE", str(CHORALE)).replace("SCORE", score).replace("JOB", job)
                result, size, wrong = await ask(mine, tool, json.loads(arguments))
                if wrong is not None:
                    raise AssertionError(f"{question}: {wrong}")
                told = result.structured_content
                score = (told.get("scores") or [{}])[0].get("score", score)
                job = told.get("job", job)
                if number not in ITS:
                    print(f"{number:>2} {size:>6} {'none':>7}  {question}", flush=True)
                    continue
                its, its_arguments = ITS[number]
                if its == "tools/list":
                    listed = await other.list_tools()
                    its_size, wrong = len(listed.model_dump_json(exclude_none=True, by_alias=True)), None
                else:
                    its_arguments = {name: value.replace("FILE", str(CHORALE)) for name, value in its_arguments.items()}
                    _, its_size, wrong = await ask(other, its, its_arguments)
                if wrong is not None:
                    refused.append(number)
                mark = "  which is a refusal" if wrong is not None else ""
                print(f"{number:>2} {size:>6} {its_size:>7}  {question}{mark}", flush=True)
                ours, theirs = ours + size, theirs + its_size
    share = ours / theirs
    print(f"all {ours} {theirs} bytes: {share:.2f} of its; it refused {len(refused)}: {refused}")
    return 0 if share <= SHARE_MAX else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
