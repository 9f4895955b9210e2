"""The hyperplanes that the data cut the space of the units into, and the cells between them.

arrangement      the distinct hyperplanes, in the coordinates of the data's rank
cells            a cell's inner point and facets; the list of all cells
counts           how many cells there are, and a point inside each
circles          an arrangement in space, along one of its circles
"""
