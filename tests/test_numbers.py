"""Numbers that were measured stand where a script writes them, with date and machine."""

import datetime
import json
import re
import time
from pathlib import Path

import pytest

from experiments.answers import RESULTS, pages
from experiments.badges import BADGES, badges
from experiments.clocks import processor_time
from experiments.regions import (
    REGION,
    REGIONS,
    filled,
    record_of,
    regions_of,
    table,
    what_closes,
)

pytestmark = pytest.mark.documentation

PAGES = pages()
RECORDS = sorted(path.parent.name for path in RESULTS.glob("*/*.json"))


def named(path):
    """How a page is called in the list of tests."""
    return str(path.relative_to(RESULTS.parents[1]))


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_when_and_on_what_machine(name):
    record = record_of(RESULTS, name)
    assert datetime.date.fromisoformat(record["date"]) >= datetime.date(2026, 11, 22)
    assert record["machine"]["cores"] >= 1 and record["machine"]["processor"]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_tables_are_those_of_the_records(path):
    text = path.read_text("utf-8")
    assert filled(text, RESULTS) == text, "run python -m experiments answers"
    assert text.count("written by python -m experiments answers -->") == len(regions_of(text))


def test_every_table_has_a_reader():
    assert {name for path in PAGES for name in regions_of(path.read_text("utf-8"))} == set(REGIONS)


@pytest.mark.parametrize("name", REGIONS)
def test_a_table_ends_with_when_it_was_measured_and_how_it_is_measured_anew(name):
    *lines, blank, last = REGIONS[name](RESULTS).splitlines()
    assert blank == "" and re.fullmatch(
        r"\*Measured \d{4}-\d\d-\d\d, .*, \d+ cores.*: `python -m experiments \w+.*`\.\*", last
    )
    assert len(lines) > 2 and len({line.count("|") for line in lines}) == 1


def test_what_stands_around_a_region_is_left_alone(monkeypatch):
    monkeypatch.setitem(REGIONS, "count", lambda results: table(["n"], [["7"]]))
    mark = "<!-- count: written by python -m experiments answers -->"
    text = f"before\n{mark}\nold\n\nand long\n<!-- end -->\nafter\n{mark}\n<!-- end -->\n"
    once = filled(text, Path())
    written = f"{mark}\n| n |\n| --- |\n| 7 |\n<!-- end -->\n"
    assert once == f"before\n{written}after\n{written}" == filled(once, Path())
    with pytest.raises(KeyError, match="nothing"):
        filled(text.replace("count", "nothing"), Path())


def frontier(folder, lines):
    """Results with such a table: family, samples, status, gap and seconds of each line."""
    (folder / "frontier").mkdir()
    record = {"date": "2026-11-29", "command": "python -m experiments frontier"}
    record |= {"machine": {"processor": "any", "cores": 1}}
    (folder / "frontier" / "frontier.json").write_text(json.dumps(record), "utf-8")
    header = "units,n,rank,outputs,data,checked,status,gap,seconds"
    cells = [f"{units},{n},3,1,,True,{rest}" for units, n, rest in lines]
    (folder / "frontier" / "frontier.csv").write_text("\n".join([header, *cells]) + "\n", "utf-8")
    return what_closes(folder).splitlines()[2:-2]


def test_families_share_a_line_only_in_what_holds_for_both(tmp_path):
    lines = [("sign", 10, "optimal,0,1"), ("sign", 20, "optimal,0,5"), ("sign", 30, "gap,0.1,60")]
    lines += [("threshold", 10, "optimal,0,2"), ("threshold", 20, "gap,0.25,60")]
    (shown,) = (line.replace("\u00a0", " ") for line in frontier(tmp_path, lines))
    assert shown == "| sign, threshold | 3 | n = 10 (2 s) | n = 20: 25 %, n = 30: 10 % |"


def test_badges_are_those_of_the_project():
    assert {path.name: path.read_text("utf-8") for path in BADGES.glob("*.svg")} == badges()


def test_clocks_are_themselves_again_after_processor_time():
    clocks = time.monotonic, time.perf_counter
    with pytest.raises(KeyboardInterrupt), processor_time():
        assert time.monotonic is time.perf_counter is time.process_time
        raise KeyboardInterrupt
    assert (time.monotonic, time.perf_counter) == clocks


MEASURED = re.compile(
    r"(?<![\w.=-])\d+(\.\d+)?( to \d+(\.\d+)?)?[ \u00a0](s|seconds?|minutes?|ms|[kKMG]B)\b"
    r"|\b\d+(\.\d+)?( to \d+(\.\d+)?)? times (as|faster|slower)"
)
"""A number with a unit of time or memory, and how many times faster."""
CODE = re.compile(r"^(`{3,})\S*\n.*?^\1$|`[^`\n]+`|^    .*$", flags=re.M | re.S)
WRITTEN = {"experiments.md", "networks.md", "seed-claims.md"}
"""Pages that experiments write as a whole; and the times of a lecture are planned, not measured."""


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.name not in WRITTEN and p.parent.name != "teaching"], ids=named
)
def test_prose_has_no_measured_number(path):
    prose = CODE.sub("", REGION.sub("", path.read_text("utf-8")))
    assert [found[0] for found in MEASURED.finditer(prose)] == []
