"""Lesson 1: is it convex? Chords, rules, three answers, and what two layers do to each other."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="1 Is it convex?")

with app.setup:
    import cvxpy as cp
    import marimo as mo
    import numpy as np
    from exercises import mark

    import cvxnet as cn
    from cvxnet.plots import plot_counterexample, plot_derivation, plot_surface, surface_over
    from cvxnet.plots.style import BLUE, GREEN, INK, RED, new_figure, styled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # 1 Is it convex?

    *About 30 minutes. You need: derivatives, matrices, and what a neural network with one hidden
    layer is. Open it with `marimo edit 01_is_it_convex.py`, run all cells (▶ below, on the
    right), and answer in the cells below the exercises; whatever you change, what depends on it
    runs again.*

    A function is **convex** if no chord lies below it anywhere: for all points $a, b$ and all $0
    \le t \le 1$

    $$f(ta + (1-t)b) \;\le\; t f(a) + (1-t) f(b).$$

    Why care? Every local minimum of a convex function is a global one, and there are solvers that
    find it and prove it. A blog post that this package began with had a wish: could the training
    of a neural network be convex? In this lesson you learn to ask such questions precisely, and
    what an honest answer looks like.

    ## Chords

    Move the ends. Where the curve pokes out above its chord, three numbers refute convexity.
    """)
    return


@app.cell(hide_code=True)
def _():
    curve = mo.ui.dropdown(
        ["square", "absolute value", "sine", "square of (square - 1)"],
        value="square of (square - 1)",
        label="function",
    )
    ends = mo.ui.range_slider(-3.0, 3.0, 0.1, value=[-1.0, 1.5], label="ends a, b", show_value=True)
    share = mo.ui.slider(0.0, 1.0, 0.05, value=0.5, label="t", show_value=True)
    mo.hstack([curve, ends, share], justify="start")
    return curve, ends, share


@app.function
def scalar_function(name, x):
    """One of the functions of the list above, of numbers."""
    return {
        "square": lambda: x**2,
        "absolute value": lambda: np.abs(x),
        "sine": lambda: np.sin(x),
        "square of (square - 1)": lambda: (x**2 - 1.0) ** 2,
    }[name]()


@app.function(hide_code=True)
def draw_chord(name, a, b, t):
    """A function, its chord, and the two heights at the point between."""
    x = np.linspace(-3.0, 3.0, 601)
    middle = t * a + (1.0 - t) * b
    at_a, at_b, at_middle = (scalar_function(name, np.float64(p)) for p in (a, b, middle))
    chord = t * at_a + (1.0 - t) * at_b
    above = at_middle > chord + 1e-12
    with styled():
        figure = new_figure(8.0, 3.6)
        axes = figure.subplots()
        axes.plot(x, scalar_function(name, x), color=BLUE)
        axes.plot([a, b], [at_a, at_b], "o--", color=INK)
        axes.plot([middle, middle], [at_middle, chord], "-", color=RED if above else GREEN, lw=4)
        axes.plot(middle, at_middle, "D" if above else "o", color=RED if above else GREEN, ms=9)
        values = [at_a, at_b, at_middle, chord]
        axes.set(xlabel="x", ylabel="f(x)")
        axes.set_ylim(min(-1.2, *values) - 0.2, max(2.0, 1.25 * max(values)))
        word = "above: not convex" if above else "not above: no objection here"
        axes.set_title(f"f = {at_middle:.3f}, chord = {chord:.3f}: {word}")
    return figure


@app.cell(hide_code=True)
def _(curve, ends, share):
    draw_chord(curve.value, *ends.value, share.value)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One bad chord refutes convexity. But no number of good chords proves it: there are always
    others. A proof needs an argument about all of them at once.

    ## Rules

    The argument is **composition**. Start from functions whose curvature is known ($x^2$ is
    convex, $\log x$ is concave, $2x + 1$ is affine, which is both) and use

    > $f(g(x))$ is convex if $f$ is convex, and $f$ is nondecreasing where $g$ is convex,
    > nonincreasing where $g$ is concave, or $g$ is affine.

    Apply it from the leaves of an expression to its root: that is *disciplined convex
    programming* (DCP), and CVXPY does it. `cn.convexity` looks further: it has more rules, exact
    tests where there are some, and it searches for a bad chord, which it then verifies in exact
    arithmetic. So there are three answers:

    | answer | means | evidence |
    |---|---|---|
    | `True` | proved convex | the derivation |
    | `False` | refuted | points $a$, $b$ whose midpoint lies above the chord |
    | `None` | unknown | the place at which the rules stopped |

    *Unknown* never means *not convex*. Here is the post's own example, on an interval:
    """)
    return


@app.cell
def _():
    def verdict_on(low, high):
        x = cp.Variable(name="x", bounds=[low, high])
        return cn.convexity(cp.square(cp.square(x) - 1))

    mo.accordion({"The verdict on [-2, 2]": mo.plain_text(str(verdict_on(-2, 2)))})
    return (verdict_on,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 1.1** The second derivative of $(x^2-1)^2$ is $4(3x^2-1)$. Find three intervals,
    each of length at least 1: one on which the composition rules prove convexity, one on which
    cvxnet refutes it, and one on which the rules stop, but the function *is* convex and another
    proof is found. (`verdict.reasons["convex"]` says which.)
    """)
    return


