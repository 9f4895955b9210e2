"""What is minimised: units, loss, weight decay and data, checked once; and how hard to try."""

from cvxnet.objective.families import FAMILIES, Family, Traits
from cvxnet.objective.networks import Form, TwoLayers, Weights, network_of, read_network
from cvxnet.objective.objective import Budget, Objective

__all__ = [
    "FAMILIES",
    "Budget",
    "Family",
    "Form",
    "Objective",
    "Traits",
    "TwoLayers",
    "Weights",
    "network_of",
    "read_network",
]
