"""Lesson 2: hidden convexity. A product becomes a norm, and training a convex program."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="2 Hidden convexity")

with app.setup:
    import cvxpy as cp
    import marimo as mo
    import numpy as np
    from exercises import OPEN, mark

    import cvxnet as cn
    from cvxnet.plots import plot_balance, plot_cells
    from cvxnet.plots.style import BLUE, GREY, INK, new_figure, styled
    from cvxnet.training.geometry.cells import all_cells


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # 2 Hidden convexity

    *About 40 minutes. You need: lesson 1, norms, and CVXPY or the patience to read it. Open it
    with `marimo edit 02_hidden_convexity.py`: the cells below the exercises wait for your
    answers.*

    Training a two-layer network with weight decay is

    $$\min_{U, a}\; \sum_i \ell\Big(\sum_j a_j\,(u_j^\top x_i)_+,\; y_i\Big) +
    \frac{\beta}{2} \sum_j \left(\|u_j\|^2 + a_j^2\right),$$

    where $(z)_+ = \max(z, 0)$, each row $x_i$ ends with a 1 (so $u_j$ has the bias in it), and
    $\beta$ is the *weight decay*. Lesson 1 showed that this is not convex: $u_j$ and $a_j$
    multiply. Three steps turn it into a convex program with the same optimum.

    ## Step 1: move weight between the layers

    Multiply $u_j$ by $s > 0$ and divide $a_j$ by $s$. Because $(s z)_+ = s\,(z)_+$ the network is
    the same function, so only the penalty changes. Which $s$ is best?
    """)
    return


@app.cell(hide_code=True)
def _():
    first = mo.ui.slider(0.2, 4.0, 0.1, value=3.0, label="|u|", show_value=True)
    second = mo.ui.slider(0.2, 4.0, 0.1, value=0.5, label="|a|", show_value=True)
    mo.hstack([first, second], justify="start")
    return first, second


@app.cell(hide_code=True)
def _(first, second):
    plot_balance(first.value, second.value)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That is the inequality of the arithmetic and the geometric mean: $\tfrac12(\|u\|^2 + a^2) \ge
    \|u\|\,|a|$, with equality where $\|u\| = |a|$. So the best penalty of a unit is
    $\beta\,\|u\|\,|a|$. Put $w = a u$ for $a > 0$ and $w = |a| u$ with a minus sign in front of
    the unit for $a < 0$: the unit is $\pm (w^\top x)_+$, its penalty $\beta \|w\|$, and **the
    product has gone**.

    **Exercise 2.1** The unit below has $u = (3, -4)$ and $a = 0.2$. Give $u$ and $a$ of the unit
    that is the same function and has the smallest penalty.
    """)
    return


@app.cell
def _():
    answer_1 = ([3.0, -4.0], 0.2)
    return (answer_1,)


@app.cell(hide_code=True)
def _(answer_1):
    def unit_network(u, a):
        network = cn.Sequential(cn.Linear(1, 1), cn.ReLU(), cn.Linear(1, 1, bias=False))
        return network.load_state_dict({"0.weight": [[u[0]]], "0.bias": [u[1]], "2.weight": [[a]]})

    def judge_1(unit):
        x = np.linspace(-3.0, 5.0, 9)[:, None]
        wanted = unit_network([3.0, -4.0], 0.2)(x)
        found = unit_network(*unit)(x)
        if not np.allclose(found, wanted):
            return "that is another function: multiply u by some s > 0 and divide a by it."
        u, a = np.asarray(unit[0], dtype=float), float(unit[1])
        beta, y = 0.1, wanted[:, 0]
        value = cn.certify(unit_network(u, a), x, y, weight_decay=beta).value  # the loss is 0
        penalty, least = value / beta, 5.0 * 0.2
        if penalty > least * (1.0 + 1e-9):
            return (
                f"the same function, but (|u|² + a²) / 2 is {penalty:.4f}, and {least:.4f} will do."
            )
        return ""

    mark_1 = mark("2.1", answer_1, judge_1, "both layers have the same length now: |u| = |a| = 1.")
    mark_1.shown()
    return judge_1, mark_1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step 2: cells

    The unit $(w^\top x)_+$ is still not linear in $w$. But look at which samples it is on for:
    the pattern $D = \mathrm{diag}(1[Xw \ge 0])$. Where the pattern is fixed, the unit is $D X w$:
    linear. Each sample cuts the space of all $w$ in two, along the $w$ with $x_i^\top w = 0$; all
    cuts together make **cells**, cones with one pattern each: $(2D - I)Xw \ge 0$.

    How many? Left: samples with two features, and the ways to split them by a line. Right: the
    map of all units; the curves are the cuts, one a sample, and the regions are the cells.
    """)
    return


