"""Several outputs or classes in one network: what is proved, beside Adam and one-vs-rest?

ReLU units with a hidden bias. Seconds are those of the processor, certificate included.

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

Measured with Python 3.11, November 2026, on two cores, with at most two of these parts at a time
and limits of 60, 40 and 2 seconds for a network. ``random``: units, seconds and gap; an asterisk is
what the limit left open. At n = 300, c = 2, squared, most seconds are those of compiling the check.

    share 0.1          c = 2                c = 3                c = 10
    squared
     n = 20         5   0.2 5.8e-13      5   0.2 3.9e-13      8   0.4 6.4e-10
     n = 50         8   0.6 7.9e-08     11   0.7 9.5e-09     13   2.9 2.2e-08
     n = 100       10   1.5 5.9e-13     11   1.9 8.8e-07     15   3.5 5.7e-08
     n = 300        6  13.3 1.0e-12      7   2.1 2.6e-07      8   2.3 2.6e-08
     n = 1000       7  17.2 3.7e-07      8  32.1 5.2e-08      9  45.0 3.8e-07
    cross entropy
     n = 20         5   0.1 1.3e-07      3   0.2 2.5e-13     11   0.4 6.5e-08
     n = 50         3   0.3 1.0e-08      5   0.6 2.2e-10      8   1.0 1.6e-08
     n = 100        6   1.2 1.0e-07      7   2.1 2.9e-07     13   2.6 1.6e-07
     n = 300        4   1.8 1.4e-07     10   3.4 9.4e-07     15   9.6 4.3e-07
     n = 1000       5   9.5 2.0e-09      4   5.6 2.0e-12      9  22.7 1.1e-07

    share 0.01         c = 2                c = 3                c = 10
    squared
     n = 50                             27   2.2 2.6e-07     39   8.8 3.9e-07
     n = 100                            19   2.9 5.1e-07    43  60.0 5.7e-06*
    cross entropy
     n = 50                             10   1.1 3.4e-07     14   0.7 2.3e-10
     n = 100                             9   1.6 1.4e-07     16   2.8 3.8e-07

``sets``: our objective, gap, units and seconds; by how much the best and the worst of ten networks
of Adam end above it, and the seconds of all of them. On digits Adam is ahead.

    iris     0.3    131.42764  7.3e-07    3    18    +5.5e-09  +3.4e-06    20
    iris     0.1     83.64175  9.5e-07    4    11    +3.2e-09  +9.3e-06    21
    iris    0.03     42.78818  4.8e-04    5    34    -4.3e-08  -2.1e-08    19
    wine     0.3    126.03851  8.6e-07    3     7    +6.1e-09  +1.0e-08    31
    wine     0.1     63.68317  9.1e-07    3    10    +6.2e-09  +1.2e-08    38
    wine    0.03     27.67557  5.4e-05    3    40    +4.1e-05  +1.2e-04    38
    digits   0.1    997.42341  4.9e-01   64    41    -9.3e-06  +3.3e-05   201
    digits  0.03    433.62834  5.4e-01   83    41    -2.4e-05  +1.4e-04   206

``shared``: accuracy on test sets with its standard error over 20 splits, units, seconds.

    iris   softmax  0.9567 +- 0.0078    2.0    2.2
    iris   ovr      0.9611 +- 0.0068    4.0    4.1
    wine   softmax  0.9935 +- 0.0024    3.0    1.9
    wine   ovr      0.9907 +- 0.0028    3.6    2.9
    digits softmax  0.9643 +- 0.0020   49.2    5.3
    digits ovr      0.9627 +- 0.0018   37.0   26.4
"""
