"""scikit-learn's own checks on the estimators, and what people do with estimators."""

import pickle
import warnings
from functools import partial
from unittest.mock import ANY

import joblib
import numpy as np
import pytest
from scipy.special import softmax

import cvxnet as cn
from cvxnet.errors import CvxnetError, InputError, SolverError
from cvxnet.training import certificates, column_generation, first_networks, improvement

pytestmark = pytest.mark.interface

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier, is_regressor  # noqa: E402
from sklearn.datasets import load_iris, make_moons  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.multioutput import MultiOutputRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils import get_tags  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from cvxnet.interop import estimator_base  # noqa: E402
from cvxnet.interop.estimators import ConvexNetClassifier, ConvexNetRegressor  # noqa: E402

regressor = partial(ConvexNetRegressor, time_limit=None)
classifier = partial(ConvexNetClassifier, time_limit=None)
"""Without a time limit the result does not depend on how busy the machine is."""
rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (40, 2))
Y = np.abs(X[:, 0]) - X[:, 1] + 0.05 * rng.standard_normal(40)
MOONS = make_moons(60, noise=0.2, random_state=0)


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings of scikit-learn's own
@parametrize_with_checks([regressor(gap=0.01), classifier(gap=0.01)])
def test_scikit_learns_checks(estimator, check, monkeypatch):
    """All of them.

    Some have ten features or more, where proving a bound and checking it take all the time there
    is, after the network is there. With more weight decay than by default the networks have fewer
    units and are there sooner, and with a wider gap, too.
    """
    monkeypatch.setattr(column_generation, "PROOF_SECONDS", 0.0)
    monkeypatch.setattr(certificates, "AT_LEAST", 0.1)
    monkeypatch.setattr(certificates, "AT_MOST", 0.1)
    monkeypatch.setattr(estimator_base, "SHARE", 0.3)
    check(estimator)


def test_no_weight_decay_means_a_share_of_the_largest():
    model = regressor().fit(X, Y)
    scaled = regressor().fit(X, 1000 * Y)
    largest = cn.largest_weight_decay("relu", X, Y, output_bias=True)
    assert abs(model.certificate_.weight_decay - 0.03 * largest) < 1e-9 * largest
    np.testing.assert_allclose(scaled.predict(X), 1000 * model.predict(X), rtol=1e-3)


def test_what_comes_out_is_what_train_returns():
    model = regressor(weight_decay=0.05, gap=1e-6).fit(X, Y)
    solution = cn.train("relu", X, Y, weight_decay=0.05, output_bias=True, gap=1e-6)
    assert model.solution_.status == "optimal"
    assert model.certificate_ is model.solution_.certificate
    assert abs(model.solution_.value - solution.value) < 2e-6 * solution.value
    assert (model.predict(X) == model.network_(X)[:, 0]).all()
    np.testing.assert_allclose(model.predict(X), solution.network(X)[:, 0], atol=2e-3)
    assert model.score(X, Y) > 0.95


def test_every_parameter_reaches_training(monkeypatch):
    said = {}

    def stop(objective, budget):
        said.update(vars(objective) | vars(objective.form) | vars(budget))
        raise InterruptedError

    monkeypatch.setattr(estimator_base, "solve", stop)
    options = {
        "weight_decay": 3.0, "norm": "l1", "bias": False, "output_bias": False, "skip": True,
        "output_weights": "nonneg", "gap": 0.5, "solver": "SCS", "time_limit": 7e9,
            "proof": 0.25,
    }  # fmt: skip
    own = {"multi_class": "softmax", "class_weight": None}
    for estimator, loss, y, more in (
        (ConvexNetRegressor, "huber", Y, {}),
        (ConvexNetClassifier, "hinge", Y > 0, own),
    ):
        model = estimator("abs", loss=loss, **options, **more)
        named = {"loss": loss, "activation": "abs", "width": None}
        assert model.get_params() == options | named | more
        with pytest.raises(InterruptedError):
            model.fit(X, y)
        assert {name: said[name] for name in options} == options | {"time_limit": ANY}
        assert said["time_limit"] == pytest.approx(7e9)  # what is left of it
        assert said["units"] == cn.Family("abs") and said["loss"].name == loss
        assert said["sample_weight"] is None


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
def test_two_classes(loss):
    points, labels = MOONS[0], np.array(["no", "yes"])[MOONS[1]]
    model = classifier(weight_decay=0.1, loss=loss).fit(points, labels)
    assert model.classes_.tolist() == ["no", "yes"]
    scores = model.decision_function(points)
    assert scores.shape == (60,)
    assert (scores == model.network_(points)[:, 0]).all()
    assert (model.predict(points) == np.where(scores > 0, "yes", "no")).all()
    assert model.score(points, labels) > 0.9
    assert hasattr(model, "predict_proba") == (loss == "logistic")
    if loss == "logistic":
        chances = model.predict_proba(points)
        np.testing.assert_allclose(chances[:, 1], 1 / (1 + np.exp(-scores)))
        np.testing.assert_allclose(chances.sum(axis=1), 1.0)


