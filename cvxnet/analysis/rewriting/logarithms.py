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
    product_of,
    scaled,
)
from cvxnet.analysis.rewriting.quotients import Terms, collected, over_one_denominator
from cvxnet.analysis.rewriting.search import Forms
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
    if isinstance(argument, cp.Sum) and not argument.shape:
        logs = [forms.form(cp.log(argument.args[0]), "convex")]
    else:
        terms = linear_terms(argument)
        if len(terms) < 2 or not all(forms.is_nonneg(scaled(f, t)) for f, t in terms):
            return None
        logs = [forms.form(logarithm_of(factor, term), "convex") for factor, term in terms]
    if any(log is None for log in logs):
        return None
    of_two = logarithm_of_two(logs[0], logs[1], bool(argument.shape)) if len(logs) == 2 else None
    if of_two is not None or argument.shape:
        return of_two
    return cp.log_sum_exp(cp.hstack([cp.vec(v, order="F") for v in logs]))


def logarithm_of_two(one: Any, other: Any, entries: bool) -> Any:
    """``log(exp(s) + exp(t))`` as a softplus, where s or t is zero; of entries, for an affine s."""
    if is_number(one, 0.0):
        return cp.logistic(other)
    if is_number(other, 0.0):
        return cp.logistic(one)
    return cp.logistic(other - one) + one if entries and one.is_affine() else None


def logarithm_of(factor: Any, term: Any) -> Any:
    """The logarithm of a term of a sum; that of one is zero."""
    return (
        cp.Constant(0.0) if is_number(scaled(factor, term), 1.0) else cp.log(scaled(factor, term))
    )


# ---------------------------------------------------------------------------- entropies


def gather_entropies(terms: Terms, forms: Forms) -> list[Any] | None:
    """``w (c log w - a log y - b log z)`` with c >= a + b, all terms with one w together.

    It is ``(c - a - b) w log w + a w log(w / y) + b w log(w / z)``: a multiple of ``-entr(w)`` and
    relative entropies.
    """
    groups: list[tuple[Any, dict[int, tuple[Any, Fraction]], list[Any]]] = []
    others: list[Any] = []
    for factor, term in terms:
        split = weighted_logarithms(scaled(factor, term), forms)
        if split is None:
            others.append(scaled(factor, term))
            continue
        weight, logs, rest = split
        for known, all_logs, all_rest in groups:
            if is_same(known, weight):
                add_logarithms(all_logs, logs)
                all_rest += rest
                break
        else:
            groups.append((weight, {}, rest))
            add_logarithms(groups[-1][1], logs)
    if not groups:
        return None
    found = []
    for weight, logs_of, rest in groups:
        found += entropies(weight, [*logs_of.values()])
        found += [cp.multiply(weight, part) for part in rest]
    return [*(part for part in found), *others]


def add_logarithms(
    known: dict[int, tuple[Any, Fraction]], logs: list[tuple[Any, Fraction]]
) -> None:
    """Add multiples of logarithms, those of one base together."""
    for base, factor in logs:
        for key, (other, value) in known.items():
            if is_same(base, other):
                known[key] = other, value + factor
                break
        else:
            known[len(known)] = base, factor


def weighted_logarithms(
    part: Any, forms: Forms
) -> tuple[Any, list[tuple[Any, Fraction]], list[Any]] | None:
    """``w (sum c log y + constant)``: w, the (y, c), and what is left beside the logarithms."""
    found = product_of(part, forms.is_nonneg)
    if found.exponent is not None or any(power != 1 for _, power in found.powers):
        return None
    bases = [base for base, _ in found.powers]
    inside = list(filter(has_logarithm, bases))
    outside = [base for base in bases if not has_logarithm(base)]
    scale = number_of(found.scale)
    if len(inside) != 1 or len(outside) != 1 or scale is None or not outside[0].is_affine():
        return None
    split = split_logarithms(inside[0], scale, outside[0], forms)
    return None if split is None else (outside[0], *split)


def has_logarithm(base: Any) -> bool:
    """Whether a term of a sum is a logarithm."""
    return any(type(term) is cp.log for _, term in linear_terms(base))


def split_logarithms(
    total: Any, scale: Fraction, weight: Any, forms: Forms
) -> tuple[list[tuple[Any, Fraction]], list[Any]] | None:
    """Of a sum, the logarithms as (y, c), and the rest, which is constant; or None."""
    logs: list[tuple[Any, Fraction]] = []
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


def parts_of_logarithm(
    argument: Any, weight: Any, forms: Forms
) -> tuple[list[tuple[Any, Fraction]], list[Any]] | None:
    """The bases of a product under a logarithm with their powers, and what is left."""
    found = product_of(over_one_denominator(argument, forms), forms.is_nonneg)
    unknown = [base for base, _ in found.powers if not forms.is_nonneg(base)]
    others = [base for base in unknown if not is_same(base, weight)] or unknown
    if len(unknown) > 1 and not all(map(forms.is_granted, others)):
        return None
    rest = [] if is_number(found.scale, 1.0) else [cp.log(found.scale)]
    rest += [] if found.exponent is None else [found.exponent]
    return list(found.powers), rest


def entropies(weight: Any, logs: list[tuple[Any, Fraction]]) -> list[Any]:
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
    found = [forms.form(part, goal) for part in parts]
    if any(part is None for part in found):
        return None
    return added(found)
