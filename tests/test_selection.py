"""The weight decay that cross-validation chooses, beside the same in loops of this file's own."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Form, Objective
from cvxnet.training.selection import NEVER, deal_out, select_weight_decay

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (40, 2))
NOISY = np.abs(X[:, 0]) - X[:, 1] + 0.2 * rng.standard_normal(40)
SIDES = NOISY > 0.2
LONG = Budget(time_limit=1e6)
KINDS = np.array(["a", "b", "c"])[np.digitize(NOISY, [-0.2, 0.6])]


def objective(y, loss="squared", **options):
    """Linear units are quick; nothing here depends on which."""
    given = {"units": "linear", "X": X[: len(y)], "form": Form(output_bias=True)} | options
    return Objective(y=y, loss=get_loss(loss), weight_decay=1.0, **given)


def test_scores_are_those_of_a_loop_over_folds():
    """Ridge regression with the penalty as a gauge: each network by `train`, to its optimum."""
    given = objective(NOISY)
    selection = select_weight_decay(given, LONG, folds=4, shares=(0.02, 0.2))
    assert selection.shares == (0.2, 0.02) and selection.folds == 4
    where = deal_out(given, 4, 0)
    for share, score, error in zip(
        selection.shares, selection.scores, selection.errors, strict=True
    ):
        losses = []
        for fold in range(4):
            seen, held = where != fold, where == fold
            network = cn.train(
                "linear",
                X[seen],
                NOISY[seen],
                weight_decay=share * selection.largest * 30 / 40,
                output_bias=True,
            )
            losses.append(0.5 * np.mean((network.predict(X[held]) - NOISY[held]) ** 2))
        assert score == pytest.approx(np.mean(losses), rel=0.05)
        assert error == pytest.approx(np.std(losses, ddof=1) / 2, rel=0.1)
    assert selection.weight_decay == selection.shares[selection.best] * selection.largest
    assert selection.largest == cn.largest_weight_decay("linear", X, NOISY, output_bias=True)
    assert not selection.accuracies


@pytest.mark.parametrize(
    ("y", "loss", "options"),
    [
        (SIDES, "logistic", {}),
        (SIDES, "hinge", {}),
        (KINDS, "cross_entropy", {}),
        (np.column_stack([NOISY, X[:, 0]]), "squared", {}),
        (np.column_stack([SIDES, X[:, 0] > 0]), "logistic", {}),
        (NOISY, "absolute", {"units": "coordinate"}),
        (SIDES, "logistic", {"units": "relu", "sample_weight": rng.uniform(0, 1, 40)}),
        (NOISY, "squared", {"units": cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))}),
    ],
)
def test_every_objective_has_one(y, loss, options):
    lines = []
    selection = select_weight_decay(
        objective(y, loss, **options),
        Budget(time_limit=1.0),
        folds=2,
        shares=(0.3, 0.01),
        show=lines.append,
    )
    assert len(lines) == len(selection.shares) > 0 and "\n" not in repr(selection)
    assert selection.weight_decay == pytest.approx(selection.largest * selection.shares[-1]) or (
        selection.weight_decay == pytest.approx(selection.largest * selection.shares[0])
    )
    assert np.isfinite(selection.scores).all()
    assert len(selection.accuracies) == (0 if loss in ("squared", "absolute") else len(lines))
    assert all(0.5 < accuracy <= 1.0 for accuracy in selection.accuracies)
    assert ("accuracy" in selection.text) == bool(selection.accuracies)


def test_the_same_seed_gives_the_same_result():
    one, again, other = (
        select_weight_decay(objective(NOISY), LONG, shares=(0.1,), seed=seed) for seed in (3, 3, 4)
    )
    assert one.scores == again.scores != other.scores


def test_weights_are_repetitions_of_losses():
    """Weights of two are twice the objective: the same networks at twice the weight decay."""
    plain = select_weight_decay(objective(NOISY), LONG, shares=(0.1, 0.01))
    double = select_weight_decay(
        objective(NOISY, sample_weight=np.full(40, 2.0)), LONG, shares=(0.1, 0.01)
    )
    np.testing.assert_allclose(double.scores, plain.scores, rtol=1e-3)
    assert double.weight_decay == pytest.approx(2 * plain.weight_decay)


def test_each_fold_has_its_share_of_each_class():
    y = np.array(["a"] * 20 + ["b"] * 8 + ["c"] * 3 + ["d"])
    where = deal_out(objective(y, "cross_entropy"), 4, 0)
    assert where[-1] == NEVER  # the only one of its class is never held out
    for kind, most in ("a", 5), ("b", 2), ("c", 1):
        assert np.bincount(where[y == kind], minlength=4).max() == most
    assert np.ptp(np.bincount(where[:-1])) <= 1
    selection = select_weight_decay(objective(y, "cross_entropy"), folds=4, shares=(0.1,))
    assert np.isfinite(selection.scores).all()


def test_smaller_shares_are_not_tried_when_they_have_become_worse():
    noise = rng.standard_normal(40)
    shares = (0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.01, 0.001)
    selection = select_weight_decay(objective(noise), LONG, shares=shares, folds=2)
    assert selection.best <= 2 and selection.shares == shares[: selection.best + 3]


def test_few_samples_and_targets_without_anything_to_learn():
    few = select_weight_decay(objective(NOISY[:3]), folds=5, shares=(0.1,))
    assert few.folds == 3
    for nothing in (np.full(40, 3.5), X @ [1.0, 2.0]):
        constant = select_weight_decay(objective(nothing, form=Form(output_bias=True, skip=True)))
        assert constant.largest == 0.0 and constant.weight_decay == 1.0 and not constant.shares
        assert "without hidden units" in constant.text and constant.scores == ()


def test_what_cannot_be_held_out_says_why():
    for y, loss in (NOISY[:1], "squared"), (["a", "b", "c"], "cross_entropy"):
        with pytest.raises(InputError, match="nothing to hold out: y has"):
            select_weight_decay(objective(y, loss))
    for folds in (1, 2.5, "two"):
        with pytest.raises(InputError, match=r"folds is .*whole number of at least 2"):
            select_weight_decay(objective(NOISY), folds=folds)
