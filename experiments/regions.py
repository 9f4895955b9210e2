"""Numbers in README and pages: tables between two comments, written from the records.

    <!-- NAME: written by python -m experiments answers -->
    ...
    <!-- end -->

`REGIONS` has a function for each NAME, from the folder of results to Markdown. A table ends with
when and on what machine it was measured, and with the command that measures it anew.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cvxnet.proofs.gaps import bracket_text

Row = dict[str, str]
SPACE = "\u00a0"
"""One that no line ends at."""

REGION = re.compile(
    r"(<!-- (\S+): written by python -m experiments answers -->\n).*?^(<!-- end -->)$",
    flags=re.M | re.S,
)


def filled(text: str, results: Path) -> str:
    """The text with every region as the records have it."""
    return REGION.sub(lambda found: f"{found[1]}{REGIONS[found[2]](results)}\n{found[3]}", text)


def regions_of(text: str) -> list[str]:
    """The names of the regions in a text."""
    return [found[2] for found in REGION.finditer(text)]


def record_of(results: Path, name: str) -> dict[str, Any]:
    """What an experiment said of its run."""
    found: dict[str, Any] = json.loads((results / name / f"{name}.json").read_text("utf-8"))
    return found


def rows_of(results: Path, name: str, table: str) -> list[Row]:
    """A table of an experiment."""
    with open(results / name / f"{table}.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured(record: dict[str, Any]) -> str:
    """When and on what machine; a load is how many processes wanted to run, this one included."""
    machine = record["machine"]
    said = f"{record['date']}, {machine['processor']}, {machine['cores']} cores"
    if "memory" in machine:
        said += f", {machine['memory']} GB"
    if "load" in machine:
        said += " (load {:g} at the start, {:g} at the end)".format(*machine["load"])
    return said


def caption(record: dict[str, Any]) -> str:
    """The line below a table."""
    return f"*Measured {measured(record)}: `{record['command']}`.*"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shortly(text: str) -> str:
    """Two digits are enough."""
    value = float(text)
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def seconds(text: str) -> str:
    """So long as that."""
    return f"{shortly(text)}{SPACE}s"


def tiny(text: str) -> str:
    """A power of ten with a minus sign: unlike a hyphen, it ends no line."""
    return f"{float(text):.1e}".replace("-", "−")


# What closes: experiments/frontier.py.

UNITS = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "abs": "absolute value",
    "squared_relu": "squared ReLU",
    "gated_relu": "gated ReLU",
}
ALIKE = {
    "abs": "leaky_relu",
    "threshold": "sign",
    "polynomial": "quadratic",
    "coordinate": "linear",
}
"""Families that share a line with another; it says what holds for both."""


CHECKED = {"exactly": "proved exactly", "rounded": "proved in floating point", "late": "unfinished"}
"""What the checker says, by a word for it."""


def what_closes(results: Path) -> str:
    """A line for each kind of problem: what closed, and what did not."""
    found: dict[tuple[str, bool, str], list[Row]] = {}
    for row in rows_of(results, "frontier", "frontier"):
        alike = ALIKE.get(row["units"], row["units"])
        rank = "" if row["data"] else row["rank"]
        found.setdefault((alike, int(row["outputs"]) > 1, rank), []).append(row)
    lines = [closing(rows) for rows in found.values()]
    record = record_of(results, "frontier")
    header = ["units", "rank", "closes", "stays open, with the gap proved"]
    return f"{table(header, lines)}\n\n{caption(record)}"


def closing(rows: list[Row]) -> list[str]:
    """The line of problems that are alike; of made data the largest that closed is enough."""
    name = ", ".join(dict.fromkeys(UNITS.get(row["units"], row["units"]) for row in rows))
    several, real = rows[0]["outputs"] != "1", bool(rows[0]["data"])
    name += (", classes" if real else f", {rows[0]['outputs']} outputs") if several else ""
    name += " of real data" if real and several else ", real data" if real else ""
    ranks = sorted({int(row["rank"]) for row in rows})
    worst: dict[str, Row] = {}
    for row in rows:
        size = row["data"] or f"n = {int(row['n']):,}"
        worst[size] = max(row, worst.get(size, row), key=hardness)
    closed = [
        f"{size} ({seconds(row['seconds'])}{late(row)})"
        for size, row in worst.items()
        if row["status"] == "optimal"
    ]
    left = [
        f"{size}: {remaining(row)}" for size, row in worst.items() if row["status"] != "optimal"
    ]
    ends = f"{ranks[0]}" if len(ranks) == 1 else f"{ranks[0]} to {ranks[-1]}"
    return [name, ends, ", ".join(closed if real else closed[-1:]), ", ".join(left)]


def hardness(row: Row) -> tuple[bool, float]:
    """What did not close is worse than what did, and what took longer than what did not."""
    return row["status"] != "optimal", float(row["seconds"])


def late(row: Row) -> str:
    """Whether the checker, too, ended within the limit."""
    return "" if row["checked"] == "True" else "; its check takes longer"


def remaining(row: Row) -> str:
    """The gap of a bracket that did not close."""
    gap = float(row["gap"])
    return (
        tiny(row["gap"]) if gap < 1e-3 else f"{100 * gap:{'.0f' if gap > 0.1 else '.2g'}}{SPACE}%"
    )


def every_line(results: Path) -> str:
    """All that was trained."""
    lines = [
        [
            row["units"],
            row["data"] or "made",
            row["n"],
            row["rank"],
            row["outputs"],
            tiny(row["gap"]),
            row["network units"],
            seconds(row["seconds"]),
            way_of(row),
        ]
        for row in rows_of(results, "frontier", "frontier")
    ]
    header = ["family", "data", "n", "rank", "outputs", "gap", "units", "time", "checked"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'frontier'))}"


# Networks of at most m units: experiments/width_sizes.py and width_optima.py.


def widths_that_close(results: Path) -> str:
    """A line for each kind of problem: up to which width the optimum was proved."""
    found: dict[tuple[str, ...], dict[str, list[Row]]] = {}
    for row in rows_of(results, "width_sizes", "sizes"):
        real = row["data"] not in MADE
        key = (row["units"], "real" if real else "made", str(rank_of(row)), row["share"])
        size = row["data"] if real else f"n = {int(row['n']):,}"
        found.setdefault(key, {}).setdefault(size, []).append(row)
    lines = [
        [
            UNITS.get(units, units) + (", real data" if kind == "real" else ""),
            rank,
            share,
            ", ".join(said for size, rows in sizes.items() if (said := closed_up_to(size, rows))),
            ", ".join(said for size, rows in sizes.items() if (said := open_from(size, rows))),
        ]
        for (units, kind, rank, share), sizes in found.items()
    ]
    header = ["units", "rank", "weight decay", "closes", "stays open, with the gap proved"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'width_sizes'))}"


MADE = ("sin", "xor", "noise", "rough", "planted")
"""Names of data that are not bundled with anything."""


def rank_of(row: Row) -> int:
    """That of the data, with a column of ones where units have a bias."""
    return int(row["features"]) + (row["units"] != "coordinate")


def still_closed(rows: list[Row]) -> list[Row]:
    """Of the problems of one size those of widths up to which all closed."""
    left = [int(row["width"]) for row in rows if row["status"] != "optimal"]
    return [row for row in rows if int(row["width"]) < min([*left, 10**9])]


def closed_up_to(size: str, rows: list[Row]) -> str:
    """The largest such width, and how long it took."""
    closed = still_closed(rows)
    if not closed:
        return ""
    most = max(int(row["width"]) for row in closed)
    longest = max(float(row["seconds"]) for row in closed if int(row["width"]) == most)
    return f"{size}: m{SPACE}≤{SPACE}{most} ({seconds(str(longest))})"


def open_from(size: str, rows: list[Row]) -> str:
    """The widths beyond it, with the largest gap of each."""
    gaps: dict[str, Row] = {}
    for row in rows:
        if row["status"] != "optimal":
            worst = gaps.get(row["width"], row)
            gaps[row["width"]] = max(row, worst, key=lambda each: float(each["gap"]))
    said = (f"m{SPACE}={SPACE}{m}: {remaining(row)}" for m, row in gaps.items())
    return f"{size}, {', '.join(said)}" if gaps else ""


def every_width_size(results: Path) -> str:
    """All widths of all problems."""
    lines = [
        [
            row["units"],
            row["data"],
            row["n"],
            str(rank_of(row)),
            row["share"],
            row["width"],
            optimum_of(row),
            tiny(row["gap"]),
            f"{float(row['every_width']):.6g} ({row['every_units']})",
            f"{int(row['nodes']):,}",
            seconds(row["search_s"]),
            seconds(row["seconds"]),
            f"{shortly(row['kB'])}{SPACE}kB",
            f"{way_of(row)}, {seconds(row['check_s'])}",
        ]
        for row in rows_of(results, "width_sizes", "sizes")
    ]
    header = ["family", "data", "n", "rank", "weight decay", "m", "optimum", "gap"]
    header += ["of every width (units)", "nodes", "search", "in all", "certificate", "checked"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'width_sizes'))}"


def optimum_of(row: Row) -> str:
    """It, or the bracket where that is open."""
    value = f"{float(row['value']):.6g}"
    return value if row["status"] == "optimal" else f"{float(row['lower']):.6g} to {value}"


def way_of(row: Row) -> str:
    """What the checker says, in a word."""
    words = (said for said, word in CHECKED.items() if row["reason"].startswith(word))
    return next(words, "no")


def optima_of_widths(results: Path) -> str:
    """The optimum of each width, and how near runs come."""
    lines = [
        [
            row["data"] + (f", {row['features']} features" if int(row["features"]) > 2 else ""),
            row["n"],
            row["share"],
            row["width"],
            optimum_of(row),
            f"{shortly(str(100 * (float(row['value']) / float(row['every_width']) - 1)))}{SPACE}%",
            *(
                cell
                for key in DESCENT
                for cell in (above(row[f"{key}_best"]), row[f"{key}_near"], row[f"{key}_nearer"])
            ),
        ]
        for row in rows_of(results, "width_optima", "optima")
    ]
    header = ["data", "n", "weight decay", "m", "optimum", "above every width"]
    for name in DESCENT.values():
        header += [f"best of {name}: above", "within 1e-3", "1e-6"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'width_optima'))}"


def above(text: str) -> str:
    """A relative distance; below 1e-9 it is rounding."""
    return tiny(text) if float(text) > 1e-9 else "0"


# Gradient training beside the optimum: experiments/compare.py.

OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "lbfgs": "L-BFGS"}


def compared_optima(results: Path) -> str:
    """The problems, and their optima."""
    rows = rows_of(results, "compare", "problems")
    record = record_of(results, "compare")
    lines = {
        row["name"]: [
            row["name"],
            f"{float(row['optimum']):.8g}",
            tiny(row["gap"]),
            row["units"],
            seconds(row["exact_seconds"]),
        ]
        for row in rows
    }
    header = ["data", "proved optimum", "relative gap", "units", "time"]
    return f"{table(header, lines.values())}\n\n{caption(record)}"


def compared_runs(results: Path) -> str:
    """All runs, a line for each optimiser and width."""
    record = record_of(results, "compare")
    count = record["seeds"]
    narrow = {(row["name"], row["width"]) for row in rows_of(results, "compare", "widths")}
    lines = [
        [
            row["name"],
            OPTIMIZERS[row["optimizer"]],
            row["batch"],
            row["width"],
            tiny(row["rate"]) if row["rate"] else "",
            tiny(row["median"]),
            tiny(row["own"]) if (row["name"], row["width"]) in narrow else "",
            f"{row['close']}/{count}",
            f"{row['closer']}/{count}",
            seconds(row["seconds"]),
            shortly(row["times_exact"]),
        ]
        for row in rows_of(results, "compare", "runs")
    ]
    header = ["data", "optimiser", "batch", "width", "rate", "median excess", "above width"]
    header += ["within 1 %", "within 0.01 %", "time", "x exact"]
    return f"{table(header, lines)}\n\n{caption(record)}"


def compared_widths(results: Path) -> str:
    """The optima of narrow widths, and what the best runs miss of them."""
    lines = [
        [
            row["name"],
            row["width"],
            " to ".join(bracket_text(float(row["lower"]), float(row["upper"]))),
            "optimal" if row["status"] == "optimal" else "open",
            f"{float(row['part']):.2%}",
            f"{row['hits']}/{row['tried']}",
            tiny(row["best"]),
            row["nodes"],
            seconds(row["seconds"]),
        ]
        for row in rows_of(results, "compare", "widths")
    ]
    header = ["data", "width", "its optimum", "", "width's part", "runs that found it"]
    header += ["best run above it", "nodes", "time"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'compare'))}"


# The estimators beside scikit-learn's: experiments/estimators.py.


MODELS = {"HistGradientBoosting": "boosted trees", "RandomForest": "forest"}


def scores(results: Path) -> str:
    """Mean scores with their standard errors; the best mean of a row is bold."""

    def shown(row: Row, best: float) -> str:
        score, error = float(row["score"]), float(row["error"])
        digits = f"{1000 * error:.0f}" if error < 0.1 else f"{error:.1f}"
        said = f"{score:.{3 if error < 0.1 else 1}f}({digits})".replace("-", "−")
        return f"**{said}**" if f"{score:.3f}" == f"{best:.3f}" else said

    return of_estimators(results, shown)


def fit_times(results: Path) -> str:
    """Seconds of the processor that a fit takes."""
    return of_estimators(results, lambda row, best: seconds(row["seconds"]))


def of_estimators(results: Path, shown: Callable[[Row, float], str]) -> str:
    """A line for each set, a column for each model, and what is shown of a fit."""
    rows = rows_of(results, "estimators", "scores")
    models = list(dict.fromkeys(row["model"] for row in rows))
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        cells = {row["model"]: row for row in rows if row["name"] == name}
        best = max(float(row["score"]) for row in cells.values())
        lines.append([name, *(shown(cells[model], best) for model in models)])
    header = ["set", *(MODELS.get(model, model) for model in models)]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'estimators'))}"


# Other ways to the same objective: experiments/peers.

TARGETS = {"planted": "five units + noise", "rough": "sin(2a) cos(2b) + noise"}
WAYS = {"cvxnet": "`train`", "clarabel": "full program", "facets": "its facets"}
DESCENT = {"adam": "Adam", "lbfgs": "L-BFGS"}


def times(results: Path) -> str:
    """Gaussian data, squared loss: seconds, memory, and excess over the optimum."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows_of(results, "peers", "gaussian"):
        key = (TARGETS[row["data"]], row["rank"], row["n"])
        found.setdefault(key, {})[row["method"]] = row
    lines = [
        [
            *key,
            *(taken(cells.get(way), "memory_mb", "{:.0f}\u00a0MB") for way in WAYS),
            *(taken(cells.get(way), "excess", "{:.1e}") for way in DESCENT),
        ]
        for key, cells in sorted(found.items(), key=lambda line: line[0][1::-1])
    ]
    header = [
        "target",
        "rank",
        "n",
        *WAYS.values(),
        *(f"{way}: excess" for way in DESCENT.values()),
    ]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'peers'))}"


