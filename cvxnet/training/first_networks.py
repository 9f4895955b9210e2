"""First networks: how a plan begins, before column generation goes on from there.

Whether local search comes first is decided by what is counted, sizes and the rows that pricing has
looked at, and not by what the clock says: a busy machine comes to the same network as an idle one.
Only a time limit is kept by the clock.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.column_generation import (
    NEGLIGIBLE,
    Search,
    clock,
    generate_columns,
    price_first,
    share,
)
from cvxnet.training.improvement import fit_again
from cvxnet.training.local_search import BATCH_OF_STEPS, MANY, PART, carry, part_of, start_wide
from cvxnet.training.oracle import PLANE, Oracle
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.sliding import slide
from cvxnet.training.start import offer_program, open_bracket

SIZE = 3000
"""Data of more numbers than this are no easy problem: local search comes before anything else."""
BEFORE, WIDELY, BRIEFLY = 0.1, 0.7, 0.3
"""Shares of the time for the first pricing, and for a first network by local search: briefly, where
exact pricing, which takes less time, may show it the way."""
QUICK, HASTE = 10_000_000, 0.2
"""Problems are easy where the first pricing looks at no more rows, and takes no more than this
share of the time."""
TENTH, OPEN = 10, 1e-3
"""A part of many samples, and the gap to which it is solved: on all of them it is wider."""
PARTLY, KEPT = 0.4, 1.25
"""Share of the time for it, where all of the rest may go into pricing; and so many pricings of all
samples, as long as the last of the part lets expect, have to fit into what is left."""
SHORT = 5_000
"""Steps of single units in a short local search: a batch of the first start."""
WIDE, BRIEF_STEPS = 200_000, 50
"""Up to so many samples the units of a part slide on all, in so many quasi-Newton steps."""


def start_from_local_search(search: Search) -> LocalMaxima:
    """Price first, as an easy problem is solved before local search would end.

    Where that takes long, or many units are promising, or the data are large, local search comes
    first. It has one start, and no more work than pricing had, where exact pricing goes on soon; of
    large data a short one, as rounds then take less time than its steps.
    """
    problem, bracket, begin = search.problem, search.bracket, now()
    soon = search.oracle.always and problem.loss.smooth
    if len(problem.y) * problem.family.rank > SIZE:
        part = BRIEFLY if search.oracle.always else WIDELY
        work = SHORT * len(problem.y) if soon else np.inf
        search_locally(search, share(part, search.deadline), work)
        return price_first(search)
    maxima = search.price(bracket.units, bracket.proposal, share(BEFORE, search.deadline))
    if is_easy(search, maxima, begin):
        return maxima
    search_locally(search, share(WIDELY, search.deadline), maxima.work if soon else np.inf)
    if problem.loss.smooth:
        return price_first(search)
    search.units = bracket.units
    return maxima


def is_easy(search: Search, maxima: LocalMaxima, begin: float) -> bool:
    """Whether column generation may well end before local search would: small and quick so far.

    So are data that are all zero, on which no unit does anything.
    """
    problem, units = search.problem, len(search.bracket.units) + len(maxima.values)
    large = len(problem.y) * units * problem.family.block_width > search.plan.exact.large
    late = now() > begin + HASTE * (search.deadline - begin)
    quick = maxima.work <= QUICK and not late
    return search.oracle.always and not large and (quick or not problem.family.rank)


def search_locally(search: Search, deadline: float, work: float = np.inf) -> None:
    """Offer the networks of local search, from one start where exact pricing may soon take over.

    The dual vector of the best one is far cheaper to price than that of no network: it has fewer
    units above ``weight_decay``. A loss with kinks does not tell it. It ends after so much
    ``work``, in rows looked at by each unit.
    """
    problem, bracket = search.problem, search.bracket
    starts = 1 if search.oracle.exact else None
    with clock(search.timings, "sliding"):
        for network in start_wide(problem, bracket.units.free, deadline, starts):
            bracket.offer_units(network)
            work -= BATCH_OF_STEPS * len(problem.y) * len(network)
            if work <= 0.0:
                break
    if problem.loss.smooth:
        bracket.proposal = problem.dual_vector(bracket.units)


def start_from_program(search: Search) -> LocalMaxima:
    """The solution of the semidefinite program, where there is one; then as others start."""
    offer_program(search)
    return start_from_local_search(search)


def start_from_part(search: Search) -> LocalMaxima:
    """Of many samples a tenth comes first, and so on: its network is a good one for all.

    Each part is left where its bracket is as wide as the next one would open it.
    """
    problem, n = search.problem, len(search.problem.y)
    if n <= MANY or not search.oracle.always:
        return start_from_local_search(search)
    part = part_of(problem, max(n // TENTH, PART), np.random.default_rng(0))
    end = share(PARTLY if problem.family.rank <= PLANE else WIDELY, search.deadline)
    master = replace(search.master, problem=part)
    first = Search(open_bracket(part), master, Oracle(part), search.plan, gap=OPEN, deadline=end)
    for bracket in generate_columns(first):
        search.oracle.trust(first.oracle)
        search.bracket.offer_units(carry(bracket.units, part, problem))
        if now() + KEPT * search.oracle.seconds > search.deadline:
            break
    units = search.bracket.units
    if n <= WIDE and len(units):
        with clock(search.timings, "sliding"):
            units = slide(problem, units, BRIEF_STEPS, deadline=end)
        search.bracket.offer_units(units.without_small(NEGLIGIBLE))
    return search.price(*fit_again(search, search.bracket.units))
