"""Certificates changed at any place: where, by what, and with a fingerprint that fits again."""

import copy

from hypothesis import strategies as st
from truth import decoded

from cvxnet.proofs import checker

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-4.0, 4.0),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1.7e308]),
)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | numbers.map(float.hex)
anything = st.recursive(
    leaves | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


def places(value, path=()):
    """The paths of all entries of a document, inner ones and leaves."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from places(child, (*path, key))


def changed(document, path, change, rehash=False):
    """A copy with one entry changed, and on request a fingerprint that fits changed data."""
    document = copy.deepcopy(document)
    *outer, last = path
    owner = document
    for key in outer:
        owner = owner[key]
    owner[last] = change(owner[last])
    return rehashed(document) if rehash else document


def rehashed(document):
    """With the fingerprint of the data that are there now."""
    X, y = (decoded(document["data"][name]).tolist() for name in ("X", "y"))
    return document | {"data_sha256": checker.fingerprint(X, y)}
