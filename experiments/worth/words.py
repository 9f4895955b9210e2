"""The answers, and what is held against the literature: every sentence follows from the rows."""

from __future__ import annotations

import numpy as np

from experiments.report import Report
from experiments.worth.comparisons import ALIKE, LEVEL, NEARLY, Found
from experiments.worth.gradients import WIDTH
from experiments.worth.methods import GAP, OPTIMUM
from experiments.worth.samples import ANOTHER
from experiments.worth.units import TOLERANCE

TRAINED = ("SGD", "Adam")
"""They minimise the objective of the optimum."""


def counted(number: int, what: str) -> str:
    """``2 sets``, ``1 set``, ``no set``."""
    return f"{number or 'no'} {what}{'s' if number > 1 else ''}"


def listed(names: list[str]) -> str:
    """In words; ``none``."""
    return ", ".join(map(said, names)) or "none"


def said(name: str) -> str:
    """A set, or a method, as a reader knows it."""
    whole, _, two = name.partition(" ")
    return whole.replace("_", " ") + (" with two features" if two else "")


def sets_with(found: Found, method: str, sign: int) -> list[str]:
    """On which the optimum is clearly better (1) or worse (-1) than a method."""
    return [name for name in found.sets if found.paired(name, method).clear == sign]


def against(found: Found, method: str) -> str:
    """A sentence on the optimum against a method."""
    pairs = [found.paired(name, method) for name in found.sets]
    wins, losses, level = (sum(pair.count(sign) for pair in pairs) for sign in (1, -1, 0))
    lower, higher = (sum(np.sign(pair.mean) == sign for pair in pairs) for sign in (1, -1))
    clear = [listed(sets_with(found, method, sign)) for sign in (1, -1)]
    return (
        f"Against {method}: lower mean error on {counted(lower, 'set')}, higher on "
        f"{counted(higher, 'set')}; clearly lower on {clear[0]}, clearly higher on {clear[1]}; "
        f"{wins} splits won, {losses} lost, {level} level."
    )


def errors_text(found: Found) -> str:
    """Does it predict better?"""
    splits = len(found.optima_of(found.sets[0]))
    told = {sign: sum(len(sets_with(found, m, sign)) for m in TRAINED) for sign in (1, -1)}
    trials = len(TRAINED) * len(found.sets)
    if not any(told.values()):
        verdict = f"in none of {trials} comparisons is there a clear difference"
    else:
        verdict = (
            f"in {trials} comparisons it is clearly better {told[1]} times and clearly worse "
            f"{told[-1]} times"
        )
    return (
        f"{counted(len(found.sets), 'set').capitalize()}, {splits} splits each, weight decay (or "
        f"penalty, or trees) chosen alike. A difference is called clear where Student's "
        f"test at the level {LEVEL:g}, corrected for splits that share samples, tells it from none "
        f"(by chance one in {1 / LEVEL:.0f} would be). Against SGD and Adam "
        f"on its own objective: {verdict}. "
        + " ".join(against(found, method) for method in found.others)
        + " The weakest candidate was chosen, so that a weaker one might have done better, on "
        + ", ".join(
            f"{found.weakest(method):.0%} of splits by {method}" for method in found.methods
        )
        + "."
    )


def mean_of(found: Found, method: str, key: str, sets: list[str]) -> float:
    """Of a column of the table of seeds over some sets; not a number where there are none."""
    values = [found.seeded(name, method, key) for name in sets]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else np.nan


def seeds_text(found: Found) -> str:
    """How much depends on the seed?"""
    apart = {m: mean_of(found, m, "apart", found.sets) for m in found.reseeded}
    most = {
        m: max(found.sets, key=lambda name, m=m: found.seeded(name, m, "apart") or 0.0)
        for m in apart
    }
    told = ", ".join(
        f"{m} on {share:.1%} (most on {said(most[m])}: {found.seeded(most[m], m, 'apart'):.1%})"
        for m, share in apart.items()
    )
    still = [name for name in found.sets if name not in found.closed]
    ours = [
        f"{mean_of(found, OPTIMUM, 'apart', sets):.1%} where {where}"
        for sets, where in ((found.closed, "brackets close"), (still, "they stay open"))
        if sets
    ]
    return (
        f"Two networks trained from different seeds, with the same data and weight decay, disagree "
        f"on so many test points (another class, or a number {ANOTHER} standard deviations away), "
        f"mean over the sets: {told}. The optimum has no seed; trained on the same samples and "
        f"features in another order, two of its networks disagree on {', on '.join(ours)}."
    )


