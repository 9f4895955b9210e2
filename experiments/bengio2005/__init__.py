"""Can a network of sign units be trained exactly, one unit at a time, and does it pay?

Bengio, Le Roux, Vincent, Delalleau and Marcotte, "Convex Neural Networks" (NIPS 2005), on double
moons (scikit-learn's make_moons, n = 100, ten runs, noise .1 as for the reference values, and .3).
Their objective is ``sum_t (f(x_t) - y_t)^2 + lambda sum_j |w_j|`` with lambda = 1: twice that of
``cn.train("sign", X, y, weight_decay=lambda / 2)``. Numbers are in the paper's scale, but for the
values in the table of widths, which are cvxnet's.

* Learners: ConvexNN, the algorithm of section 4, adds a unit a round and fits all output weights
  again (a Lasso of scikit-learn). The unit comes from an exact step (a pricing of cvxnet over all
  dichotomies), or from weighted classifiers of scikit-learn: linear SVM, logistic regression,
  perceptron, and the best of 20 perceptrons. It stops when the new unit h has
  ``|sum_t q_t h(x_t)| <= lambda``, q the derivative of the loss. Hidden weights are not tuned
  together with the output weights, which the paper's step 7 allows. Beside it, `cn.train`, many
  units a round.
* Certificates: at each round the exact step gives the largest ``|sum_t q_t h(x_t)|`` of all units,
  and a scaled q is a lower bound; `cn.certify` judges the networks at the end.
* Width: units of optima for hinge loss (theorem 3.1: n + 1 suffice) and squared loss, on moons and
  on random targets; a vertex of the whole linear program (cn.program, HiGHS's dual simplex).
* Tanh units, for rising bounds on the length of their weights; the penalty against none; boosting
  of scikit-learn on the same data.

    python -m experiments bengio2005 [--quick] [--seeds 10] [--out DIR]

In full 37 minutes on two busy cores, by estimate ten of one that is idle. An exact step takes 0.02
s at n = 100. The paper's moons are not available (its "double moon" comes from Delalleau et al.
2005), nor are its settings of the approximate step: its numbers are held against the pattern here
only. Test errors are those of 20,000 fresh points.
"""
