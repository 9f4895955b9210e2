"""Pricing: the unit that a dual vector likes best, and a proved bound on how much it likes any.

Units with kinks      subdivision, l1_ball (rank <= 3), relaxation (a bound, with its evidence)
Curved units          quadratic_sweep (squared ReLU), interval_search (in a ball), spectral
Units that are steps  the folder steps
Columns only          climbing
"""
