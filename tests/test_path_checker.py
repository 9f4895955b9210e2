"""The proof of a path: the checker proves it, and refuses whatever was changed in it."""

import base64
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from tampering import anything, badly_packed, changed, packed, places

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.checker import main, reading
from cvxnet.proofs.checker import path as paths
from cvxnet.proofs.checker.document import as_sparse
from cvxnet.proofs.checker.path import check_path, read_path

FOLDER = Path(__file__).parents[1] / "docs" / "certificates" / "path-vectors"
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8"))
WORDS = {
    "hole": "must begin at",
    "end-moved": "must begin at",
    "piece-longer": "is not feasible at",
    "network-other": "upper: claimed",
    "weight-other": "certificate 3: upper",
    "coefficient-larger": "is not feasible at",
    "coefficient-negative": "is not feasible at",
    "lower-raised": "piece 1: lower: claimed",
    "upper-lowered": "piece 1: upper: claimed",
    "gap-smaller": "its gap is larger than the one claimed",
    "dual-longer": "certificate 1: dual infeasible",
    "decay-larger": "certificate 1: upper|is not feasible at",
    "data-other": "SHA-256 differs",
    "version-two": "version 1 of the format of paths only",
    "width-there": "missing or unknown entries: 'width'",
    "no-pieces": "there must be 1 to",
}
"""The reason of each vector that has to be refused."""


@pytest.mark.parametrize("row", INDEX, ids=lambda row: row["file"])
def test_the_checker_does_what_the_vectors_say(row, capsys):
    path = FOLDER / row["file"]
    result = cn.check(path)
    assert result.valid == (row["conclusion"] == "proved"), result.reason
    assert main([str(path)]) == (0 if result.valid else 1)
    said = capsys.readouterr().out
    if result.valid:
        assert said.startswith("PROVED: for every weight decay from") and result.gap <= 0.1
        assert cn.Path.load(path).low == result.low
    else:
        assert result.reason in said and result.low is None
        assert match(WORDS[path.stem], result.reason)


ARRAYS = [
    ("data", "X"),
    ("data", "y"),
    ("certificates", 1, "dual"),
    ("certificates", 1, "network", "a"),
]


@pytest.mark.parametrize("place", ARRAYS, ids=lambda place: place[-1])
def test_arrays_of_a_path_may_be_packed_and_what_is_packed_badly_is_refused(place):
    document = json.loads((FOLDER / "relu.json").read_text("utf-8"))
    right = changed(document, place, packed)
    assert read_path(right) == read_path(document)
    array = right
    for key in place:
        array = array[key]
    huge = [array | {"shape": shape} for shape in ([10**15], [10**9, 10**9], [2**63, 2])]
    for wrong in (*huge, *badly_packed(array)):
        result = cn.check(changed(right, place, lambda _, to=wrong: to))
        assert not result.valid and result.reason and result.low is None


@pytest.mark.parametrize("kind", ["nan", "inf", "-inf"])
def test_doubles_that_are_not_finite_are_refused(kind):
    document = json.loads((FOLDER / "relu.json").read_text("utf-8"))
    n = len(document["data"]["y"])
    content = base64.b64encode(np.array([float(kind)] + [0.0] * (n - 1)).tobytes()).decode()
    for place in (("data", "y"), ("certificates", 0, "dual")):
        wrong = changed(document, place, lambda _: {"shape": [n], "doubles": content})
        assert "not finite" in cn.check(wrong).reason


def test_a_sparse_path_of_relu_units_is_refused():
    document = json.loads((FOLDER / "relu.json").read_text("utf-8"))
    X = as_sparse(csr_array(np.array(cn.Path.load(FOLDER / "relu.json").certificate.objective.X)))
    said = checker.fingerprint(*reading.read_data(X, document["data"]["y"]))
    sparse = document | {"data": document["data"] | {"X": X}, "data_sha256": said}
    assert "relu units have no sparse X" in cn.check(sparse).reason


def test_data_that_certificates_share_are_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(
        paths, "read_data", lambda *data: read.append(1) or reading.read_data(*data)
    )
    claims = read_path(FOLDER / "relu.json")
    assert len(read) == 1 and len(claims.certificates) > 1
    assert all(one.X is claims.certificates[0].X for one in claims.certificates)


def match(words, reason):
    """Whether one of these words stands in a reason."""
    found = any(word in reason for word in words.split("|"))
    assert found, reason
    return found


def test_every_vector_that_is_refused_has_its_reason():
    refused = {row["file"].removesuffix(".json") for row in INDEX if row["conclusion"] == "refused"}
    assert refused == WORDS.keys()
    assert {row["file"] for row in INDEX} | {"index.json"} == {
        path.name for path in FOLDER.iterdir()
    }


VALID = json.loads((FOLDER / "relu.json").read_text("utf-8"))
ENTRIES = [path for path in places(VALID) if path[0] not in ("cvxnet", "preparation")]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_path_that_was_changed_anywhere_claims_no_more_than_is_true(data):
    place = data.draw(st.sampled_from(ENTRIES))
    doc = changed(VALID, place, lambda old: data.draw(anything))
    assume(doc != VALID)
    result = check_path(doc, time_limit=60.0)
    if result.valid:  # a claim that was made weaker
        assert place[0] in ("certificates", "pieces", "gap")
        truth = read_path(VALID)
        assert result.low >= truth.low * (1 - 1e-12) and result.high <= truth.high * (1 + 1e-12)
        assert doc["data"] == VALID["data"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.integers(0, 1), st.floats(0.5, 2.0))
def test_a_moved_end_of_a_piece_leaves_a_hole_or_is_moved_on_both_sides(number, side, factor):
    doc = deepcopy(VALID)
    pieces = doc["pieces"]
    name = ("low", "high")[side]
    moved = (float.fromhex(pieces[number][name]) * factor).hex()
    assume(moved != pieces[number][name])
    pieces[number][name] = moved
    assert not check_path(doc).valid


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1.0))
def test_what_is_proved_at_both_ends_of_a_piece_is_true_between(share):
    path = cn.Path.load(FOLDER / "relu.json")
    X, y = path.objective.X, path.objective.y
    b = path.low + share * (path.high - path.low)
    piece = next(piece for piece in path.pieces if piece.low <= b <= piece.high)
    network = path.networks[piece.network]
    optimum = cn.train("relu", X, y, weight_decay=b, gap=1e-6).lower_bound
    f = np.asarray(network(X))[:, 0]
    value = 0.5 * np.sum((f - y) ** 2) + 0.5 * b * sum(
        float(np.sum(np.square(weights)))
        for name, weights in network.state_dict().items()
        if weights is not None and name != "2.bias"
    )
    assert (1.0 - path.gap) * value <= optimum * (1.0 + 1e-6)


def test_in_floating_point_with_rounding_bounds_it_is_proved_too():
    result = cn.check(FOLDER / "relu.json", rounded=True)
    assert result.valid and result.method == "floating point with rounding bounds"


def test_what_is_no_path_leads_to_the_page_that_specifies_them(tmp_path):
    document = json.loads((FOLDER / "relu.json").read_text("utf-8"))
    for number, changes in enumerate(({"pieces": []}, {"version": 2}, {"X": 1})):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(document | changes), "utf-8")
        with pytest.raises(cn.InputError, match=r"described in .*/docs/certificates/path\.md\."):
            cn.Path.load(file)


def test_it_ends_in_time():
    result = cn.check(FOLDER / "relu.json", time_limit=-1.0)
    assert not result.valid and "unfinished" in result.reason
