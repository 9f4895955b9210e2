"""The picture of a solution: its network, data and kinks, and how the bracket closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cvxnet.plots.canvas import headline
from cvxnet.plots.curves import one_feature
from cvxnet.plots.many import many_features
from cvxnet.plots.maps import two_features
from cvxnet.plots.style import head, styled
from cvxnet.plots.subject import Scale, subject_of
from cvxnet.training.solution import Solution

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

LAYOUTS = {1: one_feature, 2: two_features}
"""By the number of features; with more `many_features`."""


def plot_solution(
    solution: Solution,
    feature_names: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    *,
    classes: Sequence[Any] | None = None,
    scale: Scale | None = None,
) -> Figure:
    """Draw the network with its data, and how the bracket closed.

    With one feature: the fitted curve with its kinks, or one for each class or output. With two:
    the fitted surface from above, with a line where each hidden unit switches on, and in space; for
    classes the region of each class, paler where it is less probable; for several outputs a surface
    each. With more: the hidden weights, what the network predicts on average over the features that
    matter most, and predictions beside targets, or classes beside classes.

    A view leaves out samples that are far out where they would squeeze all others; they are at its
    edge, and counted below.

    Names, classes and scale that are not given are those of ``solution.certificate.preparation``,
    where it has one.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.
    feature_names : sequence of str, optional
        One for each column of X.
    target : str or sequence of str
        What y is called; with several outputs a name for each of them.
    classes : sequence, optional
        With the losses of two classes what -1 and +1 are called, in this order; with cross entropy
        other names for ``solution.classes``.
    scale : pair of (d,) arrays, optional
        ``(mean, scale)``, where the network was trained on ``(X - mean) / scale``: axes then show X
        itself. A StandardScaler of scikit-learn has them as ``mean_`` and ``scale_``.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    InputError
        For another number of names or scales than there are features, outputs or classes.
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 2.0]
    >>> figure = plot_solution(cn.train("relu", X, y, weight_decay=0.1), ["age"], "income")
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['age', 'seconds']

    Trained on standard deviations, drawn in years, with the names of the classes:

    >>> ages, smokes = [[30.0], [40.0], [50.0]], ["no", "yes", "yes"]
    >>> solution = cn.train("relu", X, [-1, 1, 1], loss="logistic", weight_decay=0.1)
    >>> figure = plot_solution(solution, ["age"], classes=["no", "yes"], scale=([40.0], [10.0]))
    >>> figure.axes[0].get_ylabel()
    'probability of yes'
    """
    subject = subject_of(solution, feature_names, target, classes, scale)
    with styled():
        layout = LAYOUTS.get(len(subject.features), many_features)
        figure, notes = layout(subject)
        head(figure, headline(solution), notes)
    return figure
