"""Writes the numbers of README and site: the page of all answers, tables, and badges.

    python -m experiments answers [--results DIR] [--quick]

From the records that the experiments left in DIR/NAME: docs/findings/experiments.md, which has
every question with picture and answer, and the regions of README and all pages. From pyproject:
README's badges. --quick writes no file.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.badges import BADGES, badges
from experiments.regions import filled, measured, record_of, regions_of
from experiments.report import HERE

ROOT = HERE.parent
RESULTS = HERE / "results"
PAGE = ROOT / "docs" / "findings" / "experiments.md"

FIRST = (
    "seed_claims",
    "bengio2005",
    "bach2014",
    "yuan2010",
    "pilanci2020",
    "after2020",
    "peers",
    "speed",
    "linear_models",
    "worth",
)
"""Where this project comes from, what came after it, and what it is good for; then the others."""
HEAD = """# What the experiments found

Every question with its answer, its pictures, and what was expected beside what came out, also
where the two differ. Written by `python -m experiments answers` from the records in
`experiments/results`, where the tables lie, too, with versions, seeds and times. Each section
begins with the command that makes it all anew (`--out experiments/results` puts it there), and
says when and on what machine it was run.
"""


def page(results: Path, beside: Path) -> str:
    """The page, as it stands in the folder `beside`."""
    names = [path.parent.name for path in results.glob("*/*.json")]
    order = [name for name in FIRST if name in names] + sorted(set(names) - set(FIRST))
    found = {name: record_of(results, name) for name in order}
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
    yield f"`{record['command']}` ({measured(record)})\n"
    for answer in record["answers"]:
        if answer["question"] != record["question"]:
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


def pages() -> list[Path]:
    """README and what the site is built of, but for what its build writes."""
    made = ("_build", "auto_gallery", "generated")
    docs = (ROOT / "docs").rglob("*.md")
    return [ROOT / "README.md", *sorted(p for p in docs if not set(made) & set(p.parts))]


def main(argv: list[str]) -> None:
    """Write everything, and say what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--quick", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    text = page(options.results, PAGE.parent)
    print(f"{PAGE.name}: {text.count(chr(10) + '## ')} experiments")
    print(f"{text.count('![')} pictures, {text.count('**differs**')} expectations not met")
    written = {PAGE: text} | {BADGES / name: drawn for name, drawn in badges().items()}
    for path in pages():
        before = path.read_text("utf-8")
        if regions_of(before):
            print(f"{path.relative_to(ROOT)}: {', '.join(regions_of(before))}")
            written[path] = filled(before, options.results)
    for path, text in written.items():
        if not options.quick:
            path.write_text(text, encoding="utf-8")
