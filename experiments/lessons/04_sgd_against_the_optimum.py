"""Lesson 4: SGD against the optimum. How far do trained networks stop, how often, at what width?"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="4 SGD against the optimum")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercises import OPEN, mark

    import cvxnet as cn
    from cvxnet.objective import match_units
    from cvxnet.plots import plot_runs, plot_slice, slice_between_networks
    from cvxnet.plots.style import BLUE, GREY, INK, ORANGE, SKY, new_figure, styled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # 4 SGD against the optimum

    *About 30 minutes. You need: gradient descent, and what a bracket is (lessons 2 and 3). Open
    it with `marimo edit 04_sgd_against_the_optimum.py`: the cells below the exercises wait for
    your answers.*

    Networks are trained by gradient descent, from random weights, and nobody knows how good the
    end is: the curve flattens, and that is that. For two-layer networks you can know. Here are 20
    samples, the objective of lesson 2, and the proved optimum over networks of *every* width.
    """)
    return


@app.cell
def _():
    rng = np.random.default_rng(1)
    X = np.sort(rng.uniform(-2.0, 2.0, (20, 1)), axis=0)
    y = np.sin(3.0 * X[:, 0]) + 0.3 * X[:, 0]
    beta = 0.05
    optimum = cn.train("relu", X, y, weight_decay=beta)
    mo.md(
        f"{optimum.lower_bound:.9f} <= optimum <= {optimum.value:.9f}: proved, and reached with "
        f"{optimum.units} units."
    )
    return X, beta, optimum, y


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Adam, twenty times

    The gradient by hand, for many networks at once: `U` holds the hidden weights (the last entry
    of each unit is its bias) and `a` the output weights, one network a seed. All samples are in
    each step, so nothing is random but the start.
    """)
    return


@app.function
def objective(U, a, X, y, beta):
    """Loss and weight decay of each network: U is (seeds, width, 2), a is (seeds, width)."""
    rows = np.column_stack([X, np.ones(len(X))])
    f = np.einsum("snm,sm->sn", np.maximum(rows @ np.swapaxes(U, 1, 2), 0.0), a)
    decay = (U**2).sum((1, 2)) + (a**2).sum(1)
    return 0.5 * ((f - y) ** 2).sum(1) + 0.5 * beta * decay


@app.function
def gradient(U, a, X, y, beta):
    """The gradients of the objective in U and in a."""
    rows = np.column_stack([X, np.ones(len(X))])
    Z = rows @ np.swapaxes(U, 1, 2)
    H = np.maximum(Z, 0.0)
    v = np.einsum("snm,sm->sn", H, a) - y
    in_a = np.einsum("snm,sn->sm", H, v) + beta * a
    in_U = np.einsum("snm,sn,sm,nd->smd", (Z > 0.0).astype(float), v, a, rows, optimize=True)
    return in_U + beta * U, in_a


@app.function
def adam(X, y, beta, width, rate, seeds=20, steps=1500):
    """Adam (Kingma and Ba 2015) from random starts; weights at the end, values on the way."""
    rng = np.random.default_rng(width)
    weights = [rng.standard_normal((seeds, width, 2)), rng.standard_normal((seeds, width))]
    weights = [w / np.sqrt(width) ** (w.ndim == 2) for w in weights]
    mean, square, values = [0.0, 0.0], [0.0, 0.0], []
    for step in range(1, steps + 1):
        decayed = rate * (1.0 - step / (steps + 1.0))
        for k, slope in enumerate(gradient(*weights, X, y, beta)):
            mean[k] = 0.9 * mean[k] + 0.1 * slope
            square[k] = 0.999 * square[k] + 0.001 * slope**2
            move = mean[k] / (1.0 - 0.9**step)
            size = np.sqrt(square[k] / (1.0 - 0.999**step)) + 1e-12
            weights[k] = weights[k] - decayed * move / size
        if step % 10 == 0 or step == steps:
            values.append(objective(*weights, X, y, beta))
    return weights, np.array(values)


@app.cell(hide_code=True)
def _():
    width = mo.ui.slider(
        steps=[1, 2, 3, 4, 6, 8, 12, 16, 32, 64], value=4, label="width", show_value=True
    )
    rate = mo.ui.slider(
        steps=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3], value=0.03, label="rate", show_value=True
    )
    mo.hstack([width, rate], justify="start")
    return rate, width


@app.function(hide_code=True)
def draw_runs(values, optimum):
    """Curves of all seeds, and where they end beside the proved optimum."""
    final, best = values[-1], optimum.value
    steps = 10 * np.arange(1, len(values) + 1)
    ends = np.random.default_rng(0).uniform(-0.3, 0.3, len(final))
    with styled():
        figure = new_figure(10.0, 3.8)
        curves, strip = figure.subplots(1, 2, width_ratios=[2.0, 1.0], sharey=True)
        curves.semilogy(steps, values, color=SKY, lw=1.0)
        strip.plot(ends, final, "o", color=BLUE, alpha=0.7)
        for axes in (curves, strip):
            axes.axhline(best, color=INK, lw=1.5)
            axes.axhspan(0.9 * best, best, color=GREY, alpha=0.4, lw=0)
        curves.set(xlabel="step", ylabel="objective", title=f"{len(final)} seeds")
        curves.set_ylim(0.9 * best, max(values[0].max(), 2.0 * best))
        within = int((final <= 1.01 * best).sum())
        strip.set(xlim=(-1.0, 1.0), xticks=[], title=f"{within} of {len(final)} within 1 %")
        strip.set_xlabel("no dot may cross the line")
    return figure


@app.cell
def _(X, beta, optimum, rate, width, y):
    trained, values = adam(X, y, beta, width.value, rate.value)
    draw_runs(values, optimum)
    return trained, values


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What can be said of one of them

    `cn.certify` takes a network from anywhere and proves how far above the optimum it is. Its
    **excess** is (value - optimum) / optimum; since the optimum is known as a bracket only, it
    has a least and a most. The **gap** is another thing: the width of the bracket itself.
    """)
    return


