# `make demo` runs the main job, `make test` the tests; each makes .venv if it is missing.
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

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[demo,test]"
	touch $@

.PHONY: demo test lint
