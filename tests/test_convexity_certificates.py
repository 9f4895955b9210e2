"""The certificate of a verdict: what it claims is re-proved, and nothing else is."""

import json

import cvxpy as cp

import cvxnet as cn
from cvxnet.analysis import convexity


def test_a_refutation_travels(tmp_path):
    x = cp.Variable(name="x")
    verdict = convexity(cp.square(cp.square(x) - 1))
    verdict.certificate.save(tmp_path / "a.json")
    result = cn.check(tmp_path / "a.json")
    assert result.valid and result.claims == ("not convex", "not concave")


def test_a_changed_point_proves_nothing():
    x = cp.Variable(name="x")
    document = json.loads(json.dumps(convexity(cp.square(cp.square(x) - 1)).certificate.to_dict()))
    for place in document["claims"][0]["proof"]["a"]:
        document["claims"][0]["proof"]["a"][place] = document["claims"][0]["proof"]["b"][place]
    result = cn.check(document)
    assert not result.valid and result.reason == "no violation"
