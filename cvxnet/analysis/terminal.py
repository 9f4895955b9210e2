"""Verdicts on a terminal: plain text, or rich with colours."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from cvxnet.analysis.phrases import answer_lines, headline, sections
from cvxnet.analysis.trees import Branch, grow_tree, lines_of
from cvxnet.analysis.verdicts import Verdict

COLOURS = {
    "convex": "green",
    "concave": "blue",
    "affine": "cyan",
    "constant": "dim",
    "mixed": "yellow",
    "unknown": "red",
}


def render_text(verdict: Verdict) -> str:
    """The whole verdict as plain text."""
    lines = [headline(verdict), *("  " + line for line in answer_lines(verdict))]
    if len(verdict.derivation):
        lines.append("Derivation")
        lines += [
            f"  {'  ' * depth}{describe(b)}" for depth, b in lines_of(grow_tree(verdict.derivation))
        ]
    for title, content in sections(verdict):
        lines.append(title)
        lines += [f"  {line}" for line in content]
    return "\n".join(lines)


def describe(branch: Branch) -> str:
    """One line of the derivation."""
    rule = "seen above" if branch.repeated else branch.step.rule
    return f"{branch.label()}: {branch.properties()}  ({rule})"


def render_rich(verdict: Verdict) -> Any:
    """The whole verdict for a rich console."""
    colour = {True: "bold green", False: "bold red", None: "bold yellow"}[verdict.convex]
    parts: list[Any] = [Text(headline(verdict), style=colour)]
    parts += [Text("  " + line) for line in answer_lines(verdict)]
    if len(verdict.derivation):
        parts.append(rich_tree(grow_tree(verdict.derivation)))
    for title, content in sections(verdict):
        parts.append(Text(title, style="bold"))
        parts += [Text("  " + line) for line in content]
    return Group(*parts)


def rich_tree(root: Branch) -> Tree:
    """The derivation as a rich tree."""
    tree = Tree(Text("Derivation", style="bold"))
    levels = {-1: tree}
    for depth, branch in lines_of(root):
        line = Text(branch.label() + ": ")
        line.append(branch.properties(), style=COLOURS[branch.step.curvature])
        line.append(f"  {'seen above' if branch.repeated else branch.step.rule}", style="dim")
        levels[depth] = levels[depth - 1].add(line)
    return tree
