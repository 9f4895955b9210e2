"""The page of networks lists the collection, in the words of the experiment."""

from pathlib import Path

from experiments.networks.__main__ import INTRODUCTION, page
from experiments.networks.collection import COLLECTION

PAGE = Path(__file__).parents[1] / "docs" / "findings" / "networks.md"


def test_the_page_is_about_the_collection():
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(INTRODUCTION)
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    listed = [(row[1], row[0].removeprefix("| ")) for row in cells]
    assert listed == [(who, name) for who, items in COLLECTION for name in items]


def test_a_line_of_the_page():
    row = {"name": "n", "who": "w", "taken": "yes", "difference": 2e-8, "OMLT": "not tried"}
    assert page([row | {"said": "ReLU()", "right": True}]).splitlines()[-1] == (
        "| n | w | yes | 2e-08 | not tried | ReLU() |"
    )
