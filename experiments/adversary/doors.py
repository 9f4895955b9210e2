"""Trials of bad and odd input at every public door: an answer or one of cvxnet's own errors."""

from __future__ import annotations

import re
import tempfile
from contextlib import chdir

import numpy as np

from cvxnet.errors import CvxnetError
from experiments.adversary.problems import FAMILIES
from experiments.adversary.trials import Script, listed

Rng = np.random.Generator

NUMBERS = listed(
    """
0 -1 0.5 1 1e-320 1e308 10**400 float('nan') float('inf') None 'x' '0.1' True 1+2j [] [1.0]
np.float32(0.1) np.int64(2) np.array(0.1) np.array([0.1]) np.array([0.1,0.2]) {} -0.0 1e-12 2**70
object() (1,) b'1' 1e16 np.bool_(True) np.nan
"""
)
TEXTS = listed(
    """
'' 'relu' 'RELU' 'x' None 3 b'relu' ['relu'] object() np.str_('relu') 'l2' 'l1' 'squared'
'logistic' 'hinge' 'CLARABEL' 'SCS' 'OSQP' 'GUROBI' ('a',) {} 1.5 True 'input' '0' 'weights'
'0.weight'
"""
)
MATRICES = listed(
    """
np.ones((3,2)) np.zeros((3,2)) [[1,2],[3,4],[5,6]] [[1,2],[3]] [] [[]] np.ones(3) np.ones((3,2,1))
np.ones((1,2)) np.ones((0,2)) np.ones((3,0)) None 'x' [['a','b'],['c','d'],['e','f']] 5
np.array([[1,np.nan],[0,1],[2,2]]) np.array([[1,np.inf],[0,1],[2,2]])
np.array([[1e200,1],[0,1],[2,2]]) np.array([[1e-200,1],[0,1],[2,2]])
np.array([[1e-310,0],[0,1e-310],[0,0]]) np.ones((3,2),dtype=complex) np.ones((3,2),dtype=bool)
np.array([[1,2],[3,4],[5,7]],dtype=object) np.array([[1,2],[3,4],[5,7]],dtype='uint8')
np.arange(6).reshape(3,2)[::-1] np.asfortranarray(np.arange(6.).reshape(3,2)) np.ma.ones((3,2))
np.arange(6.).reshape(3,2).astype('float16') np.array([['1','2'],['3','4'],['5','7']])
[[10**400,1],[1,2],[3,4]] [[True,False],[False,True],[True,True]] np.full((3,2),1e16)
np.array([[1e154,1],[0,1],[2,2]]) np.array([[-0.0,1],[0,1],[2,2]]) range(3)
{'a':[1,2,3],'b':[2,3,5]} object() np.array([[1.,2.],[3.,4.],[5.,7.]])
np.array([[1.,2.],[3.,4.],[5.,7.]]) np.eye(3)[:,:2]
"""
)
VECTORS = listed(
    """
np.ones(3) np.array([1.,0,2]) [1,2,3] [0,1,0] [-1,1,1] ['a','b','a'] [True,False,True] None 5 'x'
[] np.ones((3,1)) np.array([[1.,0,2]]) np.array([[1.],[0],[2]]) np.array([1,np.nan,0])
np.array([1,np.inf,0]) [1,2] [1,2,3,4] [10**400,0,1] np.array([1e300,0,1])
np.array([1e-310,0,2e-310]) np.array([1e154,1,0]) np.array([1,2,3],dtype=object)
np.array([1+1j,0,1]) [[1,2],[3,4],[5,6]] np.array([1,0,1],dtype='int8') [None,1,2] {1,2,3}
np.array(['1','2','3']) np.array([1e-200,0,1e-200]) [0.5,0.5,0.25] range(3)
np.array([1e16,1e16+2,1e16]) np.array([0,0,1e-300]) object()
"""
)
DOORS = [
    "cn.train({T}, {X}, {y}, weight_decay={n}, time_limit=1.0)",
    "cn.train('relu', {X}, {y}, {w})",
    "cn.train({f}, {X}, {y}, weight_decay={n}, time_limit=1.0)",
    "cn.train({f}, {e}, weight_decay={n}, gap={n}, time_limit={n})",
    "cn.train('relu', {e}, weight_decay=0.1, loss={T}, norm={T}, time_limit=1.0)",
    "cn.train('relu', {e}, weight_decay=0.1, bias={n}, skip={n}, time_limit=1.0)",
    "cn.train('relu', {e}, weight_decay=0.1, sample_weight={y}, time_limit=1.0)",
    "cn.train('relu', {e}, weight_decay=0.1, solver={T}, time_limit=1.0)",
    "cn.train(cn.Family('leaky_relu', slope={n}), {e}, {w})",
    "cn.train(cn.Family('tanh', radius={n}), {e}, {w})",
    "cn.train(cn.Family('polynomial', coefficients={y}), {e}, {w})",
    "cn.train(cn.Family('gated_relu', gates={X}), {X}, [1.,0.,2.], bias=False, {w})",
    "cn.train(cn.Family('gated_relu', gates={n}, seed={n}), {e}, {w})",
    "cn.train(cn.Family({T}, slope={n}), {e}, {w})",
    "cn.train({net}, {X}, {y}, {w})",
    "cn.certify({net}, {X}, {y}, weight_decay={n}, time_limit=1.0)",
    "cn.certify({net}, np.eye(3)[:, :2], [1.,0.,2.], weight_decay=0.1, loss={T}, time_limit=1.0)",
    "cn.certify({T}, {X}, {y}, {w})",
    "cn.largest_weight_decay({f}, {X}, {y})",
    "cn.program({f}, {X}, {y}, weight_decay={n})",
    "cn.program('relu', {e}, weight_decay=0.1, memory_limit={n})",
    "cn.recover({X})",
    "cn.check({T})",
    "cn.check({X})",
    "cn.check({'format': 'cvxnet-certificate', 'version': {n}})",
    "cn.load({T})",
    "cn.convexity({net}, wrt={T})",
    "cn.convexity({net}, wrt={n})",
    "cn.convexity({net}, loss={T})",
    "cn.convexity({net}, loss='squared', data=({X}, {y}))",
    "cn.convexity({net}, loss='logistic', data={X})",
    "cn.convexity({net}, weight_decay={n})",
    "cn.convexity({net}, effort={n})",
    "cn.convexity({net}, inputs={T})",
    "cn.convexity({X})",
    "cn.convexity({T})",
    "cn.convexity(cp.square(cp.Variable(name='x')), wrt={T})",
    "cn.Linear({n}, {n})",
    "cn.Linear(2, 1, nonneg={n})",
    "cn.LeakyReLU({n})",
    "cn.ELU({n})",
    "cn.Maxout({n})",
    "cn.HardTanh({n}, {n})",
    "cn.Softplus({n})",
    "cn.BatchNorm({n})",
    "cn.Conv2d({n}, {n}, {n}, image={y})",
    "cn.Conv2d(1, 1, 1, image=({n}, {n}))",
    "cn.MaxPool2d({n}, {n}, channels=1, image=(3, 3))",
    "cn.input_convex({y})",
    "cn.Sequential({T})",
    "cn.Sequential(cn.Linear(2, 1), seed={n})",
    "cn.Linear(2, 1).load_state_dict({'weight': {X}, 'bias': {y}})",
    "cn.Linear(2, 1)({X})",
    "cn.Linear(2, 1)({y})",
    "cn.Sequential(cn.Linear(2, 3), cn.ReLU())({X})",
    "cn.embed({net}, {X})",
    "cn.embed({net}, cp.Variable(3))",
    "cn.parametrize({net}, cp.Variable(2))",
    "cn.parametrize({T}, cp.Variable(2))",
    "cn.to_torch({T})",
    "cn.from_torch({T})",
    "cn.to_onnx({net}, {T})",
    "cn.to_torch({net})",
    "cn.conditional_gradient({f}, {X}, {y}, radius={n}, steps=3)",
    "cn.conditional_gradient('relu', {e}, radius=1.0, steps={n})",
    "cn.decompose({T})",
    "cn.compare({f}, {X}, {y}, optimizers=('lbfgs',), widths=({n},), seeds=1, {w})",
    "cn.ConvexNetRegressor({T}, weight_decay={n}, time_limit=1.0).fit({X}, {y})",
    "cn.ConvexNetRegressor('relu', {w}).fit({X}, {y}).predict({X})",
    "cn.ConvexNetClassifier('relu', {w}).fit({X}, {y}).predict({X})",
    "cn.ConvexNetClassifier('relu', loss={T}, {w}).fit(np.eye(3), [0,1,0])",
    "cn.Certificate.load({T})",
    "cn.Certificate(objective=cn.objective.Objective(units='relu', X={X}, y={y}, "
    "loss=cn.losses.get_loss({T}), weight_decay={n}), "
    "weights=cn.objective.Weights([[1.,2.]], {y}, [1.0]), v={y}, lower=0.0, upper=1.0)",
]
NETWORKS = [
    "cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))",
    "cn.Sequential(cn.Linear(2, 3), cn.ReLU())",
    "cn.Sequential(cn.ReLU())",
    "cn.Sequential(cn.Linear(2, 1))",
    "cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 2))",
    "cn.Linear(2, 1)",
    "cn.ReLU()",
    "cn.input_convex([2, 3, 1])",
    "cn.Sequential(cn.Linear(2, 3), cn.GELU(), cn.Linear(3, 3), cn.Softmax())",
    "torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))",
    "torch.nn.Linear(2, 1)",
    "torch.nn.ReLU()",
    "torch.nn.LSTM(2, 3)",
    "cn.Sequential(cn.Linear(3, 3), cn.Sign(), cn.Linear(3, 1))",
    "None",
    "3",
]
POOLS = {"T": TEXTS, "n": NUMBERS, "X": MATRICES, "y": VECTORS, "net": NETWORKS}
POOLS |= {"e": ["np.eye(3), [1.,0.,2.]"], "w": ["weight_decay=0.1, time_limit=1.0"]}
POOLS |= {"f": [repr(name) for name in FAMILIES]}
ALLOWED_IN_SKLEARN = (ValueError, TypeError)
"""scikit-learn's own checks speak first in the estimators."""


def fill(rng: Rng, template: str) -> str:
    """Random arguments for the places of a door."""
    return re.sub(r"\{(\w+)\}", lambda place: str(rng.choice(POOLS[place[1]])), template)


def trial(rng: Rng, script: Script) -> None:
    """One call with odd arguments."""
    door = str(rng.choice(DOORS))
    refusals: tuple[type[Exception], ...] = (CvxnetError,)
    if "ConvexNet" in door:
        refusals += ALLOWED_IN_SKLEARN
        script.run("import warnings")
        script.run("warnings.simplefilter('ignore', UserWarning)")
        script.run("warnings.filterwarnings('ignore', 'invalid value encountered in cast')")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # some doors write files
        script.run(f"answer = {fill(rng, door)}", refusals)
