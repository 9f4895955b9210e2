"""How the runs are made: optimisers, widths, seeds, epochs and learning rates, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cvxnet.data.validation import check_positive, check_size
from cvxnet.errors import InputError

MOST = 1_000_000
"""Of seeds, widths and epochs; more would not end."""


@dataclass(frozen=True)
class Optimizer:
    """``rates`` are tried in turn; those of SGD are for the mean of the losses.

    SGD's steps grow with the gradient of the sum, so its rates are divided by n.
    """

    label: str
    rates: tuple[float, ...] = ()
    per_sample: bool = False


def half_decades(first: float, last: float) -> tuple[float, ...]:
    """Powers of ten, from one exponent to the other in steps of one half.

    >>> half_decades(-2, -1)
    (0.01, 0.0316, 0.1)
    """
    return tuple(float(f"{10.0**x:.3g}") for x in np.arange(first, last + 0.5, 0.5))


OPTIMIZERS = {
    "sgd": Optimizer("SGD with momentum", half_decades(-2, 1), per_sample=True),
    "adam": Optimizer("Adam", half_decades(-2.5, 0)),
    "adamw": Optimizer("AdamW", half_decades(-2.5, 0)),
    "lbfgs": Optimizer("L-BFGS"),
}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything about the runs that is not the problem itself.

    Attributes
    ----------
    optimizers, widths, seeds : what is run
    epochs : passes over the data; for L-BFGS evaluations of objective and gradient
    batch_size : samples a step, None for all; L-BFGS always takes all
    rates : learning rates tried, by optimiser
    width_seconds : for the optimum of each width; None: as many as its runs, and ten at least
    tuning_seeds : networks on which each rate is tried
    momentum : of SGD
    schedule, initialisation : in words
    """

    optimizers: tuple[str, ...]
    widths: tuple[int, ...]
    seeds: tuple[int, ...]
    epochs: int
    batch_size: int | None
    rates: dict[str, tuple[float, ...]]
    width_seconds: float | None = None
    tuning_seeds: int = 3
    momentum: float = 0.9
    schedule: str = "cosine to zero"
    initialisation: str = "uniform in +-1/sqrt(fan_in), as torch.nn.Linear"

    def settings(self) -> dict[str, Any]:
        """What a single batch depends on, beside optimiser, width, seeds and rates."""
        others = ("optimizers", "widths", "seeds", "rates", "tuning_seeds", "width_seconds")
        return {name: value for name, value in asdict(self).items() if name not in others}


def make_protocol(
    optimizers: Any,
    widths: Any,
    seeds: Any,
    epochs: Any,
    batch_size: Any,
    rates: Mapping[str, Any] | None,
    n: float,
    width_seconds: Any = None,
) -> Protocol:
    """Check what the caller chose; fill in the default rates for a sum of n losses."""
    names = (optimizers,) if isinstance(optimizers, str) else listed(optimizers, "optimizers")
    if not isinstance(rates, Mapping | None):
        raise InputError(f"rates: expected a dict such as {{'adam': 1e-3}}, not {rates!r}.")
    given = dict(rates or {})
    for name in (*names, *given):
        if name not in OPTIMIZERS:
            raise InputError(f"unknown optimizer {name!r}; known: {', '.join(OPTIMIZERS)}.")
    if given.keys() & {"lbfgs"}:
        raise InputError(
            "rates names 'lbfgs', which has no learning rate: it searches along lines."
        )
    return Protocol(
        optimizers=distinct(names, "optimizers"),
        widths=whole_numbers(listed(widths, "widths"), "widths", 1),
        seeds=whole_numbers(count(seeds), "seeds", 0),
        epochs=whole_numbers([epochs], "epochs", 1)[0],
        batch_size=None if batch_size is None else whole_numbers([batch_size], "batch_size", 1)[0],
        rates={name: make_rates(name, given.get(name), n) for name in names},
        width_seconds=check_width_seconds(width_seconds),
    )


def check_width_seconds(seconds: Any) -> float | None:
    """A number of seconds, or None where they are not given."""
    if seconds is None:
        return None
    if isinstance(seconds, int | float) and seconds == 0:
        return 0.0
    return check_positive(seconds, "width_seconds", "0 leaves the optima of the widths out.")


def count(seeds: Any) -> Iterable[Any]:
    """Seeds as given, or so many from 0 on."""
    if np.isscalar(seeds):
        return range(whole_numbers([seeds], "seeds", 1)[0])
    return listed(seeds, "seeds")


def listed(values: Any, what: str) -> tuple[Any, ...]:
    """One value or several, as a tuple."""
    if np.isscalar(values):
        return (values,)
    try:
        return tuple(values)
    except TypeError:
        raise InputError(f"{what}: expected one or several, not {values!r}.") from None


def whole_numbers(values: Iterable[Any], what: str, least: int) -> tuple[int, ...]:
    """Different whole numbers, none below ``least``."""
    numbers = []
    for value in values:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        whole = whole or (isinstance(value, float | np.floating) and float(value).is_integer())
        if not whole or not least <= value <= MOST:
            raise InputError(
                f"{what}: expected whole numbers from {least} to {MOST:,}, not {shortened(value)}."
            )
        numbers.append(int(value))
    return distinct(tuple(numbers), what)


def shortened(value: Any) -> str:
    """A value in at most 40 characters."""
    text = repr(value) if not isinstance(value, int) or abs(value) <= MOST**3 else "a huge one"
    return text if len(text) <= 40 else f"{text[:37]}..."


def distinct(values: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """At least one, and none twice."""
    if not values or len(set(values)) < len(values):
        raise InputError(f"{what}: expected at least one and none twice, not {values!r}.")
    return values


def make_rates(name: str, given: Any, n: float) -> tuple[float, ...]:
    """The learning rates to try, from the smallest to the largest."""
    if given is None:
        optimizer = OPTIMIZERS[name]
        return tuple(rate / n if optimizer.per_sample else rate for rate in optimizer.rates)
    values = listed(given, f"rates of {name}")
    tried = [check_positive(rate, f"the learning rate of {name}") for rate in values]
    for rate in tried:
        check_size(rate, f"the learning rate of {name}")
    return tuple(sorted(distinct(tuple(tried), f"rates of {name}")))
