"""Several outputs or classes in one network: what is proved, beside Adam and one-vs-rest?

ReLU units with a hidden bias. Seconds, and their limits, are those of the processor, certificate
included.

    python -m experiments several_outputs [--quick] [--seeds 20] [--out DIR]
                                          [--parts random sets shared] [--seconds N]

``random``: samples of rank 3 (two features and the bias), targets of six units with noise, or their
largest as classes; weight decay 0.1 or 0.01 of the largest useful one.
``sets``: iris (4 features), wine (13) and 70 % of digits (64), standardised, cross entropy. Adam is
the best and the worst of ten networks of width 100 at the best of three rates, as its excess over
our objective.
``shared``: one network for all classes and one for each class against the rest, at 0.1 of the
largest useful weight decay of each: accuracy on test sets, units of all networks together, seconds.
``--seeds`` are the splits into training and test sets.

What the other parts found is in the record. ``sets`` was measured in November 2026 on two cores, by
the clock: our objective, gap, units and seconds; by how much the best and the worst of ten networks
of Adam end above it, and the seconds of all of them. On digits Adam is ahead.

    iris     0.3    131.42764  7.3e-07    3    18    +5.5e-09  +3.4e-06    20
    iris     0.1     83.64175  9.5e-07    4    11    +3.2e-09  +9.3e-06    21
    iris    0.03     42.78818  4.8e-04    5    34    -4.3e-08  -2.1e-08    19
    wine     0.3    126.03851  8.6e-07    3     7    +6.1e-09  +1.0e-08    31
    wine     0.1     63.68317  9.1e-07    3    10    +6.2e-09  +1.2e-08    38
    wine    0.03     27.67557  5.4e-05    3    40    +4.1e-05  +1.2e-04    38
    digits   0.1    997.42341  4.9e-01   64    41    -9.3e-06  +3.3e-05   201
    digits  0.03    433.62834  5.4e-01   83    41    -2.4e-05  +1.4e-04   206
"""
