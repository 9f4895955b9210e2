"""Trials of verdicts: random CVXPY expressions and problems, by text so that they can be shown."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from experiments.adversary.trials import Script, listed, literal

Rng = np.random.Generator

SCALAR_VARIABLES = {
    "x": "cp.Variable(name='x')",
    "z": "cp.Variable(name='z')",
    "p": "cp.Variable(nonneg=True, name='p')",
    "q": "cp.Variable(pos=True, name='q')",
    "m": "cp.Variable(nonpos=True, name='m')",
    "b": "cp.Variable(bounds=[1, 2], name='b')",
    "k": "cp.Variable(integer=True, name='k')",
    "t": "cp.Variable(boolean=True, name='t')",
    "c": "cp.Parameter(nonneg=True, name='c')",
    "e": "cp.Parameter(name='e')",
}
VECTOR_VARIABLES = {
    "v": "cp.Variable(3, name='v')",
    "w": "cp.Variable(3, nonneg=True, name='w')",
    "u": "cp.Variable(3, pos=True, name='u')",
    "h": "cp.Parameter(3, name='h')",
}
MATRIX_VARIABLES = {
    "M": "cp.Variable((2, 2), name='M')",
    "S": "cp.Variable((2, 2), PSD=True, name='S')",
    "Y": "cp.Variable((2, 2), symmetric=True, name='Y')",
}
COMMON = {"x": 4, "z": 3, "p": 2, "q": 2, "m": 0.5, "b": 0.7, "k": 0.15, "t": 0.15, "c": 0.3,
          "e": 0.3, "v": 5, "w": 2, "u": 2, "h": 0.3, "M": 3, "S": 1, "Y": 1}  # fmt: skip
VARIABLES = SCALAR_VARIABLES | VECTOR_VARIABLES | MATRIX_VARIABLES

ELEMENTWISE = listed(
    """
cp.square({}) cp.abs({}) cp.pos({}) cp.neg({}) cp.exp({}) cp.log({}) cp.sqrt({}) cp.logistic({})
cp.inv_pos({}) cp.entr({}) cp.xexp({}) cp.log1p({}) cp.huber({}) cp.huber({},0.5) cp.power({},3)
cp.power({},1.5) cp.power({},-1) cp.power({},0.5) cp.power({},4) cp.power({},1) cp.power({},0)
cp.power({},-0.5) cp.ceil({}) cp.floor({}) cp.sign({}) cp.scalene({},2,3) cp.loggamma({})
cp.log_normcdf({}) cp.sinh({}) cp.tan({}) cp.asinh({}) cp.atanh({}) ({}**2) ({}**3) (-{}) (2*{})
(0.5*{}) ({}+1) (1-{}) (3-{}) ({}-0.25) cp.exp(-{}) cp.square({}-1) cp.log({}+2) cp.sqrt({}+1)
cp.maximum({},0.5) cp.minimum({},1) cp.max(cp.hstack([{}])) (1e-9*{}) (1e8*{}) cp.exp(0.1*{})
cp.power({},2.5) cp.power({},1/3) cp.real({}) cp.conj({}) cp.sin({}) cp.cos({})
"""
)
PAIRS = listed(
    """
({}+{}) ({}+{}) ({}-{}) cp.maximum({},{}) cp.minimum({},{}) cp.multiply({},{}) cp.kl_div({},{})
cp.rel_entr({},{}) ({}/{}) cp.multiply({},{}) cp.maximum({},{},0)
"""
)
SCALARS = listed(
    """
