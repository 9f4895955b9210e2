"""Trees: what they prove of networks of at most m units is true, whatever is done to them."""

import base64
import copy
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from claimed import Claimed

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.checker.dual import Clock, dual_vector
from cvxnet.proofs.checker.exact import rational
from cvxnet.proofs.checker.simplices import ConeSpace
from cvxnet.proofs.checking import ROUNDED
from cvxnet.proofs.rounded_cones import RoundedConeSpace, worst_row
from cvxnet.training import certificates

RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((7, 2)).round(3), RNG.standard_normal(7).round(3)
LABELS = np.where(Y > 0.0, 1.0, -1.0)
LEAKY = cn.Family("leaky_relu", slope=0.25)
CASES = {
    "line": ("relu", X[:, :1], Y, 2, {}),
    "plane": ("relu", X, Y, 2, {}),
    "ray": ("relu", X[:, :1], Y, 1, {"bias": False}),
    "free": ("relu", X, Y, 1, {"output_bias": True, "skip": True}),
    "logistic": ("relu", X, LABELS, 1, {"loss": "logistic"}),
    "abs": ("abs", X[:, :1], Y, 1, {"sample_weight": np.arange(1.0, 8.0)}),
    "leaky": (LEAKY, X[:, :1], Y, 2, {"loss": "huber"}),
    "nonneg": ("relu", X[:, :1], 3.0 * abs(X[:, 0]) + Y, 1, {"output_weights": "nonneg"}),
    "merged": ("relu", np.repeat(X[:, :1], 3, axis=0), np.repeat(Y, 3), 2, {"output_bias": True}),
    "low rank": ("relu", X @ np.array([[1.0, 0.0, 0.3], [0.0, 1.0, 0.7]]), Y, 1, {}),
}


@cache
def solved(name, gap=1e-4):
    units, data, y, width, options = CASES[name]
    decay = 0.05 * cn.largest_weight_decay(units, data, y, **options)
    return cn.train(units, data, y, weight_decay=decay, width=width, gap=gap, **options)


def document(name):
    return copy.deepcopy(solved(name).certificate.to_dict())


@pytest.mark.parametrize("name", CASES)
def test_closed_trees_are_proved_exactly(name):
    found = solved(name)
    made = found.certificate
    assert found.status == "optimal" and made.evidence["kind"] == "tree" and made.width
    result = checker.check(made.to_dict())
    assert result.valid, result.reason
    assert result.lower == found.lower_bound <= result.upper
    assert found.gap <= 1.01e-4
    rounded = cn.check(found, rounded=True)
    assert rounded.valid and (rounded.lower, rounded.upper) == (result.lower, result.upper)


def test_a_tree_that_is_not_finished_proves_its_bracket():
    rough = solved("plane", gap=0.02)
    assert rough.certificate.evidence["kind"] == "tree"
    result = checker.check(rough.certificate.to_dict())
    assert result.valid and result.lower == rough.lower_bound < solved("plane").lower_bound


def test_the_evidence_of_every_width_is_evidence_for_one():
    every = solved("plane").all_widths.certificate.to_dict()
    few = every | {"width": len(every["network"]["a"])}
    assert checker.check(few).valid
    refused = checker.check(every | {"width": len(every["network"]["a"]) - 1})
    assert "units, but the width is" in refused.reason


# ------------------------------------------------------------------------------- tampering


def proves_too_much(tampered, name="line"):
    """Whether something false is proved of the same data at the same weight decay."""
    result = checker.check(tampered, time_limit=5.0)
    return result.valid and result.lower > solved(name).value


def changed_nodes(nodes):
    """Trees that are something else, or none."""
    for k, node in enumerate(nodes):
        yield nodes[:k] + nodes[k + 1 :]
        yield nodes[: k + 1] + nodes[k:]
        yield [*nodes[:k], *nodes[k + 1 : k + 2], node, *nodes[k + 2 :]]
        yield [*nodes[:k], 0 if isinstance(node, list) else [0, 1], *nodes[k + 1 :]]
    yield [*nodes, 1]
    yield []
    yield [*nodes, *nodes]
    yield [nodes]


@pytest.mark.parametrize("name", ["line", "nonneg"])
def test_trees_of_another_shape(name):
    made, proved = document(name), 0
    for nodes in changed_nodes(made["evidence"]["nodes"]):
        tampered = made | {"evidence": made["evidence"] | {"nodes": nodes}}
        if nodes != made["evidence"]["nodes"]:
            assert not proves_too_much(tampered, name)
            proved += checker.check(tampered, time_limit=5.0).valid
    assert proved <= len(made["evidence"]["nodes"])


