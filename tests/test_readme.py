"""README fits on a screen and stands alone: on the page of a package index, too, links lead on."""

import re
from pathlib import Path

import pytest

from experiments.answers import anchor as anchor_of

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = 140
PROJECT = "https://github.com/cvxnet/cvxnet"
RAW = "https://raw.githubusercontent.com/cvxnet/cvxnet/main/"
HERE = re.compile(rf"{PROJECT}/(?:blob|tree)/main/|{re.escape(RAW)}")
LINKS = re.findall(r"\]\(([^)\s]+)\)", README)


def test_it_fits_on_a_screen():
    assert README.count("\n") <= LINES


def test_links_are_absolute_and_those_to_the_repository_name_files():
    assert len(LINKS) > 10
    assert all(link.startswith(("https://", "#")) for link in LINKS)
    named = [HERE.sub("", link) for link in LINKS if HERE.match(link)]
    for path, _, anchor in (each.partition("#") for each in named):
        assert (ROOT / path).exists(), path
        headings = (
            re.findall(r"^#+ (.*)$", (ROOT / path).read_text("utf-8"), flags=re.M) if anchor else []
        )
        assert not anchor or anchor in map(anchor_of, headings), (path, anchor)


def test_pictures_are_shown_wherever_the_text_is():
    """Package indexes show no picture that is named by its path in the repository."""
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures and all(picture.startswith(RAW) for picture in pictures)
    assert README.count("![") == len(pictures)  # each says in words what it shows
    sizes = [(ROOT / picture.removeprefix(RAW)).stat().st_size for picture in pictures]
    assert max(sizes) < 500_000


def test_it_begins_with_what_cvxnet_is_and_ends_with_the_licence():
    first = "cvxnet tells you whether a neural-network problem is convex and shows you why"
    assert first in README.split("\n\n")[2]
    headings = re.findall(r"^## (.*)$", README, flags=re.M)
    assert headings[-1] == "Licence" and "What closes, and what does not" in headings
