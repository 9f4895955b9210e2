"""What the tables of networks say: expectations, answers, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import COLORS, GREY, LINES, MARKERS, WIDTH, head, new_figure, styled
from experiments.peers.methods import EVERY
from experiments.peers.pictures import look
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLIT = ("pricing", "master", "refining", "certificate")
FROM = 1000
"""Samples from which on growth is fitted."""
GOALS = {
    ("planted", "squared", 10_000): 3.0,
    ("rough", "squared", 10_000): 60.0,
    ("planted", "squared", 100_000): 30.0,
    ("planted", "squared", 1_000_000): 600.0,
}
"""Seconds in which brackets were to close."""
FLOOR = 1e-9
"""Smaller excesses are drawn there: rounding."""


def kinds_of(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Lines with a result, by target and loss."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] == "done":
            found.setdefault((row["data"], row["loss"]), []).append(row)
    return found


def slope(rows: list[Row], key: str) -> float | None:
    """The power of n by which a quantity grows, of what closed; None where it closed once."""
    closed = [row for row in rows if row["ended"] == "optimal" and row["n"] >= FROM]
    if len({row["n"] for row in closed}) < 2:
        return None
    n, values = ([row[name] for row in closed] for name in ("n", key))
    return float(np.polyfit(np.log(n), np.log(np.maximum(values, 1e-3)), 1)[0])


# Growth


def say_growth(report: Report, rows: list[Row]) -> None:
    """cvxnet by the number of samples."""
    done = [row for row in rows if row["status"] == "done"]
    valid = [row for row in done if row["valid"]]
    exact = [row for row in valid if row["way"] == "exactly"]
    report.expect(
        "certificates, read from a file, that the checker proves",
        expected=f"all {len(rows)}",
        found=f"{len(valid)}, of them {len(exact)} exactly and the others with rounding bounds",
        holds=len(valid) == len(rows),
        source="every training comes with one",
    )
    say_goals(report, done)
    kinds = kinds_of(rows)
    report.answer(
        "How does the time grow with the samples?",
        growth_text(kinds, rows),
        growth_picture(kinds),
        "growth",
    )
    report.answer("Where does the time go?", split_text(done), split_picture(done), "split")
    report.answer(
        "How much memory, how large a file, and how long a check?",
        size_text(kinds),
        size_picture(kinds),
        "sizes",
    )


def say_goals(report: Report, done: list[Row]) -> None:
    """What was asked for."""
    for row in done:
        goal = GOALS.get((row["data"], row["loss"], row["n"]))
        if goal is not None:
            report.expect(
                f"{row['data']} target, {row['loss']} loss, {row['n']:,} samples: closed to 1e-6",
                expected=f"in {goal:g} s",
                found=f"{row['ended']} with gap {row['gap']:.1e} in {row['seconds']:.2g} s",
                holds=row["ended"] == "optimal" and row["seconds"] <= goal,
                source="the goal of this work",
            )


def growth_text(kinds: dict[tuple[str, str], list[Row]], rows: list[Row]) -> str:
    """Seconds and slopes, in words."""
    parts = []
    for (data, loss), found in kinds.items():
        times = ", ".join(
            f"{row['n']:,}: {row['seconds']:.2g} s"
            + ("" if row["ended"] == "optimal" else f" (open: {row['gap']:.1e})")
            for row in found
        )
        power = slope(found, "seconds")
        said = "" if power is None else f"; seconds grow as n to the {power:.2f}"
        parts.append(f"{data}, {loss} loss: {times}{said}")
    failed = [f"{r['data']}, {r['loss']}, {r['n']:,}: {r['status']}" for r in rows
              if r["status"] != "done"]  # fmt: skip
    without = f" Without a result: {'; '.join(failed)}." if failed else ""
    return f"Processor seconds by the number of samples. {'; '.join(parts)}.{without}"


def growth_picture(kinds: dict[tuple[str, str], list[Row]]) -> Figure:
    """Seconds of the training, and of the check, by the number of samples."""
    with styled():
        figure = new_figure(WIDTH, 6.0)
        grid = figure.add_gridspec(1, 3, width_ratios=(1, 1, 0.75))
        panels = [figure.add_subplot(grid[k]) for k in range(3)]
        for axes, key, label in zip(
            panels, ("seconds", "check_s"), ("training", "check"), strict=False
        ):
            draw(axes, kinds, key)
            axes.set(title=f"Seconds of the {label}", xlabel="samples")
        panels[2].set_axis_off()
        panels[2].legend(*legend(panels[0]), loc="upper left", borderaxespad=0.0)
        head(
            figure,
            "From a thousand samples to a million",
            ["Filled: closed to 1e-6; hollow: the time was over. Behind the names: the slope."],
        )
    return figure


def legend(axes: Axes) -> tuple[list[object], list[str]]:
    """The lines of a panel with their names."""
    handles, labels = axes.get_legend_handles_labels()
    return handles, labels


def draw(axes: Axes, kinds: dict[tuple[str, str], list[Row]], key: str) -> None:
    """A line for each target and loss."""
    for k, ((data, loss), rows) in enumerate(kinds.items()):
        power = slope(rows, key)
        name = f"{data},\n{loss}" + ("" if power is None else f": {power:.2f}")
        color, marker = COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
        n, values = [row["n"] for row in rows], [row[key] for row in rows]
        axes.plot(
            n, values, linestyle=LINES[k % len(LINES)], marker=marker, color=color, label=name
        )
        for row in rows:
            if row["ended"] != "optimal":
                axes.plot(row["n"], row[key], marker, color=color, markerfacecolor="white")
    axes.set(xscale="log", yscale="log")


def split_text(done: list[Row]) -> str:
    """Of the largest problems that closed, where the time went."""
    closed = [row for row in done if row["ended"] == "optimal"] or done
    largest = max((row["n"] for row in closed), default=0)
    parts = [
        f"{row['data']}, {row['loss']} loss: "
        + ", ".join(f"{part} {row[part]:.2g} s" for part in SPLIT)
        for row in closed
        if row["n"] == largest
    ]
    return f"At {largest:,} samples: {'; '.join(parts)}. Of the rest is the start by local search."


def split_picture(done: list[Row]) -> Figure:
    """The parts of the time, and the check beside them."""
    with styled():
        figure = new_figure(WIDTH, 2.0 + 0.3 * len(done))
        axes = figure.add_subplot()
        places, left = -np.arange(len(done)), np.zeros(len(done))
        for k, part in enumerate((*SPLIT, "others")):
            values = np.array([share(row, part) for row in done])
            color = GREY if part == "others" else COLORS[k]
            axes.barh(places, values, 0.7, left=left, color=color, label=part)
            left += values
        names = [f"{row['data']}, {row['loss']}, {row['n']:,}  ({row['seconds']:.3g} s)"
                 for row in done]  # fmt: skip
        axes.set_yticks(places, names)
        axes.set(xlabel="share of the processor time of training", xlim=(0.0, 1.0))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, columnspacing=1.0)
    return figure


def share(row: Row, part: str) -> float:
    """Of the time of a training; what no part says is left for the others."""
    if part == "others":
        return max(0.0, 1.0 - sum(share(row, each) for each in SPLIT))
    return float(row[part] / max(row["seconds"], sum(row[each] for each in SPLIT), 1e-9))


def size_text(kinds: dict[tuple[str, str], list[Row]]) -> str:
    """Of the largest sizes."""
    parts = [
        f"{data}, {loss} loss, {row['n']:,} samples: {row['memory_mb']:.0f} MB (imports "
        f"included), a file of {row['file_mb']:.2g} MB, written in {row['writing_s']:.2g} s, "
        f"{checked(row)}; the largest weight decay in {row['largest_s']:.2g} s"
        for (data, loss), rows in kinds.items()
        for row in rows[-1:]
    ]
    return f"At the largest sizes. {'; '.join(parts)}."


def checked(row: Row) -> str:
    """What the checker said."""
    if not row["valid"]:
        return f"not proved in {row['check_s']:.2g} s"
    way = "exactly" if row["way"] == "exactly" else "with rounding bounds"
    return f"proved {way} in {row['check_s']:.2g} s"


def size_picture(kinds: dict[tuple[str, str], list[Row]]) -> Figure:
    """Memory and size of the file by the number of samples."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        grid = figure.add_gridspec(1, 3, width_ratios=(1, 1, 0.75))
        panels = [figure.add_subplot(grid[k]) for k in range(3)]
        draw(panels[0], kinds, "memory_mb")
        draw(panels[1], kinds, "file_mb")
        panels[0].set(title="Peak memory in MB", xlabel="samples")
        panels[1].set(title="Certificate file in MB", xlabel="samples")
        panels[2].set_axis_off()
        panels[2].legend(*legend(panels[1]), loc="upper left", borderaxespad=0.0)
    return figure