@app.cell(hide_code=True)
def _():
    samples = mo.ui.slider(2, 12, 1, value=5, label="samples with two features", show_value=True)
    mo.hstack([samples], justify="start")
    return (samples,)


@app.cell(hide_code=True)
def _(samples):
    plot_cells(np.random.default_rng(4).uniform(-1.0, 1.0, (samples.value, 2)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 2.2** Write a function of the number of samples $n$ and the rank $r$ of $X$ (the
    number of entries of $w$) that counts the cells of samples in general position: $2n$ at rank
    2, and 22 for five samples at rank 3. Hint: the $n$-th cut adds as many cells as the other
    cuts make *on it*, which is a count at rank $r - 1$; so $c(n, r) = c(n-1, r) + c(n-1, r-1)$.
    """)
    return


@app.cell
def _():
    def answer_2(n, r):
        return None

    return (answer_2,)


@app.cell(hide_code=True)
def _(answer_2):
    def cells_found(n, r):
        """The number of cells that cvxnet lists for random samples."""
        X = np.random.default_rng(n + r).standard_normal((n, r))
        return len(all_cells(X / np.linalg.norm(X, axis=1)[:, None]))

    def judge_2(count):
        for n, r in ((2, 2), (5, 2), (4, 3), (5, 3), (7, 3), (6, 4)):
            found, expected = count(n, r), cells_found(n, r)
            if found is None:
                return OPEN
            if found != expected:
                return f"{n} samples at rank {r}: {found}; cvxnet finds {expected} cells."
        return ""

    mark_2 = mark(
        "2.2",
        answer_2,
        judge_2,
        "2 (C(n-1, 0) + ... + C(n-1, r-1)): polynomial in n, of degree r - 1; not the 2^n patterns "
        "that one might fear, but still a million for 1000 samples with two features.",
    )
    mark_2.shown()
    return judge_2, mark_2


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step 3: the convex program

    One pair of vectors for each cell: $p_s$ for units with output weight $+1$, $q_s$ for $-1$.

    $$\min_{p, q}\; \tfrac12 \Big\| \sum_s D_s X (p_s - q_s) - y \Big\|^2 +
    \beta \sum_s \left(\|p_s\| + \|q_s\|\right)$$

    $$\text{subject to}\quad (2D_s - I) X p_s \ge 0,\quad (2D_s - I) X q_s \ge 0
    \quad\text{for every cell } s.$$

    A squared norm of an affine function, norms, linear inequalities: convex (Pilanci and Ergen
    2020). No network has been lost, as two units in one cell add up to one vector and a sum of
    norms is at least the norm of the sum. Here are six samples with one feature, so at rank 2,
    where the cells are the arcs between the kinks on a circle.
    """)
    return


@app.cell
def _():
    X = np.array([[-2.0, 1.0], [-1.2, 1.0], [-0.4, 1.0], [0.5, 1.0], [1.1, 1.0], [2.0, 1.0]])
    y = np.array([1.5, 0.2, 0.4, -0.3, 0.6, 1.8])

    def patterns(X):
        """The pattern of each cell at rank 2, as rows of 0 and 1."""
        kinks = np.arctan2(-X[:, 0], X[:, 1])  # where x . u = 0, for u = (cos, sin)
        cuts = np.sort(np.concatenate([kinks, kinks + np.pi]) % (2.0 * np.pi))
        middles = (cuts + np.append(cuts[1:], cuts[0] + 2.0 * np.pi)) / 2.0
        U = np.column_stack([np.cos(middles), np.sin(middles)])
        return (U @ X.T >= 0.0).astype(float)

    return X, patterns, y


@app.cell
def _(patterns):
    def convex_program(X, y, beta, constraints_of):
        """The program of step 3; ``constraints_of`` is the exercise."""
        predictions, norms, constraints = 0.0, 0.0, []
        for row in patterns(X):
            D, p, q = np.diag(row), cp.Variable(2), cp.Variable(2)
            predictions += D @ X @ (p - q)
            norms += cp.norm(p) + cp.norm(q)
            constraints += constraints_of(D, X, p) + constraints_of(D, X, q)
        objective = cp.sum_squares(predictions - y) / 2.0 + beta * norms
        return cp.Problem(cp.Minimize(objective), constraints)

    return (convex_program,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 2.3** One thing is missing: the inequalities that keep $w$ (a $p_s$ or a $q_s$) in
    its cell. Return them as a list of CVXPY constraints. The check solves your program, and
    compares its value with the bracket that cvxnet proves without writing any program.
    """)
    return


@app.cell
def _():
    def answer_3(D, X, w):
        return []

    return (answer_3,)


@app.cell(hide_code=True)
def _(X, answer_3, convex_program, y):
    def judge_3(constraints_of):
        for beta in (0.02, 0.2, 1.0):
            problem = convex_program(X, y, beta, constraints_of)
            if not problem.is_dcp():
                return "CVXPY does not see that this is convex."
            problem.solve(solver=cp.CLARABEL)
            if problem.value is None or not np.isfinite(problem.value):
                return f"with weight decay {beta} the solver says {problem.status}."
            proved = cn.train("relu", X, y, weight_decay=beta, bias=False)
            off = f"the value {problem.value:.4f} with weight decay {beta} lies"
            if problem.value < proved.lower_bound * (1.0 - 1e-5):
                return (
                    f"{off} below the proved lower bound {proved.lower_bound:.4f}: vectors outside "
                    "their cells are no units, and count as if they were."
                )
            if problem.value > proved.value * (1.0 + 1e-5):
                return (
                    f"{off} above {proved.value:.4f}, which a network has: too much is forbidden."
                )
        return ""

    mark_3 = mark(
        "2.3",
        answer_3,
        judge_3,
        "the convex program has the optimum of the problem that is not convex, to six digits.",
    )
    mark_3.shown()
    return judge_3, mark_3


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The way back

    **Exercise 2.4** From a vector $w$ of the program, for a unit with output weight of sign
    `sign`, make the unit: return $(u, a)$ such that $a\,(u^\top x)_+ = \pm (w^\top x)_+$ and the
    penalty $\tfrac12(\|u\|^2 + a^2)$ is $\|w\|$. (A vector $w = 0$ is no unit; you will not be
    given one.)
    """)
    return


@app.cell
def _():
    def answer_4(w, sign):
        return None

    return (answer_4,)


@app.cell(hide_code=True)
def _(answer_4):
    def judge_4(unit):
        X = np.column_stack([np.linspace(-2.0, 2.0, 7), np.ones(7)])
        for w, sign in (([3.0, -4.0], 1.0), ([0.3, 0.4], -1.0)):
            returned = unit(np.array(w), sign)
            if returned is None:
                return OPEN
            u, a = np.asarray(returned[0], dtype=float), float(returned[1])
            network = cn.Sequential(
                cn.Linear(2, 1, bias=False), cn.ReLU(), cn.Linear(1, 1, bias=False)
            )
            network.load_state_dict({"0.weight": [u], "2.weight": [[a]]})
            wanted = sign * np.maximum(X @ np.array(w), 0.0)
            if not np.allclose(network(X)[:, 0], wanted):
                return f"w = {w} with sign {sign:+.0f}: the unit has other values."
            value = cn.certify(network, X, wanted, weight_decay=1.0).value
            if not np.isclose(value, np.linalg.norm(w)):
                return f"w = {w}: the penalty is {value:.4f} and should be {np.linalg.norm(w):.4f}."
        return ""

    mark_4 = mark("2.4", answer_4, judge_4, "u = w / sqrt(|w|) and a = sign sqrt(|w|): balanced.")
    mark_4.shown()
    return judge_4, mark_4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What weight decay does

    `cn.train` finds the same optimum by column generation (lesson 3), and proves it. Move the
    weight decay: a sum of norms sets whole units to zero, as in the group lasso, so the network
    has as many units as it needs and no more. Dotted: where units have their kinks.
    """)
    return


@app.cell(hide_code=True)
def _():
    decay = mo.ui.slider(
        steps=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
        value=0.03,
        label="weight decay",
        show_value=True,
    )
    mo.hstack([decay], justify="start")
    return (decay,)


@app.function(hide_code=True)
def draw_fit(X, y, solution, beta):
    """The optimal network of one feature, with its data and kinks."""
    x = np.linspace(-2.5, 2.5, 401)
    W, b = (solution.network.state_dict()[f"0.{part}"] for part in ("weight", "bias"))
    kinks = [-shift / w for (w,), shift in zip(W, b, strict=True) if w]
    with styled():
        figure = new_figure(8.0, 3.6)
        axes = figure.subplots()
        for kink in kinks:
            axes.axvline(kink, color=GREY, linestyle=":", lw=1.2)
        axes.plot(x, solution.predict(x[:, None]), color=BLUE)
        axes.plot(X[:, 0], y, "o", color=INK)
        axes.set(xlim=(-2.5, 2.5), ylim=(-0.8, 2.3), xlabel="x", ylabel="y")
        axes.set_title(
            f"weight decay {beta}: {solution.units} units; "
            f"{solution.lower_bound:.6f} <= optimum <= {solution.value:.6f}"
        )
    return figure


@app.cell
def _(X, decay, y):
    _solution = cn.train("relu", X[:, :1], y, weight_decay=decay.value)  # adds the column of ones
    draw_fit(X, y, _solution, decay.value)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 2.5** From some weight decay on the optimum is the zero network. Find that number
    for the six samples, to a thousandth. (Zero is optimal as long as no unit of length 1 gains
    more than it costs: compare $\max_{\|u\| \le 1} |y^\top (X u)_+|$ with $\beta$. Try angles.)
    """)
    return