def taken(row: Row | None, column: str, form: str) -> str:
    """Seconds with one more number, or why there are none."""
    if row is None:
        return "not asked"
    if row["status"] != "done":
        return row["status"].partition(":")[0]
    return f"{seconds(row['seconds'])}, {form.format(float(row[column])).replace('-', '−')}"


# From a thousand samples to a million: experiments/speed.


def growth(results: Path) -> str:
    """cvxnet by the number of samples: time, parts of it, memory, file and check."""
    lines = [
        [
            TARGETS.get(row["data"], row["data"]),
            row["loss"],
            f"{int(row['n']):,}",
            *grown(row),
        ]
        for row in rows_of(results, "speed", "growth")
    ]
    header = ["target", "loss", "n", "gap", "time", *SPLIT, "memory", "file", "check"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'speed'))}"


SPLIT = ("pricing", "master", "refining", "certificate")


def grown(row: Row) -> list[str]:
    """The cells of a line, or why there are none."""
    if row["status"] != "done":
        return [row["status"], *[""] * (len(SPLIT) + 4)]
    check = f"{row['way']}, {seconds(row['check_s'])}" if row["valid"] == "True" else "late"
    return [
        tiny(row["gap"]),
        seconds(row["seconds"]),
        *(seconds(row[part]) for part in SPLIT),
        f"{shortly(row['memory_mb'])}{SPACE}MB",
        f"{shortly(row['file_mb'])}{SPACE}MB",
        check,
    ]


