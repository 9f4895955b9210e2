"""Certificates: exact round trips, atomic writes, helpful refusals."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvxnet.errors import InputError
from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate

finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def families(draw, columns):
    """Units with or without a parameter."""
    parameters = {
        "leaky_relu": {"slope": finite},
        "polynomial": {"coefficients": st.lists(finite, min_size=3, max_size=3)},
        "tanh": {"radius": st.floats(1e-300, 1e300)},
        "gated_relu": {"gates": arrays(np.float64, (2, columns), elements=finite)},
    }
    name = draw(st.sampled_from([*checker.UNITS]))
    given = {key: draw(value) for key, value in parameters.get(name, {}).items()}
    return {"name": name, **given} if given else name


@st.composite
def trees(draw, n, rows=()):
    """A split, or a leaf."""
    if len(rows) < min(n, 2) and draw(st.booleans()):
        row = draw(st.integers(0, n - 1).filter(lambda k: k not in rows))
        plus, minus = (draw(trees(n, (*rows, row))) for _ in range(2))
        return {"row": row, "plus": plus, "minus": minus}
    lean = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), finite).map(list)
    vectors = arrays(np.float64, n, elements=finite)
    return {"tilt": draw(vectors), "lean": draw(st.lists(lean, max_size=2)),
            "tau": draw(vectors), "mu": draw(finite)}  # fmt: skip


@st.composite
def certificates(draw):
    """Any well-formed certificate, true or not."""
    n, d, width = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    bias, loss = draw(st.booleans()), draw(st.sampled_from([*checker.LOSSES]))
    units = draw(families(d + bias))
    name = units if isinstance(units, str) else units["name"]
    if name in ("coordinate", "tanh", "polynomial"):
        bias, width = False, 0  # not all weights are allowed
    units = units | {"gates": units["gates"][:, : d + bias]} if "gates" in units else units
    label = st.sampled_from([-1.0, 1.0]) if checker.LOSSES[loss].labels else finite
    bent = name in ("relu", "leaky_relu", "abs")

    def some(*shape, elements=finite):
        return draw(arrays(np.float64, shape, elements=elements))

    gate = arrays(np.int64, width, elements=st.integers(0, 1))
    evidence = {"kind": "relaxation", "plus": draw(trees(n)), "minus": draw(trees(n))}
    evidence = evidence if bent and draw(st.booleans()) else None
    return Certificate(
        units=units,
        norm=draw(st.sampled_from(["l2", "l1"])) if bent and not evidence else "l2",
        loss=loss,
        sample_weights=some(n, elements=st.floats(5e-324, 1e308)) if draw(st.booleans()) else None,
        weight_decay=draw(st.floats(5e-324, 1.7e308)),
        bias=bias,
        X=some(n, d),
        y=some(n, elements=label),
        W=some(width, d),
        b=some(width) if bias else None,
        a=some(width),
        c=draw(st.none() | finite),
        s=some(d) if draw(st.booleans()) else None,
        gate=draw(gate) if "gates" in units else None,
        v=some(n),
        evidence=evidence,
        lower=draw(finite),
        upper=draw(finite),
    )


def example(**changes):
    root = np.sqrt([0.9, 1.9])
    values = {
        "loss": "squared",
        "weight_decay": 0.1,
        "bias": False,
        "X": [[-1.0], [1.0]],
        "y": [1.0, 2.0],
        "W": [[-root[0]], [root[1]]],
        "b": None,
        "a": root,
        "v": [-0.1, -0.1],
        "lower": 0.28,
        "upper": 0.3,
    }
    return Certificate(**values | changes)


@settings(max_examples=100, deadline=None)
@given(certificates(), st.booleans())
def test_round_trip_is_exact(tmp_path_factory, certificate, embed):
    path = tmp_path_factory.mktemp("certificates") / "c.json"
    certificate.save(path, embed_data=embed)
    data = None if embed else (certificate.X, certificate.y)
    again = Certificate.load(path, data)
    assert again == certificate
    for name in ("sample_weights", "X", "y", "W", "b", "a", "s", "gate", "v"):
        one, two = getattr(again, name), getattr(certificate, name)
        assert (one is None) == (two is None)
        if one is not None:
            assert one.shape == two.shape and one.tobytes() == two.tobytes()


def test_the_file_is_the_documented_one(tmp_path):
    example().save(tmp_path / "c.json")
    document = json.loads((tmp_path / "c.json").read_text())
    documented = (
        Certificate.__module__,
        __import__("cvxnet.proofs.certificate", fromlist=["x"]).__doc__,
    )
    for key in document:
        assert re.search(rf"\b{key}\b", documented[1])
    assert document["dual"] == ["-0x1.999999999999ap-4"] * 2
    assert document["network"]["b"] is None


def test_gap():
    assert example(lower=0.0, upper=0.0).gap == 0.0
    assert example(lower=1.0, upper=2.0).gap == 0.5
    assert example(lower=0.0, upper=1e-300).gap == 1.0


def test_arrays_are_private_copies():
    v = np.array([-0.1, -0.1])
    certificate = example(v=v)
    v[0] = 7.0
    assert certificate.v[0] == -0.1
    with pytest.raises(ValueError, match="read-only"):
        certificate.v[0] = 7.0


def test_bracket_rounded_outward():
    certificate = example().rounded_outward()
    assert certificate.lower <= 0.29 <= certificate.upper
    assert certificate.gap < 1e-15


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"X": [1.0, 2.0]}, "X of a certificate has 1 dimensions; 2 expected"),
        ({"X": [[1.0], ["a"]]}, "X of a certificate is not an array of numbers"),
        ({"y": [1.0]}, "y has a list of 1 entries; 2 expected"),
        ({"v": [np.nan, 0.0]}, "dual holds 'nan', not a finite"),
        ({"a": [1.0]}, "W has a list of 2 entries; 1 expected"),
        ({"b": [1.0, 1.0]}, "b must be null without bias, and a list"),
        ({"bias": True}, "b must be null without bias, and a list"),
        ({"weight_decay": 0.0}, "weight_decay must be above 0"),
        ({"weight_decay": [1.0]}, "weight_decay of a certificate has 1 dimensions"),
        ({"loss": "ramp"}, "the loss must be one of squared, absolute, huber"),
        ({"loss": "logistic"}, "labels of the logistic loss must be -1 and"),
        ({"units": "sine"}, "the name of the units must be one of relu, leaky"),
        ({"units": {"slope": 0.1}}, "the name of the units must be one of relu"),
        ({"units": {"name": "leaky_relu", "slope": "steep"}}, "is not an array of numbers"),
        ({"units": {"name": "tanh", "radius": 0.0}}, "the radius must be above 0"),
        ({"gate": [0.5, 0.0]}, "gate of a certificate holds a number that is no index"),
        ({"gate": [0, 0]}, "each unit of the family gated_relu has a gate"),
        ({"norm": "l0"}, "the norm must be l2 or l1"),
        ({"sample_weights": [1.0]}, "sample_weights has a list of 1 entries; 2 expected"),
        ({"sample_weights": [1.0, -1.0]}, "so must all sample_weights"),
        ({"s": [1.0, 2.0]}, "s has a list of 2 entries; 1 expected"),
        ({"c": [1.0]}, "c of a certificate has 1 dimensions; 0 expected"),
        ({"evidence": {"kind": "hope"}}, "there must be an object with the entries kind, plus"),
    ],
)
def test_impossible_certificates(changes, message):
    with pytest.raises(InputError, match=message):
        example(**changes)


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "not a complete JSON document"),
        ("[1, 2]", "the document is not a JSON object"),
        ('{"format": "onnx"}', "its format is not 'cvxnet-certificate'"),
    ],
)
def test_load_explains(tmp_path, content, message):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Certificate.load(path)


def test_an_integer_is_a_number_where_numbers_are_expected():
    leaky = example(units={"name": "leaky_relu", "slope": 0}, c=0, gate=None)
    assert leaky.to_dict()["units"]["slope"] == "0x0.0p+0" and leaky.c == 0.0
    assert example(units={"name": "relu"}).units == "relu"
    gated = example(units={"name": "gated_relu", "gates": [[1]]}, gate=[0.0, 0.0])
    assert gated.gate.tolist() == [0, 0] and gated.gate.dtype == np.int64


def test_what_cannot_be_bracketed_is_an_input_error():
    with pytest.raises(InputError, match=r"some -y_i v_i / w_i is outside \[0, 1\]"):
        example(loss="hinge", y=[1.0, -1.0], v=[-3.0, 0.0]).rounded_outward()


def test_load_without_a_file(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        Certificate.load(tmp_path / "none.json")


def test_data_kept_apart(tmp_path):
    certificate, path = example(), tmp_path / "c.json"
    certificate.save(path, embed_data=False)
    with pytest.raises(InputError, match="does not contain its data"):
        Certificate.load(path)
    with pytest.raises(InputError, match="SHA-256 differs"):
        Certificate.load(path, ([[1.0], [-1.0]], [1.0, 2.0]))
    (tmp_path / "d.csv").write_text("x,target\n-1,1\n1,2\n")
    assert Certificate.load(path, tmp_path / "d.csv") == certificate


def test_an_old_file_survives_a_failed_write(tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    example().save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(InputError, match="disk full"):
        replace(example(), lower=0.1).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]


def test_save_into_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        example().save(tmp_path / "none" / "c.json")
