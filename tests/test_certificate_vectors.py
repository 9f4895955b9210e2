"""The specification of certificates: the checker does what the test vectors say, and the page says
what the checker knows."""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import truth

from cvxnet.proofs import checker
from cvxnet.proofs.checker.reading import ENTRIES, OPTIONAL

pytestmark = pytest.mark.documentation

ROOM = Path(__file__).parents[1] / "docs" / "certificates"
FOLDER = ROOM / "vectors"
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8"))
FORMAT = (ROOM / "format.md").read_text("utf-8")
PROVED = [row for row in INDEX if row["conclusion"] == "proved"]
REFUSED = [row for row in INDEX if row["conclusion"] == "refused"]
WORDS = {
    "data": "these are not the data|the certificate does not contain its data",
    "upper": "upper: claimed",
    "lower": "lower: claimed",
    "domain": "the dual vector (proves nothing|sees the free part)",
    "infeasible": "dual infeasible",
    "unproved": "not proved|unfinished|too large|the rank of|with several outputs there is no proof"
    "|evidence: (the tree of a side is missing|the basis is dependent|a row leans|mu is negative"
    "|odd has)",
}
"""How the reasons of the checker begin, by the reason that the specification knows; else format."""


def reason_of(result):
    return next((name for name, words in WORDS.items() if re.match(words, result.reason)), "format")


def answer(row):
    return checker.check(FOLDER / row["file"], FOLDER / row["data"] if "data" in row else None)


def document(row):
    return json.loads((FOLDER / row["file"]).read_text("utf-8"))


@pytest.mark.parametrize("row", PROVED, ids=lambda row: row["file"])
def test_what_has_to_be_proved_is_proved(row):
    result = answer(row)
    assert result.valid, result.reason
    assert [result.lower.hex(), result.upper.hex()] == [row["lower"], row["upper"]]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["file"])
def test_what_has_to_be_refused_is_refused_for_its_reason(row):
    result = answer(row)
    assert not result.valid and result.lower is None
    assert reason_of(result) == row["reason"], result.reason


def test_claims_that_are_proved_are_true():
    given = [document(row) for row in PROVED if "data" not in row and "version" not in row["file"]]
    one_output = [each for each in given if truth.decoded(each["dual"]).ndim == 1]
    tried = [each for each in one_output if each["output_weights"] == "any"]
    tried = [each for each in tried if "nodes" not in (each["evidence"] or {})]
    assert len(tried) > 30
    for each in tried:
        assert truth.is_true({"gate": None} | each)


def test_the_index_lists_all_files():
    listed = [row["file"] for row in INDEX] + [row["data"] for row in INDEX if "data" in row]
    assert {path.name for path in FOLDER.iterdir()} == {"index.json", *listed}
    assert len({row["file"] for row in INDEX}) == len(INDEX)


def test_the_vectors_cover_what_the_checker_knows():
    documents = [document(row) for row in PROVED]
    units = [each["units"] for each in documents]
    assert {name["name"] for name in units if isinstance(name, dict)} == checker.UNITS.keys()
    assert {each["loss"] for each in documents} == checker.LOSSES.keys()
    assert {each["version"] for each in documents} == set(range(1, checker.VERSION + 1))
    kinds = {(each.get("evidence") or {"kind": None})["kind"] for each in documents}
    assert kinds == {None, "relaxation", "sphere", "tree"}
    texts = " ".join(json.dumps(each.get("evidence")) for each in documents)
    assert all(f'"{word}": ' in texts for word in ("row", "tilt", "odd", "corner", "edges"))
    assert re.search(r'"lean": \[\[', texts) and re.search(r'"proofs": \[\{', texts)
    assert {row["reason"] for row in REFUSED} == {*WORDS, "format"}


def tables():
    """The tables of the specification by their heads, as rows of cells."""
    found = {}
    for table in re.findall(r"(?:^\| .*\n|^\|---.*\n)+", FORMAT, flags=re.M):
        cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
        found[tuple(cells[0][:2])] = cells[2:]
    return found


def test_the_specification_knows_the_families():
    found = tables()
    penalties = {row[0]: row[2] for row in found["`name`", r"$\varphi_u(x)$"]}
    said = {
        row[0].strip("`"): [row[1], penalties.pop(row[0]), *row[2:]]
        for row in found["`name`", "parameter"]
    }
    penalty = {"balanced": "balanced", "square": "square", "amplitude": "plain"}
    known = {
        name: [
            f"`{units.parameter}`" if units.parameter else "",
            penalty[units.penalty],
            ", ".join(units.norms),
            "yes" if units.several else "no",
            "yes" if units.signed else "no",
            ", ".join(units.evidence),
        ]
        for name, units in checker.UNITS.items()
    }
    assert said == known and not penalties


def test_the_specification_knows_entries_losses_reasons_and_versions():
    found = tables()
    names = {name for row in found["entry", "value"] for name in re.findall(r"`(\w+)`", row[0])}
    assert names == ENTRIES[-1] | OPTIONAL
    for head, rows in found.items():
        if head[0] in ("`loss`", "conjugate"):
            assert {row[0].strip("`") for row in rows} == checker.LOSSES.keys()
    reasons = {row[0].strip("`") for row in found["reason", "what was found"]}
    assert reasons == {*WORDS, "format"}
    versions = [int(row[0]) for row in found["version", "differs from the next"]]
    assert versions == list(range(checker.VERSION, 0, -1))
    assert f"specifies version {checker.VERSION} of the format" in FORMAT


def script(name):
    spec = spec_from_file_location(name, ROOM / f"{name}.py")
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_lists_the_vectors():
    made, page = script("make_vectors"), (ROOM / "vectors.md").read_text("utf-8")
    assert made.page_with(made.table_of(INDEX)) == page
    assert document(INDEX[0]) == made.worked()


def test_the_picture_is_what_its_script_draws():
    made = script("make_picture")
    assert made.picture() == made.PICTURE.read_text("utf-8")