@app.cell
def _():
    answer_1 = None  # for example {"rules": (2, 3), "refuted": (2, 3), "another": (2, 3)}
    return (answer_1,)


@app.cell(hide_code=True)
def _(answer_1, verdict_on):
    def judge_1(intervals):
        for word, expected in (("rules", True), ("refuted", False), ("another", True)):
            low, high = intervals[word]
            if high - low < 1.0:
                return f"the interval {low} to {high} is shorter than 1."
            verdict = verdict_on(low, high)
            reason = verdict.reasons["convex"]
            by_rules = reason == "composition rules"
            if verdict.convex is not expected or by_rules is not (word == "rules"):
                return f"{word}: on {low} to {high} the answer is {verdict.convex} ({reason})."
        return ""

    mark_1 = mark(
        "1.1",
        answer_1,
        judge_1,
        "the square rises only where its argument is >= 0, so the rules need |x| >= 1; the "
        "function needs only 3 x^2 >= 1; between the two the rules stop, and another proof is "
        "found.",
    )
    mark_1.shown()
    return judge_1, mark_1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 1.2** The rules look at how a function is *written*. $\sqrt{1+z^2}$ is convex, but
    its square root is concave and its square convex, and CVXPY's rules stop. Write the same
    function so that they accept it. (Think of the length of a vector.)
    """)
    return


@app.cell
def _():
    def answer_2(z):
        return cp.sqrt(1 + cp.square(z))

    return (answer_2,)


@app.cell(hide_code=True)
def _(answer_2):
    def judge_2(rewritten):
        z = cp.Variable(name="z")
        expression = rewritten(z)
        if expression is None:
            return "nothing was returned."
        verdict = cn.convexity(expression)
        for value in (-3.0, -0.5, 0.0, 2.0):
            z.value = value
            found, expected = float(np.sum(expression.value)), float(np.sqrt(1.0 + value**2))
            if abs(found - expected) > 1e-9:
                return f"another function: {found:.4f} at z = {value}, expected {expected:.4f}."
        return "" if expression.is_convex() else f"CVXPY alone says {verdict.dcp}."

    mark_2 = mark(
        "1.2",
        answer_2,
        judge_2,
        "a norm is convex, and its argument (1, z) is affine in z.",
    )
    mark_2.shown()
    return judge_2, mark_2


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A network in its input

    A network $f(x) = w_2 \cdot \sigma(W_1 x + b_1) + b_2$ is such a composition. Choose the
    activation and the signs of the last layer, and read the derivation from the leaves
    (innermost) to the root: $\cup$ convex, $\cap$ concave, / affine, — constant, ? unknown.
    """)
    return


@app.cell(hide_code=True)
def _():
    activation = mo.ui.dropdown(
        ["ReLU", "Softplus", "Abs", "Tanh"], value="ReLU", label="activation"
    )
    signs = mo.ui.dropdown(["any", ">= 0", "<= 0"], value="any", label="last layer")
    mo.hstack([activation, signs], justify="start")
    return activation, signs


@app.cell
def _(activation, signs):
    _last = {"any": {}, ">= 0": {"nonneg": True}, "<= 0": {"nonpos": True}}[signs.value]
    _network = cn.Sequential(
        cn.Linear(2, 3), getattr(cn, activation.value)(), cn.Linear(3, 1, **_last)
    )
    _verdict = cn.convexity(_network, wrt="input")
    _pictures = [plot_derivation(_verdict)]
    if _verdict.counterexample is not None:
        _pictures.append(plot_counterexample(_verdict.counterexample))
    mo.vstack(_pictures)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The weights were not given, so the answer is about *all* weights that the signs allow: proved
    means for all of them, refuted means that the counterexample names weights for which it fails.

    **Exercise 1.3** Change as little as possible so that this network of two hidden layers is
    convex in its input, for all weights that you allow. All layers and both ReLUs have to stay.
    """)
    return


@app.cell
def _():
    answer_3 = cn.Sequential(
        cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 3), cn.ReLU(), cn.Linear(3, 1)
    )
    return (answer_3,)


@app.cell(hide_code=True)
def _(answer_3):
    def judge_3(network):
        if [type(layer).__name__ for layer in network.layers] != ["Linear", "ReLU"] * 2 + [
            "Linear"
        ]:
            return f"the layers are {network}; expected Linear, ReLU, Linear, ReLU, Linear."
        verdict = cn.convexity(network, wrt="input")
        if not verdict.convex:
            return f"not convex: {verdict.blame}"
        first = network.layers[0]
        if first.nonneg or first.nonpos:
            return "convex, but the first layer needs no signs: its output is affine in the input."
        return ""

    mark_3 = mark(
        "1.3",
        answer_3,
        judge_3,
        "with weights >= 0 after the first layer each layer is convex and nondecreasing in the one "
        "before. Such networks are called input convex.",
    )
    mark_3.shown()
    return judge_3, mark_3


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same network in its weights

    Training moves the weights, not the input. Take the smallest network there is,
    $w_2\,\mathrm{relu}(w_1 x)$, one sample $x = 1$ with target $1$, and the absolute loss

    $$L(w_1, w_2) = \left|w_2\,\mathrm{relu}(w_1) - 1\right| .$$

    The map shows it, from above and in space; the line goes from $a$ to $b$, with its chord
    dashed.
    """)
    return


