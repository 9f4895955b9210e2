"""Lesson 3: column generation by hand. A master, a price, and a bracket that closes."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="3 Column generation by hand")

with app.setup:
    import cvxpy as cp
    import marimo as mo
    import numpy as np
    from exercises import OPEN, mark

    import cvxnet as cn
    from cvxnet.plots.style import BLUE, GREY, INK, ORANGE, RED, new_figure, styled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # 3 Column generation by hand

    *About 40 minutes. You need: lesson 2, and duality of convex programs. Open it with `marimo
    edit 03_column_generation.py`: the cells below the exercises wait for your answers.*

    The convex program of lesson 2 has two vectors for each cell, and an optimal network uses a
    handful of them. Column generation keeps only units found so far, and asks one question again
    and again: *which unit is missing?* In this lesson you write all of it in some forty lines of
    numpy and CVXPY, for one feature and a bias (rank 2), and compare with `cn.train`.

    With units of length one, $\varphi_u = (Xu)_+$ with $\|u\| = 1$, the penalty of lesson 2 is a
    sum of absolute values:

    $$P = \min_{c}\; \tfrac12 \Big\| \sum_u c_u \varphi_u - y \Big\|^2 + \beta \sum_u |c_u|
    \qquad\text{over all units } u \text{ of the circle.}$$
    """)
    return


@app.cell
def _():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-2.0, 2.0, 12))
    X = np.column_stack([x, np.ones(12)])
    y = np.sin(2.5 * x) + 0.4 * x
    beta = 0.05
    return X, beta, y


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The master problem

    The units at hand are columns of a matrix $F$; the best coefficients are a lasso.
    """)
    return


@app.function
def features(U, X):
    """The columns of the units in the rows of U."""
    return np.maximum(X @ np.transpose(U), 0.0)


@app.function
def master(F, y, beta):
    """The best coefficients of the units at hand, and the value."""
    c = cp.Variable(F.shape[1])
    objective = cp.sum_squares(F @ c - y) / 2.0 + beta * cp.norm1(c)
    value = cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL)
    return c.value, value


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The dual, and the price of a unit

    Let $f$ be the predictions of the master and $v = f - y$, the gradient of the loss: the **dual
    vector**, one number for each sample. Increase the coefficient of a unit from zero: the loss
    changes at the rate $v^\top\varphi_u$, the penalty at the rate $\beta$. So a unit pays where
    $|v^\top\varphi_u| > \beta$. **Pricing** finds the one that pays most:

    $$\rho(v) = \max_{\|u\| = 1} |v^\top (Xu)_+| .$$

    It is not concave in $u$, but within a cell it is linear: $v^\top D X u = c_s^\top u$ with
    $c_s = X^\top D_s v$. On the arc of a cell the largest value is at $c_s / \|c_s\|$ if that
    lies on the arc, and else at an end of it, where a sample has its kink. So the kinks and all
    $\pm c_s$ are enough to look at, and no candidate can mislead: each is a unit. *This is exact:
    no sampling.*
    """)
    return


@app.function
def kinks(X):
    """The directions at which a sample has its kink, as unit rows."""
    across = np.column_stack([-X[:, 1], X[:, 0]])
    across = across / np.linalg.norm(across, axis=1)[:, None]
    return np.vstack([across, -across])


@app.function
def patterns(X):
    """The pattern of each cell at rank 2, as rows of 0 and 1."""
    cuts = np.sort(np.arctan2(*kinks(X).T[::-1]))
    middles = (cuts + np.append(cuts[1:], cuts[0] + 2.0 * np.pi)) / 2.0
    return (np.column_stack([np.cos(middles), np.sin(middles)]) @ X.T >= 0.0).astype(float)


