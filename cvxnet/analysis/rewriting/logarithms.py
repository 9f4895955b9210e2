"""Logarithms: of products as sums, of sums as log_sum_exp, and in entropies."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cvxpy as cp

from cvxnet.analysis.identities import is_number, is_same
from cvxnet.analysis.rewriting.products import (
    added,
    is_itself,
    linear_terms,
    logarithms_of,
    number_of,
    place_of,
    product_of,
    scaled,
)
from cvxnet.analysis.rewriting.quotients import Terms, collected, over_one_denominator
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.rewriting.splits import Powers
from cvxnet.analysis.tape import bare


def logarithm(node: Any, goal: str, forms: Forms) -> Any:
    """The logarithm of a product as a sum; of a sum of exponentials as cp.log_sum_exp."""
    if type(node) is not cp.log:
        return None
    argument = bare(node.args[0])
    found = product_of(argument, forms.is_nonneg)
    if is_itself(found, argument):
        whole = logarithm_of_sum(argument, forms) if goal == "convex" else None
        return whole or logarithm_of_collected(argument, goal, forms)
    if sum(not forms.is_nonneg(base) for base, _ in found.powers) > 1:
        return None
    parts = logarithms_of(found)
    return forms.form(added(parts), goal)


def logarithm_of_collected(argument: Any, goal: str, forms: Forms) -> Any:
    """The logarithm of a sum that is written over one denominator, or whose terms cancel."""
    whole = collected(argument, forms)
    return None if whole is argument else forms.form(cp.log(whole), goal)


def logarithm_of_sum(argument: Any, forms: Forms) -> Any:
    """``log(sum t)`` as log_sum_exp of the ``log t``, where those are convex."""
    logs = forms.all_of(logarithms_of_terms(argument, forms), "convex")
    if not logs:
        return None
    of_two = logarithm_of_two(logs[0], logs[1], bool(argument.shape)) if len(logs) == 2 else None
    if of_two is not None or argument.shape:
        return of_two
    return cp.log_sum_exp(cp.hstack([cp.vec(v, order="F") for v in logs]))


def logarithms_of_terms(argument: Any, forms: Forms) -> list[Any]:
    """The logarithms of the terms of a sum, scalars or arrays; none if one may be negative."""
    if isinstance(argument, cp.Sum) and not argument.shape:
        return [cp.log(argument.args[0])]
    terms = [scaled(factor, term) for factor, term in linear_terms(argument)]
    if len(terms) < 2 or not all(map(forms.is_nonneg, terms)):
        return []
    return [cp.Constant(0.0) if is_number(term, 1.0) else cp.log(term) for term in terms]


def logarithm_of_two(one: Any, other: Any, entries: bool) -> Any:
    """``log(exp(s) + exp(t))`` as a softplus, where s or t is zero; of entries, for an affine s."""
    if is_number(one, 0.0):
        return cp.logistic(other)
    if is_number(other, 0.0):
        return cp.logistic(one)
    return cp.logistic(other - one) + one if entries and one.is_affine() else None


# ---------------------------------------------------------------------------- entropies


def gather_entropies(terms: Terms, forms: Forms) -> list[Any] | None:
    """``w (c log w - a log y - b log z)`` with c >= a + b, all terms with one w together.

    It is ``(c - a - b) w log w + a w log(w / y) + b w log(w / z)``: a multiple of ``-entr(w)`` and
    relative entropies.
    """
    groups: list[tuple[Any, Powers, list[Any]]] = []
    others: list[Any] = []
    for factor, term in terms:
        split = weighted_logarithms(scaled(factor, term), forms)
        if split is None:
            others.append(scaled(factor, term))
            continue
        weight, logs, rest = split
        place = place_of(weight, (known for known, _, _ in groups))
        if place is None:
            place = len(groups)
            groups.append((weight, [], []))
        add_logarithms(groups[place][1], logs)
        groups[place][2].extend(rest)
    if not groups:
        return None
    found = []
    for weight, logs, rest in groups:
        found += entropies(weight, logs)
        found += [cp.multiply(weight, part) for part in rest]
    return [*found, *others]


def add_logarithms(known: Powers, logs: Powers) -> None:
    """Add multiples of logarithms, those of one base together."""
    for base, factor in logs:
        place = place_of(base, (other for other, _ in known))
        if place is None:
            known.append((base, factor))
        else:
            known[place] = known[place][0], known[place][1] + factor


def weighted_logarithms(part: Any, forms: Forms) -> tuple[Any, Powers, list[Any]] | None:
    """``w (sum c log y + constant)``: w, the (y, c), and what is left beside the logarithms."""
    found = product_of(part, forms.is_nonneg)
    if found.exponent is not None or any(power != 1 for _, power in found.powers):
        return None
    bases = sorted((base for base, _ in found.powers), key=has_logarithm)
    scale = number_of(found.scale)
    if [*map(has_logarithm, bases)] != [False, True] or scale is None:
        return None
    weight, total = bases
    split = split_logarithms(total, scale, weight, forms) if weight.is_affine() else None
    return None if split is None else (weight, *split)


def has_logarithm(base: Any) -> bool:
    """Whether a term of a sum is a logarithm."""
    return any(type(term) is cp.log for _, term in linear_terms(base))


def split_logarithms(
    total: Any, scale: Fraction, weight: Any, forms: Forms
) -> tuple[Powers, list[Any]] | None:
    """Of a sum, the logarithms as (y, c), and the rest, which is constant; or None."""
    logs: Powers = []
    rest: list[Any] = []
    for factor, term in linear_terms(total):
        number = number_of(factor)
        if type(term) is not cp.log or number is None:
            rest.append(scaled(float(scale) * factor, term))
            continue
        split = parts_of_logarithm(bare(term.args[0]), weight, forms)
        if split is None:
            return None
        logs += [(base, scale * number * power) for base, power in split[0]]
        rest += [scaled(cp.Constant(float(scale * number)), part) for part in split[1]]
    return (logs, rest) if all(part.is_constant() for part in rest) else None


def parts_of_logarithm(argument: Any, weight: Any, forms: Forms) -> tuple[Powers, list[Any]] | None:
    """The bases of a product under a logarithm with their powers, and what is left."""
    found = product_of(over_one_denominator(argument, forms), forms.is_nonneg)
    unknown = [base for base, _ in found.powers if not forms.is_nonneg(base)]
    others = [base for base in unknown if not is_same(base, weight)] or unknown
    if len(unknown) > 1 and not all(map(forms.is_granted, others)):
        return None
    rest = [] if is_number(found.scale, 1.0) else [cp.log(found.scale)]
    rest += [] if found.exponent is None else [found.exponent]
    return list(found.powers), rest


def entropies(weight: Any, logs: Powers) -> list[Any]:
    """``w sum c log y`` in entropies; what is none is kept as a product."""
    own = sum((factor for base, factor in logs if is_same(base, weight)), Fraction(0))
    found = []
    for base, factor in logs:
        if is_same(base, weight) or factor == 0:
            continue
        found.append(-float(factor) * cp.rel_entr(weight, base))
        own += factor
    if own:
        found.append(-float(own) * cp.entr(weight))
    return found


def entropy(node: Any, goal: str, forms: Forms) -> Any:
    """One product of something and a logarithm."""
    parts = gather_entropies([(cp.Constant(1.0), node)], forms)
    if parts is None:
        return None
    found = forms.all_of(parts, goal)
    return None if found is None else added(found)
