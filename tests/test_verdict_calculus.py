"""The checker's own composition calculus: it proves what the rules prove, and nothing false."""

import numpy as np
import pytest
from flint import ctx
from test_analysis_every_atom import CASES, built

from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.documents import expression_document
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.proofs.checker.convexity import facts as bends
from cvxnet.proofs.checker.convexity.calculus import facts_of
from cvxnet.proofs.checker.convexity.statement import Statement

pytestmark = pytest.mark.filterwarnings("ignore")  # CVXPY warns about some of its own atoms

MASKS = {
    "convex": bends.CONVEX,
    "concave": bends.CONCAVE,
    "quasiconvex": bends.QUASICONVEX,
    "quasiconcave": bends.QUASICONCAVE,
}


def statement_about(question, goal="convex"):
    document = expression_document(question)
    return Statement(
        nodes=document["nodes"],
        constraints=document["constraints"],
        unknowns=frozenset(document["unknowns"]),
        root=document["root"],
        goal=goal,
    )


def checked(question):
    """What the checker derives about every entry of a question's expression."""
    statement = statement_about(question)
    with ctx.workprec(128):
        return facts_of(statement, statement.root).entries


def missing(expression):
    """What the analysis proves by rules and the checker does not."""
    question = ask_about_expression(expression)
    ours = derive_facts(question, question.tape())[-1]
    theirs = checked(question)
    return [
        name
        for name, bend in MASKS.items()
        if any(not theirs[k].has(bend) for k in np.flatnonzero(getattr(ours, name)))
    ]


def test_every_atom_that_the_rules_prove_is_proved_again():
    found = {text: missing(built(text)) for text in CASES}
    unproved = {text: names for text, names in found.items() if names}
    assert not unproved
