"""The second checker, in JavaScript, and the first: where both can tell, they say the same.

The second one covers ReLU units, the squared loss and data of rank at most 2. Of anything else it
must say that it is not covered; it may never prove what the first one refuses.
"""

import base64
import copy
import json
import math
import re
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tampering
from claimed import Claimed
from conftest import PATIENCE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tampering import anything, changed, numbers, places, rehashed

import cvxnet as cn
from cvxnet.proofs import checker

FOLDER = Path(__file__).parents[1] / "docs" / "certificates"
SCRIPT = FOLDER / "second-checker.js"
WORKED = FOLDER / "vectors" / "worked-example.json"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="the second checker needs Node.js")

SERVE = """
const check = require(process.argv[1]);
const lines = require("readline").createInterface({ input: process.stdin });
(async () => {
  for await (const line of lines)
    console.log(JSON.stringify(await check(Uint8Array.from(Buffer.from(line, "base64")))));
})();
"""
PROVED, REFUSED, NOT_COVERED = "proved", "refused", "not covered"
UNFORESEEN = re.compile(r"Cannot (read|mix|convert|destr)|is not (a function|iterable|defined)")
"""In the words of JavaScript: what no line of the second checker refuses."""


@pytest.fixture(scope="module")
def second():
    """A function: what the second checker says of a file."""
    command = [NODE, "-e", SERVE, str(SCRIPT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(content):
            process.stdin.write(base64.b64encode(content).decode() + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope="module")
def conclusion(second, tmp_path_factory):
    """A function: of a document or the content of a file, what both conclude."""
    path = tmp_path_factory.mktemp("files") / "certificate.json"

    def conclude(file):
        content = file if isinstance(file, bytes) else json.dumps(file).encode()
        said = second(content)
        assert not UNFORESEEN.search(said["reason"]), (said, content)
        if said["reason"].startswith(NOT_COVERED):
            assert not said["proved"]
            return NOT_COVERED
        path.write_bytes(content)
        first = checker.check(path)
        assert said["proved"] == first.valid, (said, first, content)
        if first.valid:
            low, high = map(float, said["bracket"])
            assert low <= first.lower and first.upper <= high
        return PROVED if first.valid else REFUSED

    return conclude


# -------------------------------------------------------------------------- proved, or refuted


UNSEEN = 1.0
"""The weight decay where every one would do."""


def random_data(rng, whole, bias):
    """A matrix of rank 2 at most, the ones of the bias included; some have zeros and copies."""
    n, d, rank = rng.integers(1, 12), rng.integers(1, 4), 2 - bias
    X = rng.integers(-4, 5, size=(n, min(rank, d))) @ rng.integers(-4, 5, size=(min(rank, d), d))
    X = X if whole else X * 0.375
    if d <= rank and not whole:
        X = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-3, 4)
    for _ in range(rng.integers(0, 3)):
        X[rng.integers(n)] = rng.integers(-1, 2) * X[rng.integers(n)]
    return X.astype(float)


def random_claims(rng, factor=1.0):
    """A network and a dual vector that have little to do with each other; the bracket is theirs.

    The weight decay is rho(v) times the factor, so that only the ends of the doubles decide.
    """
    whole, bias = bool(rng.integers(2)), bool(rng.integers(2))
    X = random_data(rng, whole, bias)
    numbers = rng.integers(-5, 6, size=(3, 20)).astype(float) if whole else rng.normal(size=(3, 20))
    n, d, width = *X.shape, int(rng.integers(0, 4))
    signs = str(rng.choice(["any", "any", "nonneg", "nonpos"]))
    a = {"any": 1.0, "nonneg": np.sign(numbers[2]), "nonpos": -np.sign(numbers[2])}[signs]
    claims = Claimed(
        loss="squared",
        weight_decay=1.0,
        bias=bias,
        X=X,
        y=numbers[0, :n],
        v=numbers[1, :n] * (rng.random(n) < 0.9),
        W=rng.normal(size=(width, d)),
        b=rng.normal(size=width) if bias else None,
        a=(a * numbers[2])[:width],
        output_weights=signs,
        lower=0.0,
        upper=0.0,
    )
    rho = rho_of(claims)
    return with_decay(claims, rho * factor if rho > 0.0 else UNSEEN)


def with_decay(claims, weight_decay):
    """The same with another weight decay, and the tightest bracket."""
    return Claimed(**vars(claims) | {"weight_decay": weight_decay}).rounded_outward()


def rho_of(claims):
    """What the first checker says; 0 where no unit sees the dual vector."""
    over = checker.check(with_decay(claims, 1e-6).to_dict()).violation
    return 1e-6 * (1.0 + over) if over else 0.0


@pytest.mark.parametrize(
    ("factor", "always"),
    [(1 + 1e-14, PROVED), (1 + 1e-9, PROVED), (2.0, PROVED), (1 - 1e-14, None), (1 - 1e-9, REFUSED),
     (1.0, None), (0.5, REFUSED)],
)  # fmt: skip
def test_dual_vectors_near_the_edge_of_what_is_feasible(conclusion, factor, always):
    rng = np.random.default_rng(round(1e6 * factor))
    found = Counter()
    for _ in range(250):
        claims = random_claims(rng, factor)
        said = conclusion(claims.to_dict())
        found[said] += 1
        assert always is None or claims.weight_decay == UNSEEN or said == always
    assert found[NOT_COVERED] == 0 and found[always or PROVED] > 30


@pytest.mark.parametrize("signs", ["any", "nonneg", "nonpos"])
@pytest.mark.parametrize("v", [1.0, -1.0])
def test_exactly_on_the_edge(conclusion, v, signs):
    """Of one sample (3, 4) rho is 5, or 0 where the sign is one that output weights cannot see."""
    claims = Claimed(
        loss="squared", weight_decay=5.0, bias=False, X=[[3.0, 4.0], [0.0, 0.0]], y=[2.0, 0.0],
        v=[v, 0.0], W=np.zeros((0, 2)), b=None, a=[], output_weights=signs, lower=0.0, upper=0.0,
    )  # fmt: skip
    seen = signs == "any" or (signs == "nonneg") == (v < 0.0)
    assert conclusion(with_decay(claims, 5.0).to_dict()) == PROVED
    below = conclusion(with_decay(claims, math.nextafter(5.0, 0.0)).to_dict())
    assert below == (REFUSED if seen else PROVED)


def test_parallel_lines_leave_no_sector_between_them(conclusion):
    """Sample 1 changes nothing where it lies; sample 2 is seen by no unit with a >= 0."""
    claims = Claimed(
        loss="squared", weight_decay=0.5, bias=False, X=[[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]],
        y=[0.0, 0.0, 0.0], v=[0.0, 1.0, 0.0], W=np.zeros((0, 2)), b=None, a=[],
        output_weights="nonneg", lower=0.0, upper=0.0,
    )  # fmt: skip
    assert conclusion(claims.rounded_outward().to_dict()) == PROVED


@pytest.mark.parametrize("exponent", [-1060, -1000, -500, -60, 60, 500])
def test_very_large_and_very_small_numbers(conclusion, exponent):
    """With X, rho(v) is multiplied by a power of two."""
    rng, found = np.random.default_rng(3), Counter()
    for _ in range(10):
        claims = random_claims(rng)
        rho, X = rho_of(claims), np.ldexp(claims.X, exponent)
        for factor in (0.9, 1.1):
            decay = np.ldexp(rho * factor, exponent) or 5e-324
            scaled = with_decay(Claimed(**vars(claims) | {"X": X}), decay)
            found[conclusion(scaled.to_dict())] += 1
    assert found[PROVED] >= 5 and found[REFUSED] >= 5


# ----------------------------------------------------------------------------- trained networks


def trained():
    """Data and options of problems that the second checker covers."""
    rng = np.random.default_rng(7)
    line, plane = rng.normal(size=(40, 1)), rng.normal(size=(15, 2))
    for n in (1, 2, 3, 5, 8, 13, 40):
        yield line[:n], {}
    yield line[:9], {"bias": False}
    yield plane, {"bias": False}
    yield np.round(8.0 * plane[:7]) @ np.array([[1.0, 2, 0, -4], [0, 1, 8, 0.5]]), {"bias": False}
    yield np.array([[1.0, 2, 3], [2, 4, 6], [0, 1, 1], [1, 3, 4], [0, 0, 0]]), {"bias": False}
    yield np.array([[1.0, 2, -0.5]]) * line[:6], {}
    yield np.repeat(line[:4], 2, axis=0), {}
    yield np.zeros((4, 2)), {}
    yield line[:12], {"output_weights": "nonneg"}
    yield line[:12], {"output_weights": "nonpos"}
    yield line[:6], {"weight_decay": 100.0}


OUTSIDE = [
    {"units": "abs"},
    {"loss": "huber"},
    {"norm": "l1"},
    {"sample_weight": np.arange(1.0, 7.0)},
    {"output_bias": True},
    {"skip": True},
]


def certificate_of(X, units="relu", **options):
    """The document of a network trained on a bent line."""
    y = np.abs(X.sum(axis=1) - 0.3) - 0.5 * X[:, 0]
    return cn.train(units, X, y, **{"weight_decay": 0.1} | options).certificate.to_dict()


def test_trained_networks_are_proved_by_both(conclusion):
    assert {conclusion(certificate_of(X, **options)) for X, options in trained()} == {PROVED}


@pytest.mark.parametrize("options", OUTSIDE, ids=str)
def test_what_lies_outside_is_not_covered(conclusion, options):
    X = np.random.default_rng(7).normal(size=(6, 1))
    assert conclusion(certificate_of(X, **options)) == NOT_COVERED


def test_higher_ranks_several_outputs_and_data_kept_apart_are_not_covered(conclusion):
    X = np.random.default_rng(7).normal(size=(6, 2))
    solution = cn.train("relu", X[:4, :1], np.abs(X[:4]), weight_decay=0.3, gap=1e-2)
    assert conclusion(solution.certificate.to_dict()) == NOT_COVERED
    assert conclusion(certificate_of(X)) == NOT_COVERED
    assert conclusion(certificate_of(X[:, :1]) | {"data": None}) == NOT_COVERED


# ----------------------------------------------------------------------------------- tampering


def originals():
    """Valid certificates with tight brackets: with and without bias, of rank 1 and 2."""
    rng = np.random.default_rng(5)
    X = np.array([[1.0, 2.0], [-1.0, 0.5], [2.0, 4.0], [0.0, -1.0]])
    said = {
        "features": ["a", "b"],
        "targets": ["y"],
        "classes": ["no", 1],
        "scaling": {"mean": [0.0, 1.0], "variance": [1.0, 2.0]},
    }
    for options in (
        {"bias": False},
        {"bias": True, "X": X[:, :1]},
        {"bias": True, "X": np.ones((4, 1)), "output_weights": "nonneg"},
        {"bias": False, "preparation": said, "output_weights": "nonpos"},
    ):
        signs = {"nonneg": 1.0, "nonpos": -1.0}.get(options.get("output_weights"))
        values = {"X": X, "y": [1.0, -0.5, 2.0, 0.25], "v": [-0.5, 0.25, -0.75, 0.5]} | options
        d = values["X"].shape[1]
        claims = Claimed(
            loss="squared",
            weight_decay=1.0,
            W=rng.normal(size=(2, d)),
            b=rng.normal(size=2) if options["bias"] else None,
            a=[0.5, -0.25] if signs is None else [signs * 0.5, 0.0],
            lower=0.0,
            upper=0.0,
            **values,
        )
        rho = rho_of(claims)
        yield with_decay(claims, rho * (1.0 + 1e-14)).to_dict()


def entry(document, path):
    for key in path:
        document = document[key]
    return document


def put(document, path, value):
    return changed(document, path, lambda _: value)


CHANGES = {
    "up": lambda x: math.nextafter(x, math.inf),
    "down": lambda x: math.nextafter(x, -math.inf),
    "slightly more": lambda x: x * (1 + 1e-9),
    "slightly less": lambda x: x * (1 - 1e-9),
    "sign": lambda x: -x,
    "zero": lambda x: 0.0,
    "one more": lambda x: x + 1.0,
    "double": lambda x: 2.0 * x,
    "half": lambda x: 0.5 * x,
    "largest": lambda x: math.copysign(1.7e308, x),
    "smallest": lambda x: 5e-324,
}


def test_originals_are_proved(conclusion):
    assert [conclusion(document) for document in originals()] == [PROVED] * 4


@pytest.mark.parametrize("change", CHANGES)
def test_every_number_changed(conclusion, change):
    """With the old fingerprint, and with one that fits; both checkers decide the same."""
    found = Counter()
    for document in originals():
        for path in places(document):
            old = entry(document, path)
            if isinstance(old, str) and "0x" in old:
                new = put(document, path, CHANGES[change](float.fromhex(old)).hex())
                found[conclusion(new)] += 1
                if path[0] == "data":
                    found[conclusion(rehashed(new))] += 1
    assert found[REFUSED] > 60 and found[NOT_COVERED] == 0


JUNK = [None, True, False, 0, 1, 4, -1, 1.5, "", "relu", "any", "l1", "0x1.0p+0", (1.0).hex()]
JUNK += [[], {}, [[]], ["0x0.0p+0"], {"name": "relu"}, math.inf, 10**18, "squared", "nan"]


def test_every_entry_replaced_removed_repeated_or_given_another_name(conclusion):
    found = Counter()
    for document in list(originals())[1::2]:
        for path in places(document):
            owner, last = entry(document, path[:-1]), path[-1]
            for junk in JUNK:
                found[conclusion(put(document, path, junk))] += 1
            if isinstance(owner, list):
                others = [owner[:last] + owner[last + 1 :], [*owner, owner[last]]]
            else:
                rest = {key: value for key, value in owner.items() if key != last}
                others = [rest, rest | {f"{last} ": owner[last]}, owner | {"more": None}]
                others.append(owner | {"__proto__": None})
            for other in others:
                whole = put(document, path[:-1], other) if path[:-1] else other
                found[conclusion(whole)] += 1
    assert found[REFUSED] > 1000 and found[PROVED] < found[REFUSED] / 10


VERSIONS = [
    (6, []),
    (5, []),
    (4, ["width"]),
    (3, ["width", "preparation"]),
    (2, ["width", "preparation", "output_weights"]),
    (4, []),
    (3, ["width"]),
    (2, ["width", "preparation"]),
    (5, ["width"]),
    (0, []),
    (7, []),
    ("6", []),
    (True, []),
    (None, []),
]


@pytest.mark.parametrize(("version", "without"), VERSIONS)
def test_versions_have_their_entries_and_no_others(conclusion, version, without):
    document = next(originals()) | {"version": version}
    for name in without:
        del document[name]
    fits = (version, len(without)) in [(6, 0), (5, 0), (4, 1), (3, 2), (2, 3)]
    assert conclusion(document) == (PROVED if fits else REFUSED)


PACKED = [("data", "X"), ("data", "y"), ("network", "W"), ("network", "a"), ("dual",)]


def packed_everywhere(document):
    """The same with packed arrays."""
    for path in PACKED:
        document = put(document, path, tampering.packed(entry(document, path)))
    return document


def test_packed_arrays_say_the_same(conclusion):
    for document in originals():
        if document["data"]["X"] and document["network"]["a"]:
            packed = packed_everywhere(document)
            assert conclusion(packed) == conclusion(document)
            assert conclusion(packed | {"version": 5}) == REFUSED
            one = tampering.packed([document["upper"]])
            assert conclusion(packed | {"upper": one}) == REFUSED


def test_packed_arrays_have_one_spelling(conclusion):
    document = packed_everywhere(next(originals()))
    for path in PACKED:
        for wrong in tampering.badly_packed(entry(document, path)):
            assert conclusion(put(document, path, wrong)) in (REFUSED, NOT_COVERED)


def test_version_1_and_checkpoints_are_not_covered(conclusion):
    document = next(originals())
    assert conclusion(document | {"version": 1}) == NOT_COVERED
    assert conclusion(document | {"seconds": (1.0).hex()}) == NOT_COVERED


SPELLINGS = {
    "0x1.8000000000000p+1": [
        *("0x1.8p+1", "0X1.8000000000000p+1", "0x1.8000000000000P+1", "3", "3.0"),
        *("0x1.8000000000000p1", "0x1.8000000000000p+01", "0x1.8000000000000p+1\n"),
        *(" 0x1.8000000000000p+1", "+0x1.8000000000000p+1", "1.8000000000000p+1"),
        *("0x3.0000000000000p+0", "0x0.c000000000000p+2", "0x1.80000000000000p+1"),
        *("\u0660x1.8000000000000p+1", "0x1.8000000000000p+\u0661"),
    ],
    "0x0.0p+0": [
        *("0x0p+0", "0x0.0p-0", "0x0.0000000000000p+0", "0x0.0000000000000p-1022"),
        *("0", "-0x0.0p+00", "0x0.0p+1"),
    ],
    "0x0.0000000000001p-1022": ["0x1.0000000000000p-1074", "0x0.0000000000001p-1021", "5e-324"],
    "0x1.fffffffffffffp+1023": ["0x1.0000000000000p+1024", "inf", "nan", "0x1.0000000000000p+9999"],
}


def document_with(number):
    """A valid certificate in which a number decides nothing: a dual number of a sample of zeros."""
    claims = Claimed(
        loss="squared", weight_decay=1.0, bias=False, X=[[1.0], [0.0]], y=[0.0, 0.0], v=[0.0, 0.0],
        W=[[0.0]], b=None, a=[0.0], lower=-1.0, upper=1.0,
    )  # fmt: skip
    return put(claims.to_dict(), ("upper",), number)


@pytest.mark.parametrize("right", SPELLINGS)
def test_a_number_has_one_spelling(conclusion, right):
    assert conclusion(document_with(right)) == PROVED
    for wrong in SPELLINGS[right]:
        assert conclusion(document_with(wrong)) == REFUSED


@pytest.mark.parametrize("weight_decay", [0.0, -0.0, -1.0])
def test_the_weight_decay_is_above_zero(conclusion, weight_decay):
    document = document_with((1.0).hex()) | {"weight_decay": weight_decay.hex()}
    assert conclusion(document) == REFUSED


TEXTS = {
    "nothing": lambda text: "",
    "no document": lambda text: "true",
    "null": lambda text: "null",
    "a list": lambda text: f"[{text}]",
    "a word": lambda text: '"format"',
    "a half": lambda text: text[: len(text) // 2],
    "two": lambda text: text + text,
    "a mark of the byte order": lambda text: "\ufeff" + text,
    "a comma too many": lambda text: text[:-1] + ",}",
    "a comment": lambda text: text + "// fine",
    "an entry twice": lambda text: text[:-1] + ', "version": 6}',
    "an entry twice, the first is wrong": lambda text: '{"version": 7, ' + text[1:],
    "an entry twice, escaped": lambda text: text[:-1] + ', "\\u0076ersion": 4}',
    "an entry twice, inside": lambda text: text.replace('{"X"', '{"y": [], "X"'),
    "an entry twice, and one too few": lambda text: text.replace('"cvxnet": ', '"format": '),
    "a number that is not one": lambda text: text.replace('"bias": false', '"bias": NaN'),
    "no JSON": lambda text: text.replace('"', "'"),
    "deep": lambda text: text.replace('"gate": null', '"gate": ' + "[" * 9999 + "]" * 9999),
    "a control character": lambda text: text.replace('"a test"', '"a\ntest"'),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_no_reader_should_accept(conclusion, name):
    text = json.dumps(document_with((1.0).hex()))
    spoilt = TEXTS[name](text)
    assert spoilt != text and conclusion(spoilt.encode()) == REFUSED


def test_texts_that_are_as_good(conclusion):
    text = json.dumps(document_with((1.0).hex()))
    assert conclusion(json.dumps(json.loads(text), indent=2).encode()) == PROVED
    assert conclusion(text.replace("version", "\\u0076ersion").encode()) == PROVED
    odd = r'"a \" : \\ \ud800 {\"format\": 4.5} é"'
    assert conclusion(text.replace('"a test"', odd).encode()) == PROVED
    assert conclusion(text.encode().replace(b"a test", b"\xff")) == REFUSED
    assert conclusion(text.encode("utf-16")) == REFUSED


def test_whole_numbers_are_spelled_so(conclusion):
    text = json.dumps(document_with((1.0).hex()))
    for number in ("6.0", "6e0", "60e-1", "6.", "+6", "06", "-6"):
        spelled = text.replace('"version": 6', f'"version": {number}')
        assert spelled != text and conclusion(spelled.encode()) == REFUSED


def test_labels_may_be_any_whole_numbers(conclusion):
    """JavaScript has no whole numbers beyond 2^53: it does not take two of them for one."""
    said = {"features": ["x"], "targets": ["y"], "scaling": None}
    for labels, expected in (
        ([999_999_999_999_999, 999_999_999_999_998], PROVED),
        ([0, "0"], PROVED),
        ([2**53, 2**53 + 1], NOT_COVERED),
        ([5, 5], REFUSED),
        ([0, True], REFUSED),
    ):
        document = document_with((1.0).hex()) | {"preparation": said | {"classes": labels}}
        assert conclusion(document) == expected


ORIGINALS = list(originals())


@st.composite
def mutations(draw):
    """One to three entries changed to a number, to junk, reversed, dropped or doubled."""
    document = copy.deepcopy(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(document))))
        old = entry(document, path)
        kind = draw(st.sampled_from(["number", "number", "junk", "reverse", "longer", "shorter"]))
        if kind == "number" or not isinstance(old, list):
            new = draw(anything) if kind == "junk" else draw(numbers).hex()
        else:
            new = {
                "junk": old,
                "reverse": old[::-1],
                "longer": [*old, *old[:1]],
                "shorter": old[:-1],
            }[kind]
        document = put(document, path, new)
    try:
        return rehashed(document) if draw(st.booleans()) else document
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, struct.error):
        return document


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_random_mutations(conclusion, document):
    conclusion(document)


