"""Trials of networks: layers of every kind, files, exports, verdicts, embedding."""

from __future__ import annotations

import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from experiments.adversary.trials import Script, literal

Rng = np.random.Generator

ACTIVATIONS = [
    "cn.ReLU()", "cn.LeakyReLU(0.1)", "cn.LeakyReLU(-0.5)", "cn.LeakyReLU(3.0)", "cn.ELU()",
    "cn.ELU(0.5)", "cn.ELU(2.0)", "cn.CELU(2.0)", "cn.SELU()", "cn.Softplus()", "cn.Softplus(3.0)",
    "cn.SquaredReLU()", "cn.Square()", "cn.Abs()", "cn.Squareplus()", "cn.Squareplus(0.1)",
    "cn.Sigmoid()", "cn.Tanh()", "cn.HardTanh()", "cn.HardTanh(-0.5, 2.0)", "cn.SiLU()",
    "cn.GELU()", "cn.Sign()", "cn.Threshold()", "cn.Softmax()", "cn.LogSumExp()", "cn.Maxout(1)",
]  # fmt: skip
SIGNS = ["", "", ", nonneg=True", ", nonpos=True"]
LOSSES = ["squared", "logistic", "hinge", "squared_hinge", "absolute", "huber", "log_cosh"]


def draw_layers(rng: Rng) -> tuple[str, int]:
    """The text of a Sequential and its number of inputs."""
    columns = first = int(rng.integers(1, 4))
    if rng.random() < 0.15:
        return draw_image_layers(rng)
    if rng.random() < 0.12:
        sizes = [first, *(int(s) for s in rng.integers(1, 4, int(rng.integers(1, 3)))), 1]
        return f"cn.input_convex({sizes})", first
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        out = int(rng.integers(1, 5))
        bias = f", bias={bool(rng.integers(2))}" if rng.random() < 0.4 else ""
        linear = f"cn.Linear({columns}, {out}{bias}{rng.choice(SIGNS)})"
        if rng.random() < 0.07:
            linear, out = f"cn.Residual(cn.Linear({columns}, {columns}))", columns
        parts.append(linear)
        columns = out
        if columns % 2 == 0 and rng.random() < 0.1:
            parts.append("cn.Maxout(2)")
            columns //= 2
        elif rng.random() < 0.8:
            parts.append(str(rng.choice(ACTIVATIONS)))
            columns = 1 if "LogSumExp" in parts[-1] else columns
        if rng.random() < 0.08:
            parts.append(f"cn.{rng.choice(['BatchNorm', 'LayerNorm'])}({columns})")
        if rng.random() < 0.06:
            parts.append("cn.Residual(cn.ReLU())")
        if rng.random() < 0.05:
            parts[-2:] = [f"cn.Sequential({', '.join(parts[-2:])})"]
    if columns > 1 and rng.random() < 0.7:
        parts.append(f"cn.Linear({columns}, 1{rng.choice(SIGNS)})")
    return f"cn.Sequential({', '.join(parts)}, seed={int(rng.integers(100))})", first


def draw_image_layers(rng: Rng) -> tuple[str, int]:
    """Convolution or pooling, flattened."""
    channels, height = int(rng.integers(1, 3)), int(rng.integers(2, 5))
    image = f"image=({height}, {height})"
    first = str(
        rng.choice(
            [
                f"cn.Conv2d({channels}, 2, 2, {image})",
                f"cn.Conv2d({channels}, 1, 2, 1, 1, False, {image})",
                f"cn.AvgPool2d(2, 1, channels={channels}, {image})",
                f"cn.MaxPool2d(2, 1, channels={channels}, {image})",
            ]
        )
    )
    tail = f", {rng.choice(ACTIVATIONS[:12])}" if rng.random() < 0.6 else ""
    return f"cn.Sequential({first}{tail}, cn.Flatten())", channels * height * height


def trial(rng: Rng, script: Script) -> None:
    """A network: what it computes, however it is asked, and what is said about it."""
    text, d = draw_layers(rng)
    if not script.run(f"net = {text}", refusals=(InputError,)):
        return
    given = rng.random() < 0.75
    if given:
        give_weights(rng, script)
    scale = float(rng.choice([1.0, 1.0, 10.0, 1e3, 1e-6]))
    script.let(X=np.round(scale * rng.standard_normal((4, d)), 9))
    hold_forms(rng, script, d)
    hold_verdicts(rng, script, d, given)


def give_weights(rng: Rng, script: Script) -> None:
    """Weights of the user's, whole or not, with the signs that were declared."""
    style = str(rng.choice(["as they are", "whole", "scaled"]))
    if style == "as they are":
        script.run("_ = net.load_state_dict(net.state_dict())")
        return
    factor = 1.0 if style == "whole" else float(10.0 ** rng.integers(-4, 5))
    state = {}
    for name, value in script["net"].state_dict().items():
        if "running" in name:
            state[name] = np.abs(np.round(2 * value)) + 0.5
        else:
            signs = np.sign(value)
            new = rng.integers(-2, 3, value.shape).astype(float) * factor
            state[name] = np.abs(new) * signs
    script.run(f"_ = net.load_state_dict({literal(state)})")


