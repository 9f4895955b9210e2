"""Writes the tables of `licences.md` beside it, from the metadata of the packages installed here.

``make licences`` runs it where everything is installed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_suffix(".md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORK = ("check", "docs", "release", "test")
"""Extras for work on cvxnet itself."""
KNOWN = {"qoco": "BSD-3-Clause"}
"""Where the metadata are silent: as the package's file LICENSE says."""
REGION = re.compile(r"(<!-- (\w+): written by make licences -->\n).*?(<!-- end -->)", re.S)


def name_of(requirement: str) -> str:
    """The package that a requirement asks for, in the spelling of the index."""
    return canonicalize_name(Requirement(requirement).name)


def applies(requirement: str) -> bool:
    """Whether it is asked for on this platform and Python, without any extra."""
    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"extra": ""})


def named_by(extras: Iterable[str]) -> dict[str, list[str]]:
    """The packages that these extras name in pyproject.toml, and which of them do."""
    named: dict[str, list[str]] = {}
    for extra in extras:
        for requirement in PROJECT["optional-dependencies"][extra]:
            named.setdefault(name_of(requirement), []).append(extra)
    return {name: list(dict.fromkeys(named[name])) for name in sorted(named.keys() - {"cvxnet"})}


def brought_along(packages: Iterable[str]) -> dict[str, list[str]]:
    """What these packages need in turn, and which of all of them asks for it."""
    asked_by: dict[str, list[str]] = {}
    waiting, seen = [*packages], {*packages}
    while waiting:
        package = waiting.pop()
        for needed in map(name_of, filter(applies, metadata.requires(package) or ())):
            asked_by.setdefault(needed, []).append(package)
            waiting += {needed} - seen
            seen.add(needed)
    direct = {*packages}
    return {name: sorted(asked_by[name]) for name in sorted(asked_by.keys() - direct)}


def licence(package: str) -> str:
    """What the metadata of a package say: an expression, a short text, or a classifier."""
    said = metadata.metadata(package)
    text = (said.get("License") or "").strip()
    classified = [
        line.rpartition(" :: ")[2]
        for line in said.get_all("Classifier", [])
        if line.startswith("License :: OSI Approved :: ")
    ]
    short = text if len(text) < 40 and text != "BSD" else ""
    return KNOWN.get(package) or said.get("License-Expression") or short or " / ".join(classified)


def table(reasons: dict[str, list[str]], why: str) -> str:
    """One line a package: the version looked at, its licence, and who asks for it."""
    lines = [f"| package | version | licence | {why} |", "|---|---|---|---|"]
    for name, asking in reasons.items():
        version = metadata.version(name).partition("+")[0]
        lines.append(f"| {name} | {version} | {licence(name)} | {', '.join(asking)} |")
    return "\n".join(lines) + "\n"


def tables() -> dict[str, str]:
    """All tables of the page, by the name of their region."""
    core = sorted(map(name_of, PROJECT["dependencies"]))
    users = [name for name in PROJECT["optional-dependencies"] if name not in WORK]
    return {
        "core": table({name: ["cvxnet"] for name in core}, "asked for by"),
        "along": table(brought_along(core), "asked for by"),
        "extras": table(named_by(users), "extra"),
        "work": table(named_by(WORK), "extra"),
    }


def page_with(tables: dict[str, str], page: str) -> str:
    """The page, its regions filled anew."""
    return REGION.sub(lambda region: region[1] + tables[region[2]] + region[3], page)


if __name__ == "__main__":
    PAGE.write_text(page_with(tables(), PAGE.read_text("utf-8")), "utf-8")
