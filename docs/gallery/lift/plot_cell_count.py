"""
How many cells there are
========================

The program that is written down in full has a block for each cell. n points in general position
cut the units over d features into ``2 sum_k binom(n - 1, k)`` cells, k from 0 to d: polynomially
many in n, but with d as the exponent.
"""

from math import comb

import numpy as np

from cvxnet import plots
from cvxnet.plots.style import color_of, line_of, marker_of, new_figure, styled

rng = np.random.default_rng(0)
samples = np.array([4, 8, 16, 32, 64])


def formula(n, d):
    return 2 * sum(comb(n - 1, k) for k in range(d + 1))


counted = [plots.cells_of(rng.standard_normal((n, 2))).count for n in samples]
print("counted:", counted == [formula(n, 2) for n in samples])

# %%
# Column generation never lists them: it asks for the one that is missing most.

with styled():
    figure = new_figure(8.0, 4.8)
    axes = figure.subplots()
    for k, d in enumerate((1, 2, 3, 5, 10)):
        counts = [formula(n, d) for n in samples]
        look = {"color": color_of(k), "linestyle": line_of(k), "marker": marker_of(k)}
        axes.loglog(samples, counts, label=f"{d} feature{'s' * (d > 1)} and bias", **look)
    axes.set(xlabel="samples", ylabel="cells of ReLU units")
    axes.set_xticks(samples, samples)
    axes.minorticks_off()
    axes.legend()
figure