# -------------------------------------------------------------------------------------- the page


def test_without_a_way_to_hash_nothing_is_proved():
    """Browsers hash only on pages that come from a file or by https."""
    bare = f'Object.defineProperty(globalThis, "crypto", {{ value: undefined }});{SERVE}'
    line = base64.b64encode(WORKED.read_bytes())
    ran = subprocess.run([NODE, "-e", bare, str(SCRIPT)], input=line, capture_output=True)
    said = json.loads(ran.stdout)
    assert not said["proved"] and said["reason"].startswith("not covered: pages that come by http")


def test_it_is_short_and_depends_on_nothing():
    text = SCRIPT.read_text("utf-8")
    assert len(text.splitlines()) <= 180 and max(map(len, text.splitlines())) <= 100
    assert "import" not in text and text.count("require(") == 1 == text.count('require("fs")')


def vectors():
    """The test vectors of the specification, whatever they are about."""
    return sorted(path for path in (FOLDER / "vectors").glob("*.json") if path.name != "index.json")


def test_the_test_vectors_of_the_specification(conclusion):
    found = Counter(conclusion(path.read_bytes()) for path in vectors())
    assert conclusion(WORKED.read_bytes()) == PROVED
    assert found[PROVED] >= 5 and found[REFUSED] >= 20


