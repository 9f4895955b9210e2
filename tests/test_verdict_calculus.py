"""The checker's own composition calculus: it proves what the rules prove, and nothing false."""

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.atoms.affine import wraps
from cvxpy.transforms import indicator
from flint import arb, ctx, fmpq
from test_analysis_every_atom import CASES, INNER, OUTER, ROOM, Points, built
from test_analysis_soundness import PIECEWISE, SMOOTH, draw_question
from test_analysis_table import ROWS

from cvxnet.analysis import convexity
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.evidence import statement_of
from cvxnet.analysis.questions import ask_about_expression, ask_about_network
from cvxnet.layers.layer import Layer
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import check_convexity, check_proof
from cvxnet.proofs.checker.convexity.calculus import facts as bends
from cvxnet.proofs.checker.convexity.calculus.composition import bounds_of, facts_of
from cvxnet.proofs.checker.convexity.calculus.shapes import PLAIN, WITH_OPTIONS

pytestmark = pytest.mark.filterwarnings("ignore")  # CVXPY warns about some of its own atoms

MASKS = {
    "convex": bends.CONVEX,
    "concave": bends.CONCAVE,
    "quasiconvex": bends.QUASICONVEX,
    "quasiconcave": bends.QUASICONCAVE,
}
RULES = {"kind": "rules"}
COMPOSED = 300
PAIRS_AT_POINTS = 35


def checked(question):
    """What the checker derives about every entry of a question's expression."""
    statement = statement_of(question, "convex")
    with ctx.workprec(128):
        return facts_of(statement, statement.root).entries


def missing(question):
    """What the analysis proves by rules and the checker does not."""
    ours = derive_facts(question, question.tape())[-1]
    theirs = checked(question)
    return [
        name
        for name, bend in MASKS.items()
        if any(not theirs[k].has(bend) for k in np.flatnonzero(getattr(ours, name)))
    ]


def is_proved(expression, goal="convex"):
    try:
        check_proof(statement_of(ask_about_expression(expression), goal), RULES)
    except RefusalError:
        return False
    return True


def compositions(seed, count):
    """Atoms of other atoms, as texts and as expressions."""
    rng, inner = np.random.default_rng(seed), list(INNER)
    for _ in range(count):
        text, inside, around = (names[rng.integers(len(names))] for names in (CASES, inner, OUTER))
        if "v[5:]" in text or ("perspective" in text and inside):
            continue  # of nothing, or of what CVXPY does not take
        try:
            yield (text, inside, around), built(text, inside, around)
        except (ValueError, TypeError, AssertionError, cp.DCPError):
            continue


# ------------------------------------------------------------- completeness


def test_every_atom_that_the_rules_prove_is_proved_again():
    found = {text: missing(ask_about_expression(built(text))) for text in CASES}
    assert not {text: names for text, names in found.items() if names}


def test_compositions_that_the_rules_prove_are_proved_again():
    found = {text: missing(ask_about_expression(e)) for text, e in compositions(3, COMPOSED)}
    assert not {text: names for text, names in found.items() if names}


def test_networks_that_the_rules_prove_are_proved_again():
    for name, thing, given, *_ in ROWS:
        if name.startswith("a large"):  # takes as long as all others
            continue
        options = {"wrt": "input", "loss": None, "data": None, "inputs": None, "weight_decay": 0.0}
        if isinstance(thing, Layer):
            question = ask_about_network(thing, **(options | given))
        else:
            question = ask_about_expression(thing)
        assert not missing(question), name
    for seed in range(50):
        network, options = draw_question(np.random.default_rng(seed), PIECEWISE + SMOOTH)
        loss, inputs = options.get("loss"), options["inputs"]
        question = ask_about_network(network, options["wrt"], loss, None, inputs, 0.0)
        assert not missing(question), (seed, network, options)


def test_a_certificate_by_rules_is_valid():
    x, p = cp.Variable(3, name="x"), cp.Parameter((2, 3), nonneg=True, name="P")
    for f in (cp.norm(x) + cp.sum(p @ cp.exp(x)), cp.quad_form(x, np.ones((3, 3)))):
        result = check_convexity(convexity(f).certificate.to_dict())
        assert result.valid, result.reason


