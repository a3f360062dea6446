# Two commands do everything on a fresh Debian machine with Python 3.11: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# How long `make fuzz` spends on each target, in seconds.
FUZZ_SECONDS ?= 60

.PHONY: demo test lint bench fuzz sbom format setup setup-test clean

demo: $(VENV)/.run
	$(BIN)/streaming-job-exporter demo

test: setup-test lint
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup --cov --cov-report=term

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive exporter
	$(BIN)/pip check --quiet --disable-pip-version-check
	$(BIN)/python scripts/check_licences.py >/dev/null || $(BIN)/python scripts/check_licences.py

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/.test
	$(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

sbom: $(VENV)/.test
	scripts/make-sbom

setup: $(VENV)/.run

setup-test: $(VENV)/.test
	scripts/setup-debian
	scripts/setup-browser
	scripts/setup-grafana
	scripts/setup-oracle
	scripts/fetch-flink

$(VENV)/.venv:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run: $(VENV)/.venv pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.test: $(VENV)/.venv pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .venv-oracle .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
