"""Verdicts as HTML, for notebooks: a picture of the derivation, the evidence, no scripts."""

from __future__ import annotations

from html import escape

from cvxnet.analysis.phrases import answer_lines, headline, sections
from cvxnet.analysis.pictures import draw_derivation
from cvxnet.analysis.verdicts import Verdict

COLOURS = {True: "#1a7f37", False: "#b42318", None: "#8a6100"}


def render_html(verdict: Verdict) -> str:
    """The whole verdict as an HTML fragment."""
    colour = COLOURS[verdict.convex]
    parts = [
        '<div class="cvxnet-verdict" style="font-family: sans-serif">',
        f'<p style="color: {colour}; font-weight: bold">{escape(headline(verdict))}</p>',
        list_of(answer_lines(verdict)),
    ]
    if len(verdict.derivation):
        parts.append(
            f"<details open><summary>Derivation</summary>{draw_derivation(verdict)}</details>"
        )
    for title, lines in sections(verdict):
        parts.append(f"<p><b>{escape(title)}</b></p>{list_of(lines)}")
    return "\n".join([*parts, "</div>"])


def list_of(lines: list[str]) -> str:
    """Lines as a plain list."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul style="list-style: none; padding-left: 1em">{items}</ul>'
