"""Second derivatives enclosed on boxes: the kind "boxes".

Read `enclosures` (intervals of balls, ends may be infinite), `curves` (functions of one number
with two derivatives), `jets` (value, gradient, Hessian), `atoms` (jets of every atom), `boxes`.
"""