@app.function
def price(v, X):
    """The unit with the largest ``abs(v . phi)``, and that value: rho."""
    C = (patterns(X) * v) @ X
    C = C[np.linalg.norm(C, axis=1) > 0.0]
    C = C / np.linalg.norm(C, axis=1)[:, None]
    candidates = np.vstack([kinks(X), C, -C])
    sizes = np.abs(v @ features(candidates, X))
    return candidates[sizes.argmax()], sizes.max()


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The lower bound

    The dual problem is $\max_v\, -\ell^*(v)$ subject to $\rho(v) \le \beta$, and for $\ell(f) =
    \tfrac12\|f - y\|^2$ the conjugate is $\ell^*(v) = v^\top y + \tfrac12\|v\|^2$. *Weak duality*
    in one line: for every network with predictions $f = \sum_u c_u \varphi_u$,

    $$\ell(f) + \beta \sum_u |c_u| \;\ge\; v^\top f - \ell^*(v) + \sum_u |c_u|\,|v^\top\varphi_u|
    \;\ge\; -\ell^*(v) .$$

    The first step is the Young inequality and $\rho(v) \le \beta$; the second is $v^\top f =
    \sum_u c_u v^\top \varphi_u$. Any $v$ can be scaled until $\rho(v) \le \beta$. So **any $v$
    proves a lower bound, any network an upper bound**, and between them is the optimum.
    """)
    return


@app.function
def lower_bound(v, rho, y, beta):
    """What v proves, once it is scaled so that no unit pays."""
    v = v * min(1.0, beta / rho)
    return -v @ y - 0.5 * v @ v


@app.function
def column_generation(X, y, beta, gap=1e-6, rounds=100):
    """All rounds: units, coefficients, dual vector, and the bracket so far."""
    U, history = price(-y, X)[0][None, :], []
    lower = 0.0
    for _ in range(rounds):
        c, upper = master(features(U, X), y, beta)
        v = features(U, X) @ c - y
        u, rho = price(v, X)
        lower = max(lower, lower_bound(v, rho, y, beta))
        history.append({"U": U, "c": c, "v": v, "new": u, "lower": lower, "upper": upper})
        if upper - lower <= gap * upper:
            break
        U = np.vstack([U, u])
    return history


@app.cell
def _(X, beta, y):
    history = column_generation(X, y, beta)
    return (history,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Go through the rounds. Left: the network so far. Middle: $v^\top\varphi_u$ over the circle of
    all units. Where it pokes out of the band $\pm\beta$, a unit is missing: the diamond. In the
    next round it has been added, and the curve has sunk to the band there. Right: the bracket.
    """)
    return


@app.cell(hide_code=True)
def _(history):
    shown_round = mo.ui.slider(1, len(history), value=1, label="round", show_value=True)
    mo.hstack([shown_round], justify="start")
    return (shown_round,)


@app.function(hide_code=True)
def draw_round(history, k, X, y, beta):
    """One round: the fit, the prices of all units, and the bracket."""
    now = history[k]
    angles = np.linspace(-np.pi, np.pi, 721)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    line = np.column_stack([np.linspace(-2.2, 2.2, 301), np.ones(301)])
    with styled():
        figure = new_figure(12.0, 3.6)
        fit, prices, bracket = figure.subplots(1, 3)
        fit.plot(line[:, 0], features(now["U"], line) @ now["c"], color=BLUE)
        fit.plot(X[:, 0], y, "o", color=INK, ms=5)
        fit.set(xlabel="x", ylabel="y", title=f"units: {np.sum(np.abs(now['c']) > 1e-6)}")
        prices.axhspan(-1.0, 1.0, color=GREY, alpha=0.2, lw=0)
        prices.plot(np.degrees(angles), now["v"] @ features(circle, X) / beta, color=BLUE)
        held = np.degrees(np.arctan2(*now["U"].T[::-1]))
        prices.plot(held, now["v"] @ features(now["U"], X) / beta, "o", color=INK)
        new = np.degrees(np.arctan2(*now["new"][::-1]))
        prices.plot(new, now["v"] @ features(now["new"], X) / beta, "D", color=RED, ms=8)
        prices.set(xlabel="angle of the unit", ylabel="v·φ / β", xticks=[-180, -90, 0, 90, 180])
        prices.set_title(
            "pokes out: a unit is missing" if k + 1 < len(history) else "none is missing"
        )
        numbers = np.arange(1, k + 2)
        bracket.plot(numbers, [row["upper"] for row in history[: k + 1]], "v-", color=ORANGE)
        bracket.plot(numbers, [row["lower"] for row in history[: k + 1]], "^-", color=BLUE)
        bracket.set(xlim=(0.5, len(history) + 0.5), xlabel="round", title="upper ▼, lower ▲")
        bracket.set_ylim(0.0, 1.05 * history[0]["upper"])
    return figure


