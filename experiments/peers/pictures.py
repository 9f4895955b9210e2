"""The pictures, and what can be said beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvxnet.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    RED,
    WIDTH,
    head,
    new_figure,
    styled,
)
from experiments.peers.expectations import done
from experiments.peers.methods import METHODS
from experiments.peers.texts import (
    CERTIFIED,
    excess_text,
    memory_text,
    of_kind,
    other_text,
    real_text,
    time_text,
)
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR = 1e-9
"""Smaller excesses are drawn there: rounding."""
MARKED = f"Filled: within {CERTIFIED:g} of the certified bound; hollow: further above it."
FAMILIES = {"whole": (ORANGE, "-"), "sampled": (GREEN, "--"), "trained": (RED, ":")}
"""Colors and lines of methods that know every unit, sample gates, and train weights."""


def look(name: str) -> tuple[str, str, str]:
    """Color, marker and line of a method."""
    if name == "cvxnet":
        return BLUE, "o", "-"
    room = METHODS[name].room
    kin = [other for other, method in METHODS.items() if method.room == room and other != "cvxnet"]
    color, line = FAMILIES[room]
    return color, MARKERS[1 + kin.index(name)], line


def say_answers(report: Report, growth: list[Row], sets: list[Row]) -> None:
    """Every question with its picture."""
    if growth:
        say_growth(report, growth)
    if sets:
        report.answer(
            "And on real data, with all classes?", real_text(sets), real_picture(sets), "real"
        )


def say_growth(report: Report, growth: list[Row]) -> None:
    """Those of Gaussian data."""
    kinds = dict.fromkeys((r["data"], r["rank"]) for r in growth)
    main = max(kinds, key=lambda kind: len(of_kind(growth, kind)))
    where = largest_full(growth)
    beside = [r for r in done(of_kind(growth, where[:2])) if r["n"] == where[2]]
    report.answer(
        "How long does the same optimum take as the samples grow?",
        time_text(growth, main),
        over_samples(growth, main, "seconds", "processor time in seconds"),
        "time",
    )
    report.answer(
        "How much memory does it take?",
        memory_text(growth, main),
        over_samples(growth, main, "memory_mb", "peak memory of the process in MB"),
        "memory",
    )
    others = [kind for kind in kinds if kind != main]
    if others:
        report.answer(
            "And on other targets, and at other ranks?",
            other_text(growth, others),
            other_kinds(growth, others),
            "ranks",
        )
    report.answer(
        "Who gets how close to the optimum, in what time?",
        excess_text(beside, where),
        excess_over_time(beside, where),
        "excess",
    )


def over_samples(growth: list[Row], kind: tuple[str, int], what: str, label: str) -> Figure:
    """A quantity by the number of samples, for each method, on one kind of problem."""
    with styled():
        figure = new_figure(WIDTH, 6.4)
        grid = figure.add_gridspec(1, 2, width_ratios=(2, 1))
        axes = figure.add_subplot(grid[0])
        draw_kind(axes, growth, kind, what)
        axes.set(xlabel="samples", ylabel=label)
        explain(figure.add_subplot(grid[1]), of_kind(growth, kind))
        head(figure, f"One problem, one process each: {label}", [MARKED])
    return figure


def other_kinds(growth: list[Row], kinds: list[tuple[str, int]]) -> Figure:
    """Processor time by the number of samples, on other kinds of problems."""
    with styled():
        figure = new_figure(WIDTH, 7.0)
        grid = figure.add_gridspec(2, 3, width_ratios=(1, 1, 0.9))
        for k, kind in enumerate(kinds[:4]):
            axes = figure.add_subplot(grid[k // 2, k % 2])
            draw_kind(axes, growth, kind, "seconds")
            axes.set(xlabel="samples", ylabel="seconds")
        explain(figure.add_subplot(grid[:, 2]), growth, ncols=1)
        head(figure, "Processor time on other targets, and at other ranks", [MARKED])
    return figure


def explain(axes: Axes, rows: list[Row], ncols: int = 2) -> None:
    """What the marks mean, in place of a picture."""
    for name, method in METHODS.items():
        if done(rows, name):
            color, marker, line = look(name)
            axes.plot([], [], line, marker=marker, color=color, label=method.label)
    axes.set_axis_off()
    axes.legend(loc="upper left", ncols=ncols, borderaxespad=0.0, columnspacing=1.0)


def draw_kind(axes: Axes, growth: list[Row], kind: tuple[str, int], what: str) -> None:
    """One line a method."""
    for name in METHODS:
        color, marker, line = look(name)
        rows = done(of_kind(growth, kind), name)
        n, values = [r["n"] for r in rows], [r[what] for r in rows]
        axes.plot(n, values, line, color=color, linewidth=1.4, zorder=2)
        for x, y, row in zip(n, values, rows, strict=True):
            face = color if row["excess"] <= CERTIFIED else "white"
            axes.plot(x, y, marker, color=color, markersize=8, markerfacecolor=face, zorder=3)
    axes.set(xscale="log", yscale="log", title=f"{kind[0]} target, rank {kind[1]}")
    sizes = sorted({r["n"] for r in of_kind(growth, kind)})
    axes.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.minorticks_off()


def excess_over_time(rows: list[Row], where: tuple[str, int, int]) -> Figure:
    """How far above the bound, by time, on one problem."""
    with styled():
        figure = new_figure(WIDTH, 6.0)
        grid = figure.add_gridspec(1, 2, width_ratios=(2, 1))
        axes = figure.add_subplot(grid[0])
        axes.axhspan(FLOOR / 3.0, CERTIFIED, color=GREY, alpha=0.12, zorder=0)
        for row in rows:
            color, marker, _ = look(row["method"])
            y = max(row["excess"], FLOOR)
            axes.plot(row["seconds"], y, marker, color=color, markersize=12, markeredgecolor=INK)
        axes.set(xscale="log", yscale="log", xlabel="processor time in seconds")
        axes.set_ylabel("objective above the certified bound, relatively")
        axes.set_title(f"{where[0]} target, rank {where[1]}, {where[2]} samples")
        explain(figure.add_subplot(grid[1]), rows)
        head(
            figure,
            "How close to the optimum, in what time",
            [f"Grey: within {CERTIFIED:g} of it. Points at {FLOOR:g}: or less."],
        )
    return figure


def largest_full(growth: list[Row]) -> tuple[str, int, int]:
    """The largest problem (by the cells) that the full program solved with all inequalities."""
    solved = done(growth, "ecos", "scs", "clarabel") or done(growth, "cvxnet")
    row = max(solved, key=lambda r: (r.get("cells") or 0, r["rank"] == 3))
    return row["data"], row["rank"], row["n"]


def real_picture(sets: list[Row]) -> Figure:
    """How far above the best network every method's is, on every set, and what is not proved."""
    keys = list(dict.fromkeys((r["data"], r["loss"], r["decay"]) for r in sets))
    with styled():
        figure = new_figure(WIDTH, 7.2)
        grid = figure.add_gridspec(1, 2, width_ratios=(3.2, 1))
        axes = figure.add_subplot(grid[0])
        for k, key in enumerate(keys):
            draw_set(axes, k, of(sets, key))
        axes.set(xscale="log", xlim=(FLOOR / 2.0, None))
        axes.set_yticks(range(len(keys)), [f"{d}\n{loss}, {share}" for d, loss, share in keys])
        axes.invert_yaxis()
        axes.set_xlabel("objective above the best network of all, relatively (1e-9: or less)")
        explain(figure.add_subplot(grid[1]), sets, ncols=1)
        head(
            figure,
            "Bundled sets: how far each network is above the best one",
            ["Grey: what is not proved; the optimum may be so far below the best network."],
        )
    return figure


def draw_set(axes: Axes, place: int, rows: list[Row]) -> None:
    """One line of marks, the methods one below the other."""
    best = min(r["value"] for r in rows)
    for k, name in enumerate(METHODS):
        color, marker, _ = look(name)
        shift = 0.6 * (k / len(METHODS) - 0.5)
        for row in done(rows, name):
            above = max(row["value"] / best - 1.0, FLOOR)
            axes.plot(above, place + shift, marker, color=color, markersize=8)
    gap = max(1.0 - rows[0]["certified"] / best, FLOOR)
    axes.barh(place, gap, 0.75, color=GREY, alpha=0.18, zorder=0)


def of(sets: list[Row], key: tuple[str, str, float]) -> list[Row]:
    """Lines with a network, of one problem."""
    return [r for r in done(sets) if (r["data"], r["loss"], r["decay"]) == key]
