"""Lesson 5: proofs. A certificate, what is in it, how it fails, and a checker of your own."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="5 Proofs")

with app.setup:
    import copy
    import json
    import tempfile
    from fractions import Fraction
    from pathlib import Path

    import marimo as mo
    import numpy as np
    from exercises import OPEN, mark

    import cvxnet as cn


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # 5 Proofs

    *About 40 minutes. You need: lesson 3, and Python's fractions. Open it with `marimo edit
    05_proofs.py`: the cells below the exercises wait for your answers.*

    A program that says "optimal" asks you to believe it: its solver, its tolerances, its
    rounding, and the people who wrote it. A **certificate** asks for nothing. It is a file with a
    network and a dual vector, and from these two alone anybody can compute that

    $$\text{lower} \;\le\; \text{optimum} \;\le\; \text{upper}.$$

    Finding the numbers was hard work; checking them is arithmetic. In this lesson you write a
    checker, in fractions, so that not one digit is rounded.

    ## Make one, save it, check it
    """)
    return


@app.cell
def _():
    rng = np.random.default_rng(5)
    X = np.round(np.sort(rng.uniform(-2.0, 2.0, (10, 1)), axis=0), 2)
    y = np.round(np.abs(X[:, 0]) + 0.3 * np.sin(4.0 * X[:, 0]), 2)
    solution = cn.train("relu", X, y, weight_decay=0.1)
    path = Path(tempfile.mkdtemp()) / "lesson.cert.json"
    solution.certificate.save(path)
    genuine = json.loads(path.read_text(encoding="utf-8"))
    mo.md(f"""
    `cn.check(path)` says: `{cn.check(path)}`

    On a command line: `cvxnet check {path.name}`
    """)
    return X, genuine, solution, y


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    This is the file. Numbers are written as `float.hex` writes them, which loses nothing: a
    double *is* a fraction, with a power of two below.
    """)
    return


@app.cell(hide_code=True)
def _(genuine):
    mo.accordion({"The certificate": mo.json(genuine)})
    return


@app.cell(hide_code=True)
def _():
    tampering = mo.ui.dropdown(
        [
            "nothing",
            "one number of the dual vector",
            "one output weight",
            "one target of the data",
            "the weight decay",
            "the claimed lower bound, raised",
            "the claimed upper bound, lowered",
        ],
        value="one number of the dual vector",
        label="change",
    )
    amount = mo.ui.slider(
        steps=[-0.1, -0.01, -1e-6, 1e-6, 0.01, 0.1], value=0.01, label="by", show_value=True
    )
    mo.vstack([mo.md("## Tamper with it"), mo.hstack([tampering, amount], justify="start")])
    return amount, tampering


@app.function
def tampered(document, change, amount):
    """A copy of the document with one number changed."""
    changed = copy.deepcopy(document)
    holders = {
        "one number of the dual vector": lambda: (changed["dual"], 3),
        "one output weight": lambda: (changed["network"]["a"], 0),
        "one target of the data": lambda: (changed["data"]["y"], 2),
        "the weight decay": lambda: (changed, "weight_decay"),
        "the claimed lower bound, raised": lambda: (changed, "lower"),
        "the claimed upper bound, lowered": lambda: (changed, "upper"),
    }
    if change == "nothing":
        return changed
    holder, key = holders[change]()
    sign = -1.0 if change.endswith("lowered") else 1.0
    size = abs(amount) if change.startswith("the claimed") else amount
    holder[key] = (float.fromhex(holder[key]) + sign * size).hex()
    return changed


@app.cell
def _(amount, genuine, tampering):
    _result = cn.check(tampered(genuine, tampering.value, amount.value))
    mo.callout(
        mo.md(f"valid: **{_result.valid}**. {_result.reason}"),
        kind="success" if _result.valid else "danger",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Some changes of the dual vector are harmless: another $v$ is another proof, and may prove a
    little less. The checker does not ask where a number comes from, only whether the claim
    follows.

    ## Your own checker

    With rows $\tilde x_i = (x_i, 1)$, units $(\tilde x^\top u)_+$, the squared loss and weight
    decay $\beta$, three facts make the proof:

    1. the network's objective is at most `upper`;
    2. the dual value $-v^\top y - \tfrac12 v^\top v$ is at least `lower`;
    3. no unit pays: $|\sum_i v_i (\tilde x_i^\top u)_+| \le \beta \|u\|$ for *all* $u$.

    Why 2 and 3 bound every network was one line in lesson 3. All numbers below are fractions.
    """)
    return


@app.function
def exact(numbers):
    """Numbers of a certificate, alone or in lists of lists, as fractions."""
    if isinstance(numbers, list):
        return [exact(number) for number in numbers]
    return Fraction(float.fromhex(numbers))


