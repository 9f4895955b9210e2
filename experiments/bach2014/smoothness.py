"""Units of different smoothness, ``(v.z)_+^alpha`` with alpha = 0, 1, 2, on different targets.

One feature, uniform on [-1, 1], so pricing is exact and every network is the optimal one. F1 and
F2 with each alpha learn a step, a kink and a smooth function from the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import (
    COLORS,
    GREY,
    INK,
    LINES,
    PALE,
    WIDTH,
    entitle,
    head,
    new_figure,
    styled,
)
from experiments.bach2014.adaptivity import middle
from experiments.bach2014.spaces import FINE, UNITS, Samples, draw, kernel, learned
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

TARGETS = {
    "step": lambda X: np.sign(X[:, 0] - 0.2),
    "kink": lambda X: np.abs(X[:, 0] - 0.2),
    "smooth": lambda X: np.sin(3.0 * X[:, 0]),
}
BEST = {"step": 0, "kink": 1, "smooth": 2}
"""The alpha whose units are as smooth as the target."""
SPACES = ("F1", "F2")


def samples(target: str, n: int, seed: int) -> Samples:
    """Of one feature."""
    return draw(lambda count, rng: rng.uniform(-1.0, 1.0, (count, 1)), TARGETS[target], n, seed)


def compare(target: str, space: str, alpha: int, n: int, seed: int, shares: Sequence[float]) -> Row:
    """The test error, and the function learned."""
    data = samples(target, n, seed)
    found = learned(data, alpha, shares=shares) if space == "F1" else kernel(data, alpha)
    row = {key: found[key] for key in ("error", "chosen", "units", "gap") if key in found}
    order = np.argsort(data.X_test[:, 0])
    return row | {"x": data.X_test[order, 0], "curve": found["curve"][order]}


def ask(report: Report) -> None:
    """Table, expectation and picture."""
    n, targets, shares = 60, list(TARGETS), FINE
    if report.options.quick:
        n, targets, shares = 12, ["step"], FINE[::3]
    rows = report.table(
        "smoothness",
        compare,
        [
            {"target": target, "space": space, "alpha": alpha, "n": n, "seed": seed}
            | {"shares": shares}
            for target in targets
            for space in SPACES
            for alpha in UNITS
            for seed in range(report.options.seeds)
        ],
    )
    errors = {target: by_alpha(rows, target, "F1") for target in targets}
    expected = {target: BEST[target] for target in targets}
    best = {target: int(np.argmin(found)) for target, found in errors.items()}
    report.expect(
        "the alpha with the smallest mean test error in F1, by target",
        expected=", ".join(f"{target}: {alpha}" for target, alpha in expected.items()),
        found=", ".join(
            f"{target}: {best[target]} ({', '.join(f'{error:.4f}' for error in errors[target])})"
            for target in targets
        ),
        holds=best == expected,
        source="derived: the smoother the units, the smoother the functions they make",
    )
    report.answer(
        "Which alpha is for which target?", describe(rows, n), draw_curves(rows, n), "smoothness"
    )


def by_alpha(rows: list[Row], target: str, space: str) -> list[float]:
    """Mean test errors."""
    return [middle(rows, "error", target=target, space=space, alpha=alpha) for alpha in UNITS]


def describe(rows: list[Row], n: int) -> str:
    """The best of each row of the table."""
    parts = []
    for target in dict.fromkeys(row["target"] for row in rows):
        for space in SPACES:
            errors = by_alpha(rows, target, space)
            parts.append(f"{target}, {space}: {', '.join(f'{error:.4f}' for error in errors)}")
    return (
        f"{n} noisy samples of one feature, as many to choose the regularisation with, "
        f"{1 + max(row['seed'] for row in rows)} seeds. Mean test errors for alpha = 0, 1 and 2: "
        f"{'; '.join(parts)}. With alpha = 0 the functions of F1 jump, with alpha = 1 slopes do, "
        "with alpha = 2 curvatures; those of F2 are means over all units, and smoother. All "
        "networks were trained to "
        f"the proved optimum within {max(row.get('gap', 0.0) for row in rows):.1%}."
    )


def draw_curves(rows: list[Row], n: int) -> Figure:
    """What F1 and F2 with each alpha make of the first samples of each target."""
    with styled():
        figure = new_figure(WIDTH, 6.2)
        targets = list(dict.fromkeys(row["target"] for row in rows))
        grid = figure.subplots(2, len(targets), sharex=True, sharey="col", squeeze=False)
        for i, space in enumerate(SPACES):
            for axes, target in zip(grid[i], targets, strict=True):
                data = samples(target, n, 0)
                axes.plot(data.X[:, 0], data.y, ".", color=GREY, markersize=5)
                order = np.argsort(data.X_test[:, 0])
                axes.plot(data.X_test[order, 0], data.y_test[order], color=PALE, linewidth=5.0)
                for k, alpha in enumerate(UNITS):
                    row = next(r for r in rows if r["space"] == space and r["target"] == target
                               and r["alpha"] == alpha and r["seed"] == 0)  # fmt: skip
                    axes.plot(row["x"], row["curve"], linestyle=LINES[k], color=COLORS[k],
                              label=rf"$\alpha = {alpha}$")  # fmt: skip
                entitle(axes, f"{space} on a {target}" + " function" * (target == "smooth"))
        grid[0][0].legend(labelcolor=INK)
        for axes in grid[1]:
            axes.set_xlabel("feature")
            axes.set_xticks([-1.0, -0.5, 0.0, 0.5, 1.0])
        head(figure, "Units that are steps, ramps and parabolas, learned (F1) or all alike (F2)")
    return figure
