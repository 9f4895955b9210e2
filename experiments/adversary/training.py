"""Trials of trainings, certificates, the full program, certify and the estimators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from experiments.adversary.oracles import CHANGES, numbers
from experiments.adversary.problems import CLASSES, Drawn, draw, draw_decay, pick
from experiments.adversary.trials import EndedError, Script

Rng = np.random.Generator
SMOOTH = ("squared", "logistic", "huber", "log_cosh", "squared_hinge")
STEPS = ("sign", "threshold")
LIMIT = 3.0
"""Seconds for a training."""
BRUTE = 8
"""Rows up to which rho is computed by brute force over patterns."""


def write_training(rng: Rng, script: Script, drawn: Drawn) -> None:
    """The problem with a weight decay, and the solution, as names."""
    drawn.write(script)
    find_largest(script, drawn)
    script.holds("largest_weight_decay is finite", "0.0 <= largest < float('inf')", "largest")
    decay = draw_decay(rng, script["largest"])
    script.run(f"problem['weight_decay'] = {decay!r}")
    gap = float(pick(rng, {1e-6: 4, 1e-3: 1, 1e-8: 0.5}))
    script.run(f"solution = cn.train(units, X, y, **problem, gap={gap!r}, time_limit={LIMIT})")
    script.let(gap=gap)
    script.run("document = solution.certificate.to_dict()")
    script.run("own = oracles.training(units, X, y, **problem)")


def find_largest(script: Script, drawn: Drawn) -> None:
    """The largest weight decay; step units may refuse columns that depend up to rounding."""
    refusals = (UnsupportedError,) if drawn.family in STEPS else ()
    if not script.run("largest = cn.largest_weight_decay(units, X, y, **problem)", refusals):
        raise EndedError


def trial(rng: Rng, script: Script) -> None:
    """Train, and hold the solution against everything that is said about it."""
    drawn = draw(rng)
    write_training(rng, script, drawn)
    hold_solution(script)
    hold_bounds(rng, script, drawn)
    hold_certificate(script)
    if rng.random() < 0.3:
        tamper(rng, script, drawn)
    if rng.random() < 0.3:
        round_trips(script)
    if drawn.tame and len(drawn.X) <= 6 and rng.random() < 0.4:
        hold_program(rng, script, drawn)


def hold_solution(script: Script) -> None:
    """Bracket, value, gap, status, network."""
    ends = ("solution.lower_bound", "solution.value", "solution.status")
    script.holds(
        "the bracket is finite", "np.isfinite(solution.value + solution.lower_bound)", *ends
    )
    script.holds("lower <= value", "solution.lower_bound <= solution.value", *ends)
    script.holds(
        "the certificate has the bracket of the solution",
        "(solution.lower_bound, solution.value) == "
        "(solution.certificate.lower, solution.certificate.upper)",
        *ends,
        "solution.certificate",
    )
    script.holds(
        "the value is the objective of the certificate's network",
        "oracles.close(truth.objective(document), solution.value, absolute=solution.tolerance)",
        "truth.objective(document)",
        "solution.value",
    )
    script.holds(
        "the value is the objective of the network handed back",
        "oracles.close(oracles.own_value(own, solution.network), solution.value, 1e-7, "
        "solution.tolerance)",
        "oracles.own_value(own, solution.network)",
        "solution.value",
    )
    script.holds(
        "the network computes what its weights say",
        "oracles.near(solution.network(X)[:, 0], oracles.own_predictions(own, solution.network), "
        "absolute=oracles.cancelling(own, solution.network))",
        "solution.network(X)[:, 0]",
        "oracles.own_predictions(own, solution.network)",
    )
    script.holds(
        "optimal means that the bracket is closed",
        "solution.status != 'optimal' or oracles.closed(solution, gap, own)",
        *ends,
        "solution.gap",
        "solution.closed_by",
        "oracles.free_loss(own)",
    )
    script.holds(
        "no worse than the network without units",
        "solution.value <= oracles.free_loss(own) * (1 + 1e-9) + solution.tolerance",
        "solution.value",
        "oracles.free_loss(own)",
    )
    script.holds(
        "the solution can be printed", "len(str(solution)) > 0 and len(repr(solution)) > 0"
    )


def hold_bounds(rng: Rng, script: Script, drawn: Drawn) -> None:
    """Nothing is below the lower bound; certificates are true by brute force."""
    seed = int(rng.integers(1000))
    script.run("from experiments.adversary.attack import attack, beaten")
    script.run(
        f"finding = attack(solution.certificate, seeds=1, evaluations=100, steps=20, seed={seed})"
    )
    script.holds(
        "nothing is below the lower bound",
        "not beaten(solution.certificate, finding, 1e-9)",
        "finding",
        "solution.lower_bound",
        "solution.value",
    )
    script.holds(
        "nothing is below the value of an optimal network",
        "solution.closed_by != 'gap' or "
        "finding.best >= solution.value * (1 - 2 * gap) - solution.tolerance",
        "finding",
        "solution.value",
    )
    if brute(drawn):
        script.holds(
            "the certificate is true", "truth.is_true(document, 1e-7)", "solution.certificate"
        )


def brute(drawn: Drawn) -> bool:
    """Whether ``truth.rho`` can be computed."""
    return len(drawn.X) <= BRUTE and (drawn.family not in STEPS or drawn.columns <= 3)


def hold_certificate(script: Script) -> None:
    """The checker proves it; where training said optimal, it does so to the end."""
    script.run("result = cn.check(document, time_limit=20.0)")
    claimed = "solution.lower_bound <= result.lower <= result.upper <= solution.value"
    script.holds(
        "the checker does not refuse the certificate",
        "oracles.proved(result) != 'refused'",
        "result",
        "solution",
    )
    if script["solution"].status == "optimal" and not script["result"].valid:
        script.run("result = cn.check(document, time_limit=100.0)")  # machines may be busy
    script.holds(
        "what is called optimal is proved",
        "solution.status != 'optimal' or result.valid or 'not checked again' in str(solution)",
        "result",
        "solution",
    )
    script.holds(
        "the checker's bracket is within the one claimed",
        f"not result.valid or {claimed}",
        "result",
        "solution.lower_bound",
        "solution.value",
    )


def tamper(rng: Rng, script: Script, drawn: Drawn) -> None:
    """Numbers of the certificate changed: what is still valid is still true."""
    paths = list(numbers(script["document"]))
    for _ in range(4):
        path = list(paths[rng.integers(len(paths))])
        name = str(rng.choice(list(CHANGES)))
        value = script["document"]
        for key in path:
            value = value[key]
        new = float(CHANGES[name](float.fromhex(value)))
        if not np.isfinite(new):
            continue
        script.run(f"changed = oracles.tampered(document, {path!r}, {new!r})")
        script.run("result = cn.check(changed, time_limit=5.0)")
        if brute(drawn):
            script.holds(
                "a certificate that was changed proves nothing false",
                "not result.valid or truth.is_true(changed, 1e-9)",
                "result",
            )


def round_trips(script: Script) -> None:
    """Files, torch and ONNX give the same network."""
    script.folder()
    script.run("solution.network.save(folder / 'net.json')")
    script.holds(
        "a saved network is the same",
        "np.array_equal(cn.load(folder / 'net.json')(X), solution.network(X))",
    )
    script.run("solution.certificate.save(folder / 'proof.json')")
    script.holds(
        "a saved certificate is the same",
        "cn.Certificate.load(folder / 'proof.json') == solution.certificate",
    )
    if script.run("module = cn.to_torch(solution.network)", refusals=(UnsupportedError,)):
        script.holds(
            "torch computes the same",
            "oracles.near(module(torch.tensor(X)).detach().numpy(), solution.network(X), "
            "absolute=oracles.cancelling(own, solution.network))",
            "module(torch.tensor(X)).detach().numpy().ravel()",
            "solution.network(X).ravel()",
        )
    script.run("cn.to_onnx(solution.network, folder / 'net.onnx')")
    script.run("session = onnxruntime.InferenceSession(str(folder / 'net.onnx'))")
    script.holds(
        "ONNX computes the same",
        "oracles.near(session.run(None, {'x': X})[0], solution.network(X), "
        "absolute=oracles.cancelling(own, solution.network))",
        "session.run(None, {'x': X})[0].ravel()",
        "solution.network(X).ravel()",
    )


def hold_program(rng: Rng, script: Script, drawn: Drawn) -> None:
    """The whole convex program, on another solver."""
    if not script.run("program = cn.program(units, X, y, **problem)", refusals=(UnsupportedError,)):
        return
    script.holds("the program is DCP", "program.is_dcp()")
    try:
        script["program"].solve(solver="SCS", eps=1e-8, max_iters=50_000)
    except Exception:  # the solver's own affair
        return
    script.lines.append('program.solve(solver="SCS", eps=1e-8, max_iters=50_000)')
    if script["program"].status != "optimal":
        return
    script.holds(
        "the program has the same optimum",
        "solution.lower_bound - 1e-5 * (1 + solution.value) <= program.value and "
        "(solution.status != 'optimal' or abs(program.value - solution.value) "
        "<= gap * solution.value + 1e-5 * (1 + solution.value))",
        "program.value",
        "solution.lower_bound",
        "solution.value",
    )
    script.run("recovered = cn.recover(program)")
    script.holds(
        "the recovered network is above the lower bound",
        "oracles.own_value(own, recovered) >= solution.lower_bound * (1 - 1e-9)",
        "oracles.own_value(own, recovered)",
        "solution.lower_bound",
    )


# ------------------------------------------------------------------------------- certify, others


def trial_certify(rng: Rng, script: Script) -> None:
    """A network with random weights: where it stands, and what is proved about it."""
    names = {"relu": 3, "leaky_relu": 1, "abs": 1, "quadratic": 1, "squared_relu": 1, "sign": 1}
    drawn = draw(rng, families={**names, "threshold": 1, "linear": 1})
    script.let(X=drawn.X, y=drawn.y)
    width, d = int(rng.integers(1, 5)), drawn.X.shape[1]
    layer = {
        "relu": "cn.ReLU()",
        "leaky_relu": f"cn.LeakyReLU({drawn.options.get('slope')!r})",
        "abs": "cn.Abs()",
        "quadratic": "cn.Square()",
        "squared_relu": "cn.SquaredReLU()",
        "sign": "cn.Sign()",
        "threshold": "cn.Threshold()",
        "linear": "",
    }[drawn.family]
    bias, output = bool(rng.integers(2)), bool(rng.integers(2))
    inside = f"{layer}, " if layer else ""
    script.run(
        f"network = cn.Sequential(cn.Linear({d}, {width}, bias={bias}), {inside}"
        f"cn.Linear({width}, 1, bias={output}))"
    )
    scale = float(10.0 ** rng.integers(-3, 4)) if rng.random() < 0.3 else 1.0
    last = "2" if layer else "1"
    state = {"0.weight": scale * rng.standard_normal((width, d))}
    state |= {"0.bias": rng.standard_normal(width)} if bias else {}
    state |= {f"{last}.weight": rng.standard_normal((1, width))}
    state |= {f"{last}.bias": rng.standard_normal(1)} if output else {}
    script.let(state=state)
    script.run("_ = network.load_state_dict(state)")
    problem = {"loss": drawn.loss, "weight_decay": float(10.0 ** rng.uniform(-3, 1))}
    if "sample_weight" in drawn.form:
        problem["sample_weight"] = drawn.form["sample_weight"]
    script.let(problem=problem)
    refusals = (UnsupportedError,) if drawn.family in STEPS else ()
    call = f"cert = cn.certify(network, X, y, **problem, time_limit={LIMIT})"
    if not script.run(call, refusals):
        return
    script.run("document = cert.certificate.to_dict()")
    ends = ("cert.lower", "cert.upper", "cert.value", "cert.best")
    script.holds("lower <= upper <= value", "cert.lower <= cert.upper <= cert.value", *ends)
    script.holds(
        "upper is the best network's value", "cert.best.value in (cert.upper, cert.value)", *ends
    )
    script.holds(
        "the value is the given network's objective",
        "oracles.close(cert.value, truth.objective(document), absolute=cert.best.tolerance)",
        "truth.objective(document)",
        *ends,
    )
    value = "oracles.own_value(own, network)"
    script.run(
        f"own = oracles.training({drawn.units}, X, y, **problem, bias={bias}, output_bias={output})"
    )
    script.holds(
        "the certificate's network is the one given",
        f"oracles.close({value}, truth.objective(document), 1e-7, cert.best.tolerance) or "
        f"truth.objective(document) <= {value}",
        value,
        "truth.objective(document)",
    )
    script.run("result = cn.check(document, time_limit=20.0)")
    script.holds(
        "the checker does not refuse certify's certificate",
        "oracles.proved(result) != 'refused'",
        "result",
        "cert",
    )
    script.holds("the certification can be printed", "len(str(cert)) > 0 and len(repr(cert)) > 0")
    if brute(replace(drawn, form={"bias": bias})):
        script.holds("certify's certificate is true", "truth.is_true(document, 1e-7)", "cert")


def trial_path(rng: Rng, script: Script) -> None:
    """Optima never rise when the weight decay falls; nothing is gained from the largest on."""
    drawn = draw(rng)
    drawn.write(script)
    find_largest(script, drawn)
    shares = np.sort(10.0 ** rng.uniform(-4.0, 0.0, 2))
    less, more = (float(s * (script["largest"] or 1.0)) for s in shares)
    for name, decay in (("less", less), ("more", more)):
        script.run(
            f"{name} = cn.train(units, X, y, **problem, weight_decay={decay!r}, time_limit={LIMIT})"
        )
    shown = ("less", "more")
    script.run(f"own = oracles.training(units, X, y, **problem, weight_decay={more!r})")
    script.holds(
        "optima do not rise when the weight decay falls",
        "less.lower_bound <= more.value",
        *shown,
    )
    plain = drawn.loss in SMOOTH and (drawn.loss == "squared" or script["own"].free is None)
    if script["largest"] > 0.0 and drawn.columns <= 2 and plain:
        decay = 1.000001 * script["largest"]
        script.run(
            f"none = cn.train(units, X, y, **problem, weight_decay={decay!r}, time_limit={LIMIT})"
        )
        script.holds(
            "from the largest weight decay on nothing is better than no units",
            "none.value >= oracles.free_loss(own) * (1 - 1e-6)",
            "none",
            "oracles.free_loss(own)",
        )


def trial_estimators(rng: Rng, script: Script) -> None:
    """Regressors and classifiers: fit, predict, and what they keep."""
    drawn = draw(rng, most=12)
    classify = drawn.loss in CLASSES
    script.let(X=drawn.X, y=drawn.y)
    form = {k: v for k, v in drawn.form.items() if k != "sample_weight"}
    script.let(options={"loss": drawn.loss, **form, "time_limit": LIMIT})
    name = "ConvexNetClassifier" if classify else "ConvexNetRegressor"
    decay = rng.choice(["None", "0.01", "1.0"])
    if not classify and drawn.loss == "log_cosh":
        script.lines.append("# log_cosh is not documented for regressors")
        return
    if classify and rng.random() < 0.3 and len(np.unique(drawn.y)) == 2:
        script.run("y = np.where(y > 0, 'yes', 'no')")
    script.run("import warnings")
    script.run(f"model = cn.{name}({drawn.units}, weight_decay={decay}, **options)")
    if "sample_weight" in drawn.form:
        script.let(weight=drawn.form["sample_weight"])
    weight = ", sample_weight=weight" if "sample_weight" in drawn.form else ""
    allowed = (InputError, ValueError) if weight else ()
    allowed += (UnsupportedError,) if drawn.family in STEPS else ()
    script.run("from sklearn.exceptions import ConvergenceWarning")
    script.run("import warnings")
    counted = drawn.form.get("sample_weight", np.ones(len(drawn.y))) > 0.0
    constant = len(np.unique(drawn.y[counted])) == 1  # of which estimators remark
    remark = "UserWarning" if constant else "ConvergenceWarning"
    script.run(f"warnings.simplefilter('ignore', {remark})")
    if not script.run(f"_ = model.fit(X, y{weight})", refusals=allowed):
        return
    script.holds("predictions have one number a row", "model.predict(X).shape == (len(X),)")
    script.holds("scores are finite", "np.isfinite(model.score(X, y))")
    if classify:
        script.holds("classes are predicted", "set(model.predict(X)) <= set(model.classes_)")
        return
    script.holds(
        "the estimator predicts what its network says",
        "np.array_equal(model.predict(X), model.network_(X)[:, 0])",
    )
    script.run("result = cn.check(model.certificate_.to_dict(), time_limit=20.0)")
    script.holds(
        "the checker does not refuse an estimator's certificate",
        "oracles.proved(result) != 'refused'",
        "result",
        "model.solution_",
    )
    script.holds(
        "an optimal estimator's bracket is closed",
        "model.solution_.closed_by != 'gap' or model.solution_.gap <= model.gap",
        "model.solution_",
    )


# ---------------------------------------------------------------------------------- larger bounds


def trial_bounds(rng: Rng, script: Script) -> None:
    """A longer attack on the bound of a larger problem, whose network is not known to be optimal.

    The data are a wavy function of two or more features; the network is trained by `cvxnet.train`,
    or by torch's L-BFGS and certified.
    """
    n, d = int(rng.integers(20, 61)), int(rng.choice([1, 2, 2, 5, 9]))
    script.run(f"rng = np.random.default_rng({int(rng.integers(10**6))})")
    script.run(f"X = rng.normal(size=({n}, {d}))")
    script.run(f"y = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, -1]) + 0.1 * rng.normal(size={n})")
    family = pick(rng, {"relu": 4, "abs": 1, "leaky_relu": 1, "squared_relu": 1, "quadratic": 1})
    loss = str(rng.choice([*SMOOTH, "hinge", "absolute"]))
    if loss in CLASSES:
        script.run("y = np.where(y > np.median(y), 1.0, -1.0)")
    units = "cn.Family('leaky_relu', slope=0.2)" if family == "leaky_relu" else repr(family)
    script.let(problem={"loss": loss, "output_bias": bool(rng.integers(2))})
    script.run(f"largest = cn.largest_weight_decay({units}, X, y, **problem)")
    decay = float(rng.choice([0.3, 0.1, 0.03, 0.01])) * script["largest"]
    script.run(f"problem['weight_decay'] = {decay!r}")
    seed = int(rng.integers(1000))
    if family == "relu" and rng.random() < 0.4:
        script.run("del problem['output_bias']")
        script.run(f"network = oracles.trained_by_torch(X, y, 40, {seed}, **problem)")
        script.run("cert = cn.certify(network, X, y, **problem, time_limit=5.0)")
        script.run("proof = cert.certificate")
    else:
        script.run(f"proof = cn.train({units}, X, y, **problem, time_limit=5.0).certificate")
    script.run("from experiments.adversary.attack import attack, beaten")
    script.run(f"finding = attack(proof, seeds=3, evaluations=250, steps=60, seed={seed})")
    script.holds(
        "nothing is below the lower bound", "not beaten(proof, finding, 1e-9)", "finding", "proof"
    )
    script.run("result = cn.check(proof.to_dict(), time_limit=30.0)")
    script.holds(
        "the checker does not refuse the certificate",
        "oracles.proved(result) != 'refused'",
        "result",
    )
