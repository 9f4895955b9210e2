"""Problems that CVXPY refuses, written so that it accepts them: `rewrite`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.constraints import finite, kind_of, simple_bounds
from cvxnet.analysis.identities import is_same
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.premises import not_numbers
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rewriting.comparison import is_checked
from cvxnet.analysis.rewriting.level_sets import by_entries, written
from cvxnet.analysis.rewriting.names import COLLECTED, new_atoms
from cvxnet.analysis.rewriting.products import logarithms_of, product_of
from cvxnet.analysis.rewriting.rules import RULES
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.tape import Tape, bare, dense, short
from cvxnet.errors import InputError

NEW = ["a new variable, bounded by a constraint"]
DOORS = {
    "is_dgp": "solve(gp=True) (a geometric program)",
    "is_dqcp": "solve(qcp=True) (quasiconvex: bisection)",
}


@dataclass(frozen=True)
class Rewrite:
    """What was done to one part of a problem.

    Attributes
    ----------
    part : str
        "objective", "constraint 0: ...", or "domain".
    how : tuple of str
        The forms that were written, in order.
    before, after : str
        The part as it was, and as it is now.
    checked : bool
        Whether the independent checker finds both equal, by its own normal forms. It does not
        where coefficients are rounded, for constraints that are seen differently, or where it
        knows no law; then the change rests on the identity that is named.
    """

    part: str
    how: tuple[str, ...]
    before: str
    after: str
    checked: bool = False

    def __str__(self) -> str:
        how = "; ".join([*self.how, *["compared by the checker"][: self.checked]])
        return f"{self.part}: {self.before}  ->  {self.after}  ({how})"


@dataclass(frozen=True)
class Rewriting:
    """A problem in the same variables that CVXPY accepts, with the same solutions.

    Attributes
    ----------
    problem : cvxpy.Problem
        Follows the rules of disciplined convex programming; its variables are those of the
        original, so their values are those of a solution of the original.
    original : cvxpy.Problem
        The problem as it was given.
    steps : tuple of Rewrite
        What was changed; empty if CVXPY accepted the original.
    same_value : bool
        Whether the objective is the same function; if not, it is a rising function of it, and has
        the same minimisers (maximisers).

    Examples
    --------
    >>> import cvxpy as cp, cvxnet as cn
    >>> p, q = cp.Variable(nonneg=True, name="p"), cp.Variable(nonneg=True, name="q")
    >>> rewriting = cn.rewrite(cp.Problem(cp.Minimize(p + q), [p * q >= 4]))
    >>> [step.how for step in rewriting.steps]
    [('the root of both sides', 'cp.geo_mean(...)')]
    >>> round(rewriting.solve(), 3)
    4.0
    """

    problem: cp.Problem
    original: cp.Problem
    steps: tuple[Rewrite, ...]
    same_value: bool = True

    @property
    def value(self) -> float:
        """The value of the original objective at the variables' values."""
        if self.same_value:
            return float("nan") if self.problem.value is None else float(self.problem.value)
        value = self.original.objective.value
        return float("nan") if value is None else float(np.ravel(dense(value))[0])

    def solve(self, **options: Any) -> float:
        """Solve the rewritten problem; the original's variables get their values.

        Parameters
        ----------
        **options
            As for `cvxpy.Problem.solve`.

        Returns
        -------
        float
            The optimal value of the original problem; where it has none (infeasible, unbounded),
            what CVXPY says of the rewritten one.
        """
        value = self.problem.solve(**options)
        has_solution = self.problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)
        return self.value if has_solution else value

    def __str__(self) -> str:
        if not self.steps:
            return "CVXPY accepts the problem as it is"
        return "\n".join(map(str, self.steps))


def rewrite(problem: cp.Problem) -> Rewriting:
    """Write a convex problem that CVXPY refuses so that CVXPY accepts it.

    Every change is an identity, or says the same about a constraint, wherever the original has a
    value; the signs that it needs are proved from attributes, bounds, and affine constraints.

    Parameters
    ----------
    problem : cvxpy.Problem
        Any problem; one that CVXPY accepts is returned as it is.

    Returns
    -------
    Rewriting
        The problem that CVXPY accepts, and what was changed.

    Raises
    ------
    InputError
        If a part of the problem has no form that is known here: which part, and what is missing.

    Examples
    --------
    >>> import cvxpy as cp, cvxnet as cn
    >>> x, y = cp.Variable(name="x"), cp.Variable(pos=True, name="y")
    >>> problem = cp.Problem(cp.Minimize(cp.square(x) / y + y), [x >= 2])
    >>> problem.is_dcp()
    False
    >>> rewriting = cn.rewrite(problem)
    >>> rewriting.problem.is_dcp(), round(rewriting.solve(), 3), round(float(y.value), 3)
    (True, 4.0, 2.0)
    """
    if not isinstance(problem, cp.Problem):
        raise InputError(
            f"rewrite takes a cvxpy.Problem, not {type(problem).__name__}; make one of an "
            "expression with cp.Problem(cp.Minimize(expression))."
        )
    if missing := not_numbers(Tape([a for p in parts_of(problem) for a in p.args])):
        raise InputError(f"the problem cannot be rewritten: {missing}.")
    if problem.is_dcp():
        return Rewriting(problem, problem, ())
    return Rewriter(problem).rewriting()