@pytest.mark.parametrize("place", range(5))
def test_any_number_of_a_node(place):
    made = document("plane")
    nodes = made["evidence"]["nodes"]
    cuts = [k for k, node in enumerate(nodes) if isinstance(node, list) and len(node) > place]
    for k in cuts[:: 1 + len(cuts) // 3]:
        for value in (-1, 0, 1, 2, 3, 10**6, nodes[k][place] + 1, 2**5000, True, 0.5, "1", None):
            made["evidence"]["nodes"] = [*nodes]
            made["evidence"]["nodes"][k] = [*nodes[k]]
            made["evidence"]["nodes"][k][place] = value
            assert not proves_too_much(made, "plane")


def test_leaves_with_the_vector_of_another():
    made = document("line")
    nodes, count = made["evidence"]["nodes"], len(made["evidence"]["vectors"])
    for k, node in enumerate(nodes):
        if isinstance(node, int):
            for other in {0, 1, count, count + 1, -1} - {node}:
                made["evidence"]["nodes"] = [*nodes[:k], other, *nodes[k + 1 :]]
                assert not proves_too_much(made)


ROWS = {
    "none": (None, "needs 1 to 7 rows"),
    "empty": ([], "needs 1 to 7 rows"),
    "too few": (lambda rows: rows[1:], ""),
    "another": (lambda rows: [rows[0], (rows[1] + 1) % 7], ""),
    "twice": (lambda rows: [rows[0], rows[0]], "different samples"),
    "outside": ([0, 7], "different samples"),
    "negative": ([0, -1], "different samples"),
    "dependent": (lambda rows: [*rows, ({0, 1, 2, 3} - {*rows}).pop()], "depend"),
    "text": ("01", "not a list"),
    "true": ([True, 0], "different samples"),
}


@pytest.mark.parametrize("name", ROWS)
def test_other_rows(name):
    made, (rows, reason) = document("line"), ROWS[name]
    made["evidence"]["rows"] = rows(made["evidence"]["rows"]) if callable(rows) else rows
    assert not proves_too_much(made)
    assert name == "another" or reason in checker.check(made).reason


def encoded(v, kind="<f8"):
    return base64.b64encode(np.asarray(v).astype(kind).tobytes()).decode()


def decoded(text, n=7):
    content = base64.b64decode(text)
    return np.frombuffer(content, "<f4" if len(content) == 4 * n else "<f8").astype(float)


VECTORS = {
    "not a number": lambda text: encoded(decoded(text) * np.nan),
    "infinite": lambda text: encoded(decoded(text) + np.inf),
    "half": lambda text: text[: len(text) // 2],
    "half of the numbers": lambda text: encoded(decoded(text)[:3]),
    "more numbers": lambda text: encoded(np.append(decoded(text), 0.0)),
    "two bytes": lambda text: encoded(decoded(text), "<f2"),
    "spaces": lambda text: text + "\n",
    "no text": lambda text: None,
    "list": lambda text: [1.0] * 7,
    "other letters": lambda text: "*" + text[1:],
    "bits too many": lambda text: text[:-2] + "B=" if text.endswith("A=") else text + "AA==",
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_that_are_none(name):
    made = document("line")
    vectors = made["evidence"]["vectors"]
    vectors[0] = VECTORS[name](vectors[0])
    result = checker.check(made)
    assert not result.valid and result.reason.startswith("evidence: a vector")


def test_vectors_that_are_others():
    """Longer ones are infeasible somewhere, or prove less than is claimed."""
    made = document("line")
    given = made["evidence"]["vectors"]
    for k, text in enumerate(given):
        for factor in (1.5, -1.0, 0.5, 0.0, 1e300):
            made["evidence"]["vectors"] = [*given]
            made["evidence"]["vectors"][k] = encoded(factor * decoded(text))
            assert not proves_too_much(made)
            assert not proves_too_much(made | {"lower": (0.0).hex()})
    made["evidence"]["vectors"] = [encoded(1.5 * decoded(text)) for text in given]
    for own in (made["dual"], [(0.0).hex()] * 7):
        result = checker.check(made | {"lower": (0.0).hex(), "dual": own})
        assert not result.valid and "infeasible" in result.reason and result.violation > 0.01
        rounded = cn.check(made | {"lower": (0.0).hex(), "dual": own}, rounded=True)
        assert not rounded.valid and rounded.violation > 0.999 * result.violation


def test_cones_that_are_too_thin():
    """Each cut leaves a corner a tiny part of the way to another: rounded, they are one."""
    made = document("ray")
    made |= {"bias": True, "network": made["network"] | {"b": [(0.0).hex()]}}
    made |= {"lower": (-1e9).hex(), "upper": (1e9).hex()}
    for a, b, depth, reason in ((1, 2**600, 3, "so thin"), (2**4000, 3, 5, "too many digits")):
        nodes = [[0, 1], *[[0, 0, 1, a, b]] * depth, *[0] * (depth + 2), 0]
        made["evidence"] = {"kind": "tree", "rows": [0, 1], "vectors": [], "nodes": nodes}
        assert reason in checker.check(made).reason
        assert cn.check(made, rounded=True).reason


def test_other_widths():
    made = document("plane")
    assert checker.check(made | {"width": 3}).reason.startswith("evidence: ")
    for width in (None, 1, 0, -2, 2.0, "2", True):
        assert not checker.check(made | {"width": width}).valid


def test_what_trees_are_no_evidence_for():
    made = document("line")
    assert "for a width" in checker.check(made | {"norm": "l1"}).reason
    assert "no such evidence" in checker.check(made | {"units": {"name": "linear"}}).reason
    older = {key: value for key, value in made.items() if key != "width"} | {"version": 4}
    assert "for a width" in checker.check(older).reason


def test_time_is_limited():
    assert checker.check(document("plane"), time_limit=0.0).reason.startswith("unfinished")


# ----------------------------------------------------------------------------- the regions


@pytest.mark.parametrize("d", [1, 2, 3])
def test_violations_of_regions_are_those_of_dense_samples(d):
    """Of random dual vectors, in cones that were cut at random."""
    rng = np.random.default_rng(d)
    data = rng.standard_normal((6, d)).round(2)
    tree = {"kind": "tree", "rows": list(range(d)), "vectors": [], "nodes": [0]}
    claims = Claimed(
        units={"name": "leaky_relu", "slope": -0.5}, loss="squared", weight_decay=1.0, bias=False,
        X=data, y=np.zeros(6), v=rng.standard_normal(6), W=np.zeros((0, d)), b=None, a=[],
        width=1, evidence=tree, lower=-1e9, upper=1e9,
    )  # fmt: skip
    claims = checker.read(claims.to_dict())
    space = ConeSpace(claims, (rational(-0.5), rational(1.0)))
    rounded = RoundedConeSpace(claims, (Fraction(-1, 2), Fraction(1)))
    shares, told = rng.exponential(size=(20_000, d)), 0
    for sign in (1, -1):
        region = space.region(sign)
        while len(region.cones) > 1:
            region = space.halves(region, [len(region.cones) // 2])[rng.integers(2)]
        for _ in range(3):
            corners = np.array([corner.whole for corner in region.cones[0]], dtype=float)
            corners = np.linalg.solve(data[:d], corners.T).T
            u = shares @ (corners / np.linalg.norm(corners, axis=1)[:, None])
            z = (u / np.linalg.norm(u, axis=1)[:, None]) @ data.T
            g = np.where(z > 0.0, z, -0.5 * z) @ np.array(claims.v)
            most = max((-sign * g).max(), 0.0)
            for beta in (0.9 * most, 1.1 * most):
                space.beta = rounded.beta = Fraction(float(beta) or 1.0)
                v = [x for (x,) in dual_vector(claims)]
                (over,) = space.violations([region], v, Clock(9.0))
                (bound,) = rounded.violations([region], v, Clock(9.0))
                assert over <= bound and most <= space.beta * (1 + bound) * (1 + 1e-12)
                assert not bound or space.beta * (1 + bound) <= 1.02 * most
                assert (over > 0) == (most > 0.0 and beta < most)
                assert not over or float(space.beta) * (1.0 + float(over)) <= 1.02 * most
                told += over > 0
            if d > 1:
                region = space.halves(region, [0, 1, 2, 3])[rng.integers(2)]
    assert told >= 2


def test_a_row_that_errs_by_rounding_hides_no_other():
    """Convex rows come first, but not one whose corners differ from its kink by nothing."""
    kinks, heights = np.array([1.0, -1.0]), np.array([[1e-14, -0.1, 0.0], [0.4, -0.1, 0.4]])
    rows = np.array([[0, 1]])
    assert worst_row(rows, kinks, heights, 0, 2, 1e-12) == (1, 0.1)
    assert worst_row(rows, kinks, heights, 0, 2, 1e-16) == (0, 1e-14)
    assert worst_row(rows, kinks, heights, 0, 2, 1.0) == (0, 0.0)


def test_what_rounding_leaves_open_makes_no_vector_shorter(monkeypatch):
    """A wide bound in floating point is no violation: the claims stay as they are."""
    wide = checker.CheckResult(
        valid=False, lower=None, upper=None, reason="unfinished", violation=0.4, method=ROUNDED
    )
    monkeypatch.setattr(certificates, "check_bracket", lambda *given, **options: wide)
    found = cn.train(
        "relu", X[:, :1], Y, weight_decay=solved("line").objective.weight_decay, width=2
    )
    assert found.status == "optimal" and found.stats["checked"] == "not: unfinished"
