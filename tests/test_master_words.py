"""What solved the master is said, and is the conic solver that was asked for in the end."""

import json

import numpy as np
import pytest
from families import make_family

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.losses import get_loss
from cvxnet.training import conic, pruning
from cvxnet.training.master import COORDINATES, GROUPED, SIZES, Master, blocks_of
from cvxnet.training.problem import Problem, Units


def waves(n=40, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, np.sin(2.0 * X[:, 0]) + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize("solver", ["CLARABEL", "ECOS", "SCS"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_the_solver_asked_for_solves_the_last_master(solver, loss, monkeypatch):
    if solver == "ECOS":
        pytest.importorskip("ecos")
    X, y = waves()
    y = np.sign(y) if loss == "logistic" else y
    calls, method = [], conic.SOLVERS[solver]

    def counted(program, *given):
        calls.append(program)
        return method(program, *given)

    monkeypatch.setattr(conic, "SOLVERS", {solver: counted})
    monkeypatch.setattr(conic, "SECOND_WAYS", {})
    solution = cn.train("relu", X, y, weight_decay=0.5, loss=loss, solver=solver)
    assert solution.status == "optimal" and calls
    assert solution.stats["master"] == solution.stats["solver"] == solver


def test_where_that_would_be_large_sizes_are_said(monkeypatch):
    monkeypatch.setattr(pruning, "LARGE", 0)
    X, y = waves()
    rounds = []
    solution = cn.train("relu", X, y, weight_decay=2.0, gap=1e-4, progress=rounds.append)
    assert solution.status == "optimal" and solution.stats["master"] == SIZES
    assert rounds[-1].master == SIZES


@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
def test_with_many_samples_only_squares_go_to_the_conic_solver(loss, monkeypatch):
    """As these need as many rows as coefficients; merged units have the best sizes either way."""
    monkeypatch.setattr(pruning, "CONIC", 0)
    X, y = waves()
    y = np.sign(y) if loss == "logistic" else y
    few = cn.train("relu", X, y, weight_decay=1.0, loss=loss)
    assert few.stats["master"] == ("CLARABEL" if loss == "squared" else SIZES)
    monkeypatch.undo()
    whole = cn.train("relu", X, y, weight_decay=1.0, loss=loss)
    assert few.status == whole.status == "optimal"
    assert few.value == pytest.approx(whole.value, rel=1e-8) and few.units <= whole.units + 1


def test_a_solver_that_cannot_has_not_the_last_word(monkeypatch):
    """What it returns for the last master is worse than what is there, and is left."""

    def zeros(program, *given):
        return conic.ConeSolution(np.zeros(program.q.size), np.zeros(program.zero), "Solved", 0)

    monkeypatch.setitem(conic.SOLVERS, "CLARABEL", zeros)
    X, y = waves()
    solution = cn.train("relu", X, y, weight_decay=2.0, gap=1e-4)
    assert solution.status == "optimal" and solution.stats["master"] == SIZES


def test_coordinate_descent_is_said():
    pytest.importorskip("sklearn")
    X, y = waves(30, 5)
    assert cn.train("coordinate", X, y, weight_decay=0.5).stats["master"] == COORDINATES


def test_without_units_there_is_no_master():
    X, y = waves(20, 1)
    largest = cn.largest_weight_decay("relu", X, y)
    assert cn.train("relu", X, y, weight_decay=2.0 * largest).stats["master"] == ""


def test_groups_of_samples_are_said():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((4000, 2)), np.ones(4000)])
    y = np.maximum(X @ [1.0, 0.5, 0.2], 0.0) + 0.1 * rng.standard_normal(4000)
    problem = Problem(make_family("relu", X), get_loss("absolute"), y, 40.0)
    units = Units(np.array([[1.0, 0.5, 0.2], [-1.0, 0.0, 0.5]]), np.ones(2))
    master = Master(problem, "CLARABEL", value=problem.objective(units), fit=problem.fit(units))
    assert master.way == ""
    master.solve(blocks_of(problem, units).values())
    assert master.way == GROUPED.format("CLARABEL")


def test_the_command_says_it(tmp_path, capsys):
    X, y = waves(30, 1)
    table = tmp_path / "t.csv"
    np.savetxt(table, np.column_stack([X, y]), delimiter=",", header="x,y", comments="")
    command = ["train", str(table), "--target", "y", "--weight-decay", "0.5"]
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit):
            main([*command, *options, "--out", str(tmp_path / f"out{len(options)}")])
        printed = capsys.readouterr().out
        if options:
            assert json.loads(printed)["master"] == "CLARABEL"
        else:
            assert "master solved by CLARABEL" in " ".join(printed.split())