@app.cell(hide_code=True)
def _(X, beta, history, shown_round, y):
    draw_round(history, shown_round.value - 1, X, y, beta)
    return


@app.cell
def _(X, beta, history, y):
    trained = cn.train("relu", X, y, weight_decay=beta, bias=False)
    mo.md(f"""
    | | lower | upper | rounds |
    |---|---|---|---|
    | by hand | {history[-1]["lower"]:.8f} | {history[-1]["upper"]:.8f} | {len(history)} |
    | `cn.train` | {trained.lower_bound:.8f} | {trained.value:.8f} | {trained.stats["rounds"]} |

    The two brackets prove the same optimum. `cn.train` adds several cells a round, lets units slide
    between them, shrinks its dual vector so that rounding cannot spoil the proof, and has the
    certificate checked in exact arithmetic (lesson 5).
    """)
    return (trained,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 3.1** Prove a lower bound without column generation. Write a function that returns
    any vector $v$ of 12 numbers; the check prices it, scales it and says what it proves. Reach 80
    % of the optimum. (A good $v$ is close to $f - y$ for predictions $f$ of a good network. Which
    fixed units would you try?)
    """)
    return


@app.cell
def _():
    def answer_1(X, y, beta):
        return -y

    return (answer_1,)


@app.cell(hide_code=True)
def _(X, answer_1, beta, trained, y):
    def judge_1(dual_vector):
        v = dual_vector(X, y, beta)
        if v is None:
            return OPEN
        v = np.asarray(v, dtype=float)
        if v.shape != y.shape:
            return f"a vector of shape {v.shape}; expected one number for each of the 12 samples."
        rho = cn.largest_weight_decay("relu", X, v, bias=False)  # for the squared loss it is rho(v)
        share = lower_bound(v, rho, y, beta) / trained.value
        if share < 0.8:
            return f"rho(v) / beta = {rho / beta:.3g}; it proves {share:.1%} of the optimum."
        return ""

    mark_1 = mark(
        "3.1",
        answer_1,
        judge_1,
        "a proof need not come from a solver: whoever brings the numbers, they are checked.",
    )
    mark_1.shown()
    return judge_1, mark_1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 3.2** Price other units: $\varphi_u = |Xu|$. Return the best unit $u$ (length one)
    and $\rho(v) = \max_{\|u\|=1} |v^\top |Xu||$, exactly. `kinks` and `patterns` are there to be
    used: with the signs $S = 2D - I$ of a cell, $|Xu| = SXu$.
    """)
    return


@app.cell
def _():
    def answer_2(v, X):
        return None

    return (answer_2,)


