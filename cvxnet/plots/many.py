"""Three features and more: weights, predictions, dependence on single features, and the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvxnet.plots.canvas import draw_gap
from cvxnet.plots.dependence import draw_dependence
from cvxnet.plots.predictions import draw_predictions
from cvxnet.plots.style import WIDTH, new_figure
from cvxnet.plots.subject import Subject
from cvxnet.plots.weights import draw_weights

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure


def many_features(subject: Subject) -> tuple[Figure, list[str]]:
    """Four panels: what the units look at, what comes out, what features do, and the gap."""
    figure = new_figure(WIDTH, 8.8)
    rows = figure.add_gridspec(2, 1, height_ratios=[1.25, 1.0])
    above = rows[0].subgridspec(1, 2, width_ratios=[1.75, 1.0])
    below = rows[1].subgridspec(1, 2, width_ratios=[2.3, 1.0])
    notes = draw_weights(figure, above[0], subject)
    notes += draw_predictions(figure.add_subplot(above[1]), subject)
    notes += draw_dependence(figure, below[0], subject)
    draw_gap(figure.add_subplot(below[1]), subject.solution)
    return figure, notes
