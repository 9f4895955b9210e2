"""What is minimised: units, loss, weight decay and data, checked once; and how hard to try."""

from cvxnet.objective.budget import Budget
from cvxnet.objective.families import FAMILIES, Family, Traits
from cvxnet.objective.matching import in_order, match_units, mix
from cvxnet.objective.memory import check_fits
from cvxnet.objective.networks import (
    Form,
    TwoLayers,
    Weights,
    flattened,
    network_of,
    read_network,
    without_norms,
)
from cvxnet.objective.objective import Objective, check_output_weights, make_objective

__all__ = [
    "FAMILIES",
    "Budget",
    "Family",
    "Form",
    "Objective",
    "Traits",
    "TwoLayers",
    "Weights",
    "check_fits",
    "check_output_weights",
    "flattened",
    "in_order",
    "make_objective",
    "match_units",
    "mix",
    "network_of",
    "read_network",
    "without_norms",
]
