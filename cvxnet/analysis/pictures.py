"""The derivation as SVG: one box a node, curvature by symbol and colour (never by colour alone)."""

from __future__ import annotations

from html import escape

from cvxnet.analysis.trees import Branch, grow_tree, lines_of
from cvxnet.analysis.verdicts import Verdict

ROW, INDENT, MARGIN, CHARACTER = 34, 26, 10, 7.2
MARK = "\u2190 the rules stop here"
FILLS = {
    "convex": "#d8f0dc",
    "concave": "#d9e6fb",
    "affine": "#e3f3f6",
    "constant": "#eeeeee",
    "mixed": "#fdf0c8",
    "unknown": "#fbdcd8",
}


def draw_derivation(verdict: Verdict) -> str:
    """An SVG element: the tree from the expression down to its leaves, rules in tooltips."""
    lines = lines_of(grow_tree(verdict.derivation)) if len(verdict.derivation) else []
    blamed = verdict.blame.place if verdict.blame is not None and not verdict.convex else -1
    boxes = [draw_line(k, depth, b, b.place == blamed) for k, (depth, b) in enumerate(lines)]
    wires = draw_wires([depth for depth, _ in lines])
    ends = (place_of(d)[0] + width_of(b, b.place == blamed) for d, b in lines)
    width = max(ends, default=100.0) + MARGIN
    height = MARGIN * 2 + ROW * len(lines)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
            f'width="{width:.0f}" height="{height}" role="img" font-family="sans-serif" '
            'font-size="12">',
            f"<title>Derivation: {escape(verdict.about)}</title>",
            *wires,
            *boxes,
            "</svg>",
        ]
    )


def place_of(depth: int) -> tuple[float, float]:
    """Left edge of a box, and its height."""
    return MARGIN + INDENT * depth, ROW - 8


def text_of(branch: Branch) -> str:
    """What stands in a box."""
    again = " (seen above)" if branch.repeated else ""
    return f"{branch.label()}   {branch.properties()}{again}"


def width_of(branch: Branch, marked: bool = False) -> float:
    """The width of a box, and of the mark beside it where there is one."""
    characters = len(text_of(branch)) + marked * (len(MARK) + 1)
    return CHARACTER * characters + 20


def draw_line(number: int, depth: int, branch: Branch, blamed: bool) -> str:
    """One box with its text; the node that breaks convexity has a thick edge and a mark."""
    left, height = place_of(depth)
    top = MARGIN + ROW * number
    edge = 'stroke="#b42318" stroke-width="2.5"' if blamed else 'stroke="#999999"'
    right = left + width_of(branch) + 6
    mark = f'<text x="{right:.0f}" y="{top + 17}" fill="#b42318">{MARK}</text>' if blamed else ""
    return (
        f"<g><title>{escape(branch.step.rule)}</title>"
        f'<rect x="{left:.0f}" y="{top}" width="{width_of(branch):.0f}" '
        f'height="{height:.0f}" rx="5" fill="{FILLS[branch.step.curvature]}" {edge}/>'
        f'<text x="{left + 8:.0f}" y="{top + 17}" fill="#111111">{escape(text_of(branch))}</text>'
        f"{mark}</g>"
    )


def draw_wires(depths: list[int]) -> list[str]:
    """Lines from each box to the box that uses it."""
    wires: list[str] = []
    last: dict[int, int] = {}
    for number, depth in enumerate(depths):
        parent = max((n for d, n in last.items() if d < depth), default=None)
        last = {d: n for d, n in last.items() if d < depth} | {depth: number}
        if parent is not None:
            x = MARGIN + INDENT * depths[parent] + 8
            y0, y1 = MARGIN + ROW * parent + ROW - 8, MARGIN + ROW * number + 13
            wires.append(
                f'<path d="M {x} {y0} V {y1} H {MARGIN + INDENT * depth}" fill="none" '
                'stroke="#999999"/>'
            )
    return wires
