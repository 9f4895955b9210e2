"""Every kind of sparse matrix that SciPy has is the same data, and is refused in the same words."""

import gc
import weakref
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Objective, make_objective
from cvxnet.training.clock import now
from cvxnet.training.every_width import bracket_of
from cvxnet.training.units import bind

DENSE = np.array(
    [[0, 3, 0, 0, -2], [0, 0, 0, 0, 0], [1, 0, 0, 4, 0], [0, -1, 0, 2, 5], [7, 0, 0, 0, 1]]
)
Y = np.array([1.0, -1.0, 2.0, 0.5, -2.0])
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
SPOILED = {np.nan: r"X\[2, 3\] is nan", np.inf: r"X\[2, 3\] is inf", -np.inf: r"X\[2, 3\] is -inf"}
SPOILED |= {1e200: "column 3 of X is of size 1e\\+200", -1e200: "column 3 of X is of size 1e\\+200"}
SPOILED |= {1e-200: "column 3 of X is of size 1e-200"}


def objective(X, y=Y):
    return make_objective("coordinate", X, y, loss="squared", weight_decay=0.5)


def wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def unsorted(X):
    for start, end in zip(X.indptr, X.indptr[1:], strict=False):
        X.indices[start:end] = X.indices[start:end][::-1].copy()
        X.data[start:end] = X.data[start:end][::-1].copy()
    X.has_sorted_indices = False
    return X


def with_zeros(X):
    """All entries are stored, those of the first column as two halves; the second ones are last."""
    n, d = DENSE.shape
    rows, columns = np.indices((n, d)).reshape(2, -1)
    halves = np.where(columns == 0, 0.5, 1.0) * DENSE.ravel()
    entries = np.concatenate([halves, 0.5 * DENSE[:, 0]])
    at = np.concatenate([rows, np.arange(n)]), np.concatenate([columns, np.zeros(n, dtype=int)])
    starts = np.concatenate([[0], np.cumsum(np.bincount(at[X.format == "csc"]))])
    order = np.argsort(at[X.format == "csc"], kind="stable")
    places = at[X.format != "csc"][order]
    return type(X)((entries[order], places, starts), shape=(n, d))


KINDS = {
    "whole numbers": lambda X: X.astype(np.int8),
    "single precision": lambda X: X.astype(np.float32),
    "a matrix": lambda X: (sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix)(X),
    "wide indices": wide_indices,
    "unsorted": unsorted,
    "zeros and duplicates": with_zeros,
}


def check_own(own, form):
    """What an objective holds: by columns or by rows, in the form that all else relies on."""
    assert own.format == ("csc" if form == "csc" else "csr")
    assert isinstance(own, sparse.sparray) and own.dtype == np.float64
    assert own.indices.dtype == own.indptr.dtype == np.int32
    assert own.has_canonical_format and own.data.all()
    assert (own.toarray() == DENSE).all() and own.nnz == np.count_nonzero(DENSE)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read_by_columns_or_by_rows(form):
    check_own(objective(sparse.csr_array(DENSE).asformat(form)).X, form)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ("csr", "csc"))
def test_every_kind_is_read_and_shared_with_nobody(form, kind):
    X = KINDS[kind](sparse.csr_array(DENSE.astype(float)).asformat(form))
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    own = objective(X).X
    check_own(own, form)
    for name, part in zip(("data", "indices", "indptr"), before, strict=True):
        assert np.array_equal(getattr(X, name), part)
        assert not np.may_share_memory(getattr(X, name), getattr(own, name))


@pytest.mark.parametrize("bad", SPOILED)
@pytest.mark.parametrize("form", (*FORMATS, "dense"))
def test_bad_entries_are_named_in_the_same_words(form, bad):
    X = sparse.csr_array(DENSE.astype(float))
    X[2:4, 3] = bad
    with pytest.raises(cn.InputError, match=SPOILED[bad]):
        objective(X.toarray() if form == "dense" else X.asformat(form))


@pytest.mark.parametrize("form", ("csr", "csc", "coo"))
def test_all_zeros_are_data(form):
    X = sparse.csr_array((5, 3)).asformat(form)
    assert objective(X).X.nnz == 0
    assert cn.train("coordinate", X, Y, weight_decay=1.0).status == "optimal"


