"""What a verdict looks like: text and colours from one rendering, HTML, and the derivation as SVG.

Everything is drawn from a `Page`, which holds nothing but words and the derivation: nothing is
computed here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from rich.console import Console, Group
from rich.text import Text

from cvxnet.analysis.derivation import Derivation, Step


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is shown: a headline, lines below it, the derivation, and sections with titles.

    Attributes
    ----------
    about : str
        The question in words.
    headline : str
        The answer in one line.
    convex : bool or None
        The answer, for the headline's colour.
    lines : tuple of str
        What stands below the headline.
    derivation : Derivation
        Empty where there is none.
    blamed : int
        The place of the step that gets a mark in the picture; -1 for none.
    sections : tuple of (str, list of str)
        Titles and the lines below them.
    """

    about: str
    headline: str
    convex: bool | None
    lines: tuple[str, ...]
    derivation: Derivation
    blamed: int
    sections: tuple[tuple[str, list[str]], ...]


# Text and colours

ANSWER_STYLES = {True: "bold green", False: "bold red", None: "bold yellow"}
STYLES = {
    "convex": "green",
    "concave": "blue",
    "affine": "cyan",
    "constant": "dim",
    "mixed": "yellow",
    "unknown": "red",
}
FRAME = '<pre style="font-family: sans-serif; white-space: pre-wrap">{code}</pre>'
"""What stands around lines in HTML."""


def as_rich(page: Page) -> Group:
    """The page for a rich console."""
    return Group(*above(page), *tree_lines(page), *below(page))


def as_text(page: Page) -> str:
    """The page as plain text: what rich prints, without colours and as wide as it is."""
    printed = recorded([*above(page), *tree_lines(page), *below(page)]).export_text()
    return "\n".join(line.rstrip() for line in printed.splitlines())


def as_html(page: Page) -> str:
    """The page as an HTML fragment without scripts, the derivation as a picture."""

    def frame(lines: list[Text]) -> str:
        return recorded(lines).export_html(code_format=FRAME, inline_styles=True) if lines else ""

    picture = f"<details open><summary>Derivation</summary>{as_svg(page)}</details>"
    return "\n".join(
        [
            '<div class="cvxnet-verdict" style="font-family: sans-serif">',
            frame(above(page)),
            picture if len(page.derivation) else "",
            frame(below(page)),
            "</div>",
        ]
    )


def recorded(lines: Sequence[Text]) -> Console:
    """A console that has printed the lines, unwrapped, to nobody."""
    console = Console(file=io.StringIO(), record=True)
    console.print(Group(*lines), soft_wrap=True)
    return console


def above(page: Page) -> list[Text]:
    """The headline and what stands below it."""
    return [
        Text(page.headline, style=ANSWER_STYLES[page.convex]),
        *(Text(f"  {line}") for line in page.lines),
    ]


def below(page: Page) -> list[Text]:
    """The sections."""
    found = []
    for title, lines in page.sections:
        found += [Text(title, style="bold"), *(Text(f"  {line}") for line in lines)]
    return found


def tree_lines(page: Page) -> list[Text]:
    """The derivation, one line a node."""
    if not len(page.derivation):
        return []
    found = [Text("Derivation", style="bold")]
    for depth, branch in lines_of(grow_tree(page.derivation)):
        line = Text(f"  {'  ' * depth}{branch.label()}: ")
        line.append(branch.properties(), style=STYLES[branch.step.curvature])
        rule = "seen above" if branch.repeated else branch.step.rule
        found.append(line.append(f"  ({rule})", style="dim"))
    return found


# The derivation as people read it: silent nodes left out, shared nodes shown once

SYMBOLS = {
    "convex": "\u222a",
    "concave": "∩",
    "affine": "/",
    "constant": "—",
    "mixed": "\u222a\u2229",
    "unknown": "?",
}
SIGNS = {"nonnegative": ">= 0", "nonpositive": "<= 0", "zero": "= 0", "unknown": ""}
SILENT = {"transpose", "broadcast_to", "Promote", "reshape", "index", "special_index"}
MOST_LINES = 120
DEEPEST = 20


@dataclass
class Branch:
    """One line of the tree."""

    place: int
    step: Step
    way: str = ""
    repeated: bool = False
    branches: list[Branch] = field(default_factory=list)

    def label(self) -> str:
        """Name, layer and shape."""
        layer = f"[{self.step.layer}] " if self.step.layer else ""
        size = "" if self.step.shape == () else f" {'x'.join(map(str, self.step.shape))}"
        return f"{layer}{self.step.name}{size}"

    def properties(self) -> str:
        """Curvature and sign."""
        sign = SIGNS[self.step.sign]
        return f"{SYMBOLS[self.step.curvature]} {self.step.curvature}{', ' + sign if sign else ''}"


def grow_tree(derivation: Derivation) -> Branch:
    """The tree of a derivation; a node that was shown already is only named again."""
    steps = derivation.steps
    shown: dict[int, Branch] = {}

    def spoken(place: int) -> int:
        while steps[place].name in SILENT and len(steps[place].args) == 1:
            place = steps[place].args[0]
        return place

    root = Branch(len(steps) - 1, steps[-1])
    stack = [root]
    while stack:
        branch = stack.pop()
        if branch.place in shown and branch.step.args:
            branch.repeated = True
            continue
        shown[branch.place] = branch
        for k, argument in enumerate(branch.step.args):
            place = spoken(argument)
            if steps[place].curvature == "constant" and not is_weight(steps[place]):
                continue
            way = branch.step.monotone[k] if k < len(branch.step.monotone) else ""
            branch.branches.append(Branch(place, steps[place], way))
        stack.extend(reversed(branch.branches))
    return root


def is_weight(step: Step) -> bool:
    """Named leaves are shown even where they are constant."""
    return (
        not step.args and "." in step.name and not step.name.replace(".", "").lstrip("-").isdigit()
    )


def lines_of(root: Branch, most: int = MOST_LINES) -> list[tuple[int, Branch]]:
    """(depth, branch) from the root down, cut after ``most`` lines."""
    lines: list[tuple[int, Branch]] = []
    stack = [(0, root)]
    while stack and len(lines) < most:
        depth, branch = stack.pop()
        lines.append((depth, branch))
        deeper = min(depth + 1, DEEPEST)  # deep networks must not run off the page
        stack.extend((deeper, b) for b in reversed(branch.branches))
    return lines


# The derivation as SVG: one box a node, curvature by symbol and colour (never by colour alone)

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


def as_svg(page: Page) -> str:
    """An SVG element: the tree from the expression down to its leaves, rules in tooltips."""
    lines = lines_of(grow_tree(page.derivation)) if len(page.derivation) else []
    boxes = [draw_line(k, d, b, b.place == page.blamed) for k, (d, b) in enumerate(lines)]
    wires = draw_wires([depth for depth, _ in lines])
    ends = (place_of(d)[0] + width_of(b, b.place == page.blamed) for d, b in lines)
    width = max(ends, default=100.0) + MARGIN
    height = MARGIN * 2 + ROW * len(lines)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
            f'width="{width:.0f}" height="{height}" role="img" font-family="sans-serif" '
            'font-size="12">',
            f"<title>Derivation: {escape(page.about)}</title>",
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
