"""A term of one leaf as the nodes of a document, so that other kinds of proof can be about it."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

from flint import fmpq

from ...arrays import require
from ...scalars import is_everywhere
from ..calculus.intervals import Interval
from ..statement import Node, Statement
from .table import Term, Terms

CHOICES = {"max": "maximum", "min": "minimum"}


class Writing:
    """Nodes that are written one after the other."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def put(self, atom: str, *args: int, options: dict[str, Any] | None = None) -> int:
        """The place of a new node, a number."""
        node = {"atom": atom, "shape": [], "args": list(args), "options": options or {}}
        self.nodes.append(node)
        return len(self.nodes) - 1

    def constant(self, value: fmpq) -> int:
        """A number."""
        self.nodes.append({"atom": "constant", "shape": [], "entries": [text(value)]})
        return len(self.nodes) - 1

    def whole_power(self, t: int, p: int) -> int:
        """``t^p`` for any t, by squaring."""
        if is_everywhere(fmpq(p)):
            return t if p == 1 else self.put("Power", t, options={"p": str(p)})
        highest = 1 << (p.bit_length() - 1)
        return self.put("multiply", self.whole_power(t, highest), self.whole_power(t, p - highest))

    def power(self, t: int, p: fmpq) -> int:
        """``t^p``."""
        if p.q != 1:
            return self.put("Power", t, options={"p": text(p)})
        if p > 0:
            return self.whole_power(t, int(p.p))
        return self.put("DivExpression", self.constant(fmpq(1)), self.whole_power(t, -int(p.p)))

    def sum(self, data: tuple[fmpq, tuple[fmpq, ...]], parts: list[int]) -> int:
        """A sum of multiples whose parts are written."""
        constant, coefficients = data
        rows = [
            part if c == 1 else self.put("multiply", self.constant(c), part)
            for c, part in zip(coefficients, parts, strict=True)
        ]
        if constant:
            rows.append(self.constant(constant))
        return self.put("AddExpression", *rows)

    def term(self, term: Term, parts: list[int]) -> int:
        """A term whose parts are written."""
        if term.kind == "number":
            return self.constant(term.data)
        if term.kind == "sum":
            return self.sum(term.data, parts)
        if term.kind == "product":
            factors = map(self.power, parts, term.data)
            return reduce(partial(self.put, "multiply"), factors)
        name, options = term.data
        require(name != "whole", "of a function of whole arrays no more is known")
        more = {key: text(value) for key, value in options} if name != "form" else {}
        return self.put(CHOICES.get(name, name), *parts, options=more)


def softened(terms: Terms, term: Term) -> Term:
    """``log(1 + exp t)`` as one function, which is enclosed better."""
    if term.kind == "call" and term.data[0] == "log":
        inner = terms.inside_of_logistic(term.parts[0])
        if inner is not None:
            return Term("call", ("logistic", ()), (inner,))
    return term


def text(value: fmpq) -> str:
    """A number as documents have it."""
    return f"{value.p}/{value.q}"


def statement_about(terms: Terms, root: int, leaf: int, interval: Interval, goal: str) -> Statement:
    """What is to be proved of a term of one leaf on an interval."""
    writing, places = Writing(), dict[int, int]()
    for place in terms.below(root):
        if place == leaf:
            ends = [None if t is None else text(t) for t in interval]
            low, high = [ends[0]], [ends[1]]
            node = {"atom": "leaf", "shape": [], "low": low, "high": high, "attributes": []}
            writing.nodes.append(node)
            places[place] = len(writing.nodes) - 1
        else:
            term = softened(terms, terms[place])
            places[place] = writing.term(term, [places[k] for k in term.parts])
    unknowns = frozenset({places[leaf]})
    return Statement(writing.nodes, [], unknowns, places[root], goal)
