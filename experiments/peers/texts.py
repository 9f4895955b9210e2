"""What the rows say, in words; every number and every comparison is computed from them."""

from __future__ import annotations

from experiments.peers.expectations import done
from experiments.peers.methods import METHODS
from experiments.report import Row

CERTIFIED = 1e-4
"""A network counts as certified where it is so close to the bound, relatively."""
TIE = 1e-6


def listed(words: list[str]) -> str:
    """a, b and c; of nothing, nothing."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def of_kind(growth: list[Row], kind: tuple[str, int]) -> list[Row]:
    """Lines of one target and rank."""
    return [r for r in growth if (r["data"], r["rank"]) == kind]


def reaches(rows: list[Row]) -> list[str]:
    """For each method the largest problem on which it was within CERTIFIED of the bound."""
    words = []
    for name, method in METHODS.items():
        close = [r["n"] for r in done(rows, name) if r["excess"] <= CERTIFIED]
        if close:
            words.append(f"{method.label} {max(close)}")
    return words


def ends(rows: list[Row]) -> list[str]:
    """Where methods failed, and how."""
    return [
        f"{METHODS[r['method']].label} at {r['n']} ({r['status'].partition(':')[0]})"
        for r in rows
        if r["status"] != "done" and not r["status"].startswith("absent")
    ]


def time_text(growth: list[Row], kind: tuple[str, int]) -> str:
    """Who reached what, and how long the others took beside cvxnet."""
    rows = of_kind(growth, kind)
    text = (
        f"On the {kind[0]} target of rank {kind[1]}, with {rows[-1]['limit']:g} seconds each, the "
        f"largest number of samples with a network within {CERTIFIED:g} of the certified bound: "
        f"{listed(reaches(rows)) or 'none'}. "
    )
    failed = ends(rows)
    if failed:
        text += f"No network came from {listed(failed)}. "
    ratios = []
    for row in done(rows, "clarabel"):
        ours = next(r for r in done(rows, "cvxnet") if r["n"] == row["n"])
        ratios.append(f"{row['seconds'] / ours['seconds']:.1f} (n = {row['n']})")
    if ratios:
        text += f"The full program (Clarabel) over cvxnet, in time: {listed(ratios)}. "
    faster = [r for r in done(growth) if r["method"] != "cvxnet" and quicker(r, growth)]
    close = [r for r in faster if r["excess"] <= CERTIFIED]
    text += (
        f"Over all targets and ranks another method was faster than cvxnet {len(faster)} times of "
        f"{len(done(growth)) - len(done(growth, 'cvxnet'))}, and {len(close)} times with a network "
        f"within {CERTIFIED:g} of the bound"
    )
    names = [METHODS[name].label for name in METHODS if done(close, name)]
    return text + (f" ({listed(names)})." if names else ".")


def other_text(growth: list[Row], kinds: list[tuple[str, int]]) -> str:
    """The same for other kinds of problems, in short."""
    words = []
    for kind in kinds:
        rows = of_kind(growth, kind)
        ours = max(done(rows, "cvxnet"), key=lambda r: r["n"])
        words.append(
            f"{kind[0]}, rank {kind[1]}: {listed(reaches(rows)) or 'none'}; cvxnet's bracket at "
            f"{ours['n']} samples is {max(ours['excess'], 0.0):.1e} wide, after "
            f"{ours['seconds']:.2g} s"
        )
    return (
        f"The largest number of samples with a network within {CERTIFIED:g} of the certified "
        f"bound. {'. '.join(word[0].upper() + word[1:] for word in words)}."
    )


def quicker(row: Row, growth: list[Row]) -> bool:
    """Whether a line took less time than cvxnet's on the same problem."""
    keys = ("data", "rank", "n")
    ours = next(r for r in done(growth, "cvxnet") if all(r[k] == row[k] for k in keys))
    return bool(row["seconds"] < ours["seconds"])


def memory_text(growth: list[Row], kind: tuple[str, int]) -> str:
    """The most that each method took, and what of it are imports."""
    words = []
    for name, method in METHODS.items():
        rows = done(of_kind(growth, kind), name)
        if rows:
            most = max(rows, key=lambda r: r["memory_mb"])
            words.append(
                f"{method.label} {most['memory_mb']:.0f} MB at {most['n']} samples "
                f"({most['imports_mb']:.0f} before it began)"
            )
    return f"Peak memory of the whole process, on the {kind[0]} target: {listed(words)}."


def excess_text(rows: list[Row], where: tuple[str, int, int]) -> str:
    """How close each came, by rising excess."""
    close = sorted(rows, key=lambda r: r["excess"])
    words = [
        f"{METHODS[r['method']].label} {max(r['excess'], 0.0):.1e} in {r['seconds']:.2g} s"
        for r in close
    ]
    return (
        f"On the {where[0]} target of rank {where[1]} with {where[2]} samples, above the certified "
        f"bound by: {listed(words)}. Conic solvers have dual values in floating point; a proof "
        "that others can check comes from cvxnet alone, and networks that were trained or sampled "
        "come with nothing that says how close they are."
    )


def real_text(sets: list[Row]) -> str:
    """Who has the best network on each set, and how open the bracket is."""
    words, shared = [], []
    for key in dict.fromkeys((r["data"], r["loss"], r["decay"]) for r in sets):
        rows = [r for r in done(sets) if (r["data"], r["loss"], r["decay"]) == key]
        best = min(rows, key=lambda r: r["value"])
        ties = [METHODS[r["method"]].label for r in rows if r["value"] <= best["value"] * (1 + TIE)]
        shared.append("cvxnet" in ties)
        gap = 1.0 - best["certified"] / best["value"]
        words.append(f"{key[0]} ({key[1]}, {key[2]}) {listed(ties)}, proved to {max(gap, 0.0):.1e}")
    absent = list(
        dict.fromkeys(
            f"{METHODS[r['method']].label} ({r['status']})"
            for r in sets
            if r["status"].startswith("absent")
        )
    )
    text = (
        f"With {sets[0]['limit']:g} seconds each, "
        f"cvxnet's network is the best, or within {TIE:g} of it, on {sum(shared)} of {len(shared)} "
        f"problems (data, loss, share of the largest useful weight decay). The best: "
        f"{'; '.join(words)}. pyscnn, adelie and ADMM train several outputs one by one, whose "
        "common objective is higher for that alone. "
    )
    return text + (f"Absent: {listed(absent)}." if absent else "")
