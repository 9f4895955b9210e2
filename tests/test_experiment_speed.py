"""What `speed` and `linear_models` compute by themselves, beside independent computations."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import cvxnet as cn
from experiments.linear_models import model
from experiments.peers import worker
from experiments.peers.linear import GAP, bracket, data_of, sklearn_linear
from experiments.peers.measuring import OWN, facts, problem, run, why_not
from experiments.peers.proved import PARTS, proved, proved_linear
from experiments.problems import repeated
from experiments.speed.telling import slope


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_bracket_of_a_linear_model_holds_its_optimum(loss):
    """At any weights; and at those of the optimum it is closed."""
    asked = model((30, 6, 1.0), loss, 0.1)
    X, y, beta = asked["X"], asked["Y"][:, 0], asked["weight_decay"]
    solution = cn.train("coordinate", X, y, loss=loss, weight_decay=beta)
    rng = np.random.default_rng(0)
    for w in (np.zeros(6), rng.standard_normal(6), 10.0 * rng.standard_normal(6)):
        lower, value = bracket(X, y, w, beta, loss)
        assert lower <= solution.value * (1 + 1e-9) and solution.lower_bound <= value * (1 + 1e-9)
    assert beta == pytest.approx(0.1 * cn.largest_weight_decay("coordinate", X, y, loss=loss))
    found = sklearn_linear(asked, 10.0)
    assert found["gap"] <= GAP and found["claimed"] == pytest.approx(solution.value, rel=1e-5)
    ours = proved_linear(asked, 10.0)()
    assert ours["ended"] == "optimal" and ours["valid"] and ours["way"] == "exactly"


def test_sparse_models_are_the_matrix_that_they_have_the_parts_of():
    asked = model((40, 30, 0.2), "squared", 0.1)
    parts = asked["values"], asked["columns"], asked["starts"]
    X = csr_array(parts, shape=tuple(asked["shape"])).toarray()
    assert (data_of(asked).toarray() == X).all()
    few = worker.small(asked, "skglm")
    assert (data_of(few).toarray() == X[: worker.WARM]).all() and len(few["Y"]) == worker.WARM


def test_what_a_training_says_of_itself():
    """The parts of the time are in the stats, and the file proves what the solution says."""
    asked = problem(data="planted", loss="logistic", decay=0.05, n=30, rank=3)
    assert set(np.unique(asked["Y"])) == {-1.0, 1.0}
    found = proved(asked, 20.0)()
    assert found["ended"] == "optimal" and found["valid"]
    assert found["proved_gap"] == pytest.approx(found["gap"], abs=1e-12)
    X, y = asked["X"], asked["Y"][:, 0]
    stats = cn.train("relu", X, y, loss="logistic", weight_decay=asked["weight_decay"]).stats
    named = [name for names in PARTS.values() for name in names]
    assert set(named) <= set(stats) and all(found[part] >= 0.0 for part in PARTS)


def test_repeated_sets_have_the_rows_of_the_set_with_noise():
    X, y = repeated("repeated diabetes", 2000)
    again, _ = repeated("repeated diabetes", 2000)
    assert X.shape == (2000, 2) and (again == X).all() and len(np.unique(y)) <= 442
    assert abs(X.mean()) < 0.1 and abs(X.std() - 1.0) < 0.1
    assert set(repeated("repeated breast_cancer", 50)[1]) == {-1.0, 1.0}


def test_slopes_are_powers_of_n():
    rows = [{"n": n, "seconds": 3e-6 * n**1.5, "ended": "optimal"} for n in (10**3, 10**4, 10**5)]
    rows += [{"n": 10**6, "seconds": 1.0, "ended": "gap"}, {"n": 10, "seconds": 9.0} | rows[0]]
    assert slope(rows, "seconds") == pytest.approx(1.5)
    assert slope(rows[:1], "seconds") is None


def test_processes_without_memory_are_told_from_others():
    said = "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.0 TiB"
    assert why_not(1, said, 5.0) == "out of memory: more than 12 GB"
    assert why_not(-6, "terminate called\n  what():  std::bad_alloc", 5.0).startswith("out of")
    assert why_not(-24, "", 5.0) == "over 5 s"
    assert why_not(1, "ValueError: no", 5.0) == "gave up: ValueError: no"


def test_a_process_that_asks_for_too_much_memory_is_survived(monkeypatch):
    """The full program in CVXPY, in as much as the imports take."""
    asked = problem(data="rough", loss="squared", decay=0.05, n=12, rank=3)
    monkeypatch.setenv("PEERS_MEMORY", "6e8")
    found = run("clarabel", asked, 5.0, OWN)
    assert found["status"] != "done" and "network" not in found


def test_only_numbers_and_words_of_a_process_are_written_down():
    found = {"seconds": np.array(1.5), "version": np.array("a 1"), "W": np.ones(2), "imports_mb": 3}
    assert facts(found) == {"seconds": 1.5, "version": "a 1"}
