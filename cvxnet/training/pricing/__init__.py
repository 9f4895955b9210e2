"""Pricing: the unit that a dual vector likes best, and a proved bound on how much it likes any.

Units with kinks      subdivision, l1_ball (rank <= 3); a bound is in the folder bounds
Curved units          quadratic_sweep (squared ReLU), box_search (in a ball), spectral
Units that are steps  the folder steps
Columns only          ascent
"""
