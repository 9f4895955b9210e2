"""
Convex, but not by the rules
============================

The rules of disciplined convex programming are sufficient, not necessary: CVXPY does not see that
``sqrt(1 + z^2)`` is convex. cvxnet then looks further, and keeps the evidence.
"""

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, entitle, new_figure, styled

z = cp.Variable(name="z")
expressions = {
    "sqrt(1 + z²)": cp.sqrt(1 + cp.square(z)),
    "z log z": z * cp.log(z),
    "z⁴ - z²": z**4 - cp.square(z),
    "e²ᶻ/16 - eᶻ + z²/2": cp.exp(2 * z) / 16 - cp.exp(z) + cp.square(z) / 2,
}
verdicts = {name: cn.convexity(each) for name, each in expressions.items()}
for name, verdict in verdicts.items():
    print(f"{name:19} {verdict.convex!s:6} {verdict.reasons['convex']}")

# %%
# The answer has three values, and the last one admits a gap. The second derivative of the last
# function is (eᶻ/2 - 1)², so it is convex. But that is zero at log 2, which is no rational number,
# and no method here proves it. The reason says how little is missing.
#
# Where a verdict holds is part of it: the logarithm needs z above 0.

answers = {True: "proved convex", False: "refuted", None: "unknown"}
with styled():
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    for k, (name, expression) in enumerate(expressions.items()):
        grid = np.linspace(0.01 if verdicts[name].domain else -1.2, 1.2, 121)
        values = []
        for z.value in grid:
            values.append(float(expression.value))
        label = f"{name}: {answers[verdicts[name].convex]}"
        axes.plot(grid, values, color=COLORS[k], linestyle=LINES[k], label=label)
    axes.set(xlabel="z", ylabel="value")
    axes.legend()
    entitle(axes, "Four expressions that CVXPY's rules do not call convex")
figure
