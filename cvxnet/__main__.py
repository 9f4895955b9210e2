"""``python -m cvxnet``: the ``cvxnet`` command."""

from cvxnet.cli import main

if __name__ == "__main__":
    main()