def test_several_classes_are_one_against_the_rest():
    flowers, kinds = load_iris(return_X_y=True)
    flowers = flowers[::3, 2:]  # petals
    names = np.array(["setosa", "versicolor", "virginica"])[kinds[::3]]
    model = classifier(weight_decay=0.1, multi_class="ovr").fit(flowers, names)
    for fitted in (model.solution_, model.network_, model.certificate_):
        assert isinstance(fitted, list) and len(fitted) == 3
    scores = model.decision_function(flowers)
    alone = classifier(weight_decay=0.1).fit(flowers, names == "versicolor")
    assert (scores[:, 1] == alone.decision_function(flowers)).all()
    assert (model.predict(flowers) == model.classes_[scores.argmax(axis=1)]).all()
    chances = model.predict_proba(flowers)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert (chances.argmax(axis=1) == scores.argmax(axis=1)).all()
    assert model.score(flowers, names) > 0.9


FLOWERS, KINDS = load_iris(return_X_y=True)
FLOWERS, KINDS = FLOWERS[::3, 2:], np.array(["setosa", "versicolor", "virginica"])[KINDS[::3]]


def test_several_classes_share_the_units_of_one_network():
    model = classifier(weight_decay=0.5).fit(FLOWERS, KINDS)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    solution = model.solution_
    assert solution.objective.loss.name == "cross_entropy" and solution.status == "optimal"
    assert solution.classes.tolist() == model.classes_.tolist()
    assert model.certificate_ is solution.certificate
    scores, chances = model.decision_function(FLOWERS), model.predict_proba(FLOWERS)
    assert (scores == model.network_(FLOWERS)).all() and scores.shape == (50, 3)
    np.testing.assert_allclose(chances, softmax(scores, axis=1))
    assert (model.predict(FLOWERS) == model.classes_[scores.argmax(axis=1)]).all()
    assert model.score(FLOWERS, KINDS) > 0.9
    value = cn.train(
        "relu", FLOWERS, KINDS, loss="cross_entropy", weight_decay=0.5, output_bias=True
    ).value
    assert solution.value == pytest.approx(value, rel=2e-4)
    other = classifier(weight_decay=0.5).fit(FLOWERS, KINDS == "setosa")
    assert not isinstance(other.solution_, list) and other.decision_function(FLOWERS).shape == (50,)


def test_class_weights_multiply_sample_weights():
    weights = rng.uniform(0.5, 2.0, 50)
    by_class = {"setosa": 3.0, "virginica": 0.5}
    model = classifier("coordinate", weight_decay=0.5, class_weight=by_class)
    model.fit(FLOWERS, KINDS, sample_weight=weights)
    total = weights * np.select([KINDS == "setosa", KINDS == "virginica"], [3.0, 0.5], 1.0)
    plain = classifier("coordinate", weight_decay=0.5)
    plain.fit(FLOWERS, KINDS, sample_weight=total)
    assert (model.predict_proba(FLOWERS) == plain.predict_proba(FLOWERS)).all()
    few = np.r_[0:5, 17:50]  # five of the first kind
    balanced = classifier("coordinate", weight_decay=0.5, class_weight="balanced")
    balanced.fit(FLOWERS[few], KINDS[few])
    share = dict(zip(*np.unique(KINDS[few], return_counts=True), strict=True))
    plain.fit(FLOWERS[few], KINDS[few], [38 / (3 * share[kind]) for kind in KINDS[few]])
    assert (balanced.predict_proba(FLOWERS) == plain.predict_proba(FLOWERS)).all()


def test_two_classes_may_have_an_output_each():
    labels = np.array(["no", "yes"])[MOONS[1]]
    model = classifier(loss="cross_entropy", weight_decay=0.5).fit(MOONS[0], labels)
    scores, chances = model.decision_function(MOONS[0]), model.predict_proba(MOONS[0])
    assert model.solution_.objective.outputs == 2 and scores.shape == (60,)
    np.testing.assert_allclose(chances[:, 1], 1 / (1 + np.exp(-scores)))
    assert (model.predict(MOONS[0]) == np.where(scores > 0, "yes", "no")).all()
    assert model.score(MOONS[0], labels) > 0.85


