"""Pricing: the unit that a dual vector likes best, and a proved bound on how much it likes any.

Units with kinks      sweep (rank <= 3), subdivision (beyond), vertices (l1 ball), relaxation (any
                      rank: a bound, with its evidence)
Curved units          curved_sweep (squared ReLU), interval_search (in a ball), spectral (quadratic)
Units that are steps  the folder steps
Columns only          climbing
"""