def ratio_of_units(found: Found, name: str, method: str) -> float:
    """Effective units of the optimum over those of a method, means over seeds and splits."""
    ours, theirs = (found.seeded(name, m, "effective") for m in (OPTIMUM, method))
    return (ours or np.nan) / (theirs or np.nan)


def units_text(found: Found) -> str:
    """How many units?"""
    rows = []
    for name in found.sets:
        numbers = [found.seeded(name, m, "effective") for m in (OPTIMUM, *TRAINED)]
        rows.append(f"{said(name)}: " + ", ".join(f"{n:.3g}" for n in numbers))
    ratios = {m: [ratio_of_units(found, name, m) for name in found.sets] for m in TRAINED}
    fewer = ", and ".join(
        f"fewer than {m} on {counted(sum(ratio < 1.0 for ratio in ratios[m]), 'set')} of "
        f"{len(found.sets)} (median of the ratios {np.median(ratios[m]):.2f})"
        for m in TRAINED
    )
    same = {
        what: sum(found.width_reaching(name, what) is not None for name in found.sets)
        for what in ("objective", "error")
    }
    most = max(row["width"] for row in found.widths)
    return (
        f"Effective units are those of the smallest network made from a trained one by adding "
        f"units up, or leaving them out, whose objective is at most {TOLERANCE:.0%} higher. The "
        f"optimum, SGD and Adam ({WIDTH} wide) have, at the same weight decay: "
        f"{'; '.join(rows)}. The optimum has {fewer}. At a width of at most {most} the best of "
        f"some Adam runs comes within {ALIKE:.0%} of its objective on "
        f"{counted(same['objective'], 'set')}, and their mean test error is no higher than its own "
        f"on {counted(same['error'], 'set')}."
    )


def distances_text(found: Found) -> str:
    """What does the bracket tell?"""
    closed = sum(row["status"] == "optimal" for row in found.optima.values())
    beaten = [name for name in found.sets if (found.excess(name, "Adam") or 0.0) < -GAP]
    return (
        f"The bracket closed to {GAP:g} on {closed} of {len(found.optima)} splits. "
        f"{closed_text(found)}{open_text(found)}At the same weight decay Adam's networks, mean "
        f"over the seeds, have a lower objective than cvxnet's on: {listed(beaten)}."
    )


def closed_text(found: Found) -> str:
    """Of sets with proved optima: how far above them gradient training ended."""
    if not found.closed:
        return ""
    above = {m: np.median([found.excess(name, m) or 0.0 for name in found.closed]) for m in TRAINED}
    return (
        f"Where it did on {NEARLY:.0%} of the splits or more ({listed(found.closed)}), SGD ended "
        f"{above['SGD']:.2%} and Adam {above['Adam']:.2%} above the optimum (median of the sets), "
        "which without the bracket nobody could tell. "
    )


def open_text(found: Found) -> str:
    """Of the others: how wide their brackets are."""
    gaps = [f"{listed([n])} {found.gap(n):.0%}" for n in found.sets if n not in found.closed]
    if not gaps:
        return ""
    return f"Elsewhere it stayed open in the time given; median gaps: {', '.join(gaps)}. "


def summary(found: Found) -> str:
    """What is it good for?"""
    apart = {m: mean_of(found, m, "apart", found.closed) for m in (OPTIMUM, *found.reseeded)}
    seeds = ", ".join(f"of {method} on {apart[method]:.1%}" for method in found.reseeded)
    ratios = [ratio_of_units(found, name, "Adam") for name in found.sets]
    fewer = sum(ratio < 1.0 for ratio in ratios)
    proved = (
        f"Where it is proved ({listed(found.closed)}), two optima, with the data in another order, "
        f"disagree on {apart[OPTIMUM]:.1%} of test points, two seeds {seeds}. "
        if found.closed
        else ""
    )
    return (
        f"{test_errors(found)} {proved}It has fewer effective units than Adam's network on "
        f"{fewer} of {counted(len(found.sets), 'set')} (median of the ratios "
        f"{np.median(ratios):.2f}), and it comes with a bracket that says how far any "
        "network of the same objective is from the best."
    )