def parts_of(problem: cp.Problem) -> list[Any]:
    """The objective and the constraints, without what an infinite bound leaves free."""
    return [problem.objective, *map(finite, problem.constraints)]


class Rewriter:
    """Rewrites the parts of one problem."""

    def __init__(self, problem: cp.Problem) -> None:
        self.problem = problem
        self.steps: list[Rewrite] = []
        self.failures: list[str] = []
        self.domain = domain_of(problem)
        self.extra: list[Any] = []
        self.given = [*map(finite, problem.constraints)]
        known = [c for c in (*self.given, *self.domain) if is_affine_constraint(c)]
        self.question = Question(
            expression=problem.objective.args[0],
            unknowns=tuple(problem.variables()),
            names={},
            bounds=simple_bounds(known),
            constraints=tuple(known),
        )

    def rewriting(self) -> Rewriting:
        """All parts rewritten; an error that names those that have no form."""
        objective, same_value = self.objective()
        constraints = [c for k, each in enumerate(self.given) for c in self.constraint(k, each)]
        constraints += self.extra
        domain = [] if self.failures else self.missing_domain(objective, constraints)
        if self.failures:
            raise InputError(explained(self.problem, self.failures))
        changed = cp.Problem(objective, [*constraints, *domain])
        if not changed.is_dcp():
            raise InputError(explained(self.problem, ["the whole: its parts do not fit together"]))
        return Rewriting(changed, self.problem, tuple(self.steps), same_value)

    def forms(self) -> Forms:
        """A search for forms, which may introduce variables."""
        forms = Forms(self.question, RULES)
        forms.extra = []
        return forms

    def note(
        self, part: str, how: Iterable[str], before: Any, after: Any, checked: bool = False
    ) -> None:
        """Keep what was done to a part."""
        names = tuple(dict.fromkeys(name for name in how if name))
        self.steps.append(Rewrite(part, names, short(before), short(after), checked))

    def fail(self, part: str, forms: Forms) -> None:
        """Keep what has no form, and the signs that would have helped."""
        affine = (short(wish) for wish in forms.wishes if wish.is_affine())
        wishes = list(dict.fromkeys(affine))[:3]
        needs = (
            f" (it is not known that {', '.join(f'{w} >= 0' for w in wishes)})" if wishes else ""
        )
        self.failures.append(f"{part}{needs}")

    def objective(self) -> tuple[Any, bool]:
        """The objective in a form with the curvature that its sense needs."""
        objective = self.problem.objective
        expression = objective.args[0]
        goal = "convex" if isinstance(objective, cp.Minimize) else "concave"
        forms = self.forms()
        for name, change in MONOTONE:
            inside = change(expression, forms)
            found = None if inside is None else forms.form(inside, goal)
            if found is not None:
                if found is not expression:
                    after = cp.hstack([found, members(forms.extra)]) if forms.extra else found
                    how = [name, *new_atoms(expression, after), *NEW[: len(forms.extra or [])]]
                    checked = is_checked(self.question, expression, found)
                    self.note("objective", how, expression, found, checked)
                self.extra += forms.extra or []
                return type(objective)(found), not name
        self.fail(f"the objective {short(expression)}", forms)
        return objective, True

    def constraint(self, number: int, constraint: Any) -> list[Any]:
        """Constraints that say the same as one."""
        forms = self.forms()
        found = written(constraint, forms) or by_entries(constraint, forms)
        part = f"constraint {number}"
        if found is None:
            self.fail(f"{part}: {short(constraint)}", forms)
            return []
        extra = forms.extra or []
        self.extra += extra
        names, constraints = found
        if constraints != [constraint]:
            atoms = new_atoms(members([constraint]), members([*constraints, *extra]))
            how = [*names, *(name for name in atoms if not names or name != COLLECTED)]
            how += NEW[: len(extra)]
            checked = not names and self.is_checked(constraint, constraints)
            self.note(part, how, constraint, " and ".join(map(str, constraints)), checked)
        return constraints

    def is_checked(self, constraint: Any, found: list[Any]) -> bool:
        """Whether one was found, and the checker finds what the two constraints compare equal."""
        if len(found) != 1:
            return False
        before, after = (kind_of(each).judged(each) for each in (constraint, *found))
        return is_checked(self.question, before, after)

    def missing_domain(self, objective: Any, constraints: list[Any]) -> list[Any]:
        """What the original needs to have a value and the rewritten problem does not say."""
        said = [*constraints, *(c for part in (objective, *constraints) for c in domain_of(part))]
        affine = tuple(c for c in said if is_affine_constraint(c))
        forms = Forms(
            replace(self.question, bounds=simple_bounds(affine), constraints=affine), RULES
        )
        missing: list[Any] = []
        for constraint in self.domain:
            left, right = constraint.args
            known = any(is_same_constraint(constraint, c) for c in said)
            if known or forms.is_nonneg(right - left):
                continue
            found = written(constraint, self.forms())
            if found is None:
                self.failures.append(f"where the original has values: {short(constraint)}")
            else:
                missing += found[1]
                self.note("domain", ["the original has values there only"], "", constraint)
        return missing


