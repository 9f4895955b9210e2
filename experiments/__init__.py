"""Experiments: callers of the public interface that measure, compare and attack."""
