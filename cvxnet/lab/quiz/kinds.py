"""The kinds of questions, in the order of a lecture, and the item that a seed makes of each."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from cvxnet.errors import InputError
from cvxnet.lab.quiz import disciplines, functions, networks, proofs, training
from cvxnet.lab.quiz.items import Draw, Item, has_one_answer

MOST_DRAWS = 200
"""So often is something drawn until its answer was proved."""


@dataclass(frozen=True)
class Kind:
    """A kind of question.

    Attributes
    ----------
    name, title, topic : str
        What addresses, headings and the contents call it.
    draw : callable
        Makes an item from a random generator; None where nothing was proved.
    exhibit : str
        The exhibit that shows what it is about.
    """

    name: str
    title: str
    topic: str
    draw: Draw
    exhibit: str


FUNCTIONS, NETWORKS, TRAINING, PROOFS = "Functions", "Networks", "Training", "Proofs"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("curvature", "Convex or not?", FUNCTIONS, functions.curvature, "one-weight"),
        Kind("composition", "Compositions", FUNCTIONS, functions.composition, "one-weight"),
        Kind("operation", "Sums, maxima, products", FUNCTIONS, functions.operation, "one-weight"),
        Kind("domain", "Convex where?", FUNCTIONS, functions.domain, "one-weight"),
        Kind("losses", "Losses", FUNCTIONS, functions.losses, "one-weight"),
        Kind("quasiconvex", "Quasiconvex", FUNCTIONS, disciplines.quasiconvex, "convex"),
        Kind("loglog", "Log-log convex", FUNCTIONS, disciplines.loglog, "convex"),
        Kind("input", "Convex in the input?", NETWORKS, networks.in_input, "convex"),
        Kind("blame", "Which entry is to blame?", NETWORKS, networks.to_blame, "convex"),
        Kind("repair", "Repairs", NETWORKS, networks.repair, "convex"),
        Kind("blocks", "Convex in which weights?", NETWORKS, networks.blocks, "convex"),
        Kind("midpoint", "Between two optima", TRAINING, training.midpoint, "swapped"),
        Kind("cells", "Activation patterns", TRAINING, training.cells, "lift"),
        Kind("reach", "Below this value?", TRAINING, training.reach, "plane"),
        Kind("zero", "When nothing pays", TRAINING, training.zero_network, "columns"),
        Kind("decays", "Between two weight decays", TRAINING, training.three_decays, "plane"),
        Kind("width", "With fewer units", TRAINING, training.two_units, "plane"),
        Kind("signs", "The price of convexity", TRAINING, training.output_signs, "plane"),
        Kind("claims", "What a certificate proves", PROOFS, proofs.follows, "proof"),
        Kind("tampered", "What the checker accepts", PROOFS, proofs.tampered, "proof"),
        Kind("excess", "How far from the optimum?", PROOFS, proofs.excess, "sgd"),
    )
}
"""All kinds by name."""


def make_item(kind: str, seed: int) -> Item:
    """The item of this kind that belongs to a seed, with its key proved.

    Parameters
    ----------
    kind : str
        A name in `KINDS`.
    seed : int
        From 0; the same seed makes the same item.

    Raises
    ------
    InputError
        For another name.

    Examples
    --------
    >>> item = make_item("curvature", 1)
    >>> item.prompt, len(item.options), item == make_item("curvature", 1)
    ('What is this function of one number x?', 4, True)
    """
    if kind not in KINDS:
        raise InputError(f"there is no question of the kind {kind!r}; choose one of {[*KINDS]}.")
    rng = np.random.default_rng([seed, crc32(kind.encode())])
    for _ in range(MOST_DRAWS):
        item = KINDS[kind].draw(rng)
        if item is not None and has_one_answer(item.options):
            return item
    raise RuntimeError(f"no question of the kind {kind!r} could be proved for the seed {seed}")
