"""The quiz: generated questions whose keys are verdicts and brackets of cvxnet."""