def domain_of(part: Any) -> list[Any]:
    """The inequalities that say where an expression, constraint or problem has values."""
    if isinstance(part, cp.Problem):
        found = [c for p in (part.objective, *part.constraints) for c in domain_of(p)]
    else:
        found = [c for arg in part.args for c in arg.domain]
    unique: list[Any] = []
    for constraint in found:
        new = not any(is_same_constraint(constraint, other) for other in unique)
        if new and isinstance(constraint, cp.constraints.Inequality):
            unique.append(constraint)
    return unique


def is_same_constraint(one: Any, two: Any) -> bool:
    """Whether two constraints are of one kind and about the same expressions."""
    return type(one) is type(two) and all(map(is_same, one.args, two.args))


def members(constraints: Iterable[Any]) -> Any:
    """All sides of constraints as one vector."""
    return cp.hstack([cp.vec(arg, order="F") for c in constraints for arg in c.args])


def is_affine_constraint(constraint: Any) -> bool:
    """Whether it compares affine expressions, so that it can be used in proofs."""
    kinds = (cp.constraints.Inequality, cp.constraints.Equality, cp.constraints.NonNeg)
    return isinstance(constraint, kinds) and all(arg.is_affine() for arg in constraint.args)


# --------------------------------------------------------------- rising functions of objectives


def unchanged(expression: Any, forms: Forms) -> Any:
    """The objective itself."""
    return expression


def inside_rising(expression: Any, forms: Forms) -> Any:
    """u of an objective phi(u) with a rising phi."""
    node = bare(expression)
    if isinstance(node, cp.log | cp.log1p | cp.exp | cp.logistic):
        return node.args[0]
    power = exponent_of(node) if isinstance(node, POWERS) else None
    return (
        node.args[0] if power is not None and power > 0 and forms.is_nonneg(node.args[0]) else None
    )


def logarithm_inside(expression: Any, forms: Forms) -> Any:
    """The logarithm of a product of positive factors, as a sum."""
    found = product_of(expression, forms.is_nonneg)
    positive = all(forms.is_nonneg(base) for base, _ in found.powers)
    if not positive or not found.scale.is_nonneg() or len(found.powers) < 2:
        return None
    parts = logarithms_of(found)
    return sum(parts[1:], parts[0])


MONOTONE: tuple[tuple[str, Callable[[Any, Forms], Any]], ...] = (
    ("", unchanged),
    ("u instead of a rising function of u", inside_rising),
    ("the logarithm of the objective", logarithm_inside),
)
"""What may be optimised instead of an objective, with the same solutions."""


# ------------------------------------------------------------------------------------ failures


def explained(problem: cp.Problem, failures: list[str]) -> str:
    """Which parts have no form, and which other door of CVXPY is open."""
    doors = [text for name, text in DOORS.items() if getattr(problem, name)()]
    text = "no form that CVXPY accepts is known here for " + "; ".join(failures)
    if doors:
        return f"{text}. CVXPY solves it as it is with problem.{doors[0]}."
    return (
        f"{text}. cn.convexity(problem) says whether it is convex; if it is, or if only a sign is "
        "missing, declare it (pos=True, nonneg=True, bounds, a constraint)."
    )
