"""The door: a document about convexity, claim by claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import ctx

from ..arrays import require
from ..document import Path, RefusalError, parse, read_text
from ..dual import Clock
from ..witness import check_witness
from .boxes.boxes import by_boxes
from .calculus.composition import by_rules, facts_of
from .curvature.hessians import by_hessian
from .curvature.normal_form import by_normal_form
from .domains.bounded import by_bounds
from .domains.levels import by_levels
from .domains.problems import PROBLEM, by_problem
from .domains.restated import by_restatement
from .forms.same import by_same
from .pieces.pieces import by_pieces
from .statement import Checking, Kind, Proof, Statement, check_node, check_places
from .terms.proofs import by_terms

FORMAT = "cvxnet-convexity"
VERSION = 1
TIME_LIMIT = 600.0
PRECISIONS = (128, 512)  # bits of the balls, tried one after the other
REFUTED = {"not convex": "convex", "not concave": "concave", "set not convex": "set"}
DAMAGE = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)


@dataclass(frozen=True, kw_only=True)
class ConvexityResult:
    """What was proved of a verdict.

    Attributes
    ----------
    valid : bool
        Every claim of the document is true.
    claims : tuple of str
        What the document says: "convex", "not concave", ...
    reason : str
        "proved", or the first reason why not.
    """

    valid: bool
    claims: tuple[str, ...]
    reason: str


def by_entries(statement: Statement, proof: Proof, checking: Checking) -> None:
    """A proof for each entry, in order."""
    entries = statement.entries
    require(len(proof["proofs"]) == len(entries), "there must be a proof for each entry")
    for entry, one in zip(entries, proof["proofs"], strict=True):
        checking.prove(statement.about(entry=entry), one)


def by_both(statement: Statement, proof: Proof, checking: Checking) -> None:
    """Affine is convex and concave."""
    require(statement.goal == "affine", "this kind of proof is about affine functions")
    for goal in ("convex", "concave"):
        checking.prove(statement.about(goal=goal), proof[goal])


KINDS: dict[str, Kind] = {
    "entries": by_entries,
    "both": by_both,
    "rules": by_rules,
    "boxes": by_boxes,
    "hessian": by_hessian,
    "normal form": by_normal_form,
    "pieces": by_pieces,
    "restated": by_restatement,
    "bounded": by_bounds,
    "level": by_levels,
    "terms": by_terms,
    "same": by_same,
}


def check_convexity(
    source: Path | dict[str, Any], *, time_limit: float = TIME_LIMIT
) -> ConvexityResult:
    """Re-prove all claims of a document. A bad file is an answer (``valid`` False), no exception.

    Examples
    --------
    >>> check_convexity({"format": "something else"}).reason
    "not about convexity: its format is not 'cvxnet-convexity'"
    """
    clock, said = Clock(time_limit), list[str]()
    try:
        document = source if isinstance(source, dict) else parse(read_text(source))
        if document.get("format") != FORMAT:
            raise RefusalError(f"not about convexity: its format is not {FORMAT!r}")
        require(document.get("version") == VERSION, f"only version {VERSION} is known here")
        require(document["claims"], "the document claims nothing")
        for claim in document["claims"]:
            said.append(str(claim["says"]))
            check_claim(claim, clock)
    except RefusalError as refusal:
        return ConvexityResult(valid=False, claims=tuple(said), reason=str(refusal))
    except DAMAGE as error:
        return ConvexityResult(valid=False, claims=tuple(said), reason=f"damaged: {error!r}")
    return ConvexityResult(valid=True, claims=tuple(said), reason="proved")


def is_about_convexity(source: Path | dict[str, Any]) -> bool:
    """Whether a document, or the file that a path names, is the certificate of a verdict."""
    try:
        document = source if isinstance(source, dict) else parse(read_text(source))
    except RefusalError:
        return False
    return document.get("format") == FORMAT


def check_claim(claim: Mapping[str, Any], clock: Clock) -> None:
    """Refuse a claim that its proof does not prove."""
    if claim["says"] in REFUTED:
        points = {name: claim["proof"][name] for name in ("entry", "a", "b", "fixed")}
        parts = {name: claim[name] for name in ("nodes", "constraints", "root")}
        moved = {int(place) for name in ("a", "b") for place in points[name]}
        require(moved <= set(claim["unknowns"]), "only the unknowns differ between the ends")
        result = check_witness({**parts, **points, "refutes": REFUTED[claim["says"]]})
        require(result.proved, result.reason)
        return
    check_proof(read_statement(claim), claim["proof"], clock)


def read_statement(claim: Mapping[str, Any]) -> Statement:
    """What a claim says of its root."""
    nodes, unknowns = claim["nodes"], claim["unknowns"]
    require(claim["says"] != "sublevel", "level sets are parts of proofs about problems only")
    for place, node in enumerate(nodes):
        check_node(place, node)
    require(0 <= claim["root"] < len(nodes), "there is no such root")
    check_places(unknowns, nodes)
    found = Statement(
        nodes, claim["constraints"], frozenset(unknowns), claim["root"], claim["says"]
    )
    if 0 in found.shape:  # nothing has to be proved of it, but its shape has to be true
        facts_of(found, found.root)
    return found


def check_proof(statement: Statement, proof: Any, clock: Clock | None = None) -> None:
    """Refuse a proof that does not prove the statement, at more than one precision."""
    checking = Checking(Clock(TIME_LIMIT) if clock is None else clock, KINDS)
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            try:
                if statement.goal == PROBLEM:
                    return by_problem(statement, proof, checking)
                return checking.prove(statement, proof)
            except RefusalError:
                if bits == PRECISIONS[-1]:
                    raise
            except DAMAGE as error:
                raise RefusalError(f"damaged: {error!r}") from error
