"""How long does the proved optimum take, from a thousand samples to a million, and who is faster?

ReLU networks in the plane (two features and a bias, rank 3): Gaussian features with the targets
"planted" (a network of five units, with noise) and "rough" (sin(2a) cos(2b), with noise), squared
loss, and as classes (above the median or not) logistic loss; and two features of breast_cancer and
diabetes repeated to 100,000 samples, with noise; "rough" up to as many. Weight decay 0.01 of the
largest useful one.

* ``growth``: cvxnet alone. Where the time went (pricing, master, sliding with refining and
  pruning, making the certificate), and what came of the certificate: written to a file, read again
  and proved by the checker, exactly where that ends in time and otherwise with rounding bounds. The
  growth in the number of samples is the slope of a line through the logarithms, of what closed from
  a thousand samples on.
* ``peers``: the other ways of the experiment `peers` beside it, at sizes at which they have not
  given up before: the full program (Clarabel, ECOS, SCS), pyscnn, adelie, Adam and L-BFGS.

Every measurement is a process of its own on one thread, after a warm-up on a dozen of the samples:
processor time, and peak memory with imports. A process that asks for more than 12 GB, or takes much
longer than its limit, is stopped, and asked no more of larger problems of that kind. What is
measured once is kept, so that parts may run one after the other, and all of it at last.

Floors: reading the data n d; a pricing at rank 3 about n log n; a Newton step n m^2 for m units.

    python -m experiments speed [--part growth|peers] [--only planted|rough|repeated]
                                [--loss squared|logistic] [--largest N] [--limit SECONDS]
                                [--quick] [--out DIR]
"""
