"""The methods: who they are, where they run, and what they can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Method:
    """A label; the room, a module of this folder; the package whose version matters; and whether
    that lives in the peers' environment."""

    label: str
    room: str
    package: str
    apart: bool = False


METHODS = {
    "cvxnet": Method("cvxnet", "whole", "cvxnet"),
    "ecos": Method("full program, ECOS", "whole", "ecos"),
    "scs": Method("full program, SCS", "whole", "scs"),
    "clarabel": Method("full program, Clarabel", "whole", "clarabel"),
    "facets": Method("facets only, Clarabel", "whole", "clarabel"),
    "pyscnn": Method("pyscnn", "sampled", "pyscnn", apart=True),
    "pyscnn_tight": Method("pyscnn, tight", "sampled", "pyscnn", apart=True),
    "adelie": Method("adelie", "sampled", "adelie", apart=True),
    "cronos": Method("ADMM as in CRONOS", "sampled", "numpy"),
    "sgd": Method("SGD", "trained", "torch"),
    "adam": Method("Adam", "trained", "torch"),
    "lbfgs": Method("L-BFGS", "trained", "torch"),
    "mlp": Method("scikit-learn MLP", "trained", "scikit-learn"),
}
SPEED = {
    "proved": Method("cvxnet", "proved", "cvxnet"),
    "proved_linear": Method("cvxnet", "proved", "cvxnet"),
    "liblinear": Method("liblinear", "linear", "liblinear-official", apart=True),
    "skglm": Method("skglm", "linear", "skglm", apart=True),
    "celer": Method("celer", "linear", "celer", apart=True),
    "sklearn_linear": Method("scikit-learn", "linear", "scikit-learn"),
}
"""Those that the experiments `speed` and `linear_models` have besides."""
EVERY = METHODS | SPEED
QUICK = ("cvxnet", "ecos", "scs", "clarabel", "cronos", "adam", "mlp")
