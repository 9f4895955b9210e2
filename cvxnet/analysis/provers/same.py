"""The same function in another form, of which the rules prove what is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxnet.analysis.derivation import Derived, derive_facts
from cvxnet.analysis.documents import more_nodes
from cvxnet.analysis.evidence import Proof
from cvxnet.analysis.identities import PATTERNS, Pattern, Rewritten, rewritten_everywhere
from cvxnet.analysis.rewriting.rules import RULES
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.tape import Tape


def prove_by_another_form(
    asked: Derived, goal: str, patterns: tuple[Pattern, ...] = PATTERNS
) -> Iterator[Proof]:
    """Proofs for the checker, which compares the two forms itself."""
    if asked.question.network is not None:
        return
    question = asked.question
    for form in other_forms(asked, goal, patterns):
        if getattr(derive_facts(question, Tape([form.expression]))[-1], goal).all():
            nodes, (root,) = more_nodes(question, form.expression)
            reason = f"the same function as {' and '.join(form.names)}, by the composition rules"
            proof = {"kind": "same", "nodes": nodes, "root": root, "proof": {"kind": "rules"}}
            yield Proof(reason, proof)


@np.errstate(all="ignore")
def other_forms(
    asked: Derived, goal: str, patterns: tuple[Pattern, ...]
) -> Iterator[Rewritten]:
    """What patterns make of the expression, then what is found by looking for the curvature."""
    yield from rewritten_everywhere(asked.question, patterns)
    forms = Forms(asked.question, RULES)
    found = forms.form(asked.question.expression, goal)
    if found is not None and forms.names:
        yield Rewritten(tuple(dict.fromkeys(forms.names)), found, same=True)
