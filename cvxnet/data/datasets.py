"""Real data, which come with scikit-learn."""

from __future__ import annotations

from cvxnet.data.tables import Data
from cvxnet.optional import import_bundled_data
from cvxnet.types import Array


def diabetes() -> Data:
    """Diabetes patients (n = 442): disease progression from body mass index and triglycerides.

    From Efron, Hastie, Johnstone and Tibshirani, "Least angle regression" (2004). All three
    columns are standardised: mean 0 and variance 1.

    Raises
    ------
    MissingExtraError
        Where scikit-learn is not installed.

    Examples
    --------
    >>> data = diabetes()
    >>> data.X.shape, data.features, data.target
    ((442, 2), ('body mass index', 'log triglycerides'), 'disease progression')
    """
    bunch = import_bundled_data().load_diabetes()
    columns = [bunch.feature_names.index(name) for name in ("bmi", "s5")]
    return Data(
        X=standardise(bunch.data[:, columns]),
        y=standardise(bunch.target),
        features=("body mass index", "log triglycerides"),
        target="disease progression",
    )


def standardise(values: Array) -> Array:
    """Shift and scale each column to mean 0 and variance 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
