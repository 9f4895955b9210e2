"""Certificates that were changed, broken or written to do harm: never a false confirmation."""

import json
import math
import os
import struct
import tracemalloc
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import truth
from claimed import Claimed, units_as_hex
from hypothesis import given, settings
from hypothesis import strategies as st
from tampering import anything, changed, numbers, places
from truth import is_true

from cvxnet.proofs import checker
from cvxnet.proofs.checker import document as reader
from cvxnet.proofs.checker import exact

# ------------------------------------------------------------------------------- originals


OPTIONS = [
    {"loss": "squared"},
    {"loss": "squared", "bias": True},
    {"loss": "logistic"},
    {"loss": "logistic", "bias": True},
    {"units": {"name": "leaky_relu", "slope": -0.5}, "loss": "huber", "norm": "l1"},
    {"units": "abs", "loss": "absolute", "sample_weights": [0.5, 1.0, 2.0, 0.75]},
    {"units": "linear", "loss": "squared_hinge", "bias": True, "norm": "l1"},
    {"units": {"name": "gated_relu", "gates": [[1.0, -1.0], [0.5, 2.0]]}, "loss": "squared"},
    {"units": "coordinate", "loss": "huber", "c": 0.5, "sample_weights": [1.5, 1.0, 2.0, 0.75]},
    {"units": "sign", "loss": "squared", "bias": True},
    {"units": "threshold", "loss": "absolute", "c": -0.25},
    {"units": "quadratic", "loss": "hinge"},
    {"units": "squared_relu", "loss": "squared"},
    {"units": {"name": "polynomial", "coefficients": [0.5, -1.0, 0.25]}, "loss": "logistic"},
    {"units": {"name": "tanh", "radius": 4.0}, "loss": "squared"},
    {"loss": "squared", "c": 0.25, "s": [0.5, -0.25]},
]


def network(name, bias, rng):
    """Two units that the family allows."""
    W = [[0.0, -1.0], [1.0, 0.0]] if name == "coordinate" else rng.normal(size=(2, 2))
    return {
        "W": W,
        "b": rng.normal(size=2) if bias else None,
        "a": rng.normal(size=2),
        "gate": [0, 1] if name == "gated_relu" else None,
    }


@cache
def originals():
    """Valid certificates with the tightest claims, as JSON texts; the last one has evidence."""
    texts = []
    for seed, options in enumerate(OPTIONS):
        rng = np.random.default_rng(seed)
        units, bias = options.get("units", "relu"), options.get("bias", False)
        X, y = rng.normal(size=(4, 2)), np.array([-1.0, 1.0, 1.0, -1.0])
        y = y if options["loss"] in truth.LABELS else rng.normal(size=4)
        v = -0.5 * y if options["loss"] in truth.LABELS else 0.3 * rng.normal(size=4)
        constant = np.ones((4, int("c" in options)))
        free = np.column_stack([constant, X if "s" in options else X[:, :0]])
        v -= free @ np.linalg.lstsq(free, v, rcond=None)[0] if free.size else 0.0
        name, norm = units if isinstance(units, str) else units["name"], options.get("norm", "l2")
        rows = truth.with_ones(X, bias)
        largest = truth.rho(units_as_hex(units), norm, rows, v)
        slack = 1e-6 if name in ("squared_relu", "tanh", "polynomial") else 1e-12
        values = {"bias": bias, "X": X, "y": y, "v": v, "lower": 0.0, "upper": 0.0}
        values |= network(name, bias, rng) | options
        made = Claimed(weight_decay=largest * (1 + slack), **values)
        texts.append(json.dumps(made.rounded_outward().to_dict()))
    return [*texts, json.dumps(with_evidence())]