def hold_forms(rng: Rng, script: Script, d: int) -> None:
    """Rows, vectors, expressions, files, torch and ONNX give the same numbers."""
    script.run("whole = net(X)")
    script.holds("outputs are n x c", "whole.ndim == 2 and len(whole) == len(X)", "whole.shape")
    script.holds("outputs are finite", "np.isfinite(whole).all()", "whole")
    script.holds("one row alone", "oracles.near(net(X[1]), whole[1])", "net(X[1])", "whole[1]")
    script.holds(
        "a constant expression",
        "oracles.near(net(cp.Constant(X)).value, whole, 1e-8)",
        "net(cp.Constant(X)).value",
        "whole",
    )
    script.run(f"x = cp.Variable({d})")
    script.run("x.value = X[0]")
    script.holds(
        "a variable's value",
        "oracles.near(net(x).value, whole[0], 1e-8)",
        "net(x).value",
        "whole[0]",
    )
    script.holds("shapes of expressions", "net(x).shape == whole[0].shape")
    script.folder()
    script.run("net.save(folder / 'net.json')")
    script.holds(
        "a saved network is the same", "np.array_equal(cn.load(folder / 'net.json')(X), whole)"
    )
    script.holds("it prints the same", "repr(cn.load(folder / 'net.json')) == repr(net)")
    if type(script["net"]).__name__ != "Sequential":
        return
    rows = "2d" not in script.lines[0]  # torch takes images there
    if rows and script.run("module = cn.to_torch(net)", refusals=(UnsupportedError,)):
        script.holds(
            "torch computes the same",
            "oracles.near(module(torch.tensor(X)).detach().numpy(), whole, 1e-8)",
            "module(torch.tensor(X)).detach().numpy()",
            "whole",
        )
        script.holds(
            "there and back", "oracles.near(cn.from_torch(module)(X), whole, 1e-9)", "whole"
        )
    if rng.random() < 0.5:
        script.run("cn.to_onnx(net, folder / 'net.onnx')")
        script.run("session = onnxruntime.InferenceSession(str(folder / 'net.onnx'))")
        script.holds(
            "ONNX computes the same",
            "oracles.near(session.run(None, {'x': X})[0], whole, 1e-8)",
            "session.run(None, {'x': X})[0]",
            "whole",
        )


def hold_verdicts(rng: Rng, script: Script, d: int, given: bool) -> None:
    """Convexity in the input and in weights; what is proved can be embedded."""
    inputs = str(rng.choice(["any", "any", "nonneg"]))
    script.run(f"verdict = cn.convexity(net, wrt='input', inputs={inputs!r})")
    low, seed = (0.0 if inputs == "nonneg" else -np.inf), int(rng.integers(1000))
    for goal in ("convex", "concave"):
        if getattr(script["verdict"], goal):
            bound = "0.0" if low == 0.0 else "-inf"
            call = f"numeric.network_contradicted(net, {goal!r}, {bound}, {seed})"
            claim = f"not verdict.{goal} or {call} is None"
            script.holds(f"proved {goal} is not contradicted", claim, call, "verdict")
        elif goal in script["verdict"].counterexamples:
            witness = f"verdict.counterexamples[{goal!r}]"
            script.holds("counterexamples verify", f"{witness}.verify()", witness)
            if given:
                call = f"numeric.network_witness_fault(net, {witness})"
                script.holds(
                    "counterexamples hold by the network", f"{call} is None", call, witness
                )
    script.holds("a verdict can be printed", "len(str(verdict)) > 0 and len(repr(verdict)) > 0")
    if rng.random() < 0.3:
        script.holds("a verdict is JSON", "json.dumps(verdict.to_dict()) != ''")
        script.holds("a verdict can be drawn", "'<svg' in verdict.to_svg()")
    if given and inputs == "any" and script["verdict"].convex and rng.random() < 0.5:
        script.run("z = cp.Variable(X.shape[1])")
        if script.run("output = cn.embed(net, z)", refusals=(InputError,)):
            script.run("z.value = X[2]")
            script.holds("embedded", "oracles.near(output.value, whole[2], 1e-8)", "output.value")
    blocks = sorted({name.rpartition(".")[0] for name in script["net"].state_dict()})
    wrt = str(rng.choice(["weights", *blocks[:2]])) if blocks else "weights"
    loss = str(rng.choice(["", *LOSSES])) if script["whole"].shape[1] == 1 else ""
    options = f", loss={loss!r}" if loss else ""
    if loss and rng.random() < 0.5:
        script.let(y=rng.choice([-1.0, 1.0], len(script["X"])))
        options += ", data=(X, y)"
    elif rng.random() < 0.3:
        options += ", weight_decay=0.1" if loss else ""
    if not script.run(f"verdict = cn.convexity(net, wrt={wrt!r}{options})", (InputError,)):
        return
    script.holds("a verdict can be printed", "len(str(verdict)) > 0 and len(repr(verdict)) > 0")
    seed = int(rng.integers(1000))
    for goal in ("convex", "concave"):
        witness = f"verdict.counterexamples[{goal!r}]"
        if goal in script["verdict"].counterexamples:
            script.holds("counterexamples in weights verify", f"{witness}.verify()", witness)
        elif getattr(script["verdict"], goal) and given and not loss:
            call = f"numeric.weights_contradicted(net, {wrt!r}, {goal!r}, X, {seed})"
            script.holds(f"proved {goal} in weights is not contradicted", f"{call} is None", call)
    if rng.random() < 0.2:
        script.holds("blocks are judged", "len(str(verdict.blocks)) > 0")
        script.holds(
            "repairs are verified",
            "all(map(numeric.repaired, verdict.repairs))",
            "verdict.repairs",
        )