# Linear models: experiments/linear_models.


def specialists(results: Path) -> str:
    """Linear models: seconds to one certified gap, of cvxnet and of solvers for nothing else."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    rows = rows_of(results, "linear_models", "linear")
    for row in rows:
        found.setdefault((row["kind"], row["loss"], row["share"]), {})[row["method"]] = row
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = [
        [*key, *(reached(cells.get(name)) for name in methods), times_the_fastest(cells)]
        for key, cells in found.items()
    ]
    header = ["data", "loss", "decay", *(SOLVERS.get(name, name) for name in methods), "ratio"]
    return f"{table(header, lines)}\n\n{caption(record_of(results, 'linear_models'))}"


SOLVERS = {"proved_linear": "`train`", "sklearn_linear": "scikit-learn"}
ASKED = 1e-6
"""The gap that all are to reach."""


def reached(row: Row | None) -> str:
    """Seconds; with the gap, where that stayed larger than asked for."""
    if row is None or row["status"] != "done":
        return "" if row is None else row["status"].partition(":")[0]
    gap = float(row["gap"])
    return seconds(row["seconds"]) + (f", gap {tiny(row['gap'])}" if gap > ASKED else "")


def times_the_fastest(cells: dict[str, Row]) -> str:
    """The time of `train` over that of the fastest specialist that got there."""
    times = {
        name: float(row["seconds"])
        for name, row in cells.items()
        if row["status"] == "done" and float(row["gap"]) <= ASKED
    }
    own = times.pop("proved_linear", None)
    return f"{own / min(times.values()):.1f}" if own and times else ""


REGIONS: dict[str, Callable[[Path], str]] = {
    "what-closes": what_closes,
    "what-closes-in-full": every_line,
    "widths-that-close": widths_that_close,
    "width-sizes": every_width_size,
    "width-optima": optima_of_widths,
    "compared-optima": compared_optima,
    "compared-runs": compared_runs,
    "compared-widths": compared_widths,
    "scores": scores,
    "fit-times": fit_times,
    "times": times,
    "growth": growth,
    "specialists": specialists,
}