@pytest.fixture
def page(chromium, tmp_path):
    """The page's own part of second-checker.md, opened from a folder, without a network."""
    text = (FOLDER / "second-checker.md").read_text("utf-8")
    html = ""
    for block in re.findall(r"^:::\{raw\} html\n(.*?)^:::$", text, flags=re.M | re.S):
        file = re.match(r":file: (.*)\n", block)
        html += (FOLDER / file[1]).read_text("utf-8") if file else block
    html = html.replace("../_static/second-checker.js", SCRIPT.as_uri())
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}", "utf-8")
    page, faults = chromium.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda request: faults.extend([request.url] * (request.url[:5] != "file:")))
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()
    assert not faults


def test_the_page_checks_files_by_keyboard_choice_and_drop(page, tmp_path):
    said = page.locator("#second output")
    picker = page.get_by_label("Choose a certificate file")
    picker.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said.get_by_text("Proved exactly").wait_for()
    assert "130.5 ≤ optimum ≤ 130.5" in said.inner_text()

    document = json.loads(WORKED.read_text("utf-8"))
    low = tmp_path / "too-low.json"
    low.write_text(json.dumps(document | {"upper": (130.0).hex()}))
    picker.set_input_files(low)
    said.get_by_text("Refused").wait_for()
    assert "too-low.json: upper" in said.inner_text()

    page.evaluate(
        """text => {
          const files = new DataTransfer();
          files.items.add(new File([text], "dropped.json"));
          document.getElementById("second").dispatchEvent(
            new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true }));
        }""",
        json.dumps(document | {"norm": "l1"}),
    )
    said.get_by_text("Not covered").wait_for()
    assert "dropped.json: not covered" in said.inner_text()
