"""Whether the independent checker finds two expressions equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cvxnet.analysis.documents import more_nodes
from cvxnet.analysis.evidence import statement_of
from cvxnet.analysis.questions import Question
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.forms.normal import equal
from cvxnet.proofs.checker.dual import Clock

SECONDS = 5.0
"""For one comparison."""


def is_checked(question: Question, before: Any, after: Any) -> bool:
    """Whether, by the checker's normal forms, the second is the first wherever that has values."""
    asked = replace(question, expression=before)
    nodes, (root,) = more_nodes(asked, after)
    try:
        statement = statement_of(asked, "convex").extended(nodes)
        return equal(statement, statement.root, root, Clock(SECONDS))
    except RefusalError:
        return False