def test_errors(found: Found) -> str:
    """The test error in a sentence or two: SGD and Adam on the same objective, then the others."""
    same = {sign: sum(len(sets_with(found, m, sign)) for m in TRAINED) for sign in (1, -1)}
    rest = [method for method in found.others if method not in TRAINED]
    other = {sign: sum(len(sets_with(found, m, sign)) for m in rest) for sign in (1, -1)}
    lead = (
        "For the test error it is worth something"
        if same[1] > len(TRAINED) * len(found.sets) / 4 > same[-1]
        else "Not for the test error"
    )
    return (
        f"{lead}: beside SGD and Adam on the same objective it is clearly better {same[1]} times "
        f"and clearly worse {same[-1]} times in {len(TRAINED) * len(found.sets)} comparisons; "
        f"beside {listed(rest)} {other[1]} and {other[-1]} times in "
        f"{len(rest) * len(found.sets)}."
    )


def hold_against(report: Report, found: Found) -> None:
    """The expectations."""
    expect_units(report, found)
    expect_bounds(report, found)
    expect_widths(report, found)
    expect_errors(report, found)
    expect_one_optimum(report, found)


def expect_units(report: Report, found: Found) -> None:
    """Theorem, and what Bengio et al. saw."""
    closed = [row for row in found.optima.values() if row["status"] == "optimal"]
    within = sum(row["units"] <= row["most_units"] for row in closed)
    shares = [row["units"] / row["most_units"] for row in closed]
    report.expect(
        "units of proved optima",
        expected="at most samples times outputs",
        found=f"{within} of {len(closed)}, at most {max(shares, default=0.0):.0%} of that",
        holds=within == len(closed),
        source="critical width; Sahiner et al. 2021, Theorem 3.1",
    )
    ours, theirs = (mean_of(found, m, "effective", found.sets) for m in (OPTIMUM, "SGD"))
    report.expect(
        "exact training leaves fewer units than approximate training",
        expected="3 against 5.5 (sign units, double moons)",
        found=f"{ours:.2g} against {theirs:.2g} of SGD (effective, mean over the sets)",
        holds=ours < theirs,
        source="Bengio et al. 2005, their experiment",
    )


def expect_bounds(report: Report, found: Found) -> None:
    """No network is below a proved bound."""
    rows = [row for row in (*found.seeds, *found.widths) if row.get("best") is not None]
    below = sum(row["best"] < found.optima[row["name"], row["split"]]["lower"] for row in rows)
    report.expect(
        "trained networks below the proved lower bound",
        expected="none",
        found=f"{below} of {len(rows)} groups of seeds",
        holds=below == 0,
        source="weak duality; Pilanci and Ergen 2020",
    )


def expect_widths(report: Report, found: Found) -> None:
    """Failures fall with the width."""
    widths = sorted({row["width"] for row in found.widths})
    shares = [
        np.mean(
            [
                row["best"] <= (1.0 + ALIKE) * found.optima[row["name"], row["split"]]["value"]
                for row in found.widths
                if row["width"] == width
            ]
        )
        for width in (widths[0], widths[-1])
    ]
    report.expect(
        f"the best of some Adam runs within {ALIKE:.0%} of the optimum's network",
        expected="the more often, the wider",
        found=f"{shares[0]:.0%} at width {widths[0]}, {shares[1]:.0%} at width {widths[-1]}",
        holds=bool(shares[1] >= shares[0]),
        source="Pilanci and Ergen 2020, SGD by width",
    )


def expect_errors(report: Report, found: Found) -> None:
    """Bengio et al.: the lower objective had the higher test error."""
    clear = [name for name in found.sets if found.paired(name, "SGD").clear == 1]
    report.expect(
        "the exact optimum does not test better than approximate training",
        expected="5.3 % wrong against 3.68 % (sign units, double moons)",
        found=f"clearly better than SGD on {len(clear)} of {len(found.sets)} sets",
        holds=not clear,
        source="Bengio et al. 2005, their experiment",
    )


def expect_one_optimum(report: Report, found: Found) -> None:
    """One optimal fit: predictions agree where the network is unique."""
    apart = [found.seeded(name, OPTIMUM, "apart") or 0.0 for name in found.closed]
    report.expect(
        "test points on which proved optima disagree, data in another order",
        expected="none where the optimal network is unique",
        found=f"at most {max(apart, default=0.0):.1%} of a set",
        holds=not any(apart),
        source="one optimal fit (strictly convex loss); Mishkin and Pilanci 2023",
    )
