"""Which solver is fastest for L1-regularised linear classification, and where?

Yuan, Chang, Hsieh and Lin 2010 (JMLR 11:3183-3234) minimise ``|w|_1 + C sum_i loss(y_i w.x_i)``
with the logistic loss or the squared hinge (L2-loss SVM), without intercept. By their protocol each
solver is run at rising precision, each time from the start, and held against the others by

* the relative error of the objective, ``(f(w) - f*) / f*``, where f* is the smallest value that
  any of them came to, liblinear at tolerance 1e-8 among them; a dual vector proves a lower bound,
  so that it is known how far off f* may be;
* the length of the shortest subgradient of f at w;
* accuracy on the fifth of the samples that is held out; C is chosen by cross-validation;
* how many weights are not zero,

all against processor seconds: of the solver alone, on data in the form that it likes best, side by
side in one run, one thread each. Points judge the weights that came back, by the same functions.

What is run: liblinear 2 by its authors (newGLMNET for the logistic loss, coordinate descent CDN
for the SVM), and scikit-learn's copy of it; scikit-learn's saga; celer, skglm, adelie; OWL-QN
(liblbfgs); CVXPY with Clarabel, ECOS and SCS on small data; `coordinate` units of cvxnet, for which
weight decay is 1/C, without the seconds in which the certificate is checked (the others prove
nothing). Peers are a process of their own (`make peers`; or PEERS_PYTHON); one that is absent has a
line that says so. saga, celer, skglm and adelie have no squared hinge; the conic solvers are left
out where the data have more than 200,000 numbers.

Sets: breast_cancer and digits (0-4 against 5-9) of scikit-learn, all products of two pixels of
those digits, 500 x 4000 dense numbers, and 125,000 x 100,000 sparse ones, made with a seed; four
fifths train. cvxnet solves by scikit-learn's lasso within proximal Newton steps, and proves.

    python -m experiments yuan2010 [--quick] [--seeds 1] [--out DIR] [--sets digits ...]

The full run took 11 minutes on two busy cores, by estimate 7 of one that is idle, as a series of
one solver on one problem ends with the run that takes it beyond 2 processor seconds. A seed is one
of the split (and of the data that are made). What cannot be said: anything about methods of the
paper that nobody distributes today (BBR, BMRM, TRON for L1, CGD-GS, Lassplore, FPC, l1_logreg, CDN
for the logistic loss), or about its data, which are documents of up to millions of features. On
small data the seconds are mostly those of Python around a solver.
"""
