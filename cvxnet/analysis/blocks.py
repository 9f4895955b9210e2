"""Convexity in blocks: each layer alone with the others fixed, and the largest sets jointly."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.domains import ask_again
from cvxnet.analysis.questions import Question, weight_names

MOST_BLOCKS = 12
MOST_SUBSETS = 10


def block_names(network: Any) -> list[str]:
    """The layers that have weights, by prefix; of a layer that stands alone, its weights."""
    return list(dict.fromkeys(name.rpartition(".")[0] or name for name in weight_names(network)))


def find_blocks(question: Question, decide: Callable[[Question], bool | None]) -> dict[str, Any]:
    """For networks: the verdict in each block of weights, and maximal sets proved jointly convex.

    The other blocks are fixed at the values they were given, or at any values that the declared
    signs allow. ``decide`` answers a question: convex, not convex or unknown.
    """
    if question.network is None:
        return {}
    names = block_names(question.network)
    if not names or len(names) > MOST_BLOCKS:
        return {}
    single = {name: decide(ask_again(question, wrt=[name])) for name in names}
    proved = [name for name in names if single[name]]
    return {"single": single, "maximal": largest_sets(question, proved)}


def proved_by_rules(question: Question, blocks: list[str]) -> bool:
    """Whether the composition rules alone prove joint convexity."""
    asked = ask_again(question, wrt=blocks)
    return bool(derive_facts(asked, asked.tape())[-1].convex.all())


def largest_sets(question: Question, names: list[str]) -> list[tuple[str, ...]]:
    """The maximal sets of blocks in which the rules prove joint convexity."""
    if len(names) > MOST_SUBSETS:
        return [(name,) for name in names]
    found: list[tuple[str, ...]] = []
    for size in range(len(names), 0, -1):
        for subset in combinations(names, size):
            inside = any(set(subset) <= set(larger) for larger in found)
            if not inside and (size == 1 or proved_by_rules(question, list(subset))):
                found.append(subset)
    return found
