"""The kind "normal form": like terms are collected, and what is left of each bends one way.

A form is a sum. It is convex if its quadratic part is positive semidefinite (exact elimination)
and every other term is: a function times a number that is not negative. A term is convex by one
of these:

    f(g)              f convex, and g affine, or f rising and g convex, or f falling and g concave
    max(g, h, ...)    convex g, h, ...
    sqrt(q), q / t    q(x) = [x; 1]' M [x; 1] with M positive semidefinite: a norm, and its square
                      over a concave t > 0
    log(sum of h)     log-convex h: products of exp(convex) and negative powers of concave functions
    s^a t^b ...       all powers < 0, of concave s, t >= 0: log-convex; or one power > 0, of an
                      affine s >= 0 (any s for an even power) or a convex one, the others < 0 of
                      concave functions, and their sum >= 1; concave with all powers > 0, sum <= 1
                      (perspectives of powers, geometric means: Boyd, Vandenberghe, Convex
                      Optimization, 2004, section 3.2.6 and exercise 3.25)
    p f(g / p)        the perspective of a convex f, for p >= 0 and affine g
    s log s, and s log(s / t), with s affine and t concave: relative entropy
    r + |a|           = max(r + a, r - a), and both are convex
    |a + |b + ...||   of one unknown: the slopes are in order
    parts             functions that have their own proof: the "parts" of the evidence
    polynomials       sums of squares: the "grams" of the evidence (see `gram`)
    what rules prove  where the term is an entry of the expression, up to a factor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq

from ...arrays import require
from ..forms.conditions import implied
from ..forms.factors import Factor, lead_of, order_of, powers_of, single
from ..forms.normal import NormalForms, normal_forms
from ..forms.polynomials import ONE, Monomial, Polynomial
from ..statement import Checking, Proof, Statement
from .gram import components, inequalities, is_proved_by, simplified, variables_of
from .parts import (
    add,
    base_of,
    collected,
    entries_of,
    entropy_parts,
    is_absolute,
    is_linear,
    is_of_entries,
    is_quadratic,
)
from .piecewise import curve_of, line
from .products import FormTerms

DEEPEST = 20
MOST_MAXIMA = 4  # each of them is two cases
ZERO = fmpq(0)
Terms = dict[Monomial, Polynomial]
"""Products of what depends on unknowns, with their coefficients."""


def by_normal_form(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The entries asked for, one by one."""
    require(statement.goal in ("convex", "concave", "affine"), "normal forms prove curvature")
    forms = normal_forms(statement.extended(proof.get("nodes", ())), checking.clock)
    entries = forms.of(statement.root)
    judge = Judge(forms, checking, proof.get("grams", ()))
    judge.parts = [proved_part(forms, part, checking) for part in proof.get("parts", ())]
    for k in statement.entries:
        for sign in {"convex": (1,), "concave": (-1,), "affine": (1, -1)}[statement.goal]:
            require(judge.is_convex(sign * entries[k]), "a term of the normal form is not convex")


def proved_part(forms: NormalForms, part: Mapping[str, Any], checking: Checking) -> Polynomial:
    """The form of a function that has a convexity proof, and values wherever the root has."""
    (form,) = forms.of(part["root"])
    known = forms.conditions[forms.statement.root]
    wanted = forms.conditions[part["root"]]
    has_values = all(implied(forms.algebra, one, known) for one in wanted)
    require(has_values, "a part of the expression that may have no value")
    about = forms.statement.about(root=part["root"], entry=0, goal="convex")
    checking.prove(about, part["proof"])
    return form


