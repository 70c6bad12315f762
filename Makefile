# Every command of the repository; hooks and .ci/run call these targets. `make help` lists them.
# Variables: DATABASE_URL (migrate, uninstall), APP (dev), DEMO_FLAGS (demo), NAME (example), TESTS, WORKERS and PYTEST_FLAGS
# (test), MINUTES and SEED (test-sequences, test-killed), UPGRADE=1 (requirements), BENCH_FLAGS (bench), PYTHON (setup: the
# interpreter to build .venv with).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
APP ?= examples.github_reminder.app:app
DEMO_FLAGS ?=
NAME ?= order_pipeline
TESTS ?=
# Processes that share the tests out: as many as suit the machine for all tests, none beside pytest itself for some.
WORKERS ?= $(if $(TESTS),0,auto)
PYTEST_FLAGS ?=
MINUTES ?= 10
BENCH_FLAGS ?=
SEED ?=

# What exists of the folders that hold Python of ours; a new member is found by itself.
PACKAGES := $(wildcard py/*/src integrations/*/src)
has_python = $(if $(shell find $(1) -name '*.py' -print -quit),$(1))
TYPED := $(PACKAGES) $(wildcard py/*/hatch_build.py) \
    $(foreach folder,$(wildcard tests/support tests/repo examples benchmarks scripts),$(call has_python,$(folder)))

# Tests start hundreds of processes: none of them compiles our modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv from the pinned requirements, our packages editable. The second time it does nothing.
	@PYTHON="$(PYTHON)" scripts/setup.sh

.PHONY: demo
demo: setup ## Run the founding example end to end on an embedded Postgres (DEMO_FLAGS=…).
	@$(BIN)/python -m examples.github_reminder.demo $(DEMO_FLAGS)

.PHONY: example
example: setup ## Run an example on an embedded Postgres (NAME=order_pipeline; examples/ has them all).
	@$(BIN)/python -m examples.$(NAME)

.PHONY: dev
dev: setup ## Run everything for an app in development (APP=module:app).
	@$(BIN)/perdure dev $(APP)

.PHONY: test
test: setup ## Run the tests (TESTS=path, WORKERS=4, PYTEST_FLAGS=…), on an embedded Postgres or on DATABASE_URL.
	@$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder $(PYTEST_FLAGS) $(TESTS)

.PHONY: test-pythons
test-pythons: setup ## Run the SDK's unit tests on each newer Python that this machine has or can get.
	@scripts/test_pythons.sh

.PHONY: node
node: setup ## See to it that there is a Node (else one is put into .venv) and what the tests need of npm.
	@scripts/node.sh
	@PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m tests.js.packages

.PHONY: test-js
test-js: node ## Run the official JavaScript SDK against the whole system (PYTEST_FLAGS=…).
	@PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/js

.PHONY: test-sequences
test-sequences: setup ## Walk random sequences of calls of the engine, other ones each time (MINUTES=60, or SEED=… again).
	@PERDURE_TEST_MINUTES="$(MINUTES)" PERDURE_TEST_SEED="$(SEED)" $(BIN)/python -m pytest -s \
	    -o faulthandler_timeout=0 $(PYTEST_FLAGS) tests/sql/test_random_sequences.py

.PHONY: test-killed
test-killed: setup ## Kill every process in turn under load, in another order each time (MINUTES=60, or SEED=… again).
	@PERDURE_TEST_MINUTES="$(MINUTES)" PERDURE_TEST_SEED="$(SEED)" $(BIN)/python -m pytest \
	    -o faulthandler_timeout=0 $(PYTEST_FLAGS) tests/e2e/test_everything_killed.py

.PHONY: test-large
test-large: setup ## Time lists and pages on 1,000,000 runs with 5,000,000 tasks: some minutes, 4 GB of disk (PYTEST_FLAGS=…).
	@$(BIN)/python -m pytest -o faulthandler_timeout=0 $(PYTEST_FLAGS) tests/large

.PHONY: lint
lint: setup ## Check style, types, SQL and imports; change nothing.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(TYPED)
	$(BIN)/pyright --project pyproject.toml
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 0 sql
	$(BIN)/lint-imports --no-cache

.PHONY: lint-sql-bodies
lint-sql-bodies: setup ## Check the bodies of the SQL functions in a migrated database (DATABASE_URL=…, plpgsql_check there).
	@$(BIN)/python scripts/check_sql_bodies.py $(if $(DATABASE_URL),--database-url "$(DATABASE_URL)")

.PHONY: fmt
fmt: setup ## Format Python and SQL, and fix what can be fixed.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/sqlfluff fix --disable-progress-bar --processes 0 sql

.PHONY: check
check: lint test ## Lint, then test: run it before you push.

.PHONY: requirements
requirements: setup ## Compile requirements/*.in (UPGRADE=1 takes the newest versions).
	@UPGRADE="$(UPGRADE)" scripts/requirements.sh

.PHONY: migrate
migrate: setup ## Bring a database to this release's schema (DATABASE_URL=…).
	@$(BIN)/perdure migrate $(if $(DATABASE_URL),--database-url "$(DATABASE_URL)")

.PHONY: initial-migration
initial-migration: setup ## Rebuild sql/migrations/0001_initial.sql from sql/schema/ (before the first release only).
	@$(BIN)/python scripts/build_initial_migration.py

.PHONY: uninstall
uninstall: setup ## Remove everything of ours from a database (DATABASE_URL=…).
	@$(BIN)/perdure uninstall $(if $(DATABASE_URL),--database-url "$(DATABASE_URL)")

.PHONY: docs
docs: setup ## Write docs/reference/ from the SQL functions' headers, the API's handlers and the SDK's docstrings.
	@$(BIN)/python scripts/sql_reference.py
	@$(BIN)/python scripts/http_reference.py
	@$(BIN)/python scripts/sdk_reference.py

.PHONY: dist
dist: setup ## Build every distribution into dist/.
	@scripts/dist.sh

.PHONY: bench-setup
bench-setup: node ## Install the other engines that bench measures into .bench.
	@scripts/bench.sh

.PHONY: bench
bench: bench-setup ## Run every benchmark, ours and others in turn: about two hours (BENCH_FLAGS="noop --rounds 5 --json FILE").
	@$(BIN)/python -m benchmarks $(BENCH_FLAGS)

.PHONY: clean
clean: ## Remove what the tools made; .venv stays.
	@rm -rf dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
