# `make demo` and `make test` work from a fresh clone: they make .venv and install into it first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    install into .venv and run the demo: render, train, measure, search, report"
	@echo "make test    install into .venv and run the tests"
	@echo "make check   the tests, and lint, format, types and import contract"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove .venv and everything that was built"

# Made anew whenever the dependencies change.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/passerby demo

test: $(VENV)/.installed-dev
	$(BIN)/pytest

check: test
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
