"""Units on data, from a name and options."""

from cvxnet.objective.families import Family
from cvxnet.training.units import bind
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array


def make_family(name: str, X: Array, norm: str = "l2", **options: object) -> UnitFamily:
    """The units of a family, its options checked."""
    family = Family(name, **options).complete(X.shape[1])
    family.check_norm(norm)
    return bind(family, X, norm)
