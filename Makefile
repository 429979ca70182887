# Everything a change must pass. `./deploy/test` sets up the environment first and runs the same checks.
BIN ?= .venv/bin

.PHONY: check lint types imports test
check: lint types imports test

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

test:
	$(BIN)/python -m pytest -n 2
