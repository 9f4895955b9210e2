"""Verdicts as JSON types."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample


def record_verdict(verdict: Verdict, full: bool) -> dict[str, Any]:
    """The verdict as nested dicts and lists that ``json.dumps`` accepts."""
    record: dict[str, Any] = {
        "about": verdict.about,
        "status": verdict.status,
        "convex": verdict.convex,
        "concave": verdict.concave,
        "domain": list(verdict.domain),
        "empty": verdict.empty,
        "relaxation": None
        if verdict.relaxation is None
        else record_verdict(verdict.relaxation, False),
        "premises": list(verdict.premises),
        "rounding": {
            goal: {"change": reading.change, "distance": reading.distance}
            for goal, reading in verdict.rounding.items()
        },
        "reasons": dict(verdict.reasons),
        "dcp": verdict.dcp,
        "derivation": [record_step(step) for step in verdict.derivation],
        "counterexamples": {k: record_witness(w) for k, w in verdict.counterexamples.items()},
        "blame": None if verdict.blame is None else asdict(verdict.blame),
        "parts": {name: record_verdict(part, False) for name, part in verdict.parts.items()},
    }
    if full and not verdict.parts:
        record["disciplines"] = dict(verdict.disciplines)
        record["blocks"] = record_blocks(verdict.blocks)
        record["repairs"] = [
            {"change": r.change, "outcome": r.outcome, "cost": r.cost} for r in verdict.repairs
        ]
    return record


def record_step(step: Any) -> dict[str, Any]:
    """One step of the derivation."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(step).items()}


def record_blocks(blocks: Any) -> dict[str, Any]:
    """Blocks with lists instead of tuples."""
    if not blocks:
        return {}
    return {"single": dict(blocks["single"]), "maximal": [list(s) for s in blocks["maximal"]]}


def record_witness(witness: Counterexample) -> dict[str, Any]:
    """A counterexample with its points as nested lists."""

    def lists(values: Any) -> dict[str, Any]:
        return {name: value.tolist() for name, value in values.items()}

    return {
        "refutes": witness.refutes,
        "a": lists(witness.a),
        "b": lists(witness.b),
        "middle": lists(witness.middle),
        "fixed": lists(witness.fixed),
        "entry": list(witness.entry),
        "f_a": witness.f_a,
        "f_b": witness.f_b,
        "f_middle": witness.f_middle,
        "chord": witness.chord,
        "gap": witness.gap,
        "arithmetic": witness.arithmetic,
        "found_by": witness.found_by,
    }
