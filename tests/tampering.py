"""Certificates changed at any place: where, by what, and with a fingerprint that fits again."""

import base64
import copy

import numpy as np
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


def packed(value):
    """Lists of hexadecimal numbers as a packed array."""
    array = np.array(decoded(value), "<f8")
    return {
        "shape": list(array.shape),
        "doubles": base64.b64encode(array.tobytes()).decode(),
    }


def badly_packed(array):
    """What is not exactly this packed array: in its shape, in base 64, in its numbers."""
    shape, text = array["shape"], array["doubles"]
    content = base64.b64decode(text)
    nan = np.full(len(content) // 8, np.nan).tobytes()
    for other in ([], [*shape, 1], [-x for x in shape], [x + 1 for x in shape], shape[::-1]):
        if other != shape:
            yield array | {"shape": other}
    yield from (array | {"shape": other} for other in (None, "3", shape[0], [True, *shape[1:]]))
    yield from (array | {"shape": list(map(float, shape))}, array | {"order": "C"})
    yield from ({"shape": shape}, {"doubles": text}, {"shape": shape, "integers": text})
    yield from (
        array | {"doubles": other} for other in (None, 1, [text], "", text[:-4], text + text)
    )
    yield from (
        array | {"doubles": other} for other in (text + "\n", " " + text, text + "=", text[1:])
    )
    for wrong in (content[:-1], content[:-8], content + b"\0", nan):
        yield array | {"doubles": base64.b64encode(wrong).decode()}
    if text.endswith("="):
        bare = text.rstrip("=")
        yield array | {"doubles": bare}
        yield array | {"doubles": bare[:-1] + chr(ord(bare[-1]) + 1) + text[len(bare) :]}


def rehashed(document):
    """With the fingerprint of the data that are there now."""
    X, y = (decoded(document["data"][name]).tolist() for name in ("X", "y"))
    return document | {"data_sha256": checker.fingerprint(X, y)}
