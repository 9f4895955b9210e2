"""Estimators of scikit-learn as networks: what they predict, and where they are taken."""

import numpy as np
import pytest
from scipy.special import expit, softmax

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.loading import load_thing

pytestmark = pytest.mark.interface

pytest.importorskip("sklearn")

from sklearn import linear_model, neural_network, pipeline, preprocessing, svm  # noqa: E402
from sklearn.ensemble import RandomForestRegressor  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 0.0]
Y = X @ [1.0, 0.2, -3.0] + 0.1
TWO, THREE = np.where(np.median(Y) < Y, "yes", "no"), np.digitize(Y, [0.0, 1.5])
BOTH = np.column_stack([Y > 1.0, Y > 0.0]).astype(int)


def fitted(kind, target, **options):
    """A perceptron after a few steps: how good it is does not matter here."""
    given = {"solver": "lbfgs", "max_iter": 500, "max_fun": 40, "tol": 1.0, "random_state": 0}
    return kind(**(given | {"hidden_layer_sizes": (4,)} | options)).fit(X, target)


REGRESSOR, CLASSIFIER = neural_network.MLPRegressor, neural_network.MLPClassifier


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_perceptrons(activation):
    one = fitted(REGRESSOR, Y, activation=activation)
    np.testing.assert_allclose(cn.from_sklearn(one)(X)[:, 0], one.predict(X), rtol=1e-12)
    two = fitted(REGRESSOR, np.c_[Y, -Y], activation=activation, hidden_layer_sizes=(4, 3))
    np.testing.assert_allclose(cn.from_sklearn(two)(X), two.predict(X), rtol=1e-12)
    assert [type(layer).__name__ for layer in cn.from_sklearn(one)][::2] == (
        ["Linear"] if activation == "identity" else ["Linear", "Linear"]
    )


def test_classifiers_give_scores():
    two = fitted(CLASSIFIER, TWO)
    p = two.predict_proba(X)[:, 1]
    np.testing.assert_allclose(expit(cn.from_sklearn(two)(X))[:, 0], p, rtol=1e-9)
    three = fitted(CLASSIFIER, THREE)
    scores = cn.from_sklearn(three)(X)
    np.testing.assert_allclose(softmax(scores, axis=1), three.predict_proba(X), rtol=1e-9)
    several = fitted(CLASSIFIER, BOTH)
    np.testing.assert_allclose(
        expit(cn.from_sklearn(several)(X)), several.predict_proba(X), rtol=1e-9
    )


LINEAR = {
    "LinearRegression": (linear_model.LinearRegression(), Y),
    "two targets": (linear_model.Ridge(), np.c_[Y, -Y]),
    "Lasso": (linear_model.Lasso(0.1), Y),
    "SGDRegressor": (linear_model.SGDRegressor(max_iter=5, tol=None), Y),
    "LinearSVR": (svm.LinearSVR(random_state=0, tol=0.1), Y),
    "LogisticRegression": (linear_model.LogisticRegression(tol=0.1), TWO),
    "three classes": (linear_model.LogisticRegression(tol=0.1), THREE),
    "SGDClassifier": (linear_model.SGDClassifier(max_iter=5, tol=None), THREE),
    "LinearSVC": (svm.LinearSVC(random_state=0, tol=0.1), TWO),
    "RidgeClassifier": (linear_model.RidgeClassifier(), THREE),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_models_are_one_layer(name):
    model, target = LINEAR[name]
    model.fit(preprocessing.scale(X), target)
    net = cn.from_sklearn(model)
    assert [type(layer).__name__ for layer in net] == ["Linear"]
    found = model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)
    np.testing.assert_allclose(net(X), found.reshape(len(X), -1), rtol=1e-9, atol=1e-9)


