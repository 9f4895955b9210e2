"""The adversary: a sample of its trials, its attack on bounds, and that it does find faults."""

from dataclasses import replace

import numpy as np
import pytest

import cvxnet as cn
from experiments.adversary import trials

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
attacks = pytest.importorskip("experiments.adversary.attack")
watch = pytest.importorskip("experiments.adversary.watch")
main = pytest.importorskip("experiments.adversary.__main__").main
PARTS = watch.PARTS

SEED = 0
SAMPLE = {
    "training": range(4),
    "certify": range(4),
    "path": range(3),
    "estimators": range(3),
    "expressions": range(6),
    "problems": range(4),
    "networks": range(4),
    "doors": range(40),
}
"""Trials of each part; ``python -m experiments adversary`` runs as many as there is time for."""
BATCH = 6
BATCHES = [
    (part, list(numbers)[k : k + BATCH])
    for part, numbers in SAMPLE.items()
    for k in range(0, len(numbers), BATCH)
]


@pytest.mark.parametrize(("part", "numbers"), BATCHES, ids=lambda value: str(value))
def test_no_promise_is_broken(part, numbers):
    """`python -m experiments adversary --only PART --trial K` runs one of them alone."""
    for number in numbers:
        script = trials.run_trial(part, PARTS[part], SEED, number)
        assert not script.failures, f"trial {number}:\n{script.failures[0].snippet}"
        assert script.lines


# ------------------------------------------------------------------------------ it finds faults


def test_a_broken_promise_is_shown_as_a_snippet_that_runs():
    def trial(rng, script):
        script.let(x=rng.standard_normal(2))
        script.run("total = np.sum(x)")
        script.holds("sums are zero", "total == 0.0", "total")

    script = trials.run_trial("sums", trial, 1, 2)
    (failure,) = script.failures
    assert failure.kind == "sums: sums are zero" and "total = " in failure.found
    names = {}
    with pytest.raises(AssertionError):
        exec(failure.snippet, names)
    assert np.array_equal(names["x"], script["x"])
    assert trials.run_trial("sums", trial, 1, 2).failures == script.failures
    assert trials.run_trial("sums", trial, 1, 3).failures != script.failures


def test_warnings_and_foreign_exceptions_are_failures_and_refusals_are_not():
    def warned(rng, script):
        script.run("y = np.log(np.zeros(1))")
        script.run("raise RuntimeError('not reached')")

    def refused(rng, script):
        assert not script.run("cn.Linear(0, 1)", refusals=(cn.InputError,))
        script.run("[].index(3)")

    (failure,) = trials.run_trial("part", warned, 0, 0).failures
    assert "RuntimeWarning" in failure.kind
    (failure,) = trials.run_trial("part", refused, 0, 0).failures
    assert "ValueError" in failure.kind and "# refused" in failure.snippet


def test_a_false_solution_is_found_out():
    """A lower bound raised above the value, and a value that is not the network's."""
    from experiments.adversary import training

    X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    solution = cn.train("relu", X, y, weight_decay=0.1, bias=False)
    raised = replace(solution.certificate, lower=0.3)
    for false, promise in (
        (replace(solution, lower_bound=0.3, certificate=raised), "lower <= value"),
        (replace(solution, value=0.4), "the value is the objective of the certificate's network"),
        (replace(solution, lower_bound=0.2), "optimal means that the bracket is closed"),
        (
            replace(solution, lower_bound=0.2, closed_by="tolerance"),
            "optimal means that the bracket is closed",
        ),
    ):
        script = trials.Script("training")
        problem = {"loss": "squared", "weight_decay": 0.1, "bias": False}
        script.names |= {"X": X, "y": y, "solution": false, "gap": 1e-6, "problem": problem}
        script.run("document = solution.certificate.to_dict()")
        script.run("own = oracles.training('relu', X, y, **problem)")
        training.hold_solution(script)
        assert f"training: {promise}" in [failure.kind for failure in script.failures]


def test_a_trial_that_does_not_return_is_a_failure():
    worker = watch.Worker(limit=0.05)  # too little for a process to start
    (failure,), checked = worker.run("doors", SEED, 0)
    assert "never returns" in failure.kind and not checked
    assert worker.process is None


def test_a_trial_is_shown_alone(capsys):
    assert main(["--only", "doors", "--trial", "3"]) == 0
    script = trials.run_trial("doors", PARTS["doors"], 0, 3)
    assert capsys.readouterr().out.strip() == "\n".join(script.lines)


def test_experiments_are_listed_and_run_by_name():
    from experiments.__main__ import HERE, experiments

    known = experiments()
    assert {"adversary", "compare", "peers"} <= set(known) and all(known.values())
    files = [path for path in HERE.glob("[a-z]*.py") if "\ndef main(" in path.read_text("utf-8")]
    names = {path.stem for path in files}
    assert names <= set(known)


# ------------------------------------------------------------------------------------ the attack


@pytest.fixture(scope="module")
def five_points():
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return cn.train("relu", X, y, weight_decay=0.1).certificate


def test_nothing_is_below_a_true_bound(five_points):
    finding = attacks.attack(five_points, seeds=2, evaluations=200, steps=20)
    assert set(finding.smallest) == set(attacks.ALL) and finding.starts == 9
    assert not attacks.beaten(five_points, finding)
    assert five_points.lower <= finding.best <= five_points.lower * (1 + 1e-6)


def test_a_bound_raised_by_one_percent_is_found_out_from_random_weights(five_points):
    raised = replace(five_points, lower=five_points.lower * 1.01)
    assert not cn.check(raised.to_dict()).valid
    finding = attacks.attack(raised, kinds=("random",), seeds=4, evaluations=500)
    assert attacks.beaten(raised, finding)


FAMILIES = {
    "relu": {},
    "leaky_relu": {"slope": 0.2},
    "abs": {},
    "linear": {},
    "coordinate": {},
    "gated_relu": {"gates": np.array([[1.0, 0.5], [-1.0, 2.0]])},
    "squared_relu": {},
    "quadratic": {},
    "polynomial": {},
    "tanh": {"radius": 2.0},
    "sign": {},
    "threshold": {},
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("loss", ["squared", "log_cosh", "hinge"])
def test_the_objective_written_anew_is_the_exact_one(name, loss):
    """Balanced or not, the penalty is never understated; where weights can be read, it is exact."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 2)), np.array([-1.0, 1.0, 1.0] * 3)
    form = {"output_bias": name == "relu", "skip": name == "abs", "bias": name != "gated_relu"}
    solution = cn.train(
        cn.Family(name, **FAMILIES[name]), X, y, loss=loss, weight_decay=0.3, **form
    )
    target = attacks.Target(solution.certificate)
    weights, given = torch.tensor, target.given()
    if given is not None:
        ours = float(target.objective(*map(weights, given)))
        assert ours == pytest.approx(solution.value, rel=1e-9)
        assert target.exact(given) == pytest.approx(solution.value, rel=1e-9)
    other = target.random(4, 1.0, rng)
    assert target.exact(other) <= float(target.objective(*map(weights, other))) * (1 + 1e-12)
    end = attacks.descend(target, other, 20)
    assert solution.lower_bound <= target.exact(end) <= target.exact(other)
