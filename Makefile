# Two commands do everything on a fresh Debian machine with Python 3.11: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Everything comes by exact version and hash. The exporter itself is built by what is locked too, and
# asks no registry for anything.
LOCKED := install --quiet --disable-pip-version-check --require-hashes
EXPORTER := install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation

# The Flink of `make test-flink`: one of those in tests/flink_cluster/versions.txt.
VERSION ?= 1.20.5

# How long `make fuzz` spends on each target, in seconds.
FUZZ_SECONDS ?= 60

# Where people reach what alerts and dashboards lead to; what is empty stays as it is.
EXPORTER_URL ?=
FLINK_URL ?=
GRAFANA_URL ?=
# The language of alerts and of the runbooks they lead to: zh, or nothing for English.
RUNBOOK_LANGUAGE ?=

.PHONY: demo test test-flink test-kafka-connect test-kubernetes test-packaging test-oldest
.PHONY: test-newest lint bench monitoring fuzz sbom release lock format
.PHONY: setup setup-test clean

demo: $(VENV)/.run
	$(BIN)/streaming-job-exporter demo $(ARGS)

# Rules and dashboards with addresses of your own, in build/monitoring; the rules for Prometheus and for its operator.
monitoring: $(VENV)/.run
	$(BIN)/python -m grafana.addressed --exporter "$(EXPORTER_URL)" --flink "$(FLINK_URL)" \
		--grafana "$(GRAFANA_URL)" --language "$(RUNBOOK_LANGUAGE)" build/monitoring

# What takes long is run without counting lines, which would take as long again; the rest covers them.
# Most of that time it waits, so that three of it have room on two cores.
# Another Flink, of 1.x, comes meanwhile; then the tests of a real cluster run on it as well.
THOROUGH := tests/e2e tests/faults tests/fuzzing tests/histories
PYTEST := $(BIN)/python -m pytest -q --dist loadgroup
PYTEST_FLINK := FLINK_VERSION=$(VERSION) $(BIN)/python -m pytest -q \
	tests/flink_cluster/test_real_platform.py tests/flink_cluster/test_versions.py

test: setup-test lint
	scripts/fetch-flink $(VERSION) & another=$$!; \
	$(PYTEST) -n 2 --cov --cov-report=term $(addprefix --ignore=,$(THOROUGH)); covered=$$?; \
	$(PYTEST) -n 3 $(THOROUGH); thorough=$$?; \
	wait $$another && $(PYTEST_FLINK) && exit $$((covered + thorough))

# The tests of a real Flink with another version of it, and what is different there, as a table.
test-flink: $(VENV)/.test
	scripts/fetch-flink $(VERSION)
	$(PYTEST_FLINK)

# The tests of real Kafka Connect workers with another version of them than 3.9.0: one of those in
# tests/kafka_connect/versions.txt.
test-kafka-connect: VERSION = 4.3.0
test-kafka-connect: $(VENV)/.test
	scripts/fetch-kafka-connect $(VERSION)
	KAFKA_CONNECT_VERSION=$(VERSION) $(BIN)/python -m pytest -q tests/kafka_connect

# Before a real API server of Kubernetes, which takes six minutes to build, once: Debian has its sources.
test-kubernetes: $(VENV)/.test
	scripts/build-kube-apiserver
	$(BIN)/python -m pytest -q -m kubernetes tests/kubernetes_server

# Packages, manifests, the chart and the image, with the tools that install them.
test-packaging: $(VENV)/.test
	scripts/setup-debian packaging
	scripts/setup-packaging
	$(BIN)/python -m pytest -q -m packaging tests/packaging

# The same tests with the oldest and the newest that the ranges of `pip install .` allow, without those
# of the browser, Flink and Prometheus.
test-oldest: .venv-oldest/.installed
	scripts/setup-debian small
	scripts/setup-oracle
	.venv-oldest/bin/python -m pytest -q -n 2 --dist loadgroup -m "not real"

# What is newest differs from day to day, so it is looked for each time.
test-newest: .venv-newest/.venv
	scripts/setup-debian small
	scripts/setup-oracle
	.venv-newest/bin/pip install --quiet --disable-pip-version-check --upgrade \
		--upgrade-strategy eager setuptools --editable '.[test]'
	.venv-newest/bin/python -m pytest -q -n 2 --dist loadgroup -m "not real"

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

# Wheel, source distribution, Debian and RPM packages, chart, SBOM and checksums in dist/: the same bytes
# each time from the same commit.
release: $(VENV)/.test
	scripts/check-version
	scripts/setup-packaging tools
	$(BIN)/python scripts/make_release.py

lock:
	scripts/lock

setup: $(VENV)/.run

setup-test: $(VENV)/.test
	scripts/setup-debian
	scripts/setup-browser
	scripts/setup-grafana
	scripts/setup-oracle
	scripts/fetch-flink
	scripts/fetch-kafka-connect

$(VENV)/.venv .venv-oldest/.venv .venv-newest/.venv:
	$(PYTHON) -m venv $(@D)
	touch $@

$(VENV)/.run: $(VENV)/.venv requirements/build.txt requirements/run.txt pyproject.toml
	$(BIN)/pip $(LOCKED) --requirement requirements/build.txt --requirement requirements/run.txt
	$(BIN)/pip $(EXPORTER) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.venv requirements/build.txt requirements/test.txt pyproject.toml
	$(BIN)/pip $(LOCKED) --requirement requirements/build.txt --requirement requirements/test.txt
	$(BIN)/pip $(EXPORTER) --editable .
	touch $@ $(VENV)/.run

.venv-oldest/.installed: .venv-oldest/.venv requirements/build.txt requirements/oldest.txt \
		pyproject.toml
	$(@D)/bin/pip $(LOCKED) --requirement requirements/build.txt \
		--requirement requirements/oldest.txt
	$(@D)/bin/pip $(EXPORTER) --editable .
	touch $@

clean:
	rm -rf $(VENV) .venv-lock .venv-newest .venv-oldest .venv-oracle .venv-packaging .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
