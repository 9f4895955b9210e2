"""Certificates for networks that somebody else trained: ``cvxnet.certify``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from cvxnet.data.validation import check_matrix
from cvxnet.errors import InputError
from cvxnet.layers import BatchNorm, Layer, Linear, Residual, Sequential
from cvxnet.layers.adoption import as_layer
from cvxnet.losses import get_loss
from cvxnet.objective import (
    Budget,
    Objective,
    TwoLayers,
    check_output_weights,
    flattened,
    read_network,
    without_norms,
)
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.gaps import (
    bracket_text,
    closed_by,
    excess,
    excess_text,
    relative_gap,
    tolerance_text,
)
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import solve


@dataclass(frozen=True, kw_only=True, repr=False)
class Certification:
    """What was proved about a given network.

    Attributes
    ----------
    certificate : Certificate
        Of the network as it was given: its upper end is the network's own training objective.
    best : Solution
        The best network that was found on the way, with the same lower bound.
    closed_by : str
        ``"gap"`` where the given network's objective is proved to be the optimum up to the gap
        asked for; ``"tolerance"`` where it is so up to the absolute one for optima of about 0, see
        `Solution`; otherwise empty.
    width : int
        Hidden units of the given network.
    layers_below : int
        Layers of the given network below the two that the certificate is about; these two were
        certified on the features that the layers below compute.
    standardised : bool
        Whether that is one layer, which only scales and shifts each column (`BatchNorm`).
    folded : bool
        Whether a `BatchNorm` of the given network was folded into the Linear layer beside it.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [1.0]], [1.0, 2.0]
    >>> net = cn.train("relu", X, y, weight_decay=0.1, bias=False).network
    >>> found = certify(net, X, y, weight_decay=0.1)
    >>> found.closed_by, found.width, found.layers_below
    ('gap', 2, 0)
    """

    certificate: Certificate
    best: Solution
    closed_by: str
    width: int
    layers_below: int
    standardised: bool = False
    folded: bool = False

    @property
    def lower(self) -> float:
        """A proved lower bound on the training objective of all networks, whatever their width."""
        return self.certificate.lower

    @property
    def value(self) -> float:
        """The given network's training objective."""
        return self.certificate.upper

    @property
    def upper(self) -> float:
        """The training objective of the best network known, the given one among them."""
        return min(self.value, self.best.value)

    @property
    def gap(self) -> float:
        """The relative gap of the bracket around the optimum, ``(upper - lower) / upper``."""
        return relative_gap(self.lower, self.upper)

    @property
    def excess(self) -> tuple[float, float]:
        """How far the given network is above the optimum, relatively: at least, and at most.

        From ``(value - upper) / upper`` to ``(value - lower) / lower``.
        """
        return excess(self.value, self.lower, self.upper)

    @property
    def notes(self) -> list[str]:
        """What has to be said beside the bracket."""
        notes = []
        if self.closed_by == "tolerance":
            notes.append(tolerance_text(self.best.tolerance))
        if self.standardised:
            notes.append(
                "certified on the standardised columns, which the network's first layer computes: "
                "the objective is that of those"
            )
        elif self.layers_below:
            notes.append(
                f"certified are the last two layers, on the features that the {self.layers_below} "
                "layers below compute; nothing is said about training those too"
            )
        if self.folded:
            notes.append(
                "its BatchNorm is folded into the Linear layer beside it: weight decay is on the "
                "folded weights"
            )
        if self.width < self.best.units:
            units = f"{self.width} hidden unit{'s' * (self.width != 1)}"
            notes.append(
                f"the network has {units} and the best one found {self.best.units}: its width may "
                "be what keeps it above the optimum"
            )
        return notes

    def save(self, path: str | os.PathLike[str], embed_data: bool = True) -> None:
        """Write the certificate file."""
        self.certificate.save(path, embed_data)

    def __repr__(self) -> str:
        lower, upper = bracket_text(self.lower, self.upper)
        return f"<Certification {lower} <= optimum <= {upper}, the network {self.value:.10g}>"

    def _repr_html_(self) -> str:
        first, *notes = (escape(line) for line in str(self).split("; "))
        said = "".join(f"<br><small>{note}</small>" for note in notes)
        return f'<div class="cvxnet-certification">{first}{said}</div>'

    def __str__(self) -> str:
        lower, upper = bracket_text(self.lower, self.upper)
        found = f"{lower} <= optimum <= {upper} (relative gap {self.gap:.1e})"
        given = f"the network has {self.value:.10g}, {excess_text(*self.excess)}"
        return "; ".join([found, given, *self.notes])


