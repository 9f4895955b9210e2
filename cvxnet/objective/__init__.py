"""What is minimised: units, loss, weight decay and data, checked once; and how hard to try."""

from cvxnet.objective.families import FAMILIES, Family, Traits
from cvxnet.objective.networks import Form, TwoLayers, Weights, network_of, read_network
from cvxnet.objective.objective import Budget, Objective, check_output_weights

__all__ = [
    "FAMILIES",
    "Budget",
    "Family",
    "Form",
    "Objective",
    "Traits",
    "TwoLayers",
    "Weights",
    "check_output_weights",
    "network_of",
    "read_network",
]
