"""Certificates: exact round trips, atomic writes, helpful refusals."""

import json
import re
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from claimed import objective_with
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvxnet.data.preparation import Preparation, Scaling
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Form, Objective, Weights
from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(1e-60, 1e60)
sized = positive | positive.map(lambda x: -x) | st.just(0.0)
"""What can be trained on."""
SPECIFICATION = Path(__file__).parents[1] / "docs" / "certificates" / "format.md"
ONE_OUTPUT = [name for name in checker.LOSSES if name != "cross_entropy"]


@st.composite
def families(draw, columns):
    """Units with or without a parameter."""
    parameters = {
        "leaky_relu": {"slope": st.floats(0.0, 1.0, exclude_max=True)},
        "polynomial": {"coefficients": st.tuples(positive, finite, finite)},
        "tanh": {"radius": positive},
        "gated_relu": {"gates": arrays(np.float64, (2, columns), elements=finite)},
    }
    name = draw(st.sampled_from([*checker.UNITS]))
    given = {key: draw(value) for key, value in parameters.get(name, {}).items()}
    return Family(name, **given)


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
    bias, loss = draw(st.booleans()), draw(st.sampled_from(ONE_OUTPUT))
    units = draw(families(d + bias))
    name = units.name
    if name in ("coordinate", "tanh", "polynomial"):
        bias, width = False, 0  # not all weights are allowed
    label = st.sampled_from([-1.0, 1.0]) if checker.LOSSES[loss].labels else sized
    bent = name in ("relu", "leaky_relu", "abs")

    def some(*shape, elements=finite):
        return draw(arrays(np.float64, shape, elements=elements))

    gate = arrays(np.int64, width, elements=st.integers(0, 1))
    evidence = {"kind": "relaxation", "plus": draw(trees(n)), "minus": draw(trees(n))}
    evidence = evidence if bent and draw(st.booleans()) else None
    objective = Objective(
        units=units,
        X=some(n, d, elements=sized),
        y=some(n, elements=label),
        loss=get_loss(loss),
        weight_decay=draw(positive),
        form=Form(bias, draw(st.booleans()), draw(st.booleans())),
        norm=draw(st.sampled_from(["l2", "l1"])) if bent and not evidence else "l2",
        sample_weight=some(n, elements=positive) if draw(st.booleans()) else None,
    )
    weights = Weights(
        W=some(width, d),
        b=some(width) if bias else None,
        a=some(width),
        c=draw(finite) if objective.form.output_bias else None,
        s=some(d) if objective.form.skip else None,
        gate=draw(gate) if name == "gated_relu" else None,
    )
    return Certificate(
        objective=objective,
        weights=weights,
        v=some(n),
        evidence=evidence,
        lower=draw(finite),
        upper=draw(finite),
    )


def example(**changes):
    """A certificate with other arguments of an objective, weights or claims."""
    root = np.sqrt([0.9, 1.9])
    weights = {"W": [[-root[0]], [root[1]]], "b": None, "a": root}
    claims = {"v": [-0.1, -0.1], "lower": 0.28, "upper": 0.3}
    data = {"units": "relu", "X": [[-1.0], [1.0]], "y": [1.0, 2.0], "weight_decay": 0.1}
    data["bias"] = False
    for name, value in changes.items():
        part = weights if name in ("W", "b", "a", "c", "s", "gate") else data
        part = claims if name in ("v", "lower", "upper", "evidence", "cvxnet") else part
        part[name] = value
    return Certificate(objective=objective_with(**data), weights=Weights(**weights), **claims)


@settings(max_examples=100, deadline=None)
@given(certificates(), st.booleans())
def test_round_trip_is_exact(tmp_path_factory, certificate, embed):
    path = tmp_path_factory.mktemp("certificates") / "c.json"
    certificate.save(path, embed_data=embed)
    data = None if embed else (certificate.X, certificate.y)
    again = Certificate.load(path, data)
    assert again == certificate
    for name in ("objective.sample_weight", "X", "y", "W", "b", "a", "s", "gate", "v"):
        one, two = map(attrgetter(name), (again, certificate))
        assert (one is None) == (two is None)
        if one is not None:
            assert one.shape == two.shape and one.tobytes() == two.tobytes()


