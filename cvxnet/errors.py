"""The exceptions of cvxnet. Each says what was found, where, why it matters and what to do next."""

import re

NUMPY_SCALAR = re.compile(
    r"""\bnp\.(?:[a-z]+\d*_?\((?P<value>'[^']*'|"[^"]*"|[^()'"]*)\)|(?P<truth>True|False)_)"""
)


def plainly(text: str) -> str:
    """A text in which numbers, names and truth values of numpy stand as Python writes its own.

    >>> plainly("not np.float64(1.0), np.str_('a') or np.True_")
    "not 1.0, 'a' or True"
    """
    return NUMPY_SCALAR.sub(lambda found: found["value"] or found["truth"] or "", text)


class CvxnetError(Exception):
    """Base class: ``except CvxnetError`` catches everything that cvxnet raises on purpose."""

    def __init__(self, *what: object) -> None:
        super().__init__(*(plainly(text) if isinstance(text, str) else text for text in what))


class InputError(CvxnetError, ValueError):
    """The caller's data, labels, shapes, names or options cannot be used as given."""


class UnsupportedError(CvxnetError, NotImplementedError):
    """The request is meaningful, but beyond what cvxnet can do at this size or for this unit."""


class MissingExtraError(CvxnetError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class SolverError(CvxnetError, RuntimeError):
    """A solver failed on a problem that always has a solution: numerical trouble, or a bug."""
