"""How good is the cheapest setting found by minimising a convex cost learned from noisy data?

Two machines share a load. What they cost together was measured at 400 random settings, with noise;
the formula is hidden from the network. An input-convex network is fitted by Adam in torch, its
weights that must not be negative clipped after each step. Loaded into cvxnet, it is the objective
of a CVXPY problem: the cheapest setting that carries the load, within limits.

Compared, for each seed: the minimum as CVXPY reports it, what torch's forward pass says there, the
best point of a fine grid over everything that is feasible (no solver, no convexity), and how much
more than necessary the setting costs by the hidden formula.

    python -m experiments convex_cost [--quick] [--seeds 5] [--out DIR]

Sources: Amos, Xu and Kolter, Input convex neural networks (ICML 2017); Rockafellar, Convex analysis
(1970): a minimum of a convex function is global.

What cannot be said: the minimum is that of the learned cost. How far it is from the cheapest
setting depends on data, noise and fit, and no certificate speaks about that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np
import torch

import cvxnet as cn
from cvxnet.plots.style import BLUE, GREY, INK, ORANGE, RED, WIDTH, new_figure, rising_map, styled
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

LOAD, LIMIT = 1.2, 1.5  # x1 + 0.8 x2 >= LOAD, 0 <= x, |x| <= LIMIT
YIELDS = np.array([1.0, 0.8])
SIZES = [2, 20, 20, 1]
SAME = 1e-6
"""Two values of the learned cost that differ by less are one."""


def cost(x: np.ndarray) -> np.ndarray:
    """The hidden formula: start-up ramps, wear that grows with speed, and heat of both."""
    one, two = x[..., 0], x[..., 1]
    return np.logaddexp(2 * one, 3 * two) + 0.5 * one**2 + np.maximum(0.0, two - 0.6) * 2


class InputConvex(torch.nn.Module):
    """The network of `cn.input_convex` in torch, with the same names and shapes of weights."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.depth = len(sizes) - 1
        for k, size in enumerate(sizes[1:]):
            setattr(self, f"x{k}", torch.nn.Linear(sizes[0], size))
            if k:
                setattr(self, f"z{k}", torch.nn.Linear(sizes[k], size, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.x0(x)
        for k in range(1, self.depth):
            z = getattr(self, f"z{k}")(torch.relu(z)) + getattr(self, f"x{k}")(x)
        return z

    def clip(self) -> None:
        """Nonnegative weights between hidden layers: this is what makes it convex."""
        with torch.no_grad():
            for k in range(1, self.depth):
                getattr(self, f"z{k}").weight.clamp_(min=0.0)


def fit(X: np.ndarray, y: np.ndarray, steps: int, seed: int) -> InputConvex:
    """Adam on the mean squared error, clipping after each step."""
    torch.manual_seed(seed)
    module = InputConvex(SIZES).double()
    module.clip()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.mean((module(inputs)[:, 0] - targets) ** 2).backward()
        optimizer.step()
        module.clip()
    return module


def load(module: InputConvex) -> cn.Sequential:
    """The same network in cvxnet."""
    state = {f"0.{name}": weight.numpy() for name, weight in module.state_dict().items()}
    return cn.input_convex(SIZES).load_state_dict(state)


def minimise(net: cn.Sequential) -> tuple[np.ndarray, float]:
    """The cheapest feasible setting by the learned cost."""
    x = cp.Variable(2, nonneg=True)
    feasible = [x @ YIELDS >= LOAD, cp.norm(x) <= LIMIT]
    problem = cp.Problem(cp.Minimize(cp.sum(cn.embed(net, x))), feasible)
    value = problem.solve(solver=cp.CLARABEL)
    return x.value, float(value)


def feasible_grid(step: float) -> np.ndarray:
    """Every feasible point of a grid, (n, 2)."""
    axis = np.arange(0.0, LIMIT + step, step)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return points[(points @ YIELDS >= LOAD) & (np.linalg.norm(points, axis=1) <= LIMIT)]


def learn_and_minimise(seed: int, steps: int, grid_step: float) -> Row:
    """Measure, fit, minimise, and look from every side at what comes out."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.0, LIMIT, (400, 2))
    y = cost(X) + 0.05 * rng.standard_normal(len(X))
    module = fit(X, y, steps, seed)
    net = load(module)
    x, value = minimise(net)
    grid = feasible_grid(grid_step)
    with torch.no_grad():
        forward = module(torch.from_numpy(x)).item()
        on_grid = module(torch.from_numpy(grid))[:, 0].numpy()
        fitted = module(torch.from_numpy(X))[:, 0].numpy()
    return {
        "x1": x[0],
        "x2": x[1],
        "fit_rms_error": float(np.sqrt(np.mean((fitted - cost(X)) ** 2))),
        "cvxpy_minimum": value,
        "torch_forward": forward,
        "grid_minimum": float(on_grid.min()),
        "grid_points": len(grid),
        "true_cost_there": float(cost(x)),
        "true_minimum": float(cost(grid).min()),
        "network": net,
    }


def picture(rows: list[Row]) -> Figure:
    """The learned cost of the first seed with all minima, and what each costs beyond need."""
    best = feasible_grid(0.005)
    best = best[np.argmin(cost(best))]
    with styled():
        figure = new_figure(WIDTH, 5.4)
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1.0))
        draw_cost(left, rows[0]["network"])
        left.plot(*best, "*", color=ORANGE, markersize=18.0, markeredgecolor=INK, label="cheapest")
        found = np.array([[row["x1"], row["x2"]] for row in rows])
        look = {"color": RED, "markeredgecolor": INK, "clip_on": False}
        left.plot(*found.T, "o", label="found, one a seed", **look)
        left.set_title("The learned cost, its minimum, and the cheapest setting")
        left.legend(loc="upper right", frameon=True)
        draw_excess(right, rows)
    return figure


def draw_cost(axes: Axes, net: cn.Sequential) -> None:
    """The learned cost as contours, and what is feasible."""
    side = np.linspace(0.0, 1.1 * LIMIT, 121)
    A, B = np.meshgrid(side, side)
    points = np.column_stack([A.ravel(), B.ravel()])
    values = net(points).reshape(A.shape)
    broken = np.maximum(LOAD - points @ YIELDS, np.linalg.norm(points, axis=1) - LIMIT)
    axes.contourf(A, B, values, 16, cmap=rising_map())
    axes.contourf(A, B, broken.reshape(A.shape), [0.0, np.inf], colors=["white"], alpha=0.6)
    axes.text(0.05, 0.08, "carries too little", color=INK)
    axes.text(1.15, 1.25, "too fast", color=INK)
    axes.set(xlabel="machine 1", ylabel="machine 2", aspect="equal")


def draw_excess(axes: Axes, rows: list[Row]) -> None:
    """What the setting costs beyond the least, beside the error of the fit and the noise."""
    seeds = np.arange(len(rows))
    excess = [row["true_cost_there"] - row["true_minimum"] for row in rows]
    errors = [row["fit_rms_error"] for row in rows]
    axes.bar(seeds - 0.2, errors, 0.36, color=GREY, label="error of the fit (root mean square)")
    axes.bar(seeds + 0.2, excess, 0.36, color=BLUE, label="cost beyond the least", hatch="/")
    axes.set(xlabel="seed", ylabel="cost", ylim=(0.0, 1.35 * max(*excess, *errors)))
    axes.set_xticks(seeds)
    axes.set_title("What the setting costs beyond need")
    axes.legend(loc="upper right")


def main(argv: list[str]) -> int:
    """Learn and minimise for every seed, and check from every side."""
    report = Report("convex_cost", __doc__, argv, seeds=(5, 2))
    steps, grid_step = (100, 0.02) if report.options.quick else (1500, 0.002)
    settings = [
        {"seed": k, "steps": steps, "grid_step": grid_step} for k in range(report.options.seeds)
    ]
    rows = report.table("convex_cost", learn_and_minimise, settings)
    off = max(abs(row["cvxpy_minimum"] - row["torch_forward"]) for row in rows)
    report.expect(
        "the minimum as CVXPY reports it, and torch's forward pass there",
        expected="the same",
        found=f"at most {off:.2g} apart",
        holds=off < SAME,
        source="one network in two packages",
    )
    ahead = max(row["cvxpy_minimum"] - row["grid_minimum"] for row in rows)
    report.expect(
        f"points of a grid with {rows[0]['grid_points']} feasible points that are better",
        expected="none",
        found=f"the best of the grid minus the minimum is at least {-ahead:.2g}",
        holds=ahead <= SAME,
        source="Rockafellar 1970: a minimum of a convex function is global",
    )
    answer_with(report, rows)
    return report.close()


def answer_with(report: Report, rows: list[Row]) -> None:
    """What the setting that was found is worth."""
    excess = [row["true_cost_there"] - row["true_minimum"] for row in rows]
    least = rows[0]["true_minimum"]
    errors = [row["fit_rms_error"] for row in rows]
    report.answer(
        report.question,
        f"""The learned cost is off by {min(errors):.3f} to {max(errors):.3f} (root mean square)
        after fitting to data with noise of 0.05. Its minimum under the constraints is found by
        CVXPY, and the setting there costs {min(excess):.4f} to {max(excess):.4f} more than the
        cheapest one of the grid, which costs {least:.4f}: at most
        {100 * max(excess) / least:.2g} % more. That nothing better by the learned cost exists is
        certain, because it is convex; what lies between it and the true cost is a matter of data.
        """,
        picture(rows),
        "minimum",
    )