# ---------------------------------------------------------------- soundness


def test_nothing_proved_is_violated_at_points():
    proved = 0
    for seed, (text, expression) in enumerate(compositions(11, PAIRS_AT_POINTS)):
        facts, points = checked(ask_about_expression(expression)), Points(expression, seed)
        low = [-np.inf if one.low is None else float(arb(one.low)) for one in facts]
        high = [np.inf if one.high is None else float(arb(one.high)) for one in facts]
        shape = expression.shape
        outside = points.outside(np.reshape(low, shape), np.reshape(high, shape))
        assert outside.max(initial=0) < ROOM, text
        for goal, violation in (
            ("convex", points.violation(1.0)),
            ("concave", points.violation(-1.0)),
            ("quasiconvex", points.quasi(1.0)),
            ("quasiconcave", points.quasi(-1.0)),
        ):
            mask = np.reshape([one.has(MASKS[goal]) for one in facts], shape)
            assert violation[mask].max(initial=0) < ROOM, (text, goal)
            proved += int(mask.sum())
    assert proved > 30


OPTIONS = {
    "Power": [{"p": fmpq(*p)} for p in ((2, 1), (4, 1), (3, 1), (3, 2), (1, 2), (-1, 1), (-3, 2))],
    "huber": [{"M": fmpq(1, 2)}],
    "cvxnet.leaky_relu": [{"slope": fmpq(*s)} for s in ((-1, 2), (0, 1), (1, 3), (1, 1), (3, 1))],
    "cvxnet.elu": [{"alpha": fmpq(*a)} for a in ((0, 1), (1, 2), (1, 1), (2, 1))],
    "cvxnet.squareplus": [{"b": fmpq(0)}, {"b": fmpq(4)}],
    "cvxnet.hardtanh": [{"low": fmpq(-1), "high": fmpq(2)}],
}
SHAPES = [(name, shape) for name, shape in PLAIN.items()]
SHAPES += [(f"{name} {o}", WITH_OPTIONS[name](**o)) for name in OPTIONS for o in OPTIONS[name]]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=[name for name, _ in SHAPES])
def test_every_row_holds_in_ball_arithmetic(name, shape):
    """Chords and differences on each interval, close to its ends and far from them."""
    claims = {
        "convex": lambda a, m, b: a + b - 2 * m,
        "concave": lambda a, m, b: 2 * m - a - b,
        "rising": lambda a, m, b: b - a,
        "falling": lambda a, m, b: a - b,
    }
    with ctx.workprec(400):
        for claim, excess in claims.items():
            for interval in getattr(shape, claim):
                for a, b in segments(interval, shape):
                    values = [arb(shape.value(t)) for t in (a, (a + b) / 2, b)]
                    assert not excess(*values) < 0, (claim, a, b)
                    least, most = (None if t is None else arb(t) for t in shape.range)
                    assert least is None or all(not v < least for v in values)
                    assert most is None or all(not v > most for v in values)


def segments(interval, shape):
    """Short and long segments at both ends of an interval, and between."""
    low, high = (None if t is None else fmpq(t) for t in interval)
    inward = fmpq(1, 10**12) if shape.open else fmpq(0)
    low = fmpq(-30) if low is None else low + inward
    high = low + 60 if high is None else high - inward
    sizes = [(high - low) * fmpq(1, 10**k) for k in (0, 1, 3, 6)]
    rng = np.random.default_rng(0)
    for size in sizes:
        yield low, low + size
        yield high - size, high
        for share in rng.integers(0, 1000, 6):
            start = low + (high - low - size) * fmpq(int(share), 1000)
            yield start, start + size


# --------------------------------------------------- domains and assertions


def test_quasiconvex_functions_have_convex_domains():
    """The sublevel sets of log |x| leave out 0, those of the root of |x| - 1 the middle."""
    x = cp.Variable(name="x")
    for f in (cp.log(cp.abs(x)), cp.sqrt(cp.abs(x) - 1), cp.maximum(5, cp.power(x**2 - 1, 3) - 9)):
        assert not is_proved(f, "quasiconvex")
        assert not derive_facts(*asked(f))[-1].quasiconvex.any()
    assert is_proved(cp.sqrt(cp.abs(x)), "quasiconvex")
    assert is_proved(cp.log(1 - cp.abs(x)), "concave")