def test_what_cannot_be_done_with_three_classes_says_why():
    for model, words in [
        (classifier(loss="hinge"), "there are 3: multi_class='ovr'"),
        (classifier(multi_class="softmaxx"), "expected 'softmax' or 'ovr'"),
        (classifier(loss="cross_entropy", multi_class="ovr"), "all classes apart at once"),
        (classifier(class_weight={"setosa": -1.0}), "class_weight .* must not be"),
        (classifier("tanh"), "tanh units have one output"),
    ]:
        with pytest.raises(CvxnetError, match=words):
            model.fit(FLOWERS, KINDS)


def test_several_targets_are_outputs_that_share_units():
    targets = np.column_stack([Y, X[:, 0], np.abs(X[:, 1])])
    model = regressor(weight_decay=0.1).fit(X, targets)
    assert model.solution_.status == "optimal" and model.predict(X).shape == (40, 3)
    assert (model.predict(X) == model.network_(X)).all() and model.score(X, targets) > 0.9
    assert get_tags(model).target_tags.multi_output
    column = regressor("coordinate").fit(X, Y[:, None])
    assert column.predict(X).shape == (40,) and column.solution_.objective.outputs == 1


def test_pipelines_grid_searches_and_cross_validation():
    pipe = make_pipeline(StandardScaler(), regressor(gap=1e-3))
    scores = cross_val_score(pipe, 100 * X + 50, Y, cv=3)
    assert scores.mean() > 0.8
    grid = {"convexnetregressor__weight_decay": [0.03, 30.0]}
    search = GridSearchCV(pipe, grid, cv=3).fit(X, Y)
    assert search.best_params_ == {"convexnetregressor__weight_decay": 0.03}
    assert search.best_estimator_[-1].solution_.status == "optimal"
    assert MultiOutputRegressor(pipe).fit(X, np.column_stack([Y, X])).predict(X).shape == (40, 3)


def test_networks_may_have_a_width():
    points, targets = X[:8], Y[:8]
    model = regressor(weight_decay=0.02, width=1, gap=1e-3)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(points, targets)
    solution = model.solution_
    assert solution.width == 1 and model.n_iter_ > 0
    assert (model.network_(points)[:, 0] == model.predict(points)).all()
    assert solution.units <= 1 < solution.all_widths.units
    each = classifier(weight_decay=0.2, width=1, multi_class="ovr")
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        each.fit(FLOWERS[::5], KINDS[::5])
    assert [solution.units for solution in each.solution_] == [1, 1, 1]
    for refused, words in [
        (classifier(width=2), "multi_class='ovr' trains one of that width for each"),
        (classifier("quadratic", width=2, multi_class="ovr"), "quadratic units cannot have one"),
    ]:
        with pytest.raises(CvxnetError, match=words):
            refused.fit(FLOWERS[::5], KINDS[::5])
    with pytest.raises(CvxnetError, match="it goes with one output, and y has 2 columns"):
        model.fit(points, np.column_stack([targets, targets]))


def test_clones_and_pickles():
    units = cn.Family("leaky_relu", slope=0.1)
    model = classifier(units, weight_decay=0.2).fit(*MOONS)
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not hasattr(copy, "network_")
    back = pickle.loads(pickle.dumps(model))
    assert (back.decision_function(MOONS[0]) == model.decision_function(MOONS[0])).all()
    assert back.solution_.value == model.solution_.value


def test_tags():
    assert is_regressor(regressor()) and is_classifier(classifier())
    for model in (regressor(), classifier()):
        tags = get_tags(model)
        assert tags.target_tags.required and not tags.input_tags.sparse
        assert not tags.input_tags.allow_nan and not tags.no_validation
    assert get_tags(classifier()).classifier_tags.multi_class


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_names(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"width": X[:, 0], "height": X[:, 1]})
    model = regressor().fit(frame, frames.Series(Y))
    assert model.feature_names_in_.tolist() == ["width", "height"]
    assert model.n_features_in_ == 2
    np.testing.assert_array_equal(model.predict(frame), regressor().fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["height", "width"]])


def test_sparse_input_gets_a_message():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(cn.InputError, match=r"sparse matrix.*need a dense one.*toarray"):
        regressor().fit(sparse.csr_array(X), Y)


