# Greffier's development commands. `make help` lists them.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format bench bench-retrieval bench-store docs locale lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## Run the main job end to end on this machine: make demo ARGS="--once"
	@$(BIN)/greffier demo $(ARGS)

test: $(VENV)/ready ## Start all that the tests need, and run every one
	@$(BIN)/pytest $(ARGS)

check: lint ## Lint, and the tests that need no server and no model, in under a minute
	@$(BIN)/pytest -m "not server and not model and not browser" $(ARGS)

lint: $(VENV)/ready ## ruff, mypy --strict and the borders between the packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/ready ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/ready ## Measure speed and memory, beside a bare route: make bench ARGS="intake own"
	@$(BIN)/python -m tests.bench $(ARGS)

bench-retrieval: $(VENV)/ready ## Measure the search over all sheets: make bench-retrieval ARGS="--questions FILE"
	@$(BIN)/python -m tests.bench.retrieval $(ARGS)

bench-store: $(VENV)/ready ## Measure a store as it grows: make bench-store ARGS="--store weaviate --passages 30000,300000"
	@$(BIN)/python -m tests.bench.store $(ARGS)

docs: $(VENV)/ready ## Make docs/configuration.md from the settings' docstrings
	@$(BIN)/python -m webhooks.config.reference docs/configuration.md

locale: $(VENV)/ready ## Compile the translations
	@$(BIN)/pybabel -q compile -D greffier -d webhooks/locale

lock: ## Resolve the ranges of pyproject.toml into requirements.lock (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header \
		--extra demo --extra dev pyproject.toml -o requirements.lock

clean: ## Remove the virtual environment and the demo's data
	@rm -rf $(VENV) .greffier

# What is locked is what is installed, by its digest. The project itself is linked, not copied.
$(VENV)/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing: install the package python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: install a newer python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "venv is missing: install the package python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what is locked into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
