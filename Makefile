# Every chore of the project. The two that matter on a fresh machine: make demo, make test.
# Needs: Debian or Ubuntu (root or sudo), Python 3.11 or newer, git, make. All else is installed by scripts/setup.py.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first Python that is new enough; only the set-up runs on it, all else runs in .venv.
PYTHON := $(or $(PYTHON),$(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done))
SETUP = @$(if $(PYTHON),,$(error Python 3.11 or newer is needed: apt-get install python3))"$(PYTHON)" scripts/setup.py
BIN := .venv/bin

# Node.js of the set-up, where the machine's own was missing or too old.
export PATH := $(CURDIR)/.node/bin:$(PATH)

.PHONY: help setup demo test check format bench lock clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install everything that is missing (safe to repeat and to interrupt)
	$(SETUP) system browser dev web

demo: ## set up what the product needs, then start the demo street (ARGS="--port 8080")
	$(SETUP) system python web
	@$(BIN)/xunge demo $(ARGS)

test: ## set up everything, then run every test, browser ones too (ARGS="-k verdict")
	$(SETUP) system browser dev web
	cd web && npm test
	$(BIN)/pytest --numprocesses=auto --maxprocesses=8 $(ARGS)

check: ## lint, formatting, types and import contracts of back end and front end
	$(SETUP) dev web-packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd web && npm run check

format: ## put the Python files into the project's form
	$(SETUP) dev
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

bench: ## measure against the peers and write the figures (ARGS="--help")
	$(SETUP) system load dev bench web
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## lock the packages anew after a change of requirements/*.in or web/package.json (ARGS="--upgrade")
	$(SETUP) python node
	"$(PYTHON)" scripts/lock.py $(ARGS)

clean: ## remove what set-up and tools made; the demo's data (.xunge) stays
	rm -rf .setup .venv .venv-bench .uv .node web/node_modules web/dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