def with_evidence():
    """A certificate with two trees of two leaves."""
    rng = np.random.default_rng(0)
    X, v = rng.normal(size=(3, 2)), rng.normal(size=3)

    def leaf(signs, side):
        d = side * v / 2.0
        sigma = np.array([signs.get(k, 0) for k in range(3)])
        tau = np.where(sigma == 0, np.maximum(d, 0.0) * np.linalg.norm(X, axis=1), 0.0)
        return {"tilt": np.zeros(3), "lean": [], "tau": tau, "mu": 2.0}

    trees = {
        name: {"row": 0, "plus": leaf({0: 1}, side), "minus": leaf({0: -1}, side)}
        for name, side in (("plus", 1.0), ("minus", -1.0))
    }
    made = Claimed(
        loss="squared",
        weight_decay=6.0,
        bias=False,
        X=X,
        y=rng.normal(size=3),
        v=v,
        evidence={"kind": "relaxation"} | trees,
        lower=0.0,
        upper=0.0,
        **network("relu", False, rng),
    )
    return made.rounded_outward().to_dict()


def test_originals_are_valid_and_true():
    for text in originals():
        assert checker.check(json.loads(text)).valid and is_true(json.loads(text))


# ------------------------------------------------------------------------------- tampering


def is_number(value):
    return isinstance(value, str) and "0x" in value


SMALL_CHANGES = {
    "up": lambda x: math.nextafter(x, math.inf),
    "down": lambda x: math.nextafter(x, -math.inf),
    "sign": lambda x: -x,
    "twice": lambda x: 2.0 * x,
    "one": lambda x: x + 1.0,
    "zero": lambda x: 0.0,
    "slightly more": lambda x: x * (1 + 1e-9),
    "slightly less": lambda x: x * (1 - 1e-9),
}


@pytest.mark.parametrize("name", SMALL_CHANGES)
def test_change_single_numbers(name):
    offset = list(SMALL_CHANGES).index(name)  # a third of the numbers, each time another one
    for document in map(json.loads, originals()):
        for path in list(places(document))[offset % 3 :: 3]:
            for rehash in (False, True):
                entry = document
                for key in path:
                    entry = entry[key]
                if not is_number(entry):
                    continue
                new = SMALL_CHANGES[name](float.fromhex(entry)).hex()
                tampered = changed(document, path, lambda _, new=new: new, rehash)
                result = checker.check(tampered, time_limit=1.0)
                if result.valid:
                    assert is_true(tampered), (path, name)
                    assert path[0] not in ("data",) or rehash or new == entry, path


@pytest.mark.parametrize(
    "entry, value",
    [
        ("format", "cvxnet"),
        ("version", 1),
        ("version", 2),
        ("version", 3),
        ("version", 4),
        ("version", 7),
        ("width", 0),
        ("width", True),
        ("width", 1.0),
        ("width", 1),
        ("version", True),
        ("version", 1.0),
        ("units", "sign"),
        ("loss", "hinge"),
        ("bias", 1),
        ("bias", None),
        ("cvxnet", 1),
        ("data", None),
        ("data", {}),
        ("data_sha256", "0" * 64),
        ("data_sha256", None),
        ("dual", []),
        ("network", {"W": [], "b": None, "a": []}),
        ("weight_decay", "0x0.0p+0"),
        ("weight_decay", "inf"),
        ("upper", "nan"),
        ("upper", "10"),
        ("upper", "0x1p4000"),
        ("upper", "0x1.8p+1"),
        ("upper", " 0x1.8000000000000p+1"),
        ("upper", "\u0660x1.8000000000000p+1"),
        ("upper", 10.0),
        ("upper", True),
        ("lower", ["0x0.0p+0"]),
    ],
)
def test_change_any_option(entry, value):
    for text in originals():
        tampered = json.loads(text) | {entry: value}
        result = checker.check(tampered)
        assert result.reason
        assert not result.valid or (entry in ("network", "loss") and is_true(tampered))


