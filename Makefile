# Bare `make` lists what there is. Works with make 3.81 and newer; all that is needed beside it is Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Many tests wait for something.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help install demo test check crash fuzz bench surface simulate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/runtime ## make .venv with the product in it

demo: .venv/runtime ## show the main job from end to end: jobs at every provider, lost webhooks, every job's true end
	@$(BIN)/batchkeeper demo

test: .venv/test ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS)

check: .venv/test ## ruff, strict types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

crash: .venv/test ## kill the real processes hundreds of times on each store, and check every promise
	PYTHONPATH=tests $(BIN)/python -m crash $(CRASH)

fuzz: .venv/fuzz ## look for bytes that break the dialect or the receiver, half a minute for each target
	PYTHONPATH=tests:tests/flow $(BIN)/python -m fuzz $(FUZZ)

bench: .venv/test ## durable deliveries a second, beside a bare endpoint in the same run; then the surface on a tenth of its size
	PYTHONPATH=tests $(BIN)/python -m benchmarks.receive $(BENCH)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.surface --jobs 100000 --deliveries 500000 $(SURFACE)

surface: .venv/test ## how long every listing and page takes with a million jobs and five million deliveries
	PYTHONPATH=tests $(BIN)/python -m benchmarks.surface $(SURFACE)

simulate: .venv/test ## requests per job and time to truth as webhooks get lost, beside fixed-interval pollers
	$(BIN)/python -m benchmarks.simulate

clean: ## remove .venv and what the tools left
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "batchkeeper needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing batchkeeper into .venv"
	@$(PIP) -e .
	@touch $@

.venv/test: .venv/runtime
	@echo "installing what the tests need"
	@$(PIP) -e '.[test]'
	@touch $@

.venv/fuzz: .venv/test
	@echo "installing the fuzzer"
	@$(PIP) -e '.[fuzz]'
	@touch $@