def asked(expression):
    question = ask_about_expression(expression)
    return question, question.tape()


def test_what_only_cvxpy_knows_is_not_certified():
    """An indicator is made of constraints, which no document has; a false verdict it is not."""
    x = cp.Variable(name="x")
    verdict = convexity(indicator([x >= 0]) + cp.square(x), complete=False)
    assert verdict.convex and verdict.concave is None
    result = check_convexity(verdict.certificate.to_dict())
    assert not result.valid and "rules do not prove" in result.reason


def test_exclusive_or_is_not_affine():
    b, c = cp.Variable(boolean=True), cp.Variable(boolean=True)
    assert not convexity(cp.logic.Xor(b, c)).convex
    assert not is_proved(cp.logic.Xor(b, c))


def test_an_exponent_that_is_a_parameter_is_judged_for_all_values():
    p, x = cp.Parameter(pos=True, value=2), cp.Variable()
    assert derive_facts(*asked(cp.power(x, p)))[-1].low == -np.inf
    assert is_proved(cp.huber(x, cp.Parameter(nonneg=True)))
    assert not is_proved(cp.power(x, p))


def test_assertions_about_constants_are_not_believed():
    x, y = cp.Variable(2), cp.Variable()
    indefinite = np.diag([1.0, -1e-9])
    assert not is_proved(cp.quad_form(x, indefinite, assume_PSD=True))
    assert not is_proved(wraps.nonneg_wrap(cp.Constant(-1)) * cp.square(y))
    P = cp.Parameter((2, 2), symmetric=True)
    assert is_proved(cp.quad_form(x, wraps.psd_wrap(P)))
    assert is_proved(cp.quad_form(x, cp.Parameter((2, 2), PSD=True) + np.eye(2)))
    assert is_proved(-cp.quad_form(x, wraps.symmetric_wrap(cp.Parameter((2, 2), NSD=True) / 2)))


@pytest.mark.parametrize(
    ("f", "goal"),
    [
        (lambda x, p: x[0] / p, "affine"),
        (lambda x, p: x @ x, "convex"),
        (lambda x, p: cp.multiply(x, x), "convex"),
        (lambda x, p: 1 / p, "convex"),
        (lambda x, p: -1 / p, "concave"),
        (lambda x, p: cp.inv_pos(p) * 3, "convex"),
        (lambda x, p: cp.sqrt(p) * cp.log1p(p), "quasiconcave"),
        (lambda x, p: cp.square(x[0]) / cp.sqrt(p), "quasiconvex"),
        (lambda x, p: (x[0] + 1) / p, "quasiconvex"),
        (lambda x, p: (x[0] + 1) / p, "quasiconcave"),
        (lambda x, p: cp.maximum(p, -1), "affine"),
        (lambda x, p: cp.abs(x[0] / (1 + p)), "quasiconvex"),
    ],
)
def test_products_and_quotients(f, goal):
    x, p = cp.Variable(2, name="x"), cp.Variable(pos=True, name="p")
    expected = goal != "affine" or "max" in str(f(x, p))
    assert is_proved(f(x, p), goal) == expected


def test_bounds_of_every_node():
    x = cp.Variable(2, bounds=[-1, 2], name="x")
    statement = statement_of(ask_about_expression(cp.sum(cp.square(x)) + cp.exp(x[0])), "convex")
    places = {node["atom"]: k for k, node in enumerate(statement.nodes)}
    assert bounds_of(statement, places["Power"]) == [(0, 4), (0, 4)]
    assert bounds_of(statement, places["Sum"]) == [(0, 8)]
    ((low, high),) = bounds_of(statement, places["exp"])
    low, high = float(arb(low)), float(arb(high))
    assert 0.367 < low < 0.368 and 7.38 < high < 7.39


