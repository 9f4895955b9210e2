"""Pricing of steps where there are too many faces to look at: search, then bound.

Local search finds good cells, and branch and bound proves how good they are: up to rounding where
it ends in time. With hyperplanes in general position it does, in seconds: some thousand of them at
rank 4, 600 at rank 5, 200 at rank 6. At higher ranks the bound stays what all terms add up to, or
little below. The problem is NP-hard (weighted classification by a linear rule).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.steps.branching import Bound, bound_sums
from cvxnet.training.pricing.steps.circle_search import search_circles
from cvxnet.training.pricing.steps.dichotomies import Signs, sign_of
from cvxnet.training.pricing.steps.pricing import Found, StepFunction, local_maxima, origin
from cvxnet.types import Array

LADDER = (2.0, 1.5, 1.2, 1.1, 1.03, 1.01, 1.0 + 1e-9)
"""Bounds to prove one after the other, as multiples of the best value or of the floor."""
THOROUGH = {1.5: 5e9, 1.1: 2e10, 1.0 + 1e-9: 5e10}
"""The same with the products to spend on each, up to half a minute, where pricing is exact."""
QUICK = {1.1: 1e8}
"""The same as long as there are dichotomies to add: a tenth of a second."""
NEAR = 1.02
"""There are none where the best value is below this multiple of the floor."""
PRODUCTS_A_SECOND = 1e9
"""What one core does, about."""
PRODUCTS_A_ROW = 50.0
"""Products that take as long as looking at a row."""


def search_dichotomies(
    g: StepFunction,
    floor: float,
    exact: bool,
    deadline: float = np.inf,
    work: float = np.inf,
) -> LocalMaxima:
    """The best dichotomies that local search finds, and where ``exact`` a bound worked at.

    The bound is what was proved by the deadline (`now`), about, each try in no more than so much
    ``work``, see `UnitFamily.price`.

    Examples
    --------
    >>> from cvxnet.training.pricing.steps.hyperplanes import find_hyperplanes
    >>> from cvxnet.training.pricing.steps.pricing import step_function
    >>> planes, v = find_hyperplanes(np.eye(5)), np.arange(5.0)
    >>> found = search_dichotomies(step_function(planes, v, -v, None, 0.0), 0.0, exact=True)
    >>> found.rho, bool(found.error < 1e-8)
    (10.0, True)
    """
    found = origin(g)
    add_cells(found, g, search_circles(g.cells.normals, g.c))
    rho, bound, spent = max(item.value for item in found), g.most, 0.0
    for factor, budget in ladder(exact, rho <= NEAR * floor or floor == 0.0).items():
        target = factor * max(rho, floor)
        if target >= bound:
            continue
        products = min(budget, PRODUCTS_A_ROW * work, products_until(deadline))
        proved = proved_near(g, target, products)
        spent += max(products, 0.0) if proved is None else proved.products
        if proved is None:
            break
        bound = proved.bound + abs(g.constant)
        add_cells(found, g, proved.units)
        rho = max(item.value for item in found)
    return local_maxima(g, rho, bound, found, floor)._replace(work=spent / PRODUCTS_A_ROW)


def ladder(exact: bool, near: bool) -> dict[float, float]:
    """The multiples to prove and the products to spend on each; ``near``: no cell may be left."""
    if not exact:
        return {}
    return THOROUGH if near else QUICK


def improve_bound(g: StepFunction, deadline: float) -> Iterator[float]:
    """Better and better bounds on ``|g|`` until the deadline (`now`)."""
    yield g.most
    rho = search_dichotomies(g, 0.0, exact=False).rho
    for factor in LADDER:
        if factor * rho >= g.most:
            continue
        proved = proved_near(g, factor * rho, products_until(deadline))
        if proved is None:
            return
        yield proved.bound + abs(g.constant) + g.error


def products_until(deadline: float) -> float:
    """How many products there is time for."""
    return PRODUCTS_A_SECOND * (deadline - now())


def proved_near(g: StepFunction, target: float, budget: float) -> Bound | None:
    """A bound on what is left of ``|g|`` without its constant, near a target for ``|g|``."""
    if budget <= 0.0:
        return None
    return bound_sums(g.cells, g.c, g.d, target - abs(g.constant), budget)


def add_cells(found: list[Found], g: StepFunction, units: Array) -> None:
    """Add the cells of units (m, r) and their opposites."""
    for u in units:
        found.extend(both_signs(g, sign_of(g.cells.normals @ u)))


def both_signs(g: StepFunction, sides: Signs) -> Iterator[Found]:
    """A cell or its opposite with the signs that make the sum over the sides positive."""
    total = float(sides @ g.c)
    if total < 0.0:
        sides, total = -sides, -total
    yield Found(g.constant + total, 1.0, sides)
    if g.constant:
        yield Found(total - g.constant, -1.0, -sides)
