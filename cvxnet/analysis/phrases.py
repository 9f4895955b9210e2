"""The sentences that every rendering shares."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

TITLES = {
    "convex": "Counterexample to convexity",
    "concave": "Counterexample to concavity",
    "set": "Counterexample: the feasible set is not convex",
}
ANSWERS = {True: "yes, proved", False: "no, refuted", None: "unknown"}


def headline(verdict: Verdict) -> str:
    """One line: the question, the answer and where it holds."""
    if verdict.empty:
        return f"{answer_word(verdict)}: {verdict.about} ({verdict.empty})"
    where = f", where {' and '.join(verdict.domain[:3])}" if verdict.domain else ""
    where += " and more" if len(verdict.domain) > 3 else ""
    return f"{answer_word(verdict)}: {verdict.about}{where}"


def answer_word(verdict: Verdict) -> str:
    """The answer in capitals."""
    if verdict.empty and verdict.convex is None:
        return "EMPTY DOMAIN"
    if verdict.convex and verdict.concave:
        word = "AFFINE (convex and concave)"
    elif verdict.convex:
        word = "CONVEX"
    else:
        notes = ["it is concave"] if verdict.concave else []
        between = verdict.relaxation is not None and verdict.relaxation.convex
        notes += ["its relaxation is convex"] if between else []
        near = "by no more than rounding" if verdict.convex is False else "convex within rounding"
        notes += [near] if "convex" in verdict.rounding else []
        word = "UNKNOWN" if verdict.convex is None else "NOT CONVEX"
        word += f" ({', '.join(notes)})" if notes else ""
    return f"{word}, BUT EMPTY" if verdict.empty else word


def answer_lines(verdict: Verdict) -> list[str]:
    """Convex, concave, where, on what premises, and what CVXPY alone says."""
    goals = [g for g in ("convex", "concave") if g in verdict.reasons]
    lines = [
        f"{goal}: {ANSWERS[getattr(verdict, goal)]} - {verdict.reasons[goal]}" for goal in goals
    ]
    if verdict.domain:
        lines.append(f"domain: {' and '.join(verdict.domain)}")
    if verdict.empty:
        lines.append(f"empty: {verdict.empty}")
    if verdict.relaxation is not None:
        lines.append(f"relaxation: {headline(verdict.relaxation)}")
    lines += [f"premise: {premise}" for premise in verdict.premises]
    return [*lines, f"CVXPY alone: {verdict.dcp or 'not asked'}"]


def show_value(value: Any) -> str:
    """An array in few characters, zeros left out where it is long."""
    array = np.asarray(value, dtype=float) + 0.0
    if array.size <= 12:
        return np.array2string(array, precision=6, separator=", ", max_line_width=200).replace(
            "\n", ""
        )
    places = np.argwhere(array != 0.0)
    if len(places) > 12:
        return f"array {'x'.join(map(str, array.shape))}, largest entry {np.abs(array).max():.4g}"
    entries = ", ".join(f"[{', '.join(map(str, p))}] = {array[tuple(p)]:.6g}" for p in places)
    return f"zero except {entries}" if entries else "zero"


def witness_lines(witness: Counterexample) -> list[str]:
    """The counterexample, as one would write it on a blackboard."""
    side = "above" if witness.refutes == "convex" else "below"
    fixed = {name: value for name, value in witness.fixed.items() if np.any(value)}
    moving = [n for n in witness.a if np.any(witness.a[n]) or np.any(witness.b[n])]
    lines = [f"{name} = {show_value(value)} (fixed)" for name, value in fixed.items()]
    for end, points in (("a", witness.a), ("b", witness.b)):
        lines += [f"{end}: {name} = {show_value(points[name])}" for name in moving]
    if len(fixed) < len(witness.fixed) or len(moving) < len(witness.a):
        lines.append("everything else is 0")
    if witness.refutes == "set":
        return [*lines, f"a and b are feasible, the midpoint is not: {witness.found_by}"]
    entry = f"[{', '.join(map(str, witness.entry))}]" if any(witness.entry) else ""
    lines.append(
        f"f{entry}(a) = {witness.f_a:.6g}, f{entry}(b) = {witness.f_b:.6g}, "
        f"mean {witness.chord:.6g}"
    )
    lines.append(
        f"f{entry}(midpoint) = {witness.f_middle:.6g}, {side} the mean by {witness.gap} "
        f"({witness.arithmetic} arithmetic)"
    )
    return lines


def block_lines(verdict: Verdict) -> list[str]:
    """Convexity in each block of weights."""
    blocks = verdict.blocks
    if not blocks:
        return []
    words = {True: "convex", False: "not convex", None: "unknown"}
    lines = [f"{name}: {words[value]}" for name, value in blocks["single"].items()]
    if blocks["maximal"]:
        sets = "; ".join("{" + ", ".join(s) + "}" for s in blocks["maximal"])
        lines.append(f"jointly convex in (largest sets proved): {sets}")
    return lines


def repair_lines(verdict: Verdict) -> list[str]:
    """What to change."""
    return [
        f"{repair.change} -> {repair.outcome} (cost: {repair.cost})" for repair in verdict.repairs
    ]


def sections(verdict: Verdict) -> list[tuple[str, list[str]]]:
    """Every section after the derivation: title and lines."""
    found = [("Blame", [str(verdict.blame)])] if verdict.blame and not verdict.convex else []
    for goal, witness in verdict.counterexamples.items():
        if goal != "concave" or not verdict.counterexamples.get("convex"):
            title = TITLES[goal]
            found.append((title, witness_lines(witness)))
    for label, part in verdict.parts.items():
        found.append((label, [headline(part)]))
    if not verdict.parts and len(verdict.derivation):
        found.append(("Other disciplines", [f"{k}: {v}" for k, v in verdict.disciplines.items()]))
        found.append(("Blocks", block_lines(verdict)))
    if (not verdict.parts and len(verdict.derivation)) or verdict.rounding:
        found.append(("Repairs (each verified)", repair_lines(verdict)))
    return [(title, lines) for title, lines in found if lines]