ZERO, ONE = (0.0).hex(), (1.0).hex()
SAID = {
    "features": ["a", "b"],
    "targets": ["y"],
    "classes": None,
    "scaling": {"mean": [ZERO, ZERO], "variance": [ONE, ONE]},
}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (SAID, ""),
        (SAID | {"scaling": None, "classes": ["no", 1]}, ""),
        ([], "an object with the entries"),
        ({}, "an object with the entries"),
        (SAID | {"more": 1}, "an object with the entries"),
        (SAID | {"features": ["a"]}, "features must be 2 of text"),
        (SAID | {"features": ["a", 1]}, "features must be 2 of text"),
        (SAID | {"features": ["a", "a"]}, "named twice"),
        (SAID | {"features": [["a"], "b"]}, "features must be 2 of text"),
        (SAID | {"targets": ["y", "z"]}, "targets must be 1 of text"),
        (SAID | {"targets": "y"}, "targets is not a list"),
        (SAID | {"classes": ["a", "b", "c"]}, "classes must be 2 of text or whole numbers"),
        (SAID | {"classes": ["a", True]}, "classes must be 2 of"),
        (SAID | {"classes": ["a", "a"]}, "named twice"),
        (SAID | {"scaling": {"mean": [ZERO], "variance": [ONE, ONE]}}, "2 expected"),
        (SAID | {"scaling": {"mean": [ZERO] * 2, "variance": [ONE, ZERO]}}, "above 0"),
        (SAID | {"scaling": {"mean": [0.0] * 2, "variance": [ONE] * 2}}, "hexadecimal"),
        (SAID | {"scaling": {"mean": [ZERO] * 2}}, "an object with the entries"),
    ],
)
def test_what_is_said_of_the_table_is_well_formed_or_refused(value, reason):
    """It proves nothing, so what is well-formed changes nothing."""
    document = json.loads(originals()[0])
    assert len(document["data"]["X"][0]) == 2
    plain = checker.check(document)
    result = checker.check(document | {"preparation": value})
    assert result == plain if not reason else not result.valid
    assert reason in result.reason


def test_swapped_loss_and_bias():
    for document in map(json.loads, originals()):
        for entry, value in (("bias", not document["bias"]), ("loss", "squared"),
                             ("loss", "logistic")):  # fmt: skip
            tampered = document | {entry: value}
            if checker.check(tampered).valid:
                assert is_true(tampered)


@st.composite
def mutations(draw):
    """One to three changes, each a random entry to a number, to junk, dropped, copied, swapped."""
    document = json.loads(draw(st.sampled_from(originals())))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(document))))
        kind = draw(st.sampled_from(["number", "number", "junk", "reverse", "longer", "shorter"]))
        if kind == "number":
            new = draw(numbers).hex()
            document = changed(document, path, lambda old, new=new: new if is_number(old) else old)
        elif kind == "junk":
            new = draw(anything)
            document = changed(document, path, lambda _, new=new: new)
        else:
            act = {"reverse": lambda x: x[::-1], "longer": lambda x: x + x[:1],
                   "shorter": lambda x: x[1:]}[kind]  # fmt: skip
            document = changed(document, path, lambda x, f=act: f(x) if isinstance(x, list) else x)
    if draw(st.booleans()):
        try:
            document = changed(document, ("version",), lambda x: x, rehash=True)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, struct.error):
            return document
    return document


@settings(max_examples=1000, deadline=None)
@given(mutations())
def test_mutations_never_confirm_a_false_claim(document):
    result = checker.check(document, time_limit=1.0)
    assert isinstance(result.reason, str) and len(result.reason) < 500
    if result.valid:
        assert is_true(document)
    else:
        assert result.lower is None


# -------------------------------------------------------------------------- hostile files


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "not a complete JSON document"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "not a complete JSON document"),
        (b'{"a":' * 100_000, "not a complete JSON document"),
        (b'{"format": 1, "format": 2}', "an entry occurs twice"),
        (b'{"format": 1' + b"0" * 5000 + b"}", "not a complete JSON document"),
        (b'{"format": NaN}', "its format is not"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b'{"format": "cvxnet-certificate", "version": 1}', "missing or unknown entries"),
        (b" " * (reader.MAX_BYTES + 1), "larger than"),
    ],
)
def test_hostile_files(tmp_path, content, reason):
    (tmp_path / "c.json").write_bytes(content)
    result = checker.check(tmp_path / "c.json")
    assert not result.valid and reason in result.reason


