# A fresh clone needs git, make and a python3; `make test` and `make stress` fetch the rest.
#
#   make test ARGS="-k bitmap"             arguments for pytest
#   make stress ARGS="--for 30"            arguments for `stress run`
#   make STRESS_PYTHON=/path/to/python …   an interpreter of your own

PYTHON := .venv/bin/python

# The system's own Python runs the set-up: a version manager's would read .python-version, which
# names the interpreter that the set-up is there to fetch.
SYSTEM_PYTHON := $(or $(wildcard /usr/bin/python3),python3)

.PHONY: test stress bench lint setup browser screenshots requirements clean

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
	@$(SYSTEM_PYTHON) tools/setup.py

browser:
	@$(SYSTEM_PYTHON) tools/browser.py

screenshots: setup browser
	@$(PYTHON) -m tests.browser.screenshots

requirements:
	@$(SYSTEM_PYTHON) tools/pins.py

clean:
	@rm -rf .venv .venv.lock .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
