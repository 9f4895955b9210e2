"""The derivation as people read it: silent nodes left out, shared nodes shown once."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvxnet.analysis.derivation import Derivation, Step

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