@pytest.mark.parametrize("depth", [10, 300, 900, 960, 985, 1000, 3000])
def test_nesting_just_below_what_json_can_read(tmp_path, depth):
    content = originals()[0].replace('"dual": [', '"dual": [' + "[" * depth + "]" * depth + ", ")
    (tmp_path / "c.json").write_text(content)
    assert not checker.check(tmp_path / "c.json").valid


@pytest.mark.parametrize("piece", ["[],", "{},", '"",', "0,"])
def test_many_small_things(tmp_path, piece):
    size = 2 * 10**6 // len(piece)
    (tmp_path / "c.json").write_text('{"format": [' + piece * size + "0]}")
    assert "its format is not" in checker.check(tmp_path / "c.json").reason


@pytest.mark.parametrize(
    "piece", ["[],", "[[]],", '{"a":{}},', '{"a":"b"},', "[0],", '"ab",', "1e5,"]
)
def test_memory_for_junk_is_bounded_by_its_size_and_its_entries(tmp_path, monkeypatch, piece):
    """So that for the largest file that is read it stays below 2.5 GB."""
    assert 4 * reader.MAX_BYTES + 100 * reader.MAX_ENTRIES < 2.5e9
    text = '{"format": [' + piece * (2**19 // len(piece)) + "0]}"
    entries = sum(map(text.count, ",[{"))
    path = tmp_path / "c.json"
    path.write_text(text)
    monkeypatch.setattr(reader, "MAX_BYTES", len(text))
    tracemalloc.start()
    try:
        assert "its format is not" in checker.check(path).reason
        assert tracemalloc.get_traced_memory()[1] < 4 * len(text) + 100 * entries
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", ["[],", '{"a":0},', '"",'])
def test_more_entries_than_there_may_be_are_not_read(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(reader, "MAX_ENTRIES", 1000)
    (tmp_path / "c.json").write_text('{"format": [' + piece * 1000 + "0]}")
    assert "more than 1000 entries" in checker.check(tmp_path / "c.json").reason


def test_junk_in_the_data_is_refused_before_the_certificate_is_read(tmp_path):
    (tmp_path / "junk.json").write_text('{"data": {"X": [[], []], "y": []}}')
    (tmp_path / "none.json").write_text("")
    result = checker.check(tmp_path / "none.json", tmp_path / "junk.json")
    assert result.reason == "X is empty"


def test_data_of_too_many_numbers(tmp_path, monkeypatch):
    path, document = tmp_path / "data.csv", json.loads(originals()[0])
    rows = [[*row, y] for row, y in zip(*map(document["data"].get, "Xy"), strict=True)]
    lines = [",".join(repr(float.fromhex(x)) for x in row) for row in rows]
    for end in ("\n", "\r\n", "\r"):
        path.write_bytes(end.join(lines).encode())
        assert checker.check(document, path).valid
    monkeypatch.setattr(reader, "MAX_NUMBERS", 5)
    assert "more than 5 numbers" in checker.check(document, path).reason


def test_paths_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", "/dev/zero", "bad\0name"):
        assert not checker.check(path).valid
        assert not checker.check(json.loads(originals()[0]), path).valid


def test_every_truncation_is_refused(tmp_path):
    for end in range(0, len(originals()[0]), 7):
        (tmp_path / "c.json").write_text(originals()[0][:end])
        assert not checker.check(tmp_path / "c.json").valid


def test_any_bit_flip_of_the_file(tmp_path):
    original = originals()[3].encode()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(original), size=600):
        content = bytearray(original)
        content[place] ^= 1 << int(rng.integers(0, 8))
        (tmp_path / "c.json").write_bytes(content)
        if checker.check(tmp_path / "c.json", time_limit=1.0).valid:
            assert is_true(json.loads(content))


@pytest.mark.parametrize(
    "data", [5, "none.csv", (1, 2), ([[1.0]],), ([["a"]], [1.0]), ([[math.nan]], [1.0]),
             ([[]], []), ([], []), ([[1.0], [1.0, 2.0]], [1.0, 1.0]), ({}, {})]
)  # fmt: skip
def test_hostile_data(data):
    assert not checker.check(json.loads(originals()[0]), data).valid


def sized(n, d, width, exponents=0):
    """A well-formed certificate of that size, with numbers of very different magnitudes."""
    rng = np.random.default_rng(0)

    def some(*shape):
        return rng.normal(size=shape) * 2.0 ** rng.integers(-exponents, exponents + 1, shape)

    return Claimed(
        loss="squared",
        weight_decay=1.0,
        bias=False,
        X=some(n, d),
        y=some(n),
        W=some(width, d),
        b=None,
        a=some(width),
        v=some(n),
        lower=-1e308,
        upper=1e308,
    ).to_dict()


@pytest.mark.parametrize("size", [(6000, 3, 0, 0), (400, 9, 0, 500), (1500, 3, 0, 500)])
def test_time_is_bounded(size):
    result = checker.check(sized(*size), time_limit=0.2)
    ended = ("time limit of 0.2 s", "is above 7", "dual infeasible")
    assert not result.valid and any(words in result.reason for words in ended)


def test_a_huge_network_is_refused():
    assert "too large" in checker.check(sized(3000, 1, 40_000)).reason


def test_features_that_no_unit_sees_cost_nothing(monkeypatch):
    """Coordinate units see one feature each, of as many as there are."""
    monkeypatch.setattr(checker.bracket, "MAX_PRODUCTS", 8000)
    wide = sized(20, 30, 15)
    with pytest.raises(checker.RefusalError, match="too large"):
        checker.bracket.bracket(checker.read(wide))
    few = changed(wide, ("data", "X"), lambda X: [row[:2] for row in X], True)
    few["network"]["W"] = [row[:2] for row in wide["network"]["W"]]
    wide["network"]["W"] = [[*row, *[(0.0).hex()] * 28] for row in few["network"]["W"]]
    found = [checker.bracket.bracket(checker.read(document)) for document in (wide, few)]
    assert found[0] == found[1]


def test_numbers_of_too_many_digits_are_refused(monkeypatch):
    """Two numbers, 2^900 and 2^-1000, in a few megabytes would make gigabytes of integers."""
    assert exact.MAX_SIZE <= 10**9
    monkeypatch.setattr(exact, "MAX_SIZE", 10**6)
    for size, s, count in (
        ((30, 20, 0), None, 630),  # on the way to integers
        ((10, 30, 0), "0x0.0p+0", 10),  # the free part
        ((10, 10, 0), None, 100),  # elimination
    ):
        document = sized(*size)
        document["network"]["s"] = s and [s] * size[1]
        assert "too large" not in checker.check(document).reason
        for place, x in ((0, 2.0**900), (1, 2.0**-1000)):
            document = changed(document, ("data", "X", 0, place), lambda _, x=x: x.hex(), True)
        assert f"too large: {count} numbers of up to" in checker.check(document).reason


def test_extreme_magnitudes_are_handled_exactly():
    wild = checker.check(sized(12, 3, 2, exponents=300))
    assert "dual infeasible" in wild.reason and wild.violation > 1e100
    small = Claimed(
        loss="squared",
        weight_decay=5e-324,
        bias=True,
        X=[[1e308], [5e-324]],
        y=[0.0, 1e-300],
        W=np.zeros((0, 1)),
        b=[],
        a=[],
        v=[0.0, -5e-324],
        lower=-1.0,
        upper=1.0,
    )
    over = checker.check(small.to_dict())  # rho(v) = 5e-324 * |(5e-324, 1)|: above by 1e-647
    assert over.violation == pytest.approx(0.0, abs=1e-30) and "dual infeasible" in over.reason
    assert checker.check(replace(small, X=[[1e308], [0.0]]).to_dict()).valid
