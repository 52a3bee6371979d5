# A fresh clone needs git, make and a python3; `make test` and `make stress` fetch the rest.
#
#   make test ARGS="-k bitmap"             arguments for pytest
#   make stress ARGS="--for 30"            arguments for `stress run`
#   make STRESS_PYTHON=/path/to/python …   an interpreter of your own

PYTHON := .venv/bin/python

.PHONY: test stress bench lint setup requirements clean

test: setup
	@$(PYTHON) -m pytest -n auto $(ARGS)

stress: setup
	@.venv/bin/stress run $(ARGS)

bench: setup
	@$(PYTHON) -m benchmarks $(ARGS)

lint: setup
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy
	@$(PYTHON) -m mypy tools

setup:
	@python3 tools/setup.py

requirements:
	@python3 tools/pins.py

clean:
	@rm -rf .venv .venv.lock .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
