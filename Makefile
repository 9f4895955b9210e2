# make demo: a network on real data, solved to the global optimum. make test: the tests.
# Both make .venv first where it is missing. PYTHON=python3.12 chooses another Python (>= 3.11).
PYTHON ?= python3
BIN := .venv/bin

demo: .venv/installed
	$(BIN)/cvxnet demo

test: .venv/installed
	$(BIN)/pytest -q -n 2

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv cvxnet-demo

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cvxnet needs Python 3.11 or newer; choose one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[demo,test]"
	touch $@

.PHONY: demo test lint clean
