"""What is an exact optimum good for?

ReLU networks trained to the global optimum (`cvxnet`'s estimators) beside networks that SGD and
Adam make of the very same objective (torch, 50 wide), scikit-learn's MLP (100 wide), gradient
boosting (scikit-learn's GradientBoosting, whose splits are exact: the histograms of the other one
want leaves of 20 samples) and a linear model as a floor.

* **Test error** over 20 splits of each set: a third tests; of the rest a third chooses among six
  weight decays (penalties, numbers of trees), the same samples, the same number of candidates and
  the same rule for every method: the lowest held-out cross entropy or squared error. Then all of
  the rest is trained on. Sets of more than 210 samples give 210, each split its own. Differences
  are paired by split; their standard error is that of Nadeau and Bengio (2003, Machine Learning
  52), since splits share samples.
* **Stability**: the same data and the weight decay that the optimum has chosen, eight seeds of
  gradient training; of the optimum, which has no seed, three orders of samples and features.
* **Compression**: effective units (``units.py`` says what they are), and Adam from five seeds at
  widths 1, 2, 4, ..., 32, at that weight decay.

"iris 2", "breast_cancer 2" and "diabetes 2" have two features each (``problems.FEATURES``):
with a hidden bias that is rank 3, and the bracket closes. Elsewhere it does not in the 2 seconds
given, and "the optimum" is the best network found, with its bracket; the tables say which.
Networks that only choose a weight decay come from local search, and nothing is proved of them.

    python -m experiments worth [--quick] [--seeds 20] [--out DIR] [--sets iris-2 wine ...]

``--seeds`` is the number of splits. In full 19 minutes, beside another run on two cores; time
limits count the seconds of the clock, so on a busy machine networks whose bracket stays open come
out less good. Rates and steps of SGD and Adam were fixed beforehand by the training objective
alone.

What cannot be said: these are small sets, so small differences cannot be told; another gradient
training (more steps, other rates, early stopping) may do better or worse; and nothing here is
about deep networks.
"""