def test_the_file_is_the_documented_one(tmp_path):
    example().save(tmp_path / "c.json")
    document = json.loads((tmp_path / "c.json").read_text())
    for key in document:
        assert f"`{key}`" in SPECIFICATION.read_text(encoding="utf-8")
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
        ({"X": [1.0, 2.0]}, "X has shape (2,); expected n rows"),
        ({"X": [[1.0], ["a"]]}, "X cannot be read as an array of numbers"),
        ({"y": [1.0]}, "y has shape (1,); expected (2,)"),
        ({"v": [np.nan, 0.0]}, "dual holds 'nan', not a finite"),
        ({"v": "no"}, "v of a certificate cannot be read as an array of numbers"),
        ({"a": [1.0]}, "W has a list of 2 entries; 1 expected"),
        ({"W": [1.0, 2.0]}, "W of a certificate has 1 dimensions; 2 expected"),
        ({"b": [1.0, 1.0]}, "b must be null without bias, and a list"),
        ({"bias": True}, "b must be null without bias, and a list"),
        ({"weight_decay": 0.0}, "weight_decay must be a finite number above 0"),
        ({"weight_decay": [1.0]}, "weight_decay must be a number, not [1.0]"),
        ({"loss": "ramp"}, "unknown loss 'ramp'"),
        ({"units": "sine"}, "unknown unit family 'sine'"),
        ({"units": Family("leaky_relu", slope="steep")}, "slope must be a number, not 'steep'"),
        ({"units": Family("tanh", radius=0.0)}, "the radius must be a finite number above 0"),
        ({"units": Family("tanh", slope=0.0)}, "tanh units take no slope; their options: radius"),
        ({"gate": [0.5, 0.0]}, "gate of a certificate holds a number that is no index"),
        ({"gate": [0, 0]}, "each unit of the family gated_relu has a gate"),
        ({"norm": "l0"}, "relu units have norm 'l2' or 'l1', not 'l0'"),
        ({"sample_weight": [1.0]}, "sample_weight has shape (1,)"),
        ({"sample_weight": [1.0, -1.0]}, "weights must not be negative"),
        ({"s": [1.0, 2.0], "skip": True}, "s has a list of 2 entries; 1 expected"),
        ({"s": [1.0]}, "the network of a certificate has s, but its objective has none"),
        ({"output_bias": True}, "the network of a certificate has no c, but its objective has one"),
        ({"c": [1.0], "output_bias": True}, "c of a certificate has 1 dimensions; 0 expected"),
        ({"evidence": {"kind": "hope"}}, "evidence of the kinds relaxation, sphere, tree only"),
    ],
)
def test_impossible_certificates(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
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
    leaky = example(units=Family("leaky_relu", slope=0), c=0, output_bias=True)
    assert leaky.to_dict()["units"]["slope"] == "0x0.0p+0" and leaky.c == 0.0
    gated = example(units=Family("gated_relu", gates=[[1]]), gate=[0.0, 0.0])
    gate = gated.weights.gate
    assert gate.tolist() == [0, 0] and gate.dtype == np.int64


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


PREPARATION = Preparation(
    features=("age",),
    targets=("pay",),
    scaling=Scaling(mean=(0.1,), variance=(0.7,)),
)


def test_how_a_table_became_the_data_goes_into_the_file_and_comes_back(tmp_path):
    plain, path = example(), tmp_path / "c.json"
    certificate = plain.prepared_by(PREPARATION)
    assert plain.preparation is None and plain.to_dict()["preparation"] is None
    certificate.save(path)
    again = Certificate.load(path)
    assert again.preparation == PREPARATION and again == certificate != plain
    assert (again.lower, again.upper) == (plain.lower, plain.upper)
    assert replace(plain, preparation=PREPARATION) == certificate
    assert certificate.rounded_outward().preparation == PREPARATION


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ("age", "size"), "scaling": None}, "features must be 1 of text"),
        ({"targets": ("pay", "rent")}, "targets must be 1 of text"),
        ({"classes": ("a", "b", "c")}, "classes must be 2 of text or whole numbers"),
    ],
)
def test_a_preparation_of_other_columns_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        example().prepared_by(replace(PREPARATION, **changes))
    with pytest.raises(InputError, match=message):
        replace(example(), preparation=replace(PREPARATION, **changes))


def test_other_data_than_the_standardised_ones_are_told_what_is_missing(tmp_path):
    path = tmp_path / "c.json"
    example().prepared_by(PREPARATION).save(path, embed_data=False)
    with pytest.raises(InputError, match="SHA-256 differs; it is about standardised columns"):
        Certificate.load(path, ([[3.0], [1.0]], [1.0, 2.0]))


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