@app.cell(hide_code=True)
def _(X, answer_2):
    def judge_2(price_abs):
        for seed in range(6):
            v = np.random.default_rng(seed).standard_normal(len(X))
            returned = price_abs(v, X)
            if returned is None:
                return OPEN
            u, rho = np.asarray(returned[0], dtype=float), float(returned[1])
            expected = cn.largest_weight_decay("abs", X, v, bias=False)
            if not np.isclose(abs(v @ np.abs(X @ u)), rho) or not np.isclose(u @ u, 1.0):
                return "the unit does not have length one and the value that you return."
            if not np.isclose(rho, expected, rtol=1e-6):
                return f"random v, seed {seed}: rho is {rho:.6f}; cvxnet finds {expected:.6f}."
        return ""

    mark_2 = mark(
        "3.2",
        answer_2,
        judge_2,
        "the same cells, signs in place of zeros and ones. In the package a family of units is "
        "little more than this function.",
    )
    mark_2.shown()
    return judge_2, mark_2


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 3.3** Another loss: $\ell(f) = \sum_i |f_i - y_i|$. Its conjugate is $\ell^*(v) =
    v^\top y$ where all $|v_i| \le 1$, and infinite elsewhere. Write the lower bound that a vector
    $v$ with price $\rho$ proves, once it is scaled as it has to be.
    """)
    return


@app.cell
def _():
    def answer_3(v, rho, y, beta):
        return None

    return (answer_3,)


@app.cell(hide_code=True)
def _(X, answer_3, beta, y):
    def judge_3(bound):
        draws = np.random.default_rng(0).standard_normal((20, len(y)))
        for decay in (beta, 40.0 * beta, 1000.0 * beta):
            solved = cn.train("relu", X, y, loss="absolute", weight_decay=decay, bias=False)
            for v in [*(draws - y), *(0.01 * draws - 0.1 * y), 2.0 * solved.certificate.v]:
                found = bound(v, price(v, X)[1], y, decay)
                if found is None:
                    return OPEN
                if found > solved.value:
                    return (
                        f"weight decay {decay}: a v with entries up to {abs(v).max():.2f} 'proves' "
                        f"{found:.4f}, and a network with {solved.value:.4f} exists."
                    )
            if found < solved.lower_bound * (1.0 - 1e-3):
                proves = f"proves {solved.lower_bound:.4f}, not {found:.4f}"
                return f"true, but an optimal v, doubled, {proves}."
        return ""

    mark_3 = mark(
        "3.3",
        answer_3,
        judge_3,
        "scale by the smallest of 1, beta / rho and 1 / max |v|, and return -v.y: another loss is "
        "another conjugate, and nothing else changes.",
    )
    mark_3.shown()
    return judge_3, mark_3


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 3.4** Would it do to try many units rather than all? Give 12 numbers $v$ for which
    the best of 12 evenly spread units (every 30 degrees) has a price at least 10 % below
    $\rho(v)$. (The lower bound that such a $v$ seems to prove would be wrong.)
    """)
    return


@app.cell
def _():
    answer_4 = [1.0] * 12
    return (answer_4,)


@app.cell(hide_code=True)
def _(X, answer_4):
    def judge_4(v):
        v = np.asarray(v, dtype=float)
        if v.shape != (12,):
            return f"shape {v.shape}; expected 12 numbers."
        spread = np.radians(np.arange(0, 360, 30))
        tried = abs(v @ features(np.column_stack([np.cos(spread), np.sin(spread)]), X)).max()
        rho = cn.largest_weight_decay("relu", X, v, bias=False)
        if tried > 0.9 * rho:
            return f"the 12 units reach {100.0 * tried / rho:.1f} % of rho(v) = {rho:.4f}."
        return ""

    mark_4 = mark(
        "3.4",
        answer_4,
        judge_4,
        "sampling finds good units, and no proof. Only an exact price moves the lower bound.",
    )
    mark_4.shown()
    return judge_4, mark_4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What to remember

    * Master, dual vector, price, next unit: four steps, each a few lines.
    * The dual vector is both the proof of the lower bound and the search direction for units.
    * The proof needs the exact maximum over all units, and at rank 2 sorted angles give it. At
      higher rank the maximum is harder; the loop stays the same.

    Lesson 4 takes networks that Adam trained and measures them against this bracket.
    """)
    return


if __name__ == "__main__":
    app.run()
