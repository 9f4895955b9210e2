"""The same function in another form, of which the rules prove what is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxnet.analysis.derivation import Derived, derive_facts
from cvxnet.analysis.documents import more_nodes
from cvxnet.analysis.evidence import Proof
from cvxnet.analysis.rewriting.rules import RULES, another_form
from cvxnet.analysis.rewriting.search import Rules
from cvxnet.analysis.tape import Tape


@np.errstate(all="ignore")
def prove_by_another_form(asked: Derived, goal: str, rules: Rules = RULES) -> Iterator[Proof]:
    """A proof for the checker, which compares the two forms itself."""
    question = asked.question
    form = None if question.network is not None else another_form(question, goal, rules)
    if form is None or not getattr(derive_facts(question, Tape([form.expression]))[-1], goal).all():
        return
    nodes, (root,) = more_nodes(question, form.expression)
    reason = f"the same function as {' and '.join(form.names)}, by the composition rules"
    proof = {"kind": "same", "nodes": nodes, "root": root, "proof": {"kind": "rules"}}
    yield Proof(reason, proof)
