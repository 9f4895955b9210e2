"""The checker's list of features, and its proofs of trees that cut it."""

from copy import deepcopy
from math import comb

import numpy as np
import pytest
from covectors import covectors
from examples import small_matrices

import cvxnet as cn
from cvxnet.proofs.checker import columns, families
from cvxnet.proofs.checker.columns import coordinate_columns, step_columns
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.exact import integers, rational
from cvxnet.proofs.checker.reading import read
from cvxnet.training.units.linear import CoordinateUnits
from cvxnet.training.units.steps import SignUnits, ThresholdUnits
from cvxnet.training.width.columns import column_space

STEPS = {"sign": SignUnits, "threshold": ThresholdUnits}
MATRICES = [*small_matrices(20, seed=3, most=6), np.zeros((2, 2))]


def numbers(parts, n):
    """The rows of exact matrices, (N, n)."""
    rows = [row for part in parts for row in part.tolist()]
    return np.array(rows, dtype=float).reshape(len(rows), n)


def exact_list(name, X):
    """The checker's list, (N, n)."""
    rows, _ = integers(X.tolist())
    return numbers(step_columns(rows, families.UNITS[name].effect, Clock(60.0)), len(X))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("X", MATRICES)
def test_all_features_are_listed(name, X):
    signs = covectors(X).astype(float)
    features = signs if name == "sign" else (signs >= 0) * 1.0
    rows = {tuple(row) for row in features.tolist() if any(row)}
    expected = sorted({max(row, tuple(0.0 - x for x in row)) for row in rows})
    assert list(map(tuple, exact_list(name, X).tolist())) == expected


@pytest.mark.parametrize(("n", "r"), [(9, 2), (12, 3), (7, 4), (6, 5)])
def test_in_general_position_so_many(n, r):
    X = np.random.default_rng(n).standard_normal((n, r))
    X[:, -1] = 1.0
    assert len(exact_list("threshold", X)) == 2 * sum(comb(n - 1, k) for k in range(r)) - 1
    faces = sum(comb(n, k) * 2 * sum(comb(n - k - 1, i) for i in range(r - k)) for k in range(r))
    assert len(exact_list("sign", X)) == faces // 2


@pytest.mark.parametrize("name", [*STEPS, "coordinate"])
@pytest.mark.parametrize("X", MATRICES[:8])
def test_the_search_has_the_same_list(name, X):
    order = np.random.default_rng(len(X)).permutation(len(X))
    family = {**STEPS, "coordinate": CoordinateUnits}[name](X)
    rows, scale = integers(X[order].tolist())
    exact = exact_list(name, X[order]) if name in STEPS else None
    exact = numbers(coordinate_columns(rows), len(X)) / scale if exact is None else exact
    assert np.array_equal(exact, column_space(family, order).columns[:, order])


def test_a_list_that_is_too_long_is_refused(monkeypatch):
    X = np.random.default_rng(0).standard_normal((8, 3))
    for limit in ("MAX_NUMBERS", "MAX_SIGNS"):
        monkeypatch.setattr(columns, limit, 100)
        with pytest.raises(RefusalError, match="too large"):
            exact_list("sign", X)


# ----------------------------------------------------------------------------------- trees


@pytest.fixture(scope="module", params=["sign", "threshold", "coordinate"])
def solution(request):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 4 if request.param == "coordinate" else 1))
    y = np.sin(3.0 * X[:, 0]) + 0.3 * rng.standard_normal(6)
    weight_decay = 0.03 * cn.largest_weight_decay(request.param, X, y)
    return cn.train(request.param, X, y, weight_decay=weight_decay, width=2)


def test_closed_trees_are_proved(solution):
    assert solution.status == "optimal"
    assert solution.lower_bound > 1.01 * solution.all_widths.value
    result = cn.check(solution)
    assert result.valid
    assert result.reason == "proved exactly"


def test_violations_are_those_of_all_columns_in_a_range(solution):
    claims = read(solution.certificate.to_dict())
    space = families.units_of(claims).space(Clock(60.0))
    listed = numbers(space.columns, len(claims.X))
    scale = integers(claims.X)[1] if claims.units["name"] == "coordinate" else 1
    regions = [space.region(1), *space.halves(space.region(-1), [2])]
    v = np.random.default_rng(0).standard_normal(len(claims.X))
    found = list(space.violations(regions, list(map(rational, v)), Clock(60.0)))
    for region, violation in zip(regions, found, strict=True):
        own = listed[region.places.start : region.places.stop, np.argsort(space.order)] / scale
        expected = max((-region.sign * own @ v).max() / claims.weight_decay - 1.0, 0.0)
        assert float(violation) == pytest.approx(expected)


def changed(document, change):
    """A copy of the document with its evidence changed."""
    document = deepcopy(document)
    change(document["evidence"])
    return document


def cuts(evidence):
    """Where in the nodes a list is cut."""
    return [i for i, node in enumerate(evidence["nodes"]) if isinstance(node, list)]


def test_no_change_of_the_tree_proves_more(solution):
    document = solution.certificate.to_dict()
    evidence = document["evidence"]
    k = len(evidence["vectors"])

    def is_refused(change):
        result = cn.check(changed(document, change))
        return not result.valid

    for i, node in enumerate(evidence["nodes"]):
        assert is_refused(lambda tree, i=i: tree["nodes"].pop(i))
        if isinstance(node, list):
            for index in (0, -1, 10**6, 1.0, "1"):
                assert is_refused(lambda tree, i=i, x=index: tree["nodes"][i].__setitem__(1, x))
            assert is_refused(lambda tree, i=i: tree["nodes"][i].extend([1, 1, 1]))
        else:
            assert is_refused(lambda tree, i=i: tree["nodes"].__setitem__(i, 0))
            assert is_refused(lambda tree, i=i: tree["nodes"].__setitem__(i, k + 1))
    for rows in ([0, 0], [-1], [10**6], [0.0]):
        assert is_refused(lambda tree, rows=rows: tree.__setitem__("rows", rows))


def test_another_order_or_place_of_a_cut_never_proves_a_false_bound(solution):
    """It may prove the same: then what is claimed is true all the same."""
    document = solution.certificate.to_dict()
    n = len(solution.certificate.v)
    for rows in (None, list(range(n))[::-1]):
        result = cn.check(changed(document, lambda tree, rows=rows: tree.update(rows=rows)))
        assert not result.valid or result.lower <= solution.value
    for i in cuts(document["evidence"]):
        moved = changed(
            document, lambda tree, i=i: tree["nodes"][i].__setitem__(1, tree["nodes"][i][1] + 1)
        )
        result = cn.check(moved)
        assert not result.valid or result.lower <= solution.value
    claimed = document | {"width": 3}
    assert not cn.check(claimed).valid  # of three units there are more nodes
