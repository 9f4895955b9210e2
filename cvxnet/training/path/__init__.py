"""Networks for every weight decay between two ends, with few trainings and a proof of all.

`cvxnet.training.path.points` derives what a trained network proves of other weight decays,
`cvxnet.training.path.walk` chooses where to train next.
"""
