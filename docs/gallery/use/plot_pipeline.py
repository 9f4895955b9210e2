"""
In a pipeline of scikit-learn
=============================

The estimator is one like any other: it is scaled, cross-validated and tuned with the tools that are
there. Only, each fit knows how far from its optimum it is.
"""

import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import cvxnet as cn
from cvxnet.plots.style import BLUE, ORANGE, new_figure, styled

X, y = make_moons(80, noise=0.3, random_state=0)
model = make_pipeline(StandardScaler(), cn.ConvexNetClassifier("relu", time_limit=10))
decays = [0.1, 0.3, 1.0, 3.0, 10.0]
name = "convexnetclassifier__weight_decay"
train, test = validation_curve(
    model, X, y, param_name=name, param_range=decays, cv=4, scoring="neg_log_loss"
)

# %%
# Less weight decay always fits the training rows better; not so the rows that are held out. The
# optimum is one of training.

with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    axes.semilogx(decays, -train.mean(axis=1), "o--", color=ORANGE, label="training rows")
    axes.semilogx(decays, -test.mean(axis=1), "s-", color=BLUE, label="rows held out")
    axes.set(xlabel="weight decay", ylabel="log loss, mean of 4 folds")
    axes.set_xticks(decays, decays)
    axes.minorticks_off()
    axes.legend()
figure

# %%
# Fitted with the best of them.

best = decays[int(np.argmax(test.mean(axis=1)))]
model.set_params(**{name: best}).fit(X, y)
cn.plots.plot_solution(model[-1].solution_, ["first", "second"])