@app.function
def as_network(U, a):
    """The weights of one network as a cvxnet network."""
    network = cn.Sequential(cn.Linear(1, len(a)), cn.ReLU(), cn.Linear(len(a), 1, bias=False))
    weights = {"0.weight": U[:, :1], "0.bias": U[:, 1], "2.weight": a[None, :]}
    return network.load_state_dict(weights)


@app.cell
def _(X, beta, trained, values, y):
    _first = cn.certify(as_network(trained[0][0], trained[1][0]), X, y, weight_decay=beta)
    mo.md(f"""
    | of the first network | |
    |---|---|
    | its value | {_first.value:.6f} (by our own formula: {values[-1][0]:.6f}) |
    | bracket of the optimum | {_first.lower:.9f} to {_first.upper:.9f}: gap {_first.gap:.1e} |
    | its excess | at least {_first.excess[0]:.6%}, at most {_first.excess[1]:.6%} |
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 4.1** A network has the value `value`, and the optimum is proved to be between
    `lower` and `upper`. How large is the excess at least, and at most? Return both. (It is never
    below 0.)
    """)
    return


@app.cell
def _():
    def answer_1(value, lower, upper):
        return None

    return (answer_1,)


@app.cell(hide_code=True)
def _(X, answer_1, beta, trained, y):
    def judge_1(excess):
        for k, gap in ((0, 1e-6), (1, 0.5), (2, 0.9)):
            network = as_network(trained[0][k], trained[1][k])
            proved = cn.certify(network, X, y, weight_decay=beta, gap=gap)
            returned = excess(proved.value, proved.lower, proved.upper)
            if returned is None:
                return OPEN
            if not np.allclose(returned, proved.excess, rtol=1e-9, atol=1e-12):
                told = ", ".join(f"{number:.4f}" for number in proved.excess)
                return (
                    f"value {proved.value:.4f}, bracket {proved.lower:.4f} to {proved.upper:.4f}: "
                    f"you say {returned}; it is {told}."
                )
        return ""

    mark_1 = mark(
        "4.1",
        answer_1,
        judge_1,
        "the least uses the upper end, the most uses the lower end. A bad bracket makes the "
        "interval wide, never wrong.",
    )
    mark_1.shown()
    return judge_1, mark_1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 4.2** Give weights of three units at which the gradient is exactly zero, although
    the network is far from optimal. From there no method that follows the gradient ever moves.
    """)
    return


@app.cell
def _():
    answer_2 = ([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 1.0])  # U and a
    return (answer_2,)


@app.cell(hide_code=True)
def _(X, answer_2, beta, y):
    def judge_2(weights):
        U, a = (np.asarray(part, dtype=float) for part in weights)
        if U.shape != (3, 2) or a.shape != (3,):
            return f"U has shape {U.shape} and a {a.shape}; expected (3, 2) and (3,)."
        slopes = gradient(U[None], a[None], X, y, beta)
        steepest = max(abs(slope).max() for slope in slopes)
        if steepest > 0.0:
            return f"the largest entry of the gradient is {steepest:.4g}."
        least = cn.certify(as_network(U, a), X, y, weight_decay=beta).excess[0]
        return "" if least > 0.1 else f"the excess is {100.0 * least:.4f} %: that is optimal."

    mark_2 = mark(
        "4.2",
        answer_2,
        judge_2,
        "at zero every unit is off and has no say: a saddle, where the convex program of lesson 2 "
        "would see at once which unit pays.",
    )
    mark_2.shown()
    return judge_2, mark_2


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 4.3** Find a width and a rate with which at least half of the 20 seeds end within 1
    % of the optimum. The check trains them.
    """)
    return


