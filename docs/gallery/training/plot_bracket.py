"""
The bracket closes
==================

One frame of a film of training: the fit, v.phi over all units, and the bracket around the optimum.
``film.save("bracket.gif")`` writes all of them, one a round.
"""

import numpy as np

from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])

# %%
# With ``one_by_one`` a single unit enters in each round, so that there is something to see.

course = plots.follow_training("relu", x, y, weight_decay=0.05, one_by_one=True)
film = plots.animate_bracket(course.solution, course.rounds)
film.draw(len(film) // 2)
