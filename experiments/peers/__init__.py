"""Who solves the same problem, how fast, in how much memory, and who can prove it?

Two-layer ReLU networks with a decayed hidden bias, weight decay, squared loss (and the logistic
loss or cross entropy, where classes are asked and the method can). Methods:

* cvxnet: column generation, ``cn.train`` as it comes;
* the full program (Pilanci and Ergen 2020, equation 8), every cell and every inequality, in CVXPY
  with ECOS, SCS and Clarabel; and with Clarabel of each cell only the facets. cvxnet enumerates the
  cells; networks are read off by ``cn.recover``, which leaves out units that are not needed, and
  is not timed;
* sampled gates, which may miss cells: pyscnn (Mishkin, Sahiner, Pilanci 2022; 100 gates, single
  precision, its own tolerances; "tight": 500 gates, double precision, tolerances of 1e-8; columns
  not rescaled, which would be another decay); adelie's gated program with 100 gates, decomposed
  into cones by least squares; ADMM as in CRONOS (Feng, Frangella, Pilanci 2024; 100 gates), our own
  reading of it: its code is no package. With several outputs they train one by one: units are not
  shared (in the column ``shared``), another problem;
* torch: SGD (batches of 64, momentum), Adam, L-BFGS; width 100, ten restarts, SGD and Adam at four
  rates each, whose time all counts; as many steps (3000 at most) as fit in the limit;
* scikit-learn's MLP as it comes, width 100, ten restarts or as many as fit. Its ``alpha`` is the
  weight decay (times batch size / samples, divided by the outputs for the squared loss: it averages
  over them). It does not decay biases; its output bias becomes a unit that is 1 everywhere.

Every measurement is a process of its own on one thread: processor and wall time after a warm-up on
a dozen samples, and the peak memory of all, imports included. A method gets ``--limit`` seconds of
processor time; who cannot stop by itself is stopped soon after, has no network, and is not asked
about larger problems of that kind. Whatever network comes back is evaluated here, in one way: the
objective with each unit scaled so that its decay is least. What is certified is the lower bound of
cvxnet's own certificate, for the real data of ``cn.certify`` of the best network of the others too,
where that is higher: ``excess`` is how far above it a network is.

Data: Gaussian features, "planted" (five units) and "rough" (sin(2a) cos(2b)), with noise, ranks 2
to 5 (the hidden bias counted), weight decay 0.01 of the largest useful one; and, standardised,
breast_cancer, diabetes, digits, iris and wine with all classes. pyscnn and adelie live in an
environment of their own (``make peers``, or PEERS_PYTHON); where that is missing, their lines say
so.

    python -m experiments peers [--quick] [--limit 6] [--part gaussian|real] [--out DIR]

With 6 seconds a measurement all took 26 minutes, beside another run on two cores; half of that is
loading packages, in some 250 processes. With ``--quick`` nearly all run in one process. What cannot
be said: ten starts and four rates are not every way to train, and 100 gates not every sample.
"""