# Peers


def say_peers(report: Report, rows: list[Row]) -> None:
    """Who comes how near, in what time."""
    done = [row for row in rows if row["status"] == "done"]
    least = min(done, key=lambda row: row["excess"])
    report.expect(
        "networks below the bound of cvxnet's certificate",
        expected="none",
        found=f"the lowest of {len(done)} is {least['excess']:+.1e} of it away",
        holds=least["excess"] >= -FLOOR,
        source="weak duality",
    )
    report.answer(
        "Who gets how near to the optimum, in what time, and who gives up?",
        peers_text(rows),
        peers_picture(kinds_of(rows)),
        "peers",
    )


def peers_text(rows: list[Row]) -> str:
    """Ratios within this run, and why others have no line."""
    parts, ours = [], {}
    for row in rows:
        key = (row["data"], row["loss"], row["n"])
        if row["method"] == "cvxnet":
            ours[key] = row
            continue
        label = EVERY[row["method"]].label
        if row["status"] != "done":
            parts.append(f"{said(*key)}: {label}: {row['status']}")
        elif key in ours and ours[key]["status"] == "done":
            ratio = row["seconds"] / ours[key]["seconds"]
            parts.append(f"{said(*key)}: {label} {ratio:.2g} times, {row['excess']:.1e} above")
    proved = "; ".join(
        f"{said(*key)}: {row['seconds']:.2g} s, {row['excess']:.1e}"
        for key, row in ours.items()
        if row["status"] == "done"
    )
    return (
        f"cvxnet: {proved}. The others, time over that of cvxnet in the same run, and how far "
        f"their network is above the certified bound: {'; '.join(parts)}."
    )