@app.cell(hide_code=True)
def _():
    from_1 = mo.ui.slider(-1.0, 3.0, 0.25, value=2.5, label="a: w1", show_value=True)
    from_2 = mo.ui.slider(-1.0, 3.0, 0.25, value=0.5, label="w2", show_value=True)
    to_1 = mo.ui.slider(-1.0, 3.0, 0.25, value=0.5, label="b: w1", show_value=True)
    to_2 = mo.ui.slider(-1.0, 3.0, 0.25, value=2.5, label="w2", show_value=True)
    mo.vstack(
        [mo.hstack([from_1, from_2], justify="start"), mo.hstack([to_1, to_2], justify="start")]
    )
    return from_1, from_2, to_1, to_2


@app.function
def smallest_loss(w1, w2):
    """The absolute loss of ``w2 relu(w1 x)`` at x = 1 with target 1."""
    return np.abs(w2 * np.maximum(w1, 0.0) - 1.0)


@app.cell(hide_code=True)
def _(from_1, from_2, to_1, to_2):
    plot_surface(
        surface_over(lambda w: smallest_loss(*w.T), (-1.0, 3.0), (-1.0, 3.0), points=61),
        ("w1", "w2"),
        a=(from_1.value, from_2.value),
        b=(to_1.value, to_2.value),
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 1.4** Find two weight settings $a = (w_1, w_2)$ and $b$, *both with loss exactly
    0*, whose midpoint has a loss above 0. (A convex function has a convex set of minima.)
    """)
    return


@app.cell
def _():
    answer_4 = None  # for example [(1.0, 1.0), (1.0, 1.0)]
    return (answer_4,)


@app.cell(hide_code=True)
def _(answer_4):
    def loss_of(w1, w2):
        network = cn.Sequential(cn.Linear(1, 1, bias=False), cn.ReLU(), cn.Linear(1, 1, bias=False))
        network.load_state_dict({"0.weight": [[w1]], "2.weight": [[w2]]})
        return abs(float(network([1.0])[0]) - 1.0)

    def judge_4(points):
        a, b = np.asarray(points, dtype=float)
        losses = loss_of(*a), loss_of(*b), loss_of(*((a + b) / 2.0))
        if max(losses[:2]) > 0.0:
            return f"the losses at a and b are {losses[0]:.4g} and {losses[1]:.4g}; both must be 0."
        return "" if losses[2] > 0.0 else "the midpoint has loss 0, too: a and b are too alike."

    mark_4 = mark(
        "1.4",
        answer_4,
        judge_4,
        "the product w1 w2 does it: the minima w1 w2 = 1 are a hyperbola, and its chords lie off "
        "it. Signs do not help, and another activation does not either.",
    )
    mark_4.shown()
    return judge_4, mark_4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One layer at a time

    Two layers multiply. Each one alone may still be convex, and this is where the post's argument
    about signs is right: with later weights $\ge 0$ the *output* is convex in any single layer.
    What remains is the loss. The logistic loss $\log(1 + e^{-y f})$ is nonincreasing in $f$ where
    $y = +1$, and nondecreasing where $y = -1$.

    **Exercise 1.5** The network below has output weights $\ge 0$. For which labels is its
    logistic loss convex in the *first* layer (`wrt="0"`)? Give three labels, $+1$ or $-1$ each.
    """)
    return


@app.cell
def _():
    answer_5 = [1, -1, 1]
    return (answer_5,)


@app.cell(hide_code=True)
def _(answer_5):
    def judge_5(labels):
        network = cn.Sequential(cn.Linear(2, 2), cn.ReLU(), cn.Linear(2, 1, nonneg=True))
        X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        verdict = cn.convexity(network, wrt="0", loss="logistic", data=(X, np.array(labels, float)))
        if verdict.convex is False:
            return "refuted: " + "; ".join(verdict.counterexample.lines())
        return "" if verdict.convex else "unknown: the rules stop, and nothing was found."

    mark_5 = mark(
        "1.5",
        answer_5,
        judge_5,
        "with y = -1 the loss rises with a convex score. With y = +1 it falls with it, and "
        "convexity is lost: here the post's trail of convexity ends.",
    )
    mark_5.shown()
    return judge_5, mark_5


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What to remember

    * One bad chord refutes; only an argument about all chords proves; and *unknown* is an honest
      third answer.
    * Rules look at how a function is written. That they stop proves nothing.
    * A network can be convex in its input: weights $\ge 0$ after the first layer, and convex,
      nondecreasing activations.
    * In two layers of weights at once it is not, with or without signs: they multiply.

    Lesson 2 removes the product without losing a single network.
    """)
    return


if __name__ == "__main__":
    app.run()