def certify(
    network: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    output_weights: str = "any",
    sample_weight: Any = None,
    gap: float = 1e-6,
    solver: str = "CLARABEL",
    time_limit: float | None = 60.0,
    progress: bool = False,
) -> Certification:
    """Prove how far above the global optimum a given two-layer network is.

    The network's own dual vector, the gradient of the loss at its predictions, is priced first; for
    a loss with kinks, which has many there, that of the best network without units. If that does
    not close the bracket, column generation goes on from the network's own units.

    Parameters
    ----------
    network : Sequential or torch module
        ``Linear, activation, Linear``, trained by anyone, or without an activation,
        as `cvxnet.train` makes them of linear units; Sequentials may be nested, and a `BatchNorm`
        is folded into the Linear layer before or after it. Of a deeper network the last two
        layers are certified, on the features that the layers below compute: those of
        ``cvxnet train``, which begin with a fixed `BatchNorm`, on the standardised columns.
    X, y, loss, sample_weight, solver, progress
        As in `cvxnet.train`.
    weight_decay : float
        Coefficient of half the sum of the squares of all weights of the (last) two layers, the
        hidden bias included and the output bias not, beside a loss summed over samples. In torch::

            loss = 0.5 * ((model(X) - y) ** 2).sum()
            decay = 0.5 * weight_decay * sum(
                (p**2).sum() for name, p in model.named_parameters() if name != "2.bias"
            )
            (loss + decay).backward()

        which for SGD equals ``weight_decay=weight_decay`` in the optimizer on a summed loss, with
        the output bias in a parameter group without decay. AdamW's decay is not this objective.
        With several outputs the loss is the sum over all entries; ``"cross_entropy"`` is
        ``torch.nn.CrossEntropyLoss(reduction="sum")(model(X), numbers)``, where the number of a
        class is its place among the labels of y, sorted: the outputs are in that order.
        For units that are not positively homogeneous of degree one (sign, threshold, squared ReLU,
        quadratic, tanh) the penalty is the one described in `cvxnet.train`.
    output_weights : str
        As in `cvxnet.train`: ``"nonneg"`` or ``"nonpos"`` compare the network with those whose
        output weights have that sign, as its own have to.
    gap : float
        Relative width of the bracket around the optimum at which to stop.
    time_limit : float, optional
        Seconds; the bracket is true whenever it ends.

    Returns
    -------
    Certification

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        A network that is not one of those covered.

    See Also
    --------
    train : The best network of every width, with the bracket of all.
    check : Re-proves a certificate, without a solver.
    compare : Many runs of SGD, Adam and L-BFGS, each measured against the bracket.

    Examples
    --------
    >>> import numpy as np
    >>> from cvxnet.layers import Linear, ReLU
    >>> network = Sequential(Linear(1, 2, bias=False), ReLU(), Linear(2, 1, bias=False))
    >>> _ = network.load_state_dict({"0.weight": [[-1.0], [1.5]], "2.weight": [[1.0, 1.5]]})
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> cert = certify(network, X, y, weight_decay=0.1)
    >>> round(cert.lower, 6), round(cert.upper, 6), round(cert.value, 6)
    (0.29, 0.29, 0.35625)
    >>> round(cert.excess[1], 6)  # (0.35625 - 0.29) / 0.29
    0.228448
    """
    budget = Budget(gap=gap, solver=solver, time_limit=time_limit, progress=progress)
    question = ask(
        network,
        X,
        y,
        loss=loss,
        weight_decay=weight_decay,
        output_weights=output_weights,
        sample_weight=sample_weight,
    )
    return answer(question, budget)


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """How far above the optimum a network is: the objective, and the layers below it."""

    objective: Objective
    network: TwoLayers
    below: Sequential | None
    folded: bool


def ask(
    network: Any,
    X: Any,
    y: Any,
    *,
    loss: str,
    weight_decay: float,
    output_weights: str,
    sample_weight: Any = None,
) -> Question:
    """The question that `certify` answers, checked."""
    layer = as_layer(network)
    if layer is None:
        raise InputError(
            f"certify takes a network (cvxnet.Sequential or torch.nn.Sequential), not a "
            f"{type(network).__name__}. cvxnet.train trains one from the name of a unit family."
        )
    layers = flattened(layer) or [layer]
    plain = without_norms(layers)
    below, top = split_deep(plain)
    two = read_network(top, whole=layer)
    objective = Objective(
        units=two.family,
        form=two.form,
        network=two,
        X=X if below is None else below(check_matrix(X)),
        y=y,
        loss=get_loss(loss),
        weight_decay=weight_decay,
        output_weights=output_weights,
        sample_weight=sample_weight,
    )
    check_output_weights(two.weights, objective.output_weights)
    return Question(objective=objective, network=two, below=below, folded=len(plain) < len(layers))


def answer(question: Question, budget: Budget) -> Certification:
    """The bracket around the optimum, and where the network is beside it."""
    two, below = question.network, question.below
    best = solve(question.objective, budget)
    certificate = replace(best.certificate, weights=two.weights).rounded_outward()
    lower, upper = certificate.lower, certificate.upper
    return Certification(
        certificate=certificate,
        best=best,
        closed_by=closed_by(lower, upper, budget.gap, best.tolerance),
        width=two.width,
        layers_below=0 if below is None else len(below),
        standardised=below is not None and len(below) == 1 and isinstance(below[0], BatchNorm),
        folded=question.folded,
    )


def split_deep(layers: list[Layer]) -> tuple[Sequential | None, Sequential]:
    """The layers below the last two (None where there are none), and those two.

    Between the two stands an activation, or nothing; or both are inside a `Residual`.
    """
    top = 3
    if isinstance(layers[-1], Residual):
        top = 1
    elif all(isinstance(layer, Linear) for layer in layers[-2:]):
        top = 2
    if isinstance(layers[0], BatchNorm) and 1 < len(layers) <= top:
        top = len(layers) - 1  # so that what is refused is what stands above it
    below, rest = layers[:-top], layers[-top:]
    return Sequential(*below) if below else None, Sequential(*rest)
