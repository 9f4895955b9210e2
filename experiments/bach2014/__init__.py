"""What do convex networks gain over a kernel, and what does their hard step cost?

Bach, "Breaking the curse of dimensionality with convex neural networks" (arXiv 1412.8690; JMLR 18,
2017), in six parts, each a module with its tables, expectations and pictures:

* ``steps``: conditional gradient with exact and approximate steps against its rate, the duality gap
  as a certificate, and fully corrective steps;
* ``adaptivity``: F1 (learned units) against F2 (ridge regression with the arc-cosine kernel) as
  irrelevant features are added, and the l1 against the l2 ball for feature selection;
* ``smoothness``: alpha = 0, 1, 2 on a step, a kink and a smooth function;
* ``zonotopes``: the incremental step as the Hausdorff distance of two zonotopes;
* ``relaxations``: upper bounds on the incremental step against its exact value by rank and number
  of samples; and, where exact pricing does not end, what is left open.

    python -m experiments bach2014 [--quick] [--seeds 3] [--out DIR]

In full it took 35 minutes on two busy cores, by estimate 7 of one that is idle, most of them for
networks in many dimensions, which have two seconds each: on a slower or busier machine they are a
little worse. What cannot be said: rates of test errors in the number of samples, which are
asymptotic and were not looked at; and whether a network in more than a few dimensions is the
optimal one, as exact pricing does not end there. The gaps that were proved are in the tables.
"""
