"""Which claims of the blog post that started this hold, and what is true instead?

The post asks whether training a ReLU network becomes convex once inputs and weights are
non-negative, and suspects that two output nodes with cross entropy, log(1 + exp(y0 - y1)), are
where it fails. Every claim is put to ``cvxnet.analysis.convexity``, which proves or refutes it;
beside it stands what the rules of convex analysis say. Then:

* the counterexamples that are known by hand, against those that are found;
* an optimal network and the same with its units in another order, on data of ``--seeds`` seeds;
* what remains convex: one layer at a time, logarithms, inputs, the last layer;
* the two-output network: verdicts by layer, signs and labels; and its training. With all of the
  post's signs it is a convex problem in other variables (see ``two_nodes.py``), solved exactly and
  compared with ``starts`` local searches; without signs ``cvxnet.train`` brackets the optimum, on
  32 samples in four clouds crosswise, for each seed.

    python -m experiments seed_claims [--quick] [--seeds 10] [--out DIR] [--page FILE.md]

``--page docs/findings/seed-claims.md`` writes the claims as a page, with proofs and repairs. In
full it takes a minute.

Sources: the post itself; Boyd and Vandenberghe, Convex Optimization (2004), section 3.2.4; Amos, Xu
and Kolter, Input convex neural networks (ICML 2017); Agrawal, Diamond and Boyd, Disciplined
geometric programming (2019); Bengio et al., Convex neural networks (2005), for training.

What cannot be said: a verdict is about the network that is named, such as two inputs and two
units; that another one, or a deeper one, is not convex either is not proved here. The lines in the
pictures illustrate verdicts, and prove nothing by themselves.
"""
