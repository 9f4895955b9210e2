"""The exceptions of cvxnet. Each says what was found, where, why it matters and what to do next."""


class CvxnetError(Exception):
    """Base class: ``except CvxnetError`` catches everything that cvxnet raises on purpose."""


class InputError(CvxnetError, ValueError):
    """The caller's data, labels, shapes, names or options cannot be used as given."""


class UnsupportedError(CvxnetError, NotImplementedError):
    """The request is meaningful, but beyond what cvxnet can do at this size or for this unit."""


class MissingExtraError(CvxnetError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class SolverError(CvxnetError, RuntimeError):
    """A solver failed on a problem that always has a solution: numerical trouble, or a bug."""
