"""What the lines of the tables say: paired differences, distances, units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import t

from experiments.report import Row
from experiments.worth.methods import OPTIMUM

RATIO = 0.5
"""Test samples over training samples of a split."""
LEVEL = 0.05
"""Of Student's test, by which a difference is told from none."""
NEARLY = 0.9
"""A set counts as closed where so many of its brackets are."""
ALIKE = 0.01
"""Objectives that differ by no more, relatively, are as good."""


def corrected_error(differences: np.ndarray) -> float:
    """Standard error of their mean over splits of one set, which share samples.

    ``sqrt((1 / J + test / training samples) * variance)`` for J splits (Nadeau and Bengio 2003).
    """
    if len(differences) < 2:
        return np.nan
    return float(np.sqrt((1.0 / len(differences) + RATIO) * differences.var(ddof=1)))


@dataclass(frozen=True)
class Paired:
    """How much higher a method's test error is than the optimum's, split by split."""

    differences: np.ndarray

    @property
    def mean(self) -> float:
        """Over the splits."""
        return float(self.differences.mean())

    @property
    def plain(self) -> float:
        """Standard error of the mean, as if splits had nothing in common."""
        J = len(self.differences)
        return float(self.differences.std(ddof=1) / np.sqrt(J)) if J > 1 else np.nan

    @property
    def corrected(self) -> float:
        """The one that conclusions are drawn from."""
        return corrected_error(self.differences)

    @property
    def clear(self) -> int:
        """1 where the optimum's error is clearly lower, -1 where it is clearly higher, else 0."""
        bound = t.ppf(1.0 - LEVEL / 2.0, max(len(self.differences) - 1, 1))
        return int(np.sign(self.mean)) if abs(self.mean) > bound * self.corrected else 0

    def count(self, sign: int) -> int:
        """Splits on which the optimum wins (1), loses (-1) or is level (0)."""
        return int((np.sign(self.differences) == sign).sum())


@dataclass(frozen=True)
class Found:
    """The three tables."""

    errors: list[Row]
    seeds: list[Row]
    widths: list[Row]

    @cached_property
    def sets(self) -> list[str]:
        """Those that were measured."""
        return list(dict.fromkeys(row["name"] for row in self.errors))

    @cached_property
    def methods(self) -> list[str]:
        """All that have test errors."""
        return list(dict.fromkeys(row["method"] for row in self.errors))

    @cached_property
    def others(self) -> list[str]:
        """Those beside the optimum."""
        return [method for method in self.methods if method != OPTIMUM]

    @cached_property
    def reseeded(self) -> list[str]:
        """Those of them that were trained from several seeds."""
        return [m for m in dict.fromkeys(row["method"] for row in self.seeds) if m != OPTIMUM]

    @cached_property
    def optima(self) -> dict[tuple[str, int], Row]:
        """The optimum of each set and split."""
        own = [row for row in self.errors if row["method"] == OPTIMUM]
        return {(row["name"], row["split"]): row for row in own}

    def optima_of(self, name: str) -> list[Row]:
        """Of all splits of a set."""
        return [row for row in self.optima.values() if row["name"] == name]

    def errors_of(self, name: str, method: str, key: str = "error") -> np.ndarray:
        """Test errors, split by split."""
        rows = [row for row in self.errors if (row["name"], row["method"]) == (name, method)]
        return np.array([row[key] for row in sorted(rows, key=lambda row: row["split"])])

    def paired(self, name: str, method: str) -> Paired:
        """A method against the optimum."""
        return Paired(self.errors_of(name, method) - self.errors_of(name, OPTIMUM))

    def closes(self, name: str) -> bool:
        """Whether the bracket closed on nearly every split."""
        closed = [row["status"] == "optimal" for row in self.optima_of(name)]
        return bool(np.mean(closed) >= NEARLY)

    @cached_property
    def closed(self) -> list[str]:
        """Sets whose optimum is proved on nearly every split."""
        return [name for name in self.sets if self.closes(name)]

    def weakest(self, method: str) -> float:
        """How often a method chose the weakest of all candidates that some method chose."""
        last = max(row["choice"] for row in self.errors)
        return float(np.mean([r["choice"] == last for r in self.errors if r["method"] == method]))

    def gap(self, name: str) -> float:
        """The median relative gap of the bracket."""
        gaps = [(row["value"] - row["lower"]) / row["value"] for row in self.optima_of(name)]
        return float(np.median(gaps))

    def seeded(self, name: str, method: str, key: str) -> float | None:
        """The mean of a column over the splits on which several seeds were trained."""
        rows = [row for row in self.seeds if (row["name"], row["method"]) == (name, method)]
        values = [row[key] for row in rows if row.get(key) is not None]
        return float(np.mean(values)) if values else None

    def excess(self, name: str, method: str) -> float | None:
        """How far networks of a method ended above the optimum's, relatively: the mean."""
        own = [r for r in self.seeds if (r["name"], r["method"]) == (name, method)]
        ratios = [
            row["value"] / self.optima[name, row["split"]]["value"] - 1.0
            for row in own
            if row.get("value") is not None
        ]
        return float(np.mean(ratios)) if ratios else None

    def width_reaching(self, name: str, what: str) -> int | None:
        """The smallest width at which Adam is as good as the optimum, or None.

        ``what``: "objective", that of the best seed on each split, up to ALIKE; or "error", that of
        the test, on average of seeds and splits.
        """
        rows = [row for row in self.widths if row["name"] == name]
        for width in sorted({row["width"] for row in rows}):
            own = [row for row in rows if row["width"] == width]
            optima = [self.optima[name, row["split"]] for row in own]
            pairs = list(zip(own, optima, strict=True))
            if what == "objective":
                good = all(row["best"] <= (1.0 + ALIKE) * best["value"] for row, best in pairs)
            else:
                good = np.mean([row["error"] - best["error"] for row, best in pairs]) <= 0.0
            if good:
                return int(width)
        return None
