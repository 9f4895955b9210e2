"""Which networks cvxnet takes, of those that people bring from elsewhere?

Each is made here, in a few lines: torch modules and files, what ``torch.onnx.export`` writes, ONNX
models of operator sets 7 to 21 by hand, the kinds of OMLT, estimators of scikit-learn and what
skl2onnx makes of them. cvxnet reads it; its outputs are compared with those of the original (torch,
onnxruntime or scikit-learn) on 50 random rows. What it refuses is quoted. Where OMLT is installed
beside cvxnet (``pip install omlt``, not needed otherwise), it is given the ONNX files, too.

    python -m experiments networks [--quick] [--out DIR] [--page FILE.md]

``--page docs/findings/networks.md`` writes the table as a page. What cannot be said: the collection
is one of kinds, not of how often people bring them; a share of it is no share of all networks.
"""
