"""The pictures of the answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cvxnet.plots.style import (
    BLUE,
    GREY,
    MARKERS,
    RED,
    WIDTH,
    head,
    new_figure,
    styled,
)
from experiments.charts import SPREAD, dots
from experiments.problems import has_classes
from experiments.worth.comparisons import ALIKE, NEARLY, Found
from experiments.worth.gradients import WIDTH as TRAINED
from experiments.worth.methods import GAP, OPTIMUM
from experiments.worth.samples import ANOTHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EDGE = 50.0
"""Test errors that differ by more percent are drawn there."""
UNITS = (1, 2, 5, 10, 20, 50)
FLOOR = 1e-6
"""Smaller distances are drawn there."""


def label(found: Found, name: str) -> str:
    """The set, with a star where its optimum is proved."""
    whole, _, two = name.partition(" ")
    said = whole.replace("_", " ") + (", 2 features" if two else "")
    return f"{said} *" if found.closes(name) else said


def relabel(axes: Axes, found: Found, sets: list[str]) -> None:
    """Sets as a reader knows them."""
    axes.set_yticks(range(len(sets)), [label(found, name) for name in sets])


def percent_of(found: Found, name: str, value: float) -> float:
    """Percentage points of wrong classes; for numbers percent of the optimum's error."""
    return 100.0 * value / (1.0 if has_classes(name) else found.errors_of(name, OPTIMUM).mean())


def errors_picture(found: Found) -> Figure:
    """Paired differences with corrected standard errors: classes beside numbers."""
    classes = [name for name in found.sets if has_classes(name)]
    numbers = [name for name in found.sets if not has_classes(name)]
    kinds = [kind for kind in (classes, numbers) if kind]
    notes = ["bars: corrected standard error", f"*: bracket closed on {NEARLY:.0%} of splits"]
    notes = notes if len(kinds) == len(notes) else ["; ".join(notes)]
    with styled():
        figure = new_figure(WIDTH, 3.2 + 0.6 * max(map(len, kinds)))
        panels = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axes, sets, note in zip(panels, kinds, notes, strict=True):
            draw_errors(axes, found, sets, note)
        handles = figure.axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=len(found.others))
        title = "Test error minus that of the optimum: right of the line the optimum is better"
        head(figure, title)
    return figure


def draw_errors(axes: Axes, found: Found, sets: list[str], note: str) -> None:
    """A line for each set, a marker for each method."""

    def mean(name: str, method: str) -> float:
        value = percent_of(found, name, found.paired(name, method).mean)
        return min(max(value, -EDGE), EDGE)

    def error(name: str, method: str) -> float:
        value = percent_of(found, name, found.paired(name, method).corrected)
        return value if abs(mean(name, method)) < EDGE else 0.0

    dots(axes, sets, found.others, mean, error, first=1)
    axes.axvline(0.0, color=BLUE, linewidth=1.5)
    relabel(axes, found, sets)
    unit = "percentage points of wrong classes" if has_classes(sets[0]) else "percent of its error"
    edge = "" if has_classes(sets[0]) else f" (from {EDGE:g} on: at the edge)"
    axes.set_xlabel(f"{unit}{edge}\n{note}")


def seeds_picture(found: Found) -> Figure:
    """Disagreement of two seeds, and how much the test error varies between seeds."""
    methods = [OPTIMUM, *found.reseeded]
    with styled():
        figure = new_figure(WIDTH, 3.2 + 0.5 * len(found.sets))
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, key in ((left, "apart"), (right, "error_sd")):
            dots(axes, found.sets, methods, partial(percent, found, key))
        relabel(left, found, found.sets)
        left.set_xlabel(
            f"% of test points on which two of them disagree\n(numbers: by more than {ANOTHER} "
            "standard deviations)"
        )
        right.set_xlabel("standard deviation of the test error between them, in %")
        handles = left.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=len(methods))
        head(
            figure,
            "Same data and weight decay, other seeds; of the optimum, another order of the data",
        )
    return figure


def percent(found: Found, key: str, name: str, method: str) -> float | None:
    """A column of the table of seeds, in percent, where there is one."""
    value = found.seeded(name, method, key)
    return None if value is None else 100.0 * value


def distances_picture(found: Found) -> Figure:
    """How far above the optimum's network each ended, and how wide its bracket is."""
    with styled():
        figure = new_figure(WIDTH, 3.2 + 0.45 * len(found.sets))
        axes = figure.add_subplot()
        dots(
            axes, found.sets, ("SGD", "Adam"), lambda *c: floored(found.excess(*c) or 0.0), first=1
        )
        places = [floored(found.gap(name)) for name in found.sets]
        rows = range(len(found.sets))
        axes.plot(places, rows, "|", color=BLUE, ms=16, mew=3, label="gap of the bracket (median)")
        axes.axvline(GAP, color=GREY, linewidth=1.0, label="where it counts as closed")
        axes.set(
            xscale="log",
            xlabel="relative distance above the optimum's network (mean over seeds; "
            f"{FLOOR:g}: so little, or below it)",
        )
        relabel(axes, found, found.sets)
        figure.legend(loc="outside lower center", ncols=4)
        head(figure, "Objectives at the same weight decay: what was reached, and what is proved")
    return figure


def floored(value: float) -> float:
    """As a logarithmic axis can show it."""
    return max(value, FLOOR)


def units_picture(found: Found) -> Figure:
    """Units: of trained networks and of the optimum; and the width at which Adam is as good."""
    with styled():
        figure = new_figure(WIDTH, 4.2 + 0.4 * len(found.sets))
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        draw_units(left, found)
        draw_widths(right, found)
        head(figure, "Units that matter, and the width at which Adam is as good as the optimum")
    return figure


def draw_units(axes: Axes, found: Found) -> None:
    """A line for each set."""
    methods = (OPTIMUM, "SGD", "Adam")
    for k, name in enumerate(found.sets):
        units = found.seeded(name, OPTIMUM, "units")
        place = k + SPREAD * (0.5 / len(methods) - 0.5)
        said = None if k else "optimum, all its units"
        axes.plot(units, place, "o", color=BLUE, mfc="none", ms=9, label=said)
    dots(axes, found.sets, methods, partial(found.seeded, key="effective"))
    axes.axvline(TRAINED, color=GREY, linewidth=1.0)
    axes.set(xscale="log", xlabel=f"effective units; grey line: trained units ({TRAINED})")
    axes.set_xticks(UNITS, [str(units) for units in UNITS])
    axes.set_xticks([], minor=True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    relabel(axes, found, found.sets)


def draw_widths(axes: Axes, found: Found) -> None:
    """A marker for each set: the width that Adam needs against the optimum's units."""
    most = 2 * max(row["width"] for row in found.widths)
    axes.plot([1, most], [1, most], color=GREY, linewidth=1.0)
    shown = (("objective", BLUE, f"objective within {ALIKE:.0%}"), ("error", RED, "test error"))
    for k, (what, color, said) in enumerate(shown):
        for j, name in enumerate(found.sets):
            width = found.width_reaching(name, what)
            axes.plot(
                found.seeded(name, OPTIMUM, "effective"),
                (width or most) * (1.0 + 0.05 * k),
                MARKERS[k],
                color=color,
                ms=9,
                mfc=color if width else "none",
                label=None if j else said,
            )
    axes.set(xscale="log", yscale="log", xlabel="effective units of the optimum")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(UNITS, [str(units) for units in UNITS])
        axis.set_ticks([], minor=True)
    axes.set_ylabel(f"width Adam needs (hollow: not up to {most // 2})")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