# ------------------------------------------------------------ hostile files


def node(atom, *args, shape=(), **options):
    return {"atom": atom, "shape": list(shape), "args": list(args), "options": options}


def promoted(length, claimed):
    return {"atom": "Promote", "shape": claimed, "args": [0], "options": {"shape": [length]}}


def leaf(shape=(), size=1):
    return {"atom": "leaf", "shape": list(shape), "low": [None] * size, "high": [None] * size,
            "attributes": []}  # fmt: skip


def constant(*entries, shape=()):
    return {"atom": "constant", "shape": list(shape), "entries": list(entries)}


def answer_about(*nodes, says="convex"):
    claim = {"says": says, "nodes": list(nodes), "constraints": [], "unknowns": [0],
             "root": len(nodes) - 1, "proof": RULES}  # fmt: skip
    return check_convexity({"format": "cvxnet-convexity", "version": 1, "claims": [claim]})


SEMIDEFINITE = {**leaf((2, 2), 4), "attributes": ["PSD"]}
FALSE = {
    "no values": [{**leaf(), "low": [1.0], "high": [0.0]}, node("sin", 0)],
    "a leaf of the function that has no place": [leaf(), leaf(), node("perspective", 0, 1, f={
        "nodes": [leaf(), node("Power", 0, p=0.5)], "arguments": [-2], "root": 1})],
    "no rule": [leaf(), node("foreign"), node("AddExpression", 0, 1)],
    "nothing inside": [leaf(), node("foreign")],
    "another shape": [leaf(), node("exp", 0, shape=(1,))],
    "too large": [leaf(), promoted(10**9, [10**9])],
    "too large on the way": [leaf(), promoted(10**9, [])],
    "a long number": [leaf(), constant("1e999999999"), node("multiply", 0, 1)],
    "not a number": [leaf(), constant(float("nan")), node("multiply", 0, 1)],
    "not finite": [leaf(), constant(float("inf")), node("multiply", 0, 1)],
    "a quotient by zero": [leaf(), constant("1/0"), node("multiply", 0, 1)],
    "options": [leaf(), node("Power", 0, p="parameter >= 0")],
    "an option of no use": [leaf(), node("cvxnet.hardtanh", 0, low=2.0, high=-2.0)],
    "no perspective": [leaf(), node("perspective", 0, f={"nodes": [], "arguments": [], "root": 0})],
    "a perspective of negative scale": [leaf(), leaf(), node("perspective", 1, 0, f={
        "nodes": [leaf(), node("exp", 0)], "arguments": [0], "root": 1})],
    "weights of a mean": [leaf((2,), 2), node("GeoMean", 0, weights={
        "shape": [2], "entries": [1.0, 1.0]}, axis=None, keepdims=False)],
    "a false assertion": [leaf((2,), 2), constant(1.0, 0.0, 0.0, -1.0, shape=(2, 2)),
                          node("psd_wrap", 1, shape=(2, 2), of_unknowns=False),
                          node("QuadForm", 0, 2)],
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_or_damaged_is_refused(name):
    nodes = FALSE[name]
    says = "concave" if "mean" in name else "convex"
    assert not answer_about(*nodes, says=says).valid


def test_shared_arguments_take_no_exponential_time():
    size = 60
    sums = [node("AddExpression", k + 1, k + 1, shape=(2, 2)) for k in range(size)]
    nodes = [leaf((2,), 2), SEMIDEFINITE, *sums]
    assert answer_about(*nodes, node("QuadForm", 0, size + 1)).valid
    assert not answer_about(*nodes, node("QuadForm", 0, size + 1), says="concave").valid


def test_unknowns_are_named_by_their_places():
    nodes = [leaf(), node("exp", 0), node("NegExpression", 1)]
    claim = {"says": "convex", "nodes": nodes, "constraints": [], "root": 2, "proof": RULES}
    for unknowns in ([-3], [0, 0], [0.0], [True], [1], [9]):
        document = {"format": "cvxnet-convexity", "version": 1}
        result = check_convexity(document | {"claims": [claim | {"unknowns": unknowns}]})
        assert not result.valid, unknowns