@app.function
def claiming(document, **claims):
    """A copy of the document that claims other bounds."""
    return document | {name: value.hex() for name, value in claims.items()}


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 5.1** The dual value, exactly. `v` and `y` are lists of fractions. The check claims
    a lower bound just below your value, which `cn.check` must accept, and one just above, which
    it must refuse.
    """)
    return


@app.cell
def _():
    def answer_1(v, y):
        return None

    return (answer_1,)


@app.cell(hide_code=True)
def _(answer_1, genuine):
    def judge_1(dual_value):
        value = dual_value(exact(genuine["dual"]), exact(genuine["data"]["y"]))
        if value is None:
            return OPEN
        if not isinstance(value, Fraction):
            return f"a {type(value).__name__}; expected a Fraction, so that nothing is rounded."
        below, above = (np.nextafter(float(value), side) for side in (-np.inf, np.inf))
        if not cn.check(claiming(genuine, lower=float(below))).valid:
            return f"{float(value):.8f} is too high: cvxnet does not accept it as a lower bound."
        if cn.check(claiming(genuine, lower=float(above))).valid:
            return f"{float(value):.8f} is too low: v proves more than that."
        return ""

    mark_1 = mark(
        "5.1", answer_1, judge_1, "the next double above it is refused: not one bit is missing."
    )
    mark_1.shown()
    return judge_1, mark_1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 5.2** The objective of the network, exactly: $\tfrac12 \sum_i (f(x_i) - y_i)^2 +
    \tfrac\beta2 \sum_j (W_j^2 + b_j^2 + a_j^2)$ with $f(x) = \sum_j a_j \max(W_j x + b_j, 0)$.
    `W`, `b`, `a`, `x`, `y` are lists of fractions.
    """)
    return


@app.cell
def _():
    def answer_2(W, b, a, x, y, beta):
        return None

    return (answer_2,)


@app.function
def parts(document):
    """What the checker of this lesson reads: W, b, a, x, y, beta, as fractions."""
    network, data = exact_network(document), exact(document["data"]["X"])
    x, y = [row[0] for row in data], exact(document["data"]["y"])
    return (*network, x, y, exact(document["weight_decay"]))


@app.function
def exact_network(document):
    """W, b and a of the network, as lists of fractions."""
    W, b, a = (exact(document["network"][name]) for name in "Wba")
    return [row[0] for row in W], b, a


@app.cell(hide_code=True)
def _(answer_2, genuine):
    def judge_2(objective):
        value = objective(*parts(genuine))
        if value is None:
            return OPEN
        if not isinstance(value, Fraction):
            return f"a {type(value).__name__}; expected a Fraction, so that nothing is rounded."
        below, above = (np.nextafter(float(value), side) for side in (-np.inf, np.inf))
        if not cn.check(claiming(genuine, upper=float(above))).valid:
            return f"{float(value):.8f} is too low: cvxnet does not accept it as an upper bound."
        if cn.check(claiming(genuine, upper=float(below))).valid:
            return f"{float(value):.8f} is too high: the objective is less."
        return ""

    mark_2 = mark("5.2", answer_2, judge_2, "an upper bound needs nothing but a network.")
    mark_2.shown()
    return judge_2, mark_2


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 5.3** *No unit pays*, for infinitely many units, in ten lines. Lesson 3 says which
    directions $u$ suffice: those where a sample has its kink, $u = \pm(-\tilde x_{i2}, \tilde
    x_{i1})$, and for each cell $\pm c_s$ with $c_s = \sum_{i \text{ on}} v_i \tilde x_i$. The two
    cells beside a kink $u$ have the samples on that are on at $u$, and of those that are neither
    on nor off at $u$ the ones that are on at $u$ turned a little to that side. Square both sides,
    and no root is needed:

    $$\Big(\sum_i v_i \max(\tilde x_i^\top u, 0)\Big)^2 \le \beta^2\, u^\top u .$$

    `rows` is a list of pairs of fractions. Return True or False.
    """)
    return


@app.cell
def _():
    def answer_3(v, rows, beta):
        return None

    return (answer_3,)


@app.cell(hide_code=True)
def _(answer_3, genuine):
    def rows_of(document):
        return [(row[0], Fraction(1)) for row in exact(document["data"]["X"])]

    def judge_3(no_unit_pays):
        v, rows = exact(genuine["dual"]), rows_of(genuine)
        beta = exact(genuine["weight_decay"])
        draws = np.random.default_rng(0).standard_normal((4, len(v)))
        vectors = [v, [2 * entry for entry in v], *([Fraction(e) for e in row] for row in draws)]
        for vector in vectors:
            X, floats = np.array(rows, dtype=float), np.array(vector, dtype=float)
            rho = Fraction(cn.largest_weight_decay("relu", X, floats, bias=False))
            for level in (beta, rho * Fraction(101, 100), rho * Fraction(99, 100)):
                said, expected = no_unit_pays(vector, rows, level), rho <= level
                if said is None:
                    return OPEN
                if said is not bool(expected):
                    return (
                        f"you say {said} for a v with rho(v) = {float(rho):.6f} and weight decay "
                        f"{float(level):.6f}."
                    )
        return ""

    mark_3 = mark(
        "5.3",
        answer_3,
        judge_3,
        "this is the heart of the proof: a statement about all units, from a few fractions.",
    )
    mark_3.shown()
    return judge_3, mark_3, rows_of


@app.cell
def _(answer_1, answer_2, answer_3, rows_of):
    def my_check(document):
        """Weak duality: does the bracket that a certificate claims follow from its numbers?"""
        v, y = exact(document["dual"]), exact(document["data"]["y"])
        lower, upper = exact(document["lower"]), exact(document["upper"])
        return (
            answer_3(v, rows_of(document), exact(document["weight_decay"]))
            and lower <= answer_1(v, y)
            and answer_2(*parts(document)) <= upper
        )

    return (my_check,)


@app.cell(hide_code=True)
def _(genuine, mark_1, mark_2, mark_3, my_check, tampering):
    def verdicts():
        rows = ["| changed | your checker | `cn.check` |", "|---|---|---|"]
        for change in tampering.options:
            for amount in (0.01,) if change == "nothing" else (0.01, -0.01):
                document = tampered(genuine, change, amount)
                mine = "accepts" if my_check(document) else "refuses"
                its = cn.check(document)
                word = "accepts" if its.valid else f"refuses: {its.reason}"
                rows.append(f"| {change}, {amount:+} | {mine} | {word} |")
        return "\n".join(rows)

    solved_all = mark_1.solved and mark_2.solved and mark_3.solved
    comparison = verdicts() if solved_all else "*Here your checker and cvxnet's will be compared.*"
    mo.md("## Side by side\n\n" + comparison)
    return (comparison,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Yours has no fingerprint of the data, so it accepts true statements about *other* data. The
    checker of cvxnet compares a SHA-256 first. It also knows other units, losses and ranks:
    `cvxnet/proofs/checker`, a folder that imports nothing else of the package and uses no solver.

    **Exercise 5.4** Write a function that changes a certificate so that it is still valid and
    proves *less*: a smaller lower bound from another dual vector, which it has to bring along.
    `claiming(document, lower=...)` sets a claim; `number.hex()` writes a number.
    """)
    return


