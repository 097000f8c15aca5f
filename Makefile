# Alone, `make` lists what it can do. The first target that needs it sets up .venv from the lock.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
LOCKER := .venv-lock
PIP := pip -qq --disable-pip-version-check --no-input
CODE := $(wildcard backfile crawler reader simulator storage tests benchmarks)
PYTEST_ARGS ?=
KILLS ?= 300
ARTICLES ?= $(shell expr 3 \* $(KILLS))
SEED ?= 1

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo test lint format check bench torture lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## start a simulated newsroom, archive a category of it, say how to browse it
	@$(VENV)/bin/backfile demo

test: $(READY) ## run the whole test suite (PYTEST_ARGS="-k words" for a part)
	@$(RUN) pytest -q -n auto --cov --cov-report=term $(PYTEST_ARGS)

lint: $(READY) ## ruff and mypy
	@$(RUN) ruff check --quiet $(CODE)
	@$(RUN) ruff format --quiet --check $(CODE) || { echo "to put this right: make format" >&2; exit 1; }
	@$(RUN) mypy $(CODE)

format: $(READY) ## let ruff rewrite the code as lint wants it
	@$(RUN) ruff check --quiet --fix-only $(CODE)
	@$(RUN) ruff format $(CODE)

check: lint test ## lint, then test

bench: $(READY) ## crawls beside their peers and over distance, growth, verify: docs/performance.md is brought up to date
	@$(RUN) benchmarks

torture: $(READY) ## kill one crawl again and again, compare what it made with an undisturbed one (KILLS, ARTICLES, SEED)
	@$(RUN) tests.torture --kills $(KILLS) --articles $(ARTICLES) --seed $(SEED)

lock: $(LOCKER)/.ready ## bring requirements.lock in line with pyproject.toml (UPGRADE=1: newest of everything)
	@$(LOCKER)/bin/uv --quiet pip compile --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml

clean: ## remove what make made; archives stay
	@rm -rf $(VENV) $(LOCKER) build dist .coverage .coverage.* htmlcov \
		.hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

define need-python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "backfile needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

# The lock is complete, the build backend included: nothing is resolved or installed that it does not name. (Older pips
# look past it when they resolve an extra, and stop as soon as a newer version is out.)
$(READY): pyproject.toml requirements.lock
	$(need-python)
	@echo "setting up $(VENV) from requirements.lock ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) $(PIP) install --no-compile --no-deps --require-hashes --requirement requirements.lock
	@$(RUN) $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(LOCKER)/.ready:
	$(need-python)
	@$(PYTHON) -m venv $(LOCKER)
	@$(LOCKER)/bin/python -m $(PIP) install uv
	@touch $@