cp.sum({v}) cp.norm1({v}) cp.norm2({v}) cp.norm_inf({v}) cp.pnorm({v},3) cp.pnorm({v},1.5)
cp.pnorm({v},0.5) cp.pnorm({v},-1) cp.pnorm({v},1) cp.pnorm({v},2) cp.max({v}) cp.min({v})
cp.sum_largest({v},2) cp.sum_largest({v},1.5) cp.sum_smallest({v},2) cp.log_sum_exp({v})
cp.sum_squares({v}) cp.quad_over_lin({v},{s}) cp.geo_mean({v}) cp.geo_mean({v},[1,2,1])
cp.harmonic_mean({v}) cp.quad_form({v},np.diag([1.,2.,0.])) cp.quad_form({v},np.ones((3,3)))
cp.quad_form({v},np.array([[1.,2.,0.],[2.,1.,0.],[0.,0.,1.]])) cp.tv({v}) cp.cvar({v},0.5)
cp.cvar({v},0.9) cp.std({v}) cp.var({v}) cp.ptp({v}) cp.dotsort({v},np.array([1.,2.,3.]))
cp.prod({v}) cp.mean({v}) cp.inv_prod({v}) ({v}@{v}) (np.array([1.,-2.,0.5])@{v}) {v}[0] {v}[-1]
cp.sum({v}[::-1]) cp.sum({v}[1:]) cp.scalar_product({v},{v}) cp.sum_smallest({v},1)
cp.lambda_max({m}) cp.lambda_min({m}) cp.trace({m}) cp.normNuc({m}) cp.sigma_max({m})
cp.log_det({m}) cp.norm({m},'fro') cp.lambda_sum_largest({m},1) cp.tr_inv({m}) cp.sum({m})
cp.max({m}) {m}[0,1] cp.mixed_norm({m},2,1) cp.norm({m},1) cp.norm({m},2) cp.tv({m})
cp.matrix_frac({m}[:,0],{m}) cp.lambda_sum_smallest({m},1) cp.trace({m}@{m}) cp.sum_squares({m})
cp.length({v}) cp.gen_lambda_max({m},{m}) cp.one_minus_pos({s}) cp.eye_minus_inv({m})[0,0]
cp.pf_eigenvalue({m}) cp.perspective(cp.square(x),{s}) cp.vdot({v},{v})
cp.norm(cp.hstack([{s},{s}])) cp.sum(cp.cumsum({v})) cp.max(cp.abs({v}))
cp.quad_form({v},np.zeros((3,3)))
"""
)
VECTORS = listed(
    """
{v}[::-1] cp.cumsum({v}) cp.cummax({v}) cp.hstack([{s},{s},{s}]) ({s}*np.array([1.,-1.,2.]))
cp.multiply({s},{v}) cp.conv(np.array([1.]),{v}) (np.diag([1.,-1.,2.])@{v})
cp.vec({m},order='F')[:3] cp.hstack([{v}[1:],{s}]) cp.upper_tri(cp.diag({v}))
cp.diag({m},0)[[0,1,0]] ({v}+{s}) ({s}-{v}) cp.maximum({v},{s}) cp.sort({v})
cp.reshape({v},(3,),order='C') cp.concatenate([{v}[:1],{v}[1:]]) ({v}/{s})
cp.convolve(np.array([1.]),{v}) cp.kron(np.array([1.]),{v}) cp.diff(cp.hstack([{v},{s}]))
"""
)
MATRICES = listed(
    """
{m}.T ({m}@{m}) (np.array([[1.,2.],[0.,-1.]])@{m}) cp.diag({v}[:2]) cp.bmat([[{s},{s}],[{s},{s}]])
cp.reshape(cp.hstack([{v},{s}]),(2,2),order='F') cp.vstack([{v}[:2],{v}[1:]])
cp.outer({v}[:2],{v}[1:]) ({m}+{s}) cp.multiply({m},{m}) cp.kron(np.eye(1),{m}) {m}[::-1]
cp.cumsum({m},axis=0) cp.symmetric_wrap({m}) cp.psd_wrap({m}) cp.nonneg_wrap({m}) {m}[:,[1,0]]
cp.transpose({m})
"""
)
BY_SHAPE = {"s": SCALARS, "v": VECTORS, "m": MATRICES}
LEAVES = {"s": SCALAR_VARIABLES, "v": VECTOR_VARIABLES, "m": MATRIX_VARIABLES}
CONSTANTS = {
    "s": ["1.0", "-2.0", "0.5", "cp.Constant(3)", "1e-8", "1e6"],
    "v": ["np.array([1.0, 0.0, -1.0])", "np.ones(3)"],
    "m": ["np.eye(2)", "np.array([[0.0, 1.0], [1.0, 0.0]])"],
}


def draw_expression(rng: Rng, shape: str, depth: int, among: list[str]) -> str:
    """The text of an expression of a shape (scalar s, vector v, matrix m) in these variables."""
    if depth == 0 or rng.random() < 0.08:
        own = [name for name in among if name in LEAVES[shape]]
        if not own or rng.random() < 0.12:
            return str(rng.choice(CONSTANTS[shape]))
        return str(rng.choice(own))
    kind = rng.random()
    pool = ELEMENTWISE if kind < 0.4 else PAIRS if kind < 0.65 else BY_SHAPE[shape]
    template = str(rng.choice(pool))
    if pool is not BY_SHAPE[shape]:
        while "{}" in template:
            template = template.replace("{}", draw_expression(rng, shape, depth - 1, among), 1)
        return template
    for part in "svm":
        repeated = rng.random() < 0.5  # x @ x rather than x @ y
        inner = draw_expression(rng, part, depth - 1, among)
        while f"{{{part}}}" in template:
            template = template.replace(f"{{{part}}}", inner, 1)
            inner = inner if repeated else draw_expression(rng, part, depth - 1, among)
    return template


def draw_variables(rng: Rng, script: Script) -> list[str]:
    """Some variables, written into the script."""
    chances = np.array([*COMMON.values()])
    names = rng.choice([*COMMON], int(rng.integers(1, 5)), replace=False, p=chances / chances.sum())
    names = sorted({str(name) for name in names} | {"x"})
    for name in names:
        script.run(f"{name} = {VARIABLES[name]}")
    return names


def write_expression(rng: Rng, script: Script, among: list[str], name: str, shape: str) -> None:
    """An expression that CVXPY accepts, by this name: the first of some."""
    for _ in range(30):
        text = draw_expression(rng, shape, int(rng.integers(1, 4)), among)
        line = f"{name} = {text}"
        if accepted(script, line):
            script.run(line)
            return
    script.run(f"{name} = cp.square(x)")


def accepted(script: Script, line: str) -> bool:
    """Whether CVXPY makes something real of it, without a word."""
    known = dict(script.names)
    try:
        script.execute(line)
        made = script[line.split(" = ")[0]]
        _ = made.curvature, made.domain  # some of CVXPY's atoms take what they cannot judge
        return isinstance(made, cp.Expression) and not made.is_complex() and made.size <= 9
    except Exception:
        return False
    finally:
        script.names = known


def trial(rng: Rng, script: Script) -> None:
    """The verdict on an expression."""
    among = draw_variables(rng, script)
    shape = str(rng.choice(["s", "s", "s", "v", "m"]))
    write_expression(rng, script, among, "expression", shape)
    script.run("verdict = cn.convexity(expression)")
    seed = int(rng.integers(1000))
    hold_answers(script, "expression", "()", seed)
    script.holds(
        "what CVXPY's rules prove is not refuted",
        "not (expression.is_convex() and verdict.convex is False) and "
        "not (expression.is_concave() and verdict.concave is False)",
        "verdict",
        "expression.curvature",
    )
    hold_words(rng, script)


def hold_answers(script: Script, expression: str, where: str, seed: int) -> None:
    """Proofs are not contradicted by points, counterexamples are what they say."""
    sampled = not any(name in script.names for name in "kt")  # whole numbers have few midpoints
    for goal in ("convex", "concave"):
        answer = getattr(script["verdict"], goal)
        if answer and sampled:
            call = f"numeric.contradicted({expression}, {goal!r}, {where}, {seed})"
            claim = f"not verdict.{goal} or {call} is None"
            script.holds(f"proved {goal} is not contradicted", claim, call, "verdict")
        elif answer is False and goal in script["verdict"].counterexamples:
            witness = f"verdict.counterexamples[{goal!r}]"
            script.holds("counterexamples verify", f"{witness}.verify()", witness)
            call = f"numeric.witness_fault({expression}, {witness}, {where})"
            script.holds(
                "counterexamples hold by CVXPY's numbers", f"{call} is None", call, witness
            )
        elif answer is False and where == "()" and sampled:
            script.holds("refuted means a counterexample", "False", "verdict", "verdict.reasons")


def hold_words(rng: Rng, script: Script) -> None:
    """It can be printed, drawn and stored, and its repairs are proved."""
    script.holds("a verdict can be printed", "len(str(verdict)) > 0 and len(repr(verdict)) > 0")
    script.holds("a verdict is JSON", "json.dumps(verdict.to_dict(full=False)) != ''")
    if rng.random() < 0.3:
        script.holds("a verdict can be drawn", "'<svg' in verdict.to_svg()")
        script.holds("disciplines are words", "all(map(str, verdict.disciplines.values()))")
        script.holds(
            "repairs are verified",
            "all(map(numeric.repaired, verdict.repairs))",
            "verdict.repairs",
        )


# ------------------------------------------------------------------------------------- problems


RELATIONS = ["<=", ">=", "=="]


def trial_problem(rng: Rng, script: Script) -> None:
    """The verdict on a problem with constraints."""
    among = draw_variables(rng, script)
    write_expression(rng, script, among, "objective", "s")
    constraints = []
    for number in range(int(rng.integers(0, 4))):
        name = f"left{number}"
        write_expression(rng, script, among, name, str(rng.choice(["s", "s", "v"])))
        kind = rng.random()
        right = literal(float(rng.choice([-1.0, 0.0, 1.0, 2.0, 10.0])))
        if kind < 0.2:
            write_expression(rng, script, among, f"right{number}", "s")
            right = f"right{number}"
        text = f"{name} {rng.choice(RELATIONS, p=[0.5, 0.35, 0.15])} {right}"
        if kind > 0.93:
            text = f"cp.SOC(cp.Constant(1) + x, {name})"
        elif kind > 0.9:
            text = f"cp.NonNeg({name})"
        if constructed(script, text):
            constraints.append(text)
    bounds = [f"{v} <= 3, {v} >= -1" for v in among if v in "xzv" and rng.random() < 0.4]
    sense = str(rng.choice(["Minimize", "Minimize", "Maximize"]))
    line = f"problem = cp.Problem(cp.{sense}(objective), [{', '.join(constraints + bounds)}])"
    if not constructed(script, f"{line.split(' = ', 1)[1]}.variables()"):
        return
    script.run(line)
    script.run("verdict = cn.convexity(problem)")
    script.holds(
        "a DCP problem is not refuted",
        "not (problem.is_dcp() and not problem.is_mixed_integer() and verdict.convex is False)",
        "verdict",
    )
    script.run(f"expression = {'-' * (sense == 'Maximize')}objective")
    script.run("where = tuple(problem.constraints)")
    sampled = not any(name in script.names for name in "kt")
    seed = int(rng.integers(1000))
    if script["verdict"].convex and sampled:
        call = f"numeric.problem_contradicted(expression, where, {seed})"
        claim = f"not verdict.convex or {call} is None"
        script.holds("a problem proved convex is not contradicted", claim, call, "verdict")
    elif script["verdict"].convex is False:
        for goal in script["verdict"].counterexamples:
            witness = f"verdict.counterexamples[{goal!r}]"
            script.holds("counterexamples verify", f"{witness}.verify()", witness)
            call = f"numeric.witness_fault(expression, {witness}, where)"
            script.holds(
                "counterexamples hold by CVXPY's numbers", f"{call} is None", call, witness
            )
    hold_words(rng, script)


def constructed(script: Script, text: str) -> bool:
    """Whether CVXPY makes it without a word."""
    try:
        return eval(text, script.names) is not None
    except Exception:
        return False