def said(data: str, loss: str, n: int) -> str:
    """A problem in words."""
    return f"{data}, {loss}, {n:,}"


def peers_picture(kinds: dict[tuple[str, str], list[Row]]) -> Figure:
    """Excess by time: a line a method through the sizes, for each target and loss."""
    with styled():
        figure = new_figure(WIDTH, 3.4 * ((len(kinds) + 1) // 2) + 1.6)
        grid = figure.add_gridspec((len(kinds) + 1) // 2, 3, width_ratios=(1, 1, 0.75))
        for k, ((data, loss), rows) in enumerate(kinds.items()):
            axes = figure.add_subplot(grid[k // 2, k % 2])
            for name in dict.fromkeys(row["method"] for row in rows):
                own = [row for row in rows if row["method"] == name]
                color, marker, line = look(name)
                above = [max(row["excess"], FLOOR) for row in own]
                axes.plot([r["seconds"] for r in own], above, line, marker=marker, color=color)
                for row, y in zip(own, above, strict=True):
                    axes.annotate(f"{np.log10(row['n']):.0f}", (row["seconds"], y), (4, 4),
                                  textcoords="offset points", fontsize=9, color=color)  # fmt: skip
            axes.set(xscale="log", yscale="log", title=f"{data}, {loss} loss")
            axes.set(xlabel="processor seconds", ylabel="above the certified bound")
        explain(figure.add_subplot(grid[:, 2]), kinds)
        head(figure, "How near to the optimum, in what time",
             [f"At each mark the power of ten of the samples. At {FLOOR:g}: or less."])  # fmt: skip
    return figure


def explain(axes: Axes, kinds: dict[tuple[str, str], list[Row]]) -> None:
    """What the marks mean."""
    for name in dict.fromkeys(row["method"] for rows in kinds.values() for row in rows):
        color, marker, line = look(name)
        axes.plot([], [], line, marker=marker, color=color, label=EVERY[name].label)
    axes.set_axis_off()
    axes.legend(loc="upper left", borderaxespad=0.0)
