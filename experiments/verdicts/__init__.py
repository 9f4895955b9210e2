"""How many questions about convexity are decided, and is each answer right?

A labelled set: functions from textbooks and from the benchmarks of global optimisation, products
and quotients that CVXPY's rules do not accept, functions on boxes, polynomials, problems with their
constraints, and networks. Each has its truth and why that is so, and nothing of it comes from
cvxnet: a second derivative, a named theorem, a construction; for piecewise-linear networks of one
or two inputs brute force over all cells in rational arithmetic, for others three rational points.
Half of the hard ones are made of others by transformations that keep convexity, or break it.

Every one is put to ``cvxnet.convexity``. What is counted, for each class: wrong answers, unknown
ones (a question open about convexity, or, of an expression, about concavity), seconds, and whether
``cvxnet.check`` proves the certificate again after a trip through JSON. Beside it:

* CVXPY alone: what its rules accept; they refute nothing.
* Hessian sampling, as one does it without a library: finite differences at random points, and
  "convex" where no eigenvalue is below zero. It is asked about expressions and given networks.
* Certificates that were tampered with: claims turned into false ones with their proofs kept, or
  with proofs of other claims, and entries changed anywhere. What is then accepted is held to three
  points by the checker of counterexamples.

    python -m experiments verdicts [--quick] [--out DIR] [--jobs 2]

In full it takes some minutes.

What cannot be said: a set that was gathered by those who mend what it shows is no random sample of
what people ask.
"""
