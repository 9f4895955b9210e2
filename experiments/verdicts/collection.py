"""All cases, in order."""

from __future__ import annotations

from functools import cache

from experiments.verdicts.cases import Case
from experiments.verdicts.everyday import EVERYDAY
from experiments.verdicts.hidden import HIDDEN
from experiments.verdicts.networks import networks
from experiments.verdicts.problems import PROBLEMS
from experiments.verdicts.strangers import STRANGERS
from experiments.verdicts.textbook import TEXTBOOK
from experiments.verdicts.transformed import TRANSFORMED


@cache
def cases() -> tuple[Case, ...]:
    """Expressions, problems, networks."""
    return (*TEXTBOOK, *HIDDEN, *EVERYDAY, *STRANGERS, *TRANSFORMED, *PROBLEMS, *networks())


def kind_of(case: Case) -> str:
    """What sort of thing it is."""
    if case.network is not None:
        return "networks"
    return "expressions" if case.is_expression else "problems"
