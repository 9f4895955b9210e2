"""Writes docs/findings/experiments.md: every question with picture and answer, from the records.

    python -m experiments answers [--results DIR] [--out FILE.md] [--quick]

Reads the records that the experiments left in DIR/NAME/NAME.json. --quick writes no file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.report import HERE

RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "findings" / "experiments.md"

FIRST = (
    "seed_claims",
    "bengio2005",
    "bach2014",
    "yuan2010",
    "pilanci2020",
    "after2020",
    "peers",
    "worth",
)
"""Where this project comes from, what came after it, and what it is good for; then the others."""
HEAD = """# What the experiments found

Every question with its answer, its pictures, and what was expected beside what came out, also
where the two differ. Written by `python -m experiments answers` from the records in
`experiments/results`, where the tables lie, too, with versions, seeds and times. Each section
begins with the command that makes it all anew; `--out experiments/results` puts it there.
"""


def page(results: Path, beside: Path) -> str:
    """The page, as it stands in the folder `beside`."""
    names = [path.parent.name for path in results.glob("*/*.json")]
    order = [name for name in FIRST if name in names] + sorted(set(names) - set(FIRST))
    found = {
        name: json.loads((results / name / f"{name}.json").read_text("utf-8")) for name in order
    }
    parts = [
        HEAD,
        *(f"* [{record['question']}](#{anchor(record['question'])})" for record in found.values()),
    ]
    for name, record in found.items():
        parts += section(name, record, os.path.relpath(results / name, beside))
    return "\n".join(parts).rstrip() + "\n"


def section(name: str, record: dict[str, Any], folder: str) -> Iterator[str]:
    """One experiment."""
    yield f"\n## {record['question']}\n"
    yield f"`{record['command']}`\n"
    for answer in record["answers"]:
        yield f"### {answer['question']}\n"
        if answer["picture"]:
            yield f"![{answer['question']}]({folder}/{answer['picture']})\n"
        yield f"{answer['text']}\n"
    if record["expectations"]:
        yield "### What was expected, and what came out\n"
        yield "| what | expected | found | |\n|---|---|---|---|"
        for each in record["expectations"]:
            holds = "as expected" if each["holds"] else "**differs**"
            yield (
                f"| {cell(each['what'])} | {cell(each['expected'])} ({cell(each['source'])}) "
                f"| {cell(each['found'])} | {holds} |"
            )


def anchor(heading: str) -> str:
    """What GitHub and MyST make of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def cell(text: str) -> str:
    """Text that a table bears."""
    return text.replace("|", "\\|")


def main(argv: list[str]) -> None:
    """Write the page, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--quick", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    text = page(options.results, options.out.parent)
    print(f"{options.out.name}: {text.count(chr(10) + '## ')} experiments")
    print(f"{text.count('![')} pictures, {text.count('**differs**')} expectations not met")
    if not options.quick:
        options.out.write_text(text, encoding="utf-8")
