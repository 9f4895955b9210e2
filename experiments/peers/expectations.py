"""What theory and the papers say, beside what came out."""

from __future__ import annotations

from math import comb

import numpy as np

from experiments.peers.methods import METHODS
from experiments.report import Report, Row

ROUNDING = 1e-9
AGREE = 1e-3
"""Relative; the default tolerance of SCS is 1e-4."""


def cover(n: int, rank: int) -> int:
    """Cells in which a unit is active (Cover 1965), samples in general position."""
    return 2 * sum(comb(n - 1, k) for k in range(rank)) - 1


def done(rows: list[Row], *methods: str) -> list[Row]:
    """Lines with a network, of some methods or of all."""
    return [r for r in rows if r["status"] == "done" and (not methods or r["method"] in methods)]


def in_room(rows: list[Row], room: str) -> list[Row]:
    """Lines with a network of the methods in a room."""
    return done(rows, *(name for name, method in METHODS.items() if method.room == room))


def say_expectations(report: Report, growth: list[Row], sets: list[Row]) -> None:
    """All of them."""
    if growth:
        say_cells(report, growth)
        say_agreement(report, growth)
        say_ratio(report, growth)
    if sets:
        say_rank(report, sets)
    say_order(report, growth + sets)


def say_cells(report: Report, growth: list[Row]) -> None:
    """The size of the full program."""
    counted = {(r["n"], r["rank"]): r["cells"] for r in growth if r.get("cells")}
    expected = {key: cover(*key) for key in counted}
    report.expect(
        "cells of the full program, by samples and rank",
        expected=", ".join(f"{key}: {count}" for key, count in expected.items()),
        found=", ".join(f"{key}: {count}" for key, count in counted.items()),
        holds=bool(counted) and counted == expected,
        source="Cover 1965; Pilanci and Ergen 2020, section 3",
    )


def say_agreement(report: Report, growth: list[Row]) -> None:
    """Those who know every unit find one optimum."""
    exact = [r for r in in_room(growth, "whole") if r["method"] != "cvxnet"]
    apart = {
        name: max(abs(r["claimed"] - r["lower"]) / r["lower"] for r in done(exact, name))
        for name in dict.fromkeys(r["method"] for r in exact)
    }
    report.expect(
        "objectives of the full program beside the bound that cvxnet certified",
        expected=f"equal to {AGREE:g}",
        found=", ".join(f"{METHODS[name].label} {most:.1e}" for name, most in apart.items()),
        holds=all(most <= AGREE for most in apart.values()),
        source="Pilanci and Ergen 2020, theorem 1",
    )


def say_order(report: Report, rows: list[Row]) -> None:
    """No network is below the certified bound, whoever trained it."""
    least = min(done(rows), key=lambda r: r["excess"])
    report.expect(
        "networks below the certified bound",
        expected="none",
        found=f"the lowest of {len(done(rows))} is {least['excess']:+.1e} of it away "
        f"({METHODS[least['method']].label})",
        holds=least["excess"] >= -ROUNDING,
        source="weak duality",
    )


def say_ratio(report: Report, growth: list[Row]) -> None:
    """The full program is the slow way."""
    keys = ("data", "rank", "n")
    times = {tuple(r[k] for k in keys): r["seconds"] for r in done(growth, "cvxnet")}
    full = done(growth, "clarabel")
    ratios = [r["seconds"] / times[tuple(r[k] for k in keys)] for r in full if r["n"] >= 50]
    if ratios:
        report.expect(
            "time of the full program (Clarabel) over that of cvxnet, 50 samples and more",
            expected="above 10 throughout",
            found=f"from {min(ratios):.1f} to {max(ratios):.0f}, median {np.median(ratios):.0f}",
            holds=min(ratios) > 10.0,
            source="what this project measured before: 29 to 51 at 50 samples",
        )


def say_rank(report: Report, sets: list[Row]) -> None:
    """Where the bracket need not close, is the network found below all others?"""
    behind = []
    for key in dict.fromkeys((r["data"], r["loss"], r["decay"]) for r in done(sets)):
        rows = [r for r in done(sets) if (r["data"], r["loss"], r["decay"]) == key]
        best = min(rows, key=lambda r: r["value"])
        ours = done(rows, "cvxnet")[0]
        if ours["value"] > best["value"] * (1.0 + 1e-6):
            lost = ours["value"] / best["value"] - 1.0
            other = METHODS[best["method"]].label
            behind.append(f"{key[0]} ({key[1]}, {key[2]}): {other} {lost:.1e}")
    report.expect(
        "bundled sets on which another method's network is below cvxnet's, by more than 1e-6",
        expected="none",
        found="; ".join(behind) or "none",
        holds=not behind,
        source="high_dimension, an earlier run",
    )
