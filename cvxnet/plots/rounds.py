"""Training with all its rounds kept, for pictures of how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxnet.errors import UnsupportedError
from cvxnet.objective import Budget, make_objective
from cvxnet.objective.networks import read_network
from cvxnet.training.plans import one_unit_a_round, plan_for
from cvxnet.training.problem import Problem, Units
from cvxnet.training.progress import Round
from cvxnet.training.recovery import problem_of, units_of
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import solve


@dataclass(frozen=True, eq=False, repr=False)
class Course:
    """A solution and how training came to it.

    Attributes
    ----------
    solution : Solution
    rounds : tuple of Round
        The state after each round of column generation.

    Examples
    --------
    >>> course = follow_training("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1)
    >>> len(course.rounds) == course.solution.stats["rounds"]
    True
    """

    solution: Solution
    rounds: tuple[Round, ...]

    def __repr__(self) -> str:
        return f"<Course of {len(self.rounds)} rounds: {self.solution}>"


def follow_training(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    bias: bool = True,
    gap: float = 1e-6,
    one_by_one: bool = False,
) -> Course:
    """Train to the global optimum, and keep the state after each round.

    Parameters
    ----------
    units, X, y, loss, weight_decay, bias, gap
        As in `cvxnet.train`; one output.
    one_by_one : bool
        Add the best unit alone in each round, and solve the convex program on the cells of the
        units that are there: more rounds than `cvxnet.train` takes, but each can be understood.

    Returns
    -------
    Course

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        For several outputs.

    Examples
    --------
    >>> X, y = [[-2.0], [-1.0], [0.0], [1.0], [2.0]], [1.0, 0.0, 1.0, 0.0, 1.0]
    >>> course = follow_training("relu", X, y, weight_decay=0.05, one_by_one=True)
    >>> course.solution.status, [r.units for r in course.rounds][:3]
    ('optimal', [0, 1, 2])
    """
    rounds: list[Round] = []
    objective = make_objective(units, X, y, loss=loss, weight_decay=weight_decay, bias=bias)
    if objective.outputs > 1:
        raise UnsupportedError(
            f"rounds are followed for one output; these targets have {objective.outputs}."
        )
    budget = Budget(gap=gap, progress=rounds.append)
    plan = one_unit_a_round if one_by_one else plan_for
    solution = solve(objective, budget, plan)
    return Course(solution, tuple(rounds))


def problem_at(solution: Solution, at: Round | None) -> tuple[Problem, Units, Any]:
    """The problem, the units and the dual vector after a round, or in the end."""
    problem, form = problem_of(solution.objective), solution.objective.form
    if at is None:
        weights, v = solution.certificate.weights, solution.certificate.v
    else:
        weights, v = read_network(at.network).weights, at.dual
    return problem, units_of(problem, weights, form), v
