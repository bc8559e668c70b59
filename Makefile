# `make demo` and `make test` work from a fresh clone: they make .venv and install into it first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check docs models clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    install into .venv and run the demo: record, search across cameras, report"
	@echo "make test    install into .venv and run the tests"
	@echo "make check   the tests, and lint, format, types and import contract"
	@echo "make docs    build the documentation into site/"
	@echo "make models  draw people, train the shipped models on them, calibrate and measure (hours)"
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
	$(BIN)/ruff check src tests benchmarks tools
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

# The shipped models from nothing: people drawn, trained on, calibrated and measured, in stages that can be interrupted
# and go on. `make models` walks the whole road; MODEL=passerby-s walks it for one model, in under three hours on two
# processors.
MODEL ?= passerby-s passerby-m
ROAD := runs/models
models: $(VENV)/.installed-dev
	$(BIN)/passerby synth images $(ROAD)/people --identities 3000 --cameras 150 --cameras-per-person 5 --pictures 2 \
		--height 128 --width 64 --seed 20261125 --train-share 1
	$(BIN)/passerby synth images $(ROAD)/unseen --identities 300 --cameras 40 --cameras-per-person 5 --pictures 2 \
		--height 128 --width 64 --seed 20261126 --train-share 0.5
	for model in $(MODEL); do \
		$(BIN)/passerby train $$model --data $(ROAD)/people --output $(ROAD)/$$model --resume && \
		$(BIN)/python tools/release_model.py $(ROAD)/$$model --data $(ROAD)/people --unseen $(ROAD)/unseen \
			--hardware "$${HARDWARE:-this machine}" --output src/passerby/weights/$$model \
			--real-figures benchmarks/results/zero_shot.json || exit 1; \
	done

clean:
	rm -rf $(VENV) site build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
