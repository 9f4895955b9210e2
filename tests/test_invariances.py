"""Two writings of one training problem have one optimum: a sample of the adversary's trials.

``experiments/adversary/invariances.py`` says which writings, draws them and compares them.
"""

import numpy as np
import pytest

from experiments.adversary import invariances, trials

SEED = 0
COUNT = 6
"""Trials of each invariance."""


@pytest.mark.parametrize("name", invariances.INVARIANCES)
def test_two_writings_of_one_problem(name, monkeypatch):
    """Half of the adversary's time: brackets that are open then have to overlap."""
    monkeypatch.setattr(invariances, "LIMIT", 2.5)
    compared = 0
    for number in range(COUNT):
        trial = invariances.trial_of(name)
        script = trials.run_trial(f"invariance-{name}", trial, SEED, number)
        assert not script.failures, f"trial {number}:\n{script.failures[0].snippet}"
        compared += script.checked[f"{name}: two writings of one problem"]
    assert compared == COUNT


@pytest.mark.parametrize("name", ["scaled_data", "scaled_target", "nothing"])
def test_some_are_compared_to_the_last_bit(name):
    trial = invariances.trial_of(name)
    scripts = (trials.run_trial(f"invariance-{name}", trial, SEED, k) for k in range(20))
    assert any(script.checked[f"{name}: to the last bit"] for script in scripts)


@pytest.mark.parametrize(("name", "spoil"), [("offset", "y"), ("scaled_data", "X")])
def test_another_problem_is_told_from_the_same(name, spoil):
    """A comparison that cannot fail would not be one."""

    class Spoilt(trials.Script):
        def run(self, line, refusals=()):
            if line.startswith("other = "):
                super().run(f"{spoil} = {spoil}.copy(); {spoil}[0] += 1.0 + abs({spoil}).max()")
            return super().run(line, refusals)

    rng, found = np.random.default_rng(0), 0
    for _ in range(6):
        script = Spoilt("spoilt")
        try:
            invariances.trial_of(name)(rng, script)
        except trials.EndedError:
            continue
        found += bool(script.failures)
    assert found >= 2