@app.cell
def _():
    answer_3 = {"width": 2, "rate": 0.03}
    return (answer_3,)


@app.cell(hide_code=True)
def _(X, answer_3, beta, optimum, y):
    def judge_3(chosen):
        final = adam(X, y, beta, chosen["width"], chosen["rate"])[1][-1]
        within = int((final <= 1.01 * optimum.lower_bound).sum())
        if within < 10:
            best = final.min() / optimum.value - 1.0
            return f"{within} of 20 end within 1 %; the best is {best:.2%} above the optimum."
        return ""

    mark_3 = mark(
        "4.3",
        answer_3,
        judge_3,
        "with room to spare the landscape is kinder: many units start near those that are needed. "
        "But only the bracket tells that you have arrived.",
    )
    mark_3.shown()
    return judge_3, mark_3


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Between two seeds

    Walk in a straight line from one trained network to another. Their units are in different
    orders, so half way there is a mixture of units that have nothing to do with each other. Put
    the units of the second in the order that is nearest to the first (the same function!), and
    walk again.
    """)
    return


@app.cell
def _(X, beta, optimum, trained, y):
    _one, _two = (as_network(trained[0][k], trained[1][k]) for k in (0, 1))
    _ways = {"as trained": _two, "units matched": match_units(_one, _two)}
    walks = {
        name: slice_between_networks(_one, other, X, y, weight_decay=beta)
        for name, other in _ways.items()
    }
    plot_slice(walks, name="objective", floor=optimum.lower_bound)
    return (walks,)


@app.cell(hide_code=True)
def _():
    every_width = mo.ui.run_button(label="Train all widths (about 20 seconds)")
    mo.vstack([mo.md("How often, over the width? A small try stands here at first."), every_width])
    return (every_width,)


@app.function(hide_code=True)
def draw_success(shares):
    """How many seeds end within a thousandth, a hundredth and a tenth, over the width."""
    widths = [str(width) for width in shares]
    with styled():
        figure = new_figure(8.0, 3.4)
        axes = figure.subplots()
        looks = ((0.001, "o-", BLUE), (0.01, "^--", ORANGE), (0.1, "s:", INK))
        for bound, look, color in looks:
            counts = [100.0 * np.mean(excess <= bound) for excess in shares.values()]
            axes.plot(widths, counts, look, color=color, label=f"within {100.0 * bound:g} %")
        axes.set(xlabel="width", ylabel="% of the seeds", ylim=(-4.0, 104.0))
        axes.legend(loc="best")
    return figure


@app.cell
def _(X, beta, every_width, optimum, y):
    _tried = ((1, 2, 4, 8, 16, 32, 64, 128), 3000) if every_width.value else ((2, 8, 32), 600)
    shares = {
        m: adam(X, y, beta, m, 0.03, steps=_tried[1])[1][-1] / optimum.lower_bound - 1.0
        for m in _tried[0]
    }
    draw_success(shares)
    return (shares,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 4.4** Of 50 networks of width 1 the best ended more than 300 % above the optimum.
    What has been proved?

    * `"adam"`: Adam stopped short of the best network of width 1.
    * `"width"`: no network of width 1 comes close to the optimum.
    * `"wider"`: some wider network is better than all of these 50.
    """)
    return


@app.cell
def _():
    answer_4 = None  # "adam", "width" or "wider"
    return (answer_4,)


