"""Linear models on sparse data: the same as on dense data, never made dense, proved exactly."""

import copy
import tracemalloc

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Form, Objective, Weights
from cvxnet.proofs.certificate import Certificate

SMOOTH = ("squared", "huber", "log_cosh", "logistic", "squared_hinge")
MODELS = (("coordinate", "l2"), ("linear", "l1"), ("linear", "l2"))
SHARE = 0.1


def problem(loss, n=60, d=25, seed=0):
    """Data with 4 entries a row, and targets that some columns explain."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, d), density=4 / d, rng=rng, format="csr")
    X.data = rng.standard_normal(X.nnz)
    f = 3.0 * X @ rng.standard_normal(d) + 0.5
    if get_loss(loss).labels:
        return X, np.where(f + rng.logistic(size=n) > 0.0, 1.0, -1.0)
    return X, f + rng.standard_normal(n)


def trained(units, norm, loss, X, y, **more):
    decay = SHARE * cn.largest_weight_decay(units, X, y, loss=loss, norm=norm, **more)
    return cn.train(units, X, y, loss=loss, norm=norm, weight_decay=decay, **more)


def optimum(units, norm, loss, X, y, decay, weights, bias, output_bias):
    """The same by CVXPY, from the definition."""
    w, b, c = cp.Variable(X.shape[1]), cp.Variable(), cp.Variable()
    f = X @ w + (b if bias else 0.0) + (c if output_bias else 0.0)
    margins, r = cp.multiply(y, f), f - y
    terms = {
        "squared": lambda: 0.5 * cp.square(r),
        "huber": lambda: 0.5 * cp.huber(r),
        "logistic": lambda: cp.logistic(-margins),
        "squared_hinge": lambda: cp.square(cp.pos(1.0 - margins)),
    }[loss]()
    order = 2 if (units, norm) == ("linear", "l2") else 1
    penalty = cp.norm(cp.hstack([w, b]) if bias else w, order)
    return cp.Problem(cp.Minimize(weights @ terms + decay * penalty)).solve(
        solver="ECOS" if order == 2 else "CLARABEL"
    )


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize(("units", "norm"), MODELS)
def test_sparse_data_have_the_optimum_of_dense_ones_and_of_cvxpy(units, norm, loss):
    X, y = problem(loss)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    more = {"sample_weight": weights, "output_bias": True}
    thin, thick = (trained(units, norm, loss, data, y, **more) for data in (X, X.toarray()))
    decay = thin.objective.weight_decay
    assert decay == pytest.approx(thick.objective.weight_decay, rel=1e-12)
    assert thin.status == thick.status == "optimal"
    assert thin.value == pytest.approx(thick.value, rel=3e-6)
    known = thick.value
    if loss != "log_cosh":  # which conic solvers do not get to the last digits of
        known = optimum(units, norm, loss, X, y, decay, weights, units == "linear", True)
    for solution in (thin, thick):
        assert solution.lower_bound <= known * (1.0 + 1e-6)
        assert solution.value >= known * (1.0 - 1e-6)
        assert cn.check(solution).valid
    assert np.allclose(thin.predict(X), thin.network(X.toarray())[:, 0], atol=1e-12, rtol=0.0)
    assert np.allclose(thin.predict(X), thick.predict(X), atol=1e-2)


@pytest.mark.parametrize("loss", ("squared", "logistic"))
@pytest.mark.parametrize("X", [np.zeros((4, 2)), np.eye(4), np.ones((4, 3))], ids=str)
def test_odd_data_close_on_both(loss, X):
    y = np.array([1.0, -1.0, -1.0, 1.0])
    for data in (X, sparse.csc_array(X)):
        solution = cn.train("coordinate", data, y, loss=loss, weight_decay=0.1, output_bias=True)
        assert solution.status == "optimal"


@pytest.mark.parametrize("loss", SMOOTH)
def test_the_library_and_the_masters_agree(loss, monkeypatch):
    X, y = problem(loss)
    fast = trained("coordinate", "l2", loss, X.toarray(), y)
    monkeypatch.setattr("cvxnet.training.linear_models.is_installed", lambda module: False)
    slow = trained("coordinate", "l2", loss, X.toarray(), y)
    assert fast.value == pytest.approx(slow.value, rel=2e-6)
    assert max(fast.lower_bound, slow.lower_bound) <= min(fast.value, slow.value)


@pytest.mark.parametrize("shape", ((80, 30), (30, 80)), ids=str)
@pytest.mark.parametrize("free", (False, True), ids=("none", "free"))
def test_working_sets_of_dense_columns_have_the_optimum_of_all_of_them(shape, free):
    rng = np.random.default_rng(2)
    X = 1.0 + rng.standard_normal(shape)
    X[:, 1], X[:, 3], X[:, 4] = X[:, 0], -2.0 * X[:, 2], X[:, 5] + 1e-9 * X[:, 6]
    y, weights = rng.standard_normal(shape[0]) + 3.0, rng.uniform(0.5, 2.0, shape[0])
    for share in (0.5, 0.05, 0.001):
        decay = share * cn.largest_weight_decay("coordinate", X, y, output_bias=free)
        more = {"output_bias": free, "sample_weight": weights, "weight_decay": decay}
        model = cn.train("coordinate", X, y, **more)
        assert model.status == "optimal" and cn.check(model).valid
        value = optimum("coordinate", "l2", "squared", X, y, decay, weights, False, free)
        assert abs(model.value - value) <= 1e-5 * value


def test_correlated_columns_close():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 1)) + 1e-3 * rng.standard_normal((80, 40))
    y = X[:, 0] + 0.1 * rng.standard_normal(80)
    for loss in ("squared", "huber"):
        assert trained("coordinate", "l2", loss, X, y).status == "optimal"


def test_nothing_is_made_dense():
    rng = np.random.default_rng(0)
    n, d = 1000, 300_000
    columns = rng.integers(0, d, (n, 10)).ravel()
    X = sparse.csr_array((np.ones(10 * n), columns, np.arange(0, 10 * n + 1, 10)), shape=(n, d))
    y = X @ rng.standard_normal(d)
    tracemalloc.start()
    solution = cn.train("coordinate", X, y, weight_decay=0.5)
    solution.predict(X)
    assert cn.check(solution).valid
    assert tracemalloc.get_traced_memory()[1] < 0.1 * 8 * n * d
    tracemalloc.stop()
    assert solution.status == "optimal" and solution.units > 100


@pytest.mark.parametrize("form", (sparse.csr_matrix, sparse.csc_array, sparse.coo_array))
def test_every_form_is_read_the_same(form):
    X, y = problem("squared")
    first, second = (trained("coordinate", "l2", "squared", data, y) for data in (X, form(X)))
    assert first.certificate == second.certificate


@pytest.mark.parametrize(
    "form", (sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array, np.asarray)
)
@pytest.mark.parametrize(("units", "norm"), MODELS[:2])
def test_what_becomes_of_the_data_later_changes_no_solution(units, norm, form):
    given, y = problem("squared")
    X = form(given.toarray() if form is np.asarray else given.copy())
    targets = y.copy()
    solution = trained(units, norm, "squared", X, targets)
    assert (given != X).sum() == 0  # and training changes none of them
    before, predicted = solution.certificate.to_dict(), solution.predict(given)
    for name in ("data", "indices", "row", "col") if sparse.issparse(X) else ():
        if hasattr(X, name):
            getattr(X, name)[:] = 1
    if not sparse.issparse(X):
        X[:] = 1.0
    targets[:] = 0.0
    assert solution.certificate.to_dict() == before
    assert (solution.predict(given) == predicted).all()
    assert cn.check(solution.certificate).valid


@pytest.mark.parametrize("loss", ("squared", "logistic"))
def test_columns_picked_from_rows_are_those_of_the_matrix_turned(loss, monkeypatch):
    X, y = problem(loss)
    found = []
    for part in (0, X.shape[1] + 1):  # always and never
        monkeypatch.setattr("cvxnet.training.linear_models.PART", part)
        found.append(trained("coordinate", "l2", loss, X, y).certificate)
    assert found[0] == found[1]


def test_duplicates_add_up_and_zeros_do_not_count():
    entries = ([1.0, 2.0, 0.0], ([0, 0, 1], [0, 0, 0]))
    objective = Objective(
        units="coordinate",
        X=sparse.coo_array(entries, shape=(2, 1)),
        y=[1.0, 2.0],
        loss=get_loss("squared"),
        weight_decay=1.0,
    )
    assert objective.X.toarray().tolist() == [[3.0], [0.0]] and objective.X.nnz == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"skip": True}, "skip connection"),
        ({"width": 2}, "width=2"),
        ({"loss": "absolute"}, "absolute loss"),
        ({"y": np.ones((60, 2))}, "several outputs"),
        ({"units": "relu"}, "relu units"),
    ],
)
def test_what_needs_a_dense_matrix_is_named(more, said):
    X, y = problem("squared")
    options = {"units": "coordinate", "X": X, "y": y, "weight_decay": 1.0} | more
    with pytest.raises((cn.UnsupportedError, cn.InputError), match=rf"sparse.*{said}") as caught:
        cn.train(options.pop("units"), options.pop("X"), options.pop("y"), **options)
    assert "toarray" in str(caught.value)


@pytest.mark.parametrize(("units", "norm"), MODELS)
def test_the_program_and_the_path_take_sparse_data_as_dense_ones(units, norm):
    X, y = problem("squared", n=30, d=12)
    decay = SHARE * cn.largest_weight_decay(units, X, y, norm=norm)
    model = cn.train(units, X, y, norm=norm, weight_decay=decay)
    program = cn.program(units, X, y, norm=norm, weight_decay=decay)
    assert program.solve(solver="CLARABEL") == pytest.approx(model.value, rel=1e-6)
    assert np.allclose(cn.recover(program)(X), model.network(X), atol=1e-3)
    path = cn.path(units, X, y, norm=norm, gap=0.1)
    assert path.status == "optimal"


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_bad_entries_are_named(bad):
    X, y = problem("squared")
    X = X.tolil()
    X[3, 5] = bad
    with pytest.raises(cn.InputError, match=r"X\[3, 5\]|column 5 of X"):
        cn.train("coordinate", X, y, weight_decay=1.0)


# Certificates


@pytest.fixture(scope="module", params=[False, True], ids=["lists", "packed"])
def solved(request):
    X, y = problem("logistic", n=400 if request.param else 60)
    return trained("coordinate", "l2", "logistic", X, y, output_bias=True), X, y


def test_a_certificate_comes_back(solved, tmp_path):
    solution, X, y = solved
    solution.certificate.save(tmp_path / "all.json")
    solution.certificate.save(tmp_path / "apart.json", embed_data=False)
    loaded = Certificate.load(tmp_path / "all.json")
    assert loaded == solution.certificate
    assert (loaded.X != X).nnz == 0 and sparse.issparse(loaded.W)
    assert cn.check(tmp_path / "all.json").valid
    assert cn.check(tmp_path / "apart.json", (X, y)).valid
    assert "SHA-256 differs" in cn.check(tmp_path / "apart.json", (2.0 * X, y)).reason
    assert "SHA-256 differs" in cn.check(tmp_path / "apart.json", (X.toarray(), y)).reason


def test_the_bracket_is_that_of_dense_data(solved):
    solution, X, y = solved
    own = solution.certificate
    dense = Certificate(
        objective=Objective(
            units=Family("coordinate"),
            X=X.toarray(),
            y=y,
            loss=get_loss("logistic"),
            weight_decay=own.weight_decay,
            form=Form(False, True, False),
        ),
        weights=Weights(own.W.toarray(), None, own.a, own.c),
        v=own.v,
        lower=own.lower,
        upper=own.upper,
    )
    thin, thick = cn.check(own), cn.check(dense)
    assert thin.valid and thick.valid
    assert (thin.lower, thin.upper) == (thick.lower, thick.upper)


CHANGES = {
    "a column beyond": lambda X: X["columns"].__setitem__(0, 25),
    "a negative column": lambda X: X["columns"].__setitem__(0, -1),
    "columns that fall": lambda X: X["columns"].__setitem__(
        slice(0, 2), [X["columns"][1], X["columns"][0]]
    ),
    "a column twice": lambda X: X["columns"].__setitem__(1, X["columns"][0]),
    "starts that fall": lambda X: X["starts"].__setitem__(1, X["starts"][2] + 1),
    "a start that is not 0": lambda X: X["starts"].__setitem__(0, 1),
    "an end before the end": lambda X: X["starts"].__setitem__(-1, X["starts"][-1] - 1),
    "one start too many": lambda X: X["starts"].append(X["starts"][-1]),
    "one value less": lambda X: X["values"].pop(),
    "no hexadecimal number": lambda X: X["values"].__setitem__(0, 1.5),
    "no whole number": lambda X: X["columns"].__setitem__(0, 0.0),
    "another value": lambda X: X["values"].__setitem__(0, (0.125).hex()),
    "another shape": lambda X: X["shape"].__setitem__(1, 26),
    "no shape": lambda X: X.pop("shape"),
    "an entry more": lambda X: X.__setitem__("more", 1),
}


@pytest.fixture(scope="module")
def document():
    X, y = problem("squared", n=12, d=25)
    found = trained("coordinate", "l2", "squared", X, y).certificate.to_dict()
    assert cn.check(found).valid and len(found["network"]["W"]["values"]) > 1
    return found


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("where", (("data", "X"), ("network", "W")), ids="".join)
def test_a_changed_matrix_proves_nothing(document, change, where):
    changed = copy.deepcopy(document)
    room, name = where
    CHANGES[change](changed[room][name])
    result = cn.check(changed)
    assert not result.valid and result.lower is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 5),
        ("units", {"name": "relu"}),
        ("units", {"name": "linear"}),
        ("bias", True),
        ("width", 1),
        ("evidence", {"kind": "tree", "rows": None, "vectors": [], "nodes": [0]}),
    ],
)
def test_a_sparse_matrix_goes_with_linear_models_alone(document, name, value):
    assert not cn.check(document | {name: value}).valid


def test_a_dual_vector_that_is_too_long_is_refused(document):
    longer = [(1.001 * float.fromhex(x)).hex() for x in document["dual"]]
    result = cn.check(document | {"dual": longer, "lower": (0.0).hex()})
    assert not result.valid and "infeasible" in result.reason
    assert result.violation == pytest.approx(1e-3, rel=0.01)


# Networks and estimators


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_network_is_certified_on_sparse_rows_as_on_dense_ones(loss):
    X, y = problem(loss)
    network = cn.train("linear", X, y, weight_decay=1.0, loss=loss, bias=False).network
    given = {"weight_decay": 1.0, "loss": loss}
    few, many = (cn.certify(network, rows, y, **given) for rows in (X, X.toarray()))
    assert few.excess[0] <= few.excess[1] <= 1e-6
    assert abs(few.lower - many.lower) <= 1e-6 * many.upper
    larger = cn.certify(network, X, y, weight_decay=0.5, loss=loss)
    assert larger.excess[0] > 1e-4 and larger.lower < few.lower


@pytest.mark.parametrize("form", ("csc", "coo", "lil", "dok", "bsr", "dia"))
def test_every_form_of_scipy_is_read(form):
    X, y = problem("squared", n=20)
    for units in ("coordinate", "linear"):
        rows, given = (
            cn.train(units, matrix, y, weight_decay=1.0) for matrix in (X, X.asformat(form))
        )
        assert given.certificate == rows.certificate


@pytest.mark.parametrize("form", ("csr", "dok"))
def test_complex_entries_are_refused(form):
    X, y = problem("squared", n=20)
    with pytest.raises(cn.InputError, match="complex128; expected real numbers"):
        cn.train("coordinate", X.asformat(form).astype(complex), y, weight_decay=1.0)


def test_networks_take_sparse_rows():
    X, _ = problem("squared")
    network = cn.Sequential(cn.Linear(25, 4), cn.ReLU(), cn.Linear(4, 2))
    assert np.allclose(network(X), network(X.toarray()), rtol=0.0, atol=1e-12)
    with pytest.raises(cn.InputError, match="expects 25 columns"):
        network(X[:, :5])


@pytest.mark.parametrize("units", ("coordinate", "linear"))
def test_estimators_take_sparse_rows(units):
    X, y = problem("squared")
    thin, thick = (
        cn.ConvexNetRegressor(units, weight_decay=1.0, gap=1e-6).fit(data, y)
        for data in (X, X.toarray())
    )
    assert np.allclose(thin.predict(X), thick.predict(X.toarray()), atol=1e-3)
    X, y = problem("logistic")
    model = cn.ConvexNetClassifier(units).fit(X.tocsc(), y)
    assert model.solution_.status == "optimal"
    assert model.predict_proba(X).shape == (60, 2) and model.score(X, y) > 0.6
    several = cn.ConvexNetClassifier(units, multi_class="ovr")
    assert several.__sklearn_tags__().input_tags.sparse
    assert not model.__sklearn_tags__().input_tags.sparse  # three classes would need a dense X
    assert not cn.ConvexNetClassifier("relu").__sklearn_tags__().input_tags.sparse