@app.cell
def _():
    answer_5 = None  # a number
    return (answer_5,)


@app.cell(hide_code=True)
def _(X, answer_5, y):
    def judge_5(beta):
        above = cn.train("relu", X, y, weight_decay=beta * 1.001, bias=False).units
        below = cn.train("relu", X, y, weight_decay=beta / 1.001, bias=False).units
        if above:
            return (
                f"with weight decay {beta * 1.001:.4f} the optimal network still has {above} units."
            )
        if not below:
            return f"with weight decay {beta / 1.001:.4f} the optimal network is zero already."
        return ""

    mark_5 = mark(
        "2.5",
        answer_5,
        judge_5,
        "it is the largest slope at zero, rho(y): lesson 3 makes an algorithm of this number. "
        "`cn.largest_weight_decay` computes it.",
    )
    mark_5.shown()
    return judge_5, mark_5


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What to remember

    * Weight decay can be moved between the layers; at the best balance its price is the norm
      $\beta \|u\| |a|$, and the product disappears.
    * Cells make units linear, and cones keep them honest.
    * The program is convex but large: $O(n^{r-1})$ cells. Lesson 3 never writes it down.
    * What was given up: the width is whatever the optimum needs. For a width *fixed below that*
      the problem is another one, and not convex; its optimum is never lower. `cn.train(...,
      width=2)` proves it, by branching on the convex problem with units kept to some of the cells.
    """)
    return


if __name__ == "__main__":
    app.run()
