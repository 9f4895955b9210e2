"""TEACH: the convexity lab, a web page over the public interface of cvxnet."""
