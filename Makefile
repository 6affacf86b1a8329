# The whole command surface: `make` alone lists it. The work is done in scripts/ and tests/harness/.
PY := .venv/bin/python
RUFF := $(PY) -m ruff
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup dev run test test-fast e2e check static lint types fix schema bench simulate lock

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  \1	/p' Makefile

setup: ## make the environment (.venv) with what the product needs
	@scripts/setup runtime

dev: ## the same with the development dependencies
	@scripts/setup dev

run: ## start the product with its demo on http://127.0.0.1:8000 (PORT=8001 for another)
	@scripts/run

test: dev ## every test: both databases, both queues, the browser (ARGS="-k word" goes to pytest)
	@$(PY) -m tests.harness.run $(ARGS)

test-fast: dev ## unit, services and web tests on SQLite
	@$(PY) -m tests.harness.run --only fast $(ARGS)

e2e: dev ## the browser tests alone
	@$(PY) -m tests.harness.run --only browser $(ARGS)

check: static test ## everything that CI asks for

static: dev ## lint, types, import contracts, migrations, API schema, deployment settings
	@$(PY) scripts/static.py

lint: dev ## style and import rules
	@$(RUFF) check . && $(RUFF) format --check . && .venv/bin/lint-imports

types: dev ## mypy, strict
	@$(PY) -m mypy .

fix: dev ## mend what ruff can mend
	@$(RUFF) check --fix . ; $(RUFF) format .

schema: dev ## write openapi.yaml from the code
	@$(PY) manage.py spectacular --validate --fail-on-warn --file openapi.yaml

bench: dev ## benchmarks: a table and bench.json (FULL=1 adds the long rounds)
	@$(PY) -m tests.bench $(if $(FULL),--full)

simulate: dev ## try what intervals and the gate promise; writes docs/simulations.md (TRIALS=100 for less)
	@$(PY) -m tests.simulations $(if $(TRIALS),--trials $(TRIALS))

lock: dev ## resolve the dependencies of pyproject.toml again (UPGRADE=1 for newer ones)
	@scripts/lock $(if $(UPGRADE),--upgrade)
