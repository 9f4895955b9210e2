"""The convexity lab: a web page over the public interface of cvxnet."""

from cvxnet.lab.server import serve

__all__ = ["serve"]