class Judge(FormTerms):
    """Which polynomials are certainly convex in the unknowns, on the domain of the statement.

    ``needed``: the polynomials in unknowns that sums of squares would have to prove.
    """

    def __init__(self, forms: NormalForms, checking: Checking, grams: Sequence[Any] = ()) -> None:
        super().__init__(forms, checking)
        self.found: dict[Polynomial, bool] = {}
        self.grams, self.needed = grams, list[Polynomial]()
        self.parts: list[Polynomial] = []
        self.depth = 0

    def is_convex(self, polynomial: Polynomial) -> bool:
        """Whether it is, by the table above."""
        if polynomial not in self.found:
            self.found[polynomial] = False  # while it is looked at
            self.clock.check()
            self.depth += 1
            self.found[polynomial] = self.depth <= DEEPEST and (
                self.is_convex_sum(polynomial)
                or self.is_convex_curve(polynomial)
                or self.is_convex_with_part(polynomial)
            )
            self.depth -= 1
        return self.found[polynomial]

    def is_convex_with_part(self, polynomial: Polynomial) -> bool:
        """Whether it is a part that is proved and something else that is convex."""
        rests = [polynomial - part for part in self.parts]
        return any(self.is_convex(r) for r in rests if len(r.terms) < len(polynomial.terms))

    def is_convex_sum(self, polynomial: Polynomial) -> bool:
        """The quadratic part, and all other terms."""
        polynomials, left = self.open_terms(polynomial)
        if not left:
            return True
        if left.keys() <= polynomials.keys() and self.is_convex_polynomial(polynomials):
            return True
        return self.is_convex_maximum(polynomial, left)

    def open_terms(self, polynomial: Polynomial) -> tuple[Terms, Terms]:
        """The terms that are products of unknowns, and all terms that are not seen to be convex.

        Without those that are convex together, and less the squares which that takes.
        """
        terms = self.terms(collected(self.forms.algebra, polynomial))
        terms = {m: c for m, c in terms.items() if not is_linear(m)}
        others = {m: c for m, c in terms.items() if not is_quadratic(m)}
        quadratic = {m: c for m, c in terms.items() if m not in others}
        self.take_half_squares(others, quadratic)
        self.take_relative_entropies(others)
        self.take_quadratics_over(others)
        left = {m: c for m, c in others.items() if not self.bends(m, c)}
        quadratic = {m: c for m, c in quadratic.items() if c.terms}
        polynomials = {m: c for m, c in others.items() if is_of_entries(m)} | quadratic
        return polynomials, left if self.is_semidefinite(quadratic) else left | quadratic

    def is_convex_maximum(self, polynomial: Polynomial, left: dict[Monomial, Polynomial]) -> bool:
        """Whether it is a maximum of two convex functions: ``r + |a| = max(r + a, r - a)``."""
        bent = [m for m in left if is_absolute(Polynomial({m: fmpq(1)}))]
        if not 0 < len(bent) <= MOST_MAXIMA:
            return False
        last = max(bent, key=order_of)
        weight = left[last].constant
        if weight is None or weight < 0:
            return False
        (f,) = (f for f, _ in powers_of(last))
        rest = polynomial - weight * Polynomial({last: fmpq(1)})
        parts = [rest + sign * weight * f.args[0] for sign in (1, -1)]
        proved = [self.is_convex(part) for part in parts]  # of both, to note what is needed
        return all(proved)

    def is_convex_polynomial(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether sums of squares show that a polynomial in unknowns is."""
        if any(c.constant is None for c in terms.values()):
            return False
        parts = components(Polynomial({m: c.terms[ONE] for m, c in terms.items()}))
        proved = [self.has_gram(part) for part in parts]  # of all, to note what is needed
        return all(proved)

    def has_gram(self, polynomial: Polynomial) -> bool:
        """Whether it is quadratic, or one of the Gram matrices of the evidence is its own."""
        if polynomial.degree <= 2 and self.is_semidefinite(self.terms(polynomial)):
            return True
        cases = [(simplified(polynomial), list[Polynomial]())]
        cases.append((polynomial, inequalities(self.forms, variables_of(polynomial))))
        for one, known in cases if self.grams else ():
            for gram in self.grams:
                self.clock.check()
                if is_proved_by(one, known, gram, self.is_psd):
                    return True
        self.needed.append(polynomial)
        return False

    def is_convex_curve(self, polynomial: Polynomial) -> bool:
        """Whether it is a piecewise-linear function of one unknown, with slopes in order."""
        if not all(f.name in ("abs", "entry") for m in polynomial.terms for f, _ in powers_of(m)):
            return False
        entries = entries_of(polynomial)
        if len(entries) != 1:
            return False
        (one,) = entries
        curve = curve_of(polynomial, {one: line(fmpq(1), ZERO)}, self.clock.check)
        return curve is not None and curve.is_convex(one.range)

    def take_half_squares(
        self, terms: dict[Monomial, Polynomial], quadratic: dict[Monomial, Polynomial]
    ) -> None:
        """Leave out ``b (a |a| + a^2)`` with b > 0, twice a square above zero; for b < 0, below."""
        for f in [f for m in terms for f, power in powers_of(m) if f.name == "abs" and power == 1]:
            (arg,) = f.args
            weight = self.weight_beside(f, terms)
            if weight is None:
                continue
            for monomial in arg.terms.keys() - {ONE}:
                del terms[monomial | {(f, 1)}]
            if ONE in arg.terms:
                add(terms, {frozenset({(f, 1)}): Polynomial.number(-weight * arg.terms[ONE])})
            add(quadratic, self.terms(-abs(weight) * arg * arg))

    def weight_beside(self, f: Factor, terms: dict[Monomial, Polynomial]) -> fmpq | None:
        """The b of terms ``b (a - a(0)) |a|``, f = |a| with an affine a; None if there is none."""
        (arg,) = f.args
        beside = {m - {(f, 1)}: c for m, c in terms.items() if (f, 1) in m and len(m) > 1}
        lead = lead_of(arg)
        weight = beside[lead].constant if lead in beside else None
        if weight is None or not self.is_affine(arg):
            return None
        weight = weight / arg.terms[lead]
        own = {m: Polynomial.number(weight * v) for m, v in arg.terms.items() if m}
        return weight if all(beside.get(m) == c for m, c in own.items()) else None

    def take_relative_entropies(self, terms: dict[Monomial, Polynomial]) -> None:
        """Leave out ``c (s log s - s log t)`` with c > 0; they are convex."""
        for monomial, coefficient in list(terms.items()):
            pair, value = entropy_parts(monomial), coefficient.constant
            if pair is None or value is None or value >= 0:
                continue
            s, t = pair
            log = single(self.forms.algebra.log(base_of(s)))
            own = ONE if log is None else frozenset({(s, 1), (log, 1)})
            if own != monomial and own in terms and self.is_relative_entropy(base_of(s), t):
                del terms[monomial]
                terms[own] = terms[own] + coefficient

    def is_relative_entropy(self, s: Polynomial, t: Polynomial) -> bool:
        """Whether ``s log s - s log t`` is convex."""
        return self.is_nonnegative(s) and self.is_affine(s) and self.is_concave(t)

    def take_quadratics_over(self, terms: dict[Monomial, Polynomial]) -> None:
        """Leave out sums of ``q / t`` that are convex."""
        over: dict[Factor, dict[Monomial, Polynomial]] = {}
        known = {m: c for m, c in terms.items() if c.constant is not None}
        for monomial, coefficient in known.items():
            for f in inverses_in(monomial):
                rest = monomial - {(f, 1)}
                if is_linear(rest) or is_quadratic(rest):
                    over.setdefault(f, {})[rest] = coefficient
        for f, quadratic in over.items():
            (t,) = f.args
            if self.are_concave_above_zero([t]) and self.is_bordered_psd(quadratic):
                for rest in quadratic:
                    del terms[rest | {(f, 1)}]


def inverses_in(monomial: Monomial) -> list[Factor]:
    """The factors ``1 / t`` of a product that stand in it once."""
    return [f for f, power in powers_of(monomial) if f.name == "inverse" and power == 1]