@app.cell(hide_code=True)
def _(X, answer_4, beta, y):
    def judge_4(claim):
        missing = {
            "adam": "A better network of width 1 would have to be shown, and none was.",
            "width": "50 runs do not rule out a better network of width 1.",
            "wider": "",
        }
        if claim not in missing:
            return "the answer is one of the three words."
        (U, a), values = adam(X, y, beta, 1, 0.03, seeds=50, steps=800)
        k = values[-1].argmin()
        proved = cn.certify(as_network(U[k], a[k]), X, y, weight_decay=beta)
        units = proved.best.units
        if claim == "wider":
            return "" if proved.upper < values[-1].min() and units > 1 else "not on these data."
        return (
            f"the bracket {proved.lower:.4f} to {proved.upper:.4f} is about networks of every "
            f"width (the best found has {units} units); the best of the 50 has "
            f"{values[-1][k]:.4f}. {missing[claim]}"
        )

    mark_4 = mark(
        "4.4",
        answer_4,
        judge_4,
        "the wider network is there, with a proof of its value. How much of the excess is the "
        "width's and how much is Adam's, a bracket for every width cannot tell: that of "
        "`cn.train(..., width=1)` can.",
    )
    mark_4.shown()
    return judge_4, mark_4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whose part is it?

    `cn.train(..., width=m)` proves the optimum over networks of at most `m` units. How far that
    is above the optimum of every width is the **width's part** of an excess: no optimiser can
    help it. What a run is above the optimum of its own width is the **optimiser's part**. Both
    are relative, like every excess.

    **Exercise 4.5** Three numbers: where a run of width `m` ended, the optimum of width `m`, and
    the optimum of every width. Return the width's part and the optimiser's part.
    """)
    return


@app.cell
def _():
    def answer_5(value, narrow, every):
        return None

    return (answer_5,)


@app.cell(hide_code=True)
def _(X, answer_5, beta, optimum, y):
    def judge_5(parts):
        for m in (1, 4):
            value = np.median(adam(X, y, beta, m, 0.03, seeds=9, steps=800)[1][-1])
            narrow = cn.train("relu", X, y, weight_decay=beta, width=m)
            returned = parts(value, narrow.value, optimum.value)
            if returned is None:
                return OPEN
            right = (narrow.value / optimum.value - 1.0, value / narrow.value - 1.0)
            if not np.allclose(returned, right, rtol=1e-9, atol=1e-12):
                told = ", ".join(f"{number:.4f}" for number in right)
                return f"the median run of width {m}: you say {returned}; it is {told}."
        return ""

    mark_5 = mark(
        "4.5",
        answer_5,
        judge_5,
        "each is measured from the optimum that it is above, so 1 + excess is the product of "
        "1 + the one and 1 + the other. `cn.compare` says both for every run.",
    )
    mark_5.shown()
    return judge_5, mark_5


@app.cell
def _(X, beta, optimum, y):
    _rows = []
    for _m in (1, 2, 3, 4):
        _narrow = cn.train("relu", X, y, weight_decay=beta, width=_m)
        _ends = adam(X, y, beta, _m, 0.03, seeds=9, steps=800)[1][-1]
        _rows.append(
            f"| {_m} | {_narrow.value:.6f} ({_narrow.status}) "
            f"| {_narrow.value / optimum.value - 1.0:.1%} "
            f"| {np.median(_ends) / _narrow.value - 1.0:.1%} |"
        )
    mo.md(
        "| width | its optimum | the width's part | Adam's part, median of 9 |\n"
        "|---|---|---|---|\n" + "\n".join(_rows)
    )
    return


@app.cell(hide_code=True)
def _():
    torch_runs = mo.ui.run_button(label="Run cn.compare (needs torch, some seconds)")
    mo.vstack(
        [
            mo.md(r"""
    ## At scale

    `cn.compare` does all of this with torch: SGD, Adam and L-BFGS, several widths, rates tuned
    for each unless you give one, and every run measured against the bracket, and against that of
    its width.
    """),
            torch_runs,
        ]
    )
    return (torch_runs,)


@app.cell
def _(X, beta, torch_runs, y):
    mo.stop(not torch_runs.value)
    _asked = {"optimizers": ("sgd", "adam"), "widths": (4, 16), "seeds": 5, "epochs": 300}
    _rates = {"sgd": 0.003, "adam": 0.03}
    runs = cn.compare("relu", X, y, weight_decay=beta, rates=_rates, **_asked)
    plot_runs(runs)
    return (runs,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What to remember

    * A flat curve is no optimum. A bracket tells, for any network, wherever it was trained.
    * Excess is about a network, gap is about the bracket.
    * Width helps: the success rate rises with it, although a handful of units would do.
    * Whether a narrow run misses the optimum because of its width or because of its optimiser, the
      optimum of the width tells, and nothing else does.
    * All of this is about the *training* objective. What happens on data that were not seen is
      another question, and no proof here speaks about it.
    """)
    return


if __name__ == "__main__":
    app.run()