def test_weights_are_repetitions_and_order_does_not_matter():
    times = rng.integers(0, 4, 40)
    weighted = regressor(weight_decay=0.1).fit(X, Y, sample_weight=times)
    order = rng.permutation(times.sum())
    repeated = regressor(weight_decay=0.1).fit(
        X.repeat(times, axis=0)[order], Y.repeat(times)[order]
    )
    assert (weighted.predict(X) == repeated.predict(X)).all()
    plain = regressor(weight_decay=0.1).fit(X, Y)
    assert (plain.predict(X) != weighted.predict(X)).any()
    # and it is the objective of the data as they came
    used = times > 0
    value = cn.train(
        "relu", X[used], Y[used], weight_decay=0.1, output_bias=True, sample_weight=times[used]
    ).value
    assert abs(weighted.solution_.value - value) < 2e-4 * value


@pytest.mark.parametrize(
    ("loss", "units"),
    [("squared", "relu"), ("absolute", "abs"), ("huber", cn.Family("leaky_relu", slope=0.2))],
)
def test_a_constant_target_is_predicted_as_it_is(loss, units, tmp_path):
    with pytest.warns(UserWarning, match="target is constant .every entry is 3.5"):
        model = regressor(units, loss=loss, weight_decay=0.7).fit(X, np.full(40, 3.5))
    assert (model.predict(rng.standard_normal((5, 2))) == 3.5).all()
    solution = model.solution_
    assert (solution.status, solution.value, solution.lower_bound) == ("optimal", 0.0, 0.0)
    model.certificate_.save(tmp_path / "certificate.json")
    assert cn.check(tmp_path / "certificate.json").valid
    with pytest.warns(UserWarning), pytest.raises(InputError, match="weight_decay must be"):
        regressor(weight_decay=0.0).fit(X, np.full(40, 3.5))
    with pytest.warns(UserWarning):
        decayed = regressor(output_bias=False).fit(X, np.full(40, 3.5))
    assert decayed.solution_.value > 0.0 and decayed.solution_.status == "optimal"


@pytest.mark.parametrize("label", ["spam", 1, False, 7])
def test_one_class_is_predicted_as_it_is(label):
    with pytest.warns(UserWarning, match="target is constant"):
        model = classifier(weight_decay=0.7).fit(X, [label] * 40)
    assert model.classes_.tolist() == [label] and model.predict(X).tolist() == [label] * 40
    assert model.predict_proba(X).tolist() == [[1.0]] * 40
    assert model.decision_function(X).shape == (40,)


def test_a_target_that_free_weights_fit_needs_no_units():
    model = regressor(skip=True).fit(X, X @ [1.0, 2.0] + 3.0)
    np.testing.assert_allclose(model.predict(X), X @ [1.0, 2.0] + 3.0, atol=1e-9)


def test_time_runs_out_with_a_true_bracket():
    wide = rng.standard_normal((300, 2))
    target = rng.standard_normal(300)
    model = regressor(weight_decay=0.01, gap=1e-9, time_limit=1e-9)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        model.fit(wide, target)
    assert model.solution_.status == "gap"
    assert model.solution_.lower_bound <= model.solution_.value


def test_what_cannot_be_fitted_says_why():
    labels = Y > 0
    for model, arguments, error, words in [
        (regressor(loss="logistic"), (X, Y), InputError, "use ConvexNetClassifier"),
        (classifier(loss="squared"), (X, labels), InputError, "use ConvexNetRegressor"),
        (regressor(loss="square"), (X, Y), InputError, "unknown loss 'square'"),
        (regressor("reul"), (X, Y), InputError, "unknown unit family 'reul'"),
        (regressor(weight_decay=-1.0), (X, Y), InputError, "weight_decay must be"),
        (regressor(), (X, Y, -np.ones(40)), InputError, "sample_weight must not be neg"),
        (regressor(), (X, Y, np.zeros(40)), ValueError, "weight.*zero"),
        (classifier(), (X, Y), ValueError, "Unknown label type"),
        (classifier(), (X, ["a", 1] * 20), InputError, "labels of several kinds"),
    ]:
        with pytest.raises(error, match=words):
            model.fit(*arguments)
    with pytest.raises(NotFittedError):
        regressor().predict(X)