SCALERS = [
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_mean=False),
    preprocessing.StandardScaler(with_std=False),
    preprocessing.MinMaxScaler((-1, 2)),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.RobustScaler(with_centering=False),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_scalers_are_layers_in_front(scaler):
    model = pipeline.make_pipeline(scaler, linear_model.LinearRegression()).fit(X, Y)
    net = cn.from_sklearn(model)
    assert [type(layer).__name__ for layer in net] == ["BatchNorm", "Linear"]
    np.testing.assert_allclose(net(X)[:, 0], model.predict(X), rtol=1e-9)
    np.testing.assert_allclose(cn.from_sklearn(scaler)(X), scaler.transform(X), rtol=1e-9)


def test_a_constant_column_and_a_step_that_does_nothing():
    constant = np.c_[X, np.ones(len(X))]
    steps = (preprocessing.StandardScaler(), "passthrough", linear_model.Ridge())
    model = pipeline.make_pipeline(*steps).fit(constant, Y)
    np.testing.assert_allclose(cn.from_sklearn(model)(constant)[:, 0], model.predict(constant))


def test_searches_and_own_estimators():
    search = GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(X, Y)
    assert repr(cn.from_sklearn(search)) == "Sequential(Linear(3, 1))"
    own = cn.ConvexNetRegressor(weight_decay=10.0, gap=0.1)
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), own).fit(X[:, :1], Y)
    np.testing.assert_allclose(
        cn.from_sklearn(model)(X[:, :1])[:, 0], model.predict(X[:, :1]), rtol=1e-9
    )


def test_what_is_no_network_is_named():
    forest = RandomForestRegressor(2).fit(X, Y)
    clipped = pipeline.make_pipeline(preprocessing.MinMaxScaler(clip=True), linear_model.Ridge())
    features = pipeline.make_pipeline(preprocessing.PolynomialFeatures(2), linear_model.Ridge())
    counts = linear_model.PoissonRegressor().fit(X, np.abs(Y))
    for model, why in [
        (forest, "RandomForestRegressor is no network"),
        (clipped.fit(X, Y), "MinMaxScaler has clip=True"),
        (features.fit(X, Y), "PolynomialFeatures is no network.* Apply other steps to X yourself"),
        (counts, "PoissonRegressor does not predict what a network with its coefficients"),
    ]:
        with pytest.raises(UnsupportedError, match=why):
            cn.from_sklearn(model)
    with pytest.raises(InputError, match=r"MLPRegressor is not fitted.*call fit\(X, y\) first"):
        cn.from_sklearn(REGRESSOR())
    with pytest.raises(InputError, match="fitted estimators of scikit-learn, not a list"):
        cn.from_sklearn([])


def test_alpha_is_the_weight_decay_but_for_biases():
    """The formula in the documentation, with the loss that scikit-learn reports."""
    alpha, n = 0.7, len(X)
    model = fitted(REGRESSOR, Y, alpha=alpha)
    W, V = model.coefs_
    b, _ = model.intercepts_
    residuals = model.predict(X) - Y
    squares = (W**2).sum() + (V**2).sum()
    reported = 0.5 * (residuals**2).mean() + alpha / (2 * n) * squares
    assert model.loss_ == pytest.approx(reported, rel=1e-9)
    value = cn.certify(model, X, Y, weight_decay=alpha, time_limit=0.1).value
    assert value == pytest.approx(n * reported + alpha / 2 * (b**2).sum(), rel=1e-9)


def test_estimators_are_taken_where_networks_are():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), fitted(REGRESSOR, Y)).fit(X, Y)
    certified = cn.certify(model, X, Y, weight_decay=1.0, time_limit=0.1)
    assert certified.layers_below == 1 and certified.width == 4
    assert cn.convexity(linear_model.LinearRegression().fit(X, Y)).convex
    assert cn.convexity(fitted(REGRESSOR, Y), wrt="input").convex is False


def test_the_command_takes_estimators_from_python_files(tmp_path):
    lines = ["import numpy as np", "from sklearn.linear_model import Ridge"]
    lines += ["model = Ridge().fit(np.eye(2), [1.0, 2.0])"]
    (tmp_path / "model.py").write_text("\n".join(lines))
    assert repr(load_thing(f"{tmp_path / 'model.py'}:model")) == "Sequential(Linear(2, 1))"
