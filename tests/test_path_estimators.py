"""Estimators that choose the weight decay on paths: scikit-learn's checks, what they say."""

import pickle
from functools import partial

import joblib
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.training import certificates, column_generation
from cvxnet.training.path.course import Course, course_of, decays_between

pytestmark = pytest.mark.interface

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.metrics import log_loss, mean_squared_error  # noqa: E402
from sklearn.model_selection import KFold  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from cvxnet.interop import path_estimators  # noqa: E402
from cvxnet.interop.path_estimators import (  # noqa: E402
    ConvexNetClassifierCV,
    ConvexNetRegressorCV,
)

QUICK = {"path_gap": 0.3, "smallest": 0.2, "gap": 0.1, "cv": 2, "time_limit": None}
regressor = partial(ConvexNetRegressorCV, **QUICK)
classifier = partial(ConvexNetClassifierCV, **QUICK)


def linear(cv):
    """With folds of one's own."""
    return ConvexNetRegressorCV("linear", **QUICK | {"cv": cv})


rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (24, 2))
Y = np.abs(X[:, 0]) - X[:, 1] + 0.1 * rng.standard_normal(24)


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings of scikit-learn's own
@parametrize_with_checks(
    [regressor("linear", proof=0.0), classifier("linear", proof=0.0)],
)
def test_scikit_learns_checks(estimator, check, monkeypatch):
    monkeypatch.setattr(column_generation, "PROOF_SECONDS", 0.0)
    monkeypatch.setattr(certificates, "AT_LEAST", 0.05)
    monkeypatch.setattr(certificates, "AT_MOST", 0.05)
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    model = ConvexNetRegressorCV(path_gap=0.05, cv=KFold(3), smallest=0.05, time_limit=None)
    return model.fit(X, Y)


def test_the_best_weight_decay_is_taken_and_trained_at(fitted):
    best = fitted.weight_decays_[fitted.scores_.mean(axis=1).argmax()]
    assert fitted.weight_decay_ == best == fitted.certificate_.weight_decay
    assert fitted.solution_.status == "optimal" and cn.check(fitted.path_).valid
    assert fitted.path_.status == "optimal" and fitted.path_.goal == 0.05
    assert fitted.scores_.shape == (len(fitted.weight_decays_), 3)
    alone = cn.ConvexNetRegressor(weight_decay=best, time_limit=None).fit(X, Y)
    assert alone.solution_.value == pytest.approx(fitted.solution_.value, rel=2e-4)
    assert not hasattr(fitted, "selection_") and fitted.score(X, Y) > 0.8


def test_scores_are_those_of_networks_of_parts_of_the_data(fitted):
    """Trained one by one at the weight decays that the balance of loss and penalty asks for."""
    for k, (train, test) in enumerate(KFold(3).split(X, Y)):
        for i in range(0, len(fitted.weight_decays_), 4):
            decay = fitted.weight_decays_[i] * len(train) / len(X)
            alone = cn.ConvexNetRegressor(weight_decay=decay, gap=1e-6, time_limit=None)
            error = mean_squared_error(Y[test], alone.fit(X[train], Y[train]).predict(X[test]))
            assert fitted.scores_[i, k] == pytest.approx(-0.5 * error, rel=0.5, abs=0.01)


def test_folds_at_the_same_time_change_no_digit(fitted):
    model = clone(fitted).set_params(n_jobs=2)
    with joblib.parallel_config("threading"):
        there = model.fit(X, Y)
    np.testing.assert_array_equal(there.scores_, fitted.scores_)
    assert there.certificate_.to_dict() == fitted.certificate_.to_dict()
    assert there.path_.certificate.to_dict() == fitted.path_.certificate.to_dict()


def test_pickles_and_parameters(fitted):
    back = pickle.loads(pickle.dumps(fitted))
    assert (back.predict(X) == fitted.predict(X)).all()
    assert back.path_.at(back.weight_decay_).gap <= back.path_.gap
    params = fitted.get_params()
    assert "weight_decay" not in params and "width" not in params
    assert set(params) > {"path_gap", "smallest", "cv", "scoring", "n_jobs"}
    assert ConvexNetClassifierCV().loss == "logistic"


@pytest.mark.parametrize("scoring", [None, "accuracy", "roc_auc", "neg_log_loss"])
def test_two_classes(scoring):
    labels = np.where(Y > 0, "up", "down")
    model = classifier(smallest=0.05, scoring=scoring).fit(X, labels)
    assert model.classes_.tolist() == ["down", "up"] and model.score(X, labels) > 0.8
    if scoring is None:
        other = classifier(smallest=0.05, scoring="neg_log_loss").fit(X, labels)
        np.testing.assert_allclose(model.scores_, other.scores_, rtol=1e-6)
    assert log_loss(labels, model.predict_proba(X)) < 0.7


def test_several_classes_share_a_network_or_have_one_each():
    kinds = np.digitize(Y, [-0.5, 0.5])
    shared = classifier(path_gap=0.5, scoring="accuracy").fit(X, kinds)
    assert np.isscalar(shared.weight_decay_) and shared.predict(X).shape == (24,)
    each = classifier(multi_class="ovr", scoring="accuracy").fit(X, kinds)
    assert len(each.weight_decay_) == len(each.path_) == 3
    assert (each.scores_[0] <= 1.0).all() and each.score(X, kinds) > 0.5
    with pytest.raises(InputError, match="all of them are held out at once"):
        classifier(cv=KFold(3)).fit(X, np.arange(24) // 8)


def test_sample_weights_of_zero_leave_samples_out():
    weights = (np.arange(24) < 20).astype(float)
    first, rest = np.arange(12), np.arange(12, 24)
    one = linear(cv=[(first, rest), (rest, first)]).fit(X, Y, weights)
    fewer = rest[:8]
    other = linear(cv=[(first, fewer), (fewer, first)]).fit(X[:20], Y[:20])
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-6)


def test_where_units_are_of_no_use_there_is_no_path():
    model = regressor(skip=True).fit(X, X[:, 0] + 1.0)
    assert model.path_ is None and model.weight_decay_ == 1.0
    assert model.score(X, X[:, 0] + 1.0) > 0.999


def test_bad_parameters_are_refused_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr(path_estimators, "largest_useful", None)
    with pytest.raises(InputError, match="share of the largest"):
        regressor(smallest=2.0).fit(X, Y)
    with pytest.raises(InputError, match="gap"):
        regressor(path_gap=-1.0).fit(X, Y)
    with pytest.raises(InputError, match="proof must be"):
        regressor(proof="all").fit(X, Y)
    with pytest.raises(ValueError, match="scoring"):
        regressor(scoring="r3").fit(X, Y)


def test_a_course_has_the_network_of_every_weight_decay():
    from cvxnet.losses import get_loss
    from cvxnet.objective import Budget, Objective

    objective = Objective(units="relu", X=X, y=Y, loss=get_loss("squared"), weight_decay=1.0)
    course = course_of(objective, Budget(gap=0.05), largest=4.0, smallest=0.5, share=0.5)
    assert len(course.networks) == len(course.kinks) + 1
    for b in (0.6, 1.1, 3.0):
        network = course.networks[course.number(b)]
        value = cn.certify(network, X, Y, weight_decay=0.5 * b, gap=1e-3)
        assert value.value <= value.lower / (1.0 - 0.06)
    whole = decays_between([course, Course(np.array([1.0]), ())], 4.0, 0.5)
    assert (np.diff(whole) < 0).all() and len(whole) <= len(course.kinks) + 2