@app.cell
def _():
    def answer_4(document):
        return None

    return (answer_4,)


@app.cell(hide_code=True)
def _(answer_4, genuine):
    def judge_4(weaken):
        weaker = weaken(copy.deepcopy(genuine))
        if weaker is None:
            return OPEN
        if weaker["dual"] == genuine["dual"]:
            return "the dual vector is the old one."
        result = cn.check(weaker)
        if not result.valid:
            return f"cvxnet refuses it: {result.reason}"
        if result.lower >= float.fromhex(genuine["lower"]):
            return "it proves as much as before."
        return ""

    mark_4 = mark(
        "5.4",
        answer_4,
        judge_4,
        "every feasible v is a proof; the best one is a proof of optimality.",
    )
    mark_4.shown()
    return judge_4, mark_4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Exercise 5.5** A network by hand: choose $W$, $b$, $a$ of a few units, by looking at the ten
    samples, so that its excess is proved to be at most 25 %.
    """)
    return


@app.cell(hide_code=True)
def _(X, y):
    mo.md(
        "| x | " + " | ".join(f"{v:g}" for v in X[:, 0]) + " |\n"
        "|---|" + "---|" * len(X) + "\n"
        "| y | " + " | ".join(f"{v:g}" for v in y) + " |"
    )
    return


@app.cell
def _():
    answer_5 = {"W": [1.0], "b": [0.0], "a": [1.0]}
    return (answer_5,)


@app.cell(hide_code=True)
def _(X, answer_5, y):
    def judge_5(units):
        W, b, a = (np.asarray(units[name], dtype=float) for name in "Wba")
        network = cn.Sequential(cn.Linear(1, len(a)), cn.ReLU(), cn.Linear(len(a), 1, bias=False))
        network.load_state_dict({"0.weight": W[:, None], "0.bias": b, "2.weight": a[None, :]})
        proved = cn.certify(network, X, y, weight_decay=0.1)
        if proved.excess[1] > 0.25:
            return (
                f"its objective is {proved.value:.4f}, the optimum {proved.lower:.4f}: an excess "
                f"of {proved.excess[1]:.1%}."
            )
        return ""

    mark_5 = mark(
        "5.5",
        answer_5,
        judge_5,
        "an ordinary network, from anywhere, with a proof of how good it is.",
    )
    mark_5.shown()
    return judge_5, mark_5


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What to remember

    * A certificate is evidence, not a signature: whoever wrote it, the numbers decide.
    * Upper bounds need a network, lower bounds a dual vector; exact arithmetic leaves no
      tolerance to argue about.
    * What it does not say: whether the data are right, whether the objective is what you want,
      and how the network does on data that were not seen.
    """)
    return


if __name__ == "__main__":
    app.run()
