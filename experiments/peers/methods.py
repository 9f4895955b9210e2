"""The methods: who they are, where they run, and what they can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Method:
    """A label; the room (a module of this folder); whether it knows every unit; and whether it runs
    in the peers' environment."""

    label: str
    room: str
    exact: bool = False
    apart: bool = False


METHODS = {
    "cvxnet": Method("cvxnet", "whole", exact=True),
    "ecos": Method("full program, ECOS", "whole", exact=True),
    "scs": Method("full program, SCS", "whole", exact=True),
    "clarabel": Method("full program, Clarabel", "whole", exact=True),
    "facets": Method("facets only, Clarabel", "whole", exact=True),
    "pyscnn": Method("pyscnn", "sampled", apart=True),
    "pyscnn_tight": Method("pyscnn, tight", "sampled", apart=True),
    "adelie": Method("adelie", "sampled", apart=True),
    "cronos": Method("ADMM as in CRONOS", "sampled"),
    "sgd": Method("SGD", "trained"),
    "adam": Method("Adam", "trained"),
    "lbfgs": Method("L-BFGS", "trained"),
    "mlp": Method("scikit-learn MLP", "trained"),
}
QUICK = ("cvxnet", "ecos", "scs", "clarabel", "cronos", "adam", "mlp")
