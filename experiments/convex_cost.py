"""Learn a convex cost from noisy measurements, then minimise it under constraints with CVXPY.

    python -m experiments convex_cost [--quick] [--seed 0] [--out FOLDER]

Two machines share a load. What they cost together was measured at random settings, with noise; the
formula is hidden from the network. An input-convex network is fitted by Adam in torch, its weights
that must not be negative clipped after each step. Loaded into cvxnet, it is the objective of a
CVXPY problem: the cheapest setting that carries the load, within limits.

Printed and checked: the minimum as CVXPY reports it, what torch's forward pass says there, the best
point of a fine grid over everything that is feasible (no solver, no convexity), and how much more
than necessary the setting costs by the hidden formula.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import cvxpy as cp
import numpy as np
import torch

import cvxnet as cn

LOAD, LIMIT = 1.2, 1.5  # x1 + 0.8 x2 >= LOAD, 0 <= x, |x| <= LIMIT
YIELDS = np.array([1.0, 0.8])
SIZES = [2, 20, 20, 1]


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


def run(steps: int, seed: int, grid_step: float) -> dict[str, float]:
    """Measure, fit, minimise, and look from every side at what comes out."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.0, LIMIT, (400, 2))
    y = cost(X) + 0.05 * rng.standard_normal(len(X))
    module = fit(X, y, steps, seed)
    x, value = minimise(load(module))
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
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer steps and a coarser grid")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for convex_cost.csv")
    arguments = parser.parse_args(argv)
    steps, grid_step = (100, 0.02) if arguments.quick else (1500, 0.002)
    found = run(steps, arguments.seed, grid_step)
    for name, number in found.items():
        print(f"{name:18} {number:.7g}")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        with open(arguments.out / "convex_cost.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, found)
            writer.writeheader()
            writer.writerow(found)
    same = abs(found["cvxpy_minimum"] - found["torch_forward"]) < 1e-6
    best = found["cvxpy_minimum"] <= found["grid_minimum"] + 1e-6
    print(f"torch says the same: {same}; nothing on the grid is better: {best}")
    sys.exit(not (same and best))