@pytest.mark.parametrize("loss", ("squared", "logistic"))
@pytest.mark.parametrize(("units", "norm"), (("coordinate", "l2"), ("linear", "l1")))
def test_columns_rows_and_dense_data_have_one_optimum(units, norm, loss):
    rng = np.random.default_rng(0)
    X = sparse.random_array((80, 40), density=0.1, rng=rng, format="csr")
    y = X @ rng.standard_normal(40) + 0.1 * rng.standard_normal(80)
    y = np.sign(y) if get_loss(loss).labels else y
    decay = 0.1 * cn.largest_weight_decay(units, X, y, loss=loss, norm=norm)
    more = {"loss": loss, "norm": norm, "weight_decay": decay, "sample_weight": 1.0 + (y > 0.0)}
    rows, columns, dense = (
        cn.train(units, data, y, **more) for data in (X, X.tocsc(), X.toarray())
    )
    assert columns.value == pytest.approx(rows.value, rel=1e-12)
    assert columns.lower_bound == pytest.approx(rows.lower_bound, rel=1e-12)
    assert np.allclose(columns.predict(X), rows.predict(X.tocsc()), rtol=1e-9, atol=1e-12)
    assert dense.value == pytest.approx(rows.value, rel=3e-6)
    assert dense.lower_bound <= rows.value and rows.lower_bound <= dense.value
    assert cn.check(columns).valid and cn.check(dense).valid


@pytest.mark.parametrize("loss", ("squared", "logistic"))
def test_data_by_columns_are_not_turned(loss, monkeypatch):
    rng = np.random.default_rng(0)
    X = sparse.random_array((60, 50), density=0.1, rng=rng, format="csc")
    y = np.sign(X @ rng.standard_normal(50) + 0.1)
    given = make_objective("coordinate", X, y, loss=loss, weight_decay=0.1)

    def turned(self, copy=False):
        raise AssertionError("turned")

    with monkeypatch.context() as patch:
        patch.setattr(sparse.csc_array, "tocsr", turned)
        bracket, _ = bracket_of(given, Budget(), np.inf)
    assert bracket.gap <= 1e-6 and len(bracket.units)


@pytest.mark.parametrize("form", ("csr", "csc"))
def test_a_checkpoint_is_one_of_its_own_data(form, tmp_path):
    X, path = sparse.csr_array(DENSE).asformat(form), tmp_path / "model.json"
    for data, files in ((X, 1), (X.tocsc(), 1), (X.tocsr(), 1), (2 * X, 2), (2 * DENSE, 3)):
        model = cn.train("coordinate", data, Y, weight_decay=0.5, checkpoint=path)
        assert model.status == "optimal" and len(list(tmp_path.iterdir())) == files


def test_data_are_given_back_with_the_bracket():
    rng = np.random.default_rng(0)
    given = objective(rng.standard_normal((20, 4)), rng.standard_normal(20))
    gone = weakref.ref(given)
    gc.disable()
    try:
        bracket_of(given, Budget(), now() + 60.0)
        del given
        assert gone() is None  # without garbage being looked for
    finally:
        gc.enable()


@pytest.mark.parametrize("form", ("csr", "csc", "dense"))
@pytest.mark.parametrize("norm", ("l1", "l2"))
def test_the_error_of_pricing_bounds_its_rounding(form, norm):
    """Against fractions, where sizes of columns differ and terms cancel."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6)) * (rng.random((300, 6)) < [0.01, 0.1, 0.5, 1, 1, 1])
    X, v = X * [1e3, 1.0, 1.0, 1.0, 1e-3, 1.0], rng.standard_normal(300)
    X[:150, 5], v[:150] = X[150:, 5], -v[150:]  # nothing is left of the last column
    data = X if form == "dense" else sparse.csr_array(X).asformat(form)
    given = Objective(
        units="linear", X=data, y=v, loss=get_loss("squared"), weight_decay=1.0, norm=norm
    )
    family = bind(given.units, data, norm)
    exact = [
        sum(Fraction(x) * Fraction(z) for x, z in zip(column, v, strict=True)) for column in X.T
    ]
    priced = family.price(v, 0.0)
    if norm == "l1":
        assert abs(Fraction(priced.rho) - max(map(abs, exact))) <= Fraction(priced.error)
    else:
        low, high = (Fraction(priced.rho + t * priced.error) for t in (-1.0, 1.0))
        assert low**2 <= sum(x * x for x in exact) <= high**2
    assert priced.error <= 1e-10 * np.linalg.norm(v) * np.linalg.norm(X)
