# make demo: a network on real data, solved to the global optimum. make test: the tests.
# Both make .venv first where it is missing. PYTHON=python3.12 chooses another Python (>= 3.11).
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --editable

# Python keeps what it compiled, whatever the environment says: tests start it many times.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/demo
	$(BIN)/cvxnet demo

test: .venv/test
	$(BIN)/pytest -q -n 2 --dist worksteal

# A folder, proof-page, that checks certificates in the browser; needs npm besides.
proof-page: .venv/demo
	$(BIN)/python -m experiments proof_page --out $@

# An environment of their own for the packages that some experiments compare cvxnet with.
peers: .venv-peers/ready

.venv-peers/ready: experiments/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# The site, as a folder that any browser opens: docs/_build/html/index.html.
docs: .venv/docs
	$(BIN)/sphinx-build -W --keep-going -q -j 2 docs docs/_build/html
	@echo "docs/_build/html/index.html is the site"

# What strangers install, and the oldest and newest packages that it runs with: .ci/jobs.py.
package wheels oldest newest: .venv/release
	$(BIN)/python .ci/jobs.py $@

# The page of licences, from the metadata of what is installed.
licences: .venv/docs .venv/release
	$(BIN)/python docs/contributing/licences.py

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-peers cvxnet-demo proof-page dist
	rm -rf docs/_build docs/auto_gallery docs/reference/generated docs/reference/backreferences
	find . -name "*.nb[ci]" -delete

# What the demo needs, what the tests need besides (torch among it), the site, and a release.
.venv/demo .venv/test .venv/docs .venv/release: .venv/%: pyproject.toml | $(BIN)/python
	$(INSTALL) ".[$*]"
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cvxnet needs Python 3.11 or newer; choose one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.PHONY: demo test docs proof-page peers package wheels oldest newest licences lint clean
