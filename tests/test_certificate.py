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
from cvxnet.proofs.certificate import Certificate

finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def certificates(draw):
    """Any well-formed certificate, true or not."""
    n, d, width = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    bias, loss = draw(st.booleans()), draw(st.sampled_from(["squared", "logistic"]))
    label = finite if loss == "squared" else st.sampled_from([-1.0, 1.0])

    def some(*shape, elements=finite):
        return draw(arrays(np.float64, shape, elements=elements))

    return Certificate(
        loss=loss,
        weight_decay=draw(st.floats(5e-324, 1.7e308)),
        bias=bias,
        X=some(n, d),
        y=some(n, elements=label),
        W=some(width, d),
        b=some(width) if bias else None,
        a=some(width),
        v=some(n),
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
    for name in ("X", "y", "W", "b", "a", "v"):
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
    assert example(lower=-1.0, upper=0.0).gap == np.inf
    assert example(lower=-3.0, upper=-2.0).gap == 0.5


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
