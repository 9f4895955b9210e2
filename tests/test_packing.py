"""Packed arrays: they come back bit by bit, and nothing else than their one spelling is read."""

import base64
import json
import struct
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import badly_packed, changed, packed, places, rehashed

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.packing import Table, integers, numbers, packs
from cvxnet.proofs.documents import MANY, as_hex, as_numpy, held

doubles = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def solution():
    """A network trained on so many numbers that they are packed."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MANY, 2)), rng.normal(size=MANY + 1)
    return cn.train("relu", X[: MANY // 2 + 1], y[: MANY // 2 + 1], weight_decay=2.0, gap=1e-3)


@given(st.lists(doubles), st.integers(1, 3))
def test_what_is_packed_comes_back_bit_by_bit(values, width):
    rows = [values[k : k + width] for k in range(0, len(values) - width + 1, width)]
    flat = [x for row in rows for x in row]
    table = numbers(
        packed([list(map(float.hex, row)) for row in rows]) | {"shape": [len(rows), width]},
        "X",
        len(rows),
        width,
    )
    assert isinstance(table, Table) and len(table) == len(rows)
    assert table.flat.tobytes() == struct.pack(f"<{len(flat)}d", *flat)
    assert [list(map(float.hex, row)) for row in table] == [
        list(map(float.hex, row)) for row in rows
    ]
    spelled = numbers([list(map(float.hex, row)) for row in rows], "X", len(rows), width)
    assert spelled.flat.tobytes() == table.flat.tobytes()
    assert held(as_numpy(table)) == table


@given(st.lists(doubles, min_size=1, max_size=5))
def test_another_spelling_is_refused(values):
    right = packed(list(map(float.hex, values)))
    assert list(numbers(right, "v", len(values))) == values
    for wrong in badly_packed(right):
        with pytest.raises(RefusalError):
            numbers(wrong, "v", len(values))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_whole_numbers_come_back(values):
    count, content = len(values), struct.pack(f"<{len(values)}q", *values)
    right = {"shape": [count], "integers": base64.b64encode(content).decode()}
    assert list(integers(right, "columns", count)) == values
    assert list(integers(values, "columns", count)) == values
    wrong = [[*values, 1], [*values[:-1], 1.5], [*values[:-1], 2**63], [*values[:-1], True]]
    as_doubles = {"shape": [count], "doubles": right["integers"]}
    for other in (*wrong, right | {"shape": [9]}, as_doubles):
        with pytest.raises(RefusalError):
            integers(other, "columns", count)


def test_many_numbers_are_packed_and_few_are_not(solution):
    document = solution.certificate.to_dict()
    assert set(document["data"]["X"]) == {"shape", "doubles"}
    assert isinstance(document["network"]["W"], list) and isinstance(document["dual"], list)
    assert as_hex([0.5] * MANY) == [(0.5).hex()] * MANY
    assert as_hex({"tau": np.zeros(MANY + 1)})["tau"]["shape"] == [MANY + 1]


def test_a_packed_certificate_is_written_read_and_proved(solution, tmp_path):
    certificate = solution.certificate
    certificate.save(tmp_path / "c.json")
    read = cn.Certificate.load(tmp_path / "c.json")
    assert read == certificate and cn.check(tmp_path / "c.json").valid
    assert (read.X == certificate.X).all() and (read.v == certificate.v).all()


def test_it_says_the_same_as_lists(solution):
    document = solution.certificate.to_dict()
    X = certificate_lists(document["data"]["X"])
    spelled = document | {"data": document["data"] | {"X": X}}
    assert not packs(spelled) and packs(document)
    assert checker.check(spelled) == checker.check(document)
    assert checker.read(spelled) == checker.read(document)
    assert checker.check(spelled | {"version": 5}).valid
    assert "packed arrays" in checker.check(document | {"version": 5}).reason


def certificate_lists(value):
    """Lists of hexadecimal numbers in place of a packed array."""
    return [list(map(float.hex, row)) for row in numbers(value, "X", *value["shape"])]


def test_wherever_numbers_are_many_they_may_be_packed(solution):
    """Each list of numbers of a certificate in turn; and none of its numbers by itself."""
    document = json.loads(json.dumps(solution.certificate.to_dict()))
    lists = [("data", "y"), ("network", "W"), ("network", "b"), ("network", "a"), ("dual",)]
    for path in lists:
        assert checker.read(changed(document, path, packed)) == checker.read(document)
        for wrong in badly_packed(packed(at(document, path))):
            assert not checker.check(changed(document, path, lambda _, to=wrong: to)).valid
    for path in places(document):
        if isinstance(at(document, path), str) and path[0] not in ("data", "dual", "network"):
            one = {"shape": [1], "doubles": "AAAAAAAA8D8="}
            assert not checker.check(changed(document, path, lambda _, to=one: to)).valid


def at(document, path):
    """The entry at a path."""
    for key in path:
        document = document[key]
    return document


@pytest.mark.parametrize("byte", [0, 7, 900, -1])
def test_no_bit_of_the_data_can_be_changed(solution, byte):
    document = solution.certificate.to_dict()
    X = numbers(document["data"]["X"], "X", *document["data"]["X"]["shape"]).flat
    content = bytearray(X.tobytes())
    content[byte] ^= 1
    moved = np.frombuffer(bytes(content)).reshape(-1, 2)
    other = document | {"data": document["data"] | {"X": as_hex(moved)}}
    assert "SHA-256" in checker.check(other).reason
    assert checker.read(
        other
        | {
            "data_sha256": checker.fingerprint(
                Table(array("d", bytes(content)), 2),
                numbers(document["data"]["y"], "y", len(moved)),
            )
        }
    )


def test_a_file_of_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cvxnet.proofs.checker.document.MAX_ENTRIES", 100)
    (tmp_path / "c.json").write_text(json.dumps([[]] * 200))
    assert "entries" in checker.check(tmp_path / "c.json").reason


def test_the_fingerprint_is_that_of_lists(solution):
    document = solution.certificate.to_dict()
    X = certificate_lists(document["data"]["X"])
    assert rehashed(document | {"data": document["data"] | {"X": X}}) == document | {
        "data": document["data"] | {"X": X}
    }


def test_a_matrix_is_packed_whole_or_not_at_all():
    """A row alone is no array of the format, however long it is."""
    long = [[1.0] * 600, [2.0] * 600]
    assert as_hex(long) == [[x.hex() for x in row] for row in long]
    assert as_hex(np.array(long))["shape"] == [2, 600]
