"""Pricing of units that are steps: exact over all dichotomies, else a search and a bound.

hyperplanes, integer_rows, determinants   the data as distinct hyperplanes, exactly
circles, dichotomies, faces, sums         all cells and faces, and sums of steps over them
pricing, search                           what a unit family calls: small, and large
circle_search, branching                  local search, and the proved bound
"""