def test_networks_go_on_to_onnx(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = regressor(weight_decay=0.05, skip=True).fit(X, Y)
    cn.to_onnx(model.network_, tmp_path / "net.onnx")
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    found = session.run(None, {"x": X})[0][:, 0]
    np.testing.assert_allclose(found, model.predict(X), rtol=0, atol=1e-12)


def test_tiny_probabilities_have_finite_logarithms():
    """Scores of +-1000, by networks put in place of those trained."""
    flowers, sign = np.array([[1000.0], [-1000.0]]), np.array([[1.0]])
    one = cn.Sequential(cn.Linear(1, 1, bias=False)).load_state_dict({"0.weight": sign})
    three = cn.Sequential(cn.Linear(1, 3, bias=False))
    three.load_state_dict({"0.weight": np.array([[1.0], [0.0], [-1.0]])})
    cases = [
        ("softmax", [0, 1], one, [[-1000.0, 0.0], [0.0, -1000.0]]),
        ("softmax", [0, 1, 2], three, [[0.0, -1000.0, -2000.0], [-2000.0, -1000.0, 0.0]]),
        ("ovr", [0, 1, 2], [one, one, one], np.full((2, 3), -np.log(3.0))),
    ]
    for way, classes, network, expected in cases:
        model = classifier(multi_class=way)
        model.network_, model.classes_, model.n_features_in_ = network, np.array(classes), 1
        logs = model.predict_log_proba(flowers)
        np.testing.assert_allclose(logs, expected, atol=1e-12)
        np.testing.assert_allclose(model.predict_proba(flowers), np.exp(expected), atol=1e-12)
    assert not hasattr(classifier(loss="hinge"), "predict_log_proba")


def test_a_bracket_that_stays_open_is_said_in_a_line():
    wide = rng.standard_normal((30, 9))
    target = np.abs(wide[:, 0]) + 0.1 * rng.standard_normal(30)
    model = regressor(weight_decay=2.0, gap=1e-9, proof=0.01)
    with pytest.warns(ConvergenceWarning, match=r"close to the gap 1e-09: .* <= optimum <= "):
        model.fit(wide, target)
    solution = model.solution_
    assert solution.status == "gap" and solution.lower_bound <= solution.value
    assert solution.stats["converged"] and "proving a bound has had its time" in str(solution)
    assert model.n_iter_ == solution.stats["rounds"] > 0
    quiet = regressor(weight_decay=2.0, gap=1e-9, proof=0.0)
    quiet.fit(wide, target)  # asks for no proof, so nothing is missing: a warning is an error here
    assert quiet.solution_.value <= solution.value * (1 + 1e-3)


@pytest.mark.parametrize(
    ("where", "name", "error"),
    [
        (first_networks, "price_first", np.linalg.LinAlgError("Singular matrix")),
        (first_networks, "price_first", FloatingPointError("overflow")),
        (improvement, "fit_sizes", SolverError("no point")),
    ],
)
def test_fit_keeps_the_best_network_whatever_fails(monkeypatch, where, name, error):
    """In the first round, too."""

    def failing(*arguments):
        raise error

    monkeypatch.setattr(where, name, failing)
    local_search_first = name == "price_first"
    monkeypatch.setattr(first_networks, "SIZE", 0 if local_search_first else 3000)
    with pytest.warns(ConvergenceWarning, match=f"the solver failed, .* {error}"):
        model = regressor(weight_decay=0.1).fit(X, Y)
    assert model.solution_.stats["failure"] == str(error)
    assert model.solution_.units > 0 and model.score(X, Y) > 0.9
    assert model.solution_.lower_bound <= model.solution_.value
    assert cn.check(model.certificate_).valid


def test_cross_validation_may_choose_the_weight_decay():
    model = regressor("linear", weight_decay="cv").fit(X, Y)
    selection = model.selection_
    assert model.certificate_.weight_decay == selection.weight_decay
    assert len(selection.scores) > 1 and selection.shares[selection.best] < 0.3
    assert regressor("linear", weight_decay=1.0).fit(X, Y).selection_ is None
    with pytest.raises(InputError, match="weight_decay must be a number"):
        regressor(weight_decay="csv").fit(X, Y)


def test_processes_and_frames_out():
    model = regressor("linear", weight_decay=0.5)
    alone = cross_val_score(model, X, Y, cv=2)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        np.testing.assert_array_equal(cross_val_score(model, X, Y, cv=2, n_jobs=2), alone)
    pandas = pytest.importorskip("pandas")
    pipe = make_pipeline(StandardScaler(), model).set_output(transform="pandas")
    pipe.fit(pandas.DataFrame(X, columns=["a", "b"]), Y)
    assert pipe[-1].feature_names_in_.tolist() == ["a", "b"]


def test_sample_weights_are_routed():
    weights = rng.uniform(0.5, 2.0, 40)
    model = regressor("linear", weight_decay=0.5)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = clone(model).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = make_pipeline(scaler, asking).fit(X, Y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    expected = model.fit(scaled, Y, sample_weight=weights).predict(scaled)
    np.testing.assert_array_equal(pipe.predict(X), expected)
