# Everything a person or CI runs. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPARK_STAMP := $(VENV)/.spark-installed
PRESIDIO_STAMP := $(VENV)/.presidio-installed
AUDIT_VENV := .audit-venv
AUDIT_STAMP := $(AUDIT_VENV)/.installed
FUZZ_STAMP := $(VENV)/.fuzz-installed
FUZZ_SECONDS ?= 30
DEMO_DIR ?= demo-run
REAL_DIR ?= real-run
PORT ?= 3000
BENCH_ROWS ?= 5000000
SOAK_DIR ?= soak-run
SOAK_WEEKS ?= 52
SPARK_TESTS := tests/spark

export GX_ANALYTICS_ENABLED := false
export PYTHONUTF8 := 1

.PHONY: help setup demo ui real test test-full test-fast test-faults test-docs check lint types imports defs wheel lock clean browser tools java spark presidio bench-intake bench-privacy bench-golden bench-runner bench-decision bench-desk bench-review-import bench-shadow bench-load bench-monitor bench-outcomes desk image soak audit sbom fuzz

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "eval-pipeline needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (once, a minute or two) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

setup: $(STAMP) ## a virtual environment with the pinned packages

demo: setup ## the whole story on embedded defaults, about four minutes
	@$(BIN)/eval-pipeline demo --directory $(DEMO_DIR)

ui: setup ## the Dagster UI (webserver and daemon) on the demo's data
	@test -d $(DEMO_DIR)/dagster || { echo "There is no demo yet: run 'make demo' first."; exit 1; }
	@echo "Dagster UI: http://127.0.0.1:$(PORT)"
	@VIRTUAL_ENV=$(abspath $(VENV)) \
	 EVAL_PIPELINE_CONFIG=$(abspath $(DEMO_DIR))/eval_pipeline.yaml \
	 EVAL_PIPELINE_KEY=$${EVAL_PIPELINE_KEY:-$$(cat $(DEMO_DIR)/demo-logs/pseudonym.key)} \
	 DAGSTER_HOME=$(abspath $(DEMO_DIR))/dagster \
	 $(BIN)/dg dev --port $(PORT)

desk: setup ## the review desk on the demo's last week, with tokens for four people to be
	@$(BIN)/eval-pipeline demo desk --directory $(DEMO_DIR)

real: setup ## the same pipeline on real public conversations and a real silent model change
	@$(BIN)/eval-pipeline demo real --directory $(REAL_DIR)

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	       && { echo "Installing Chromium for the browser tests ..."; \
	            apt-get -qq update >/dev/null && apt-get -qq -y install chromium >/dev/null; }; } \
	  || echo "Chromium is not here and cannot be installed; the browser tests will say so."

tools:
	@for tool in curl jq; do \
	   command -v $$tool >/dev/null \
	     || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	          && { echo "Installing $$tool for the documentation's tests ..."; \
	               apt-get -qq update >/dev/null && apt-get -qq -y install $$tool >/dev/null; }; } \
	     || echo "$$tool is not here and cannot be installed; the documentation's tests will say so."; \
	 done

$(SPARK_STAMP): requirements-spark.lock | $(STAMP)
	@echo "Installing Spark for its tests (once, half a gigabyte) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements-spark.lock \
	  && touch $@ || echo "Spark cannot be installed; its tests will say so."

java:
	@command -v java >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	       && { echo "Installing Java for Spark's tests ..."; \
	            apt-get -qq update >/dev/null && apt-get -qq -y install default-jre-headless >/dev/null; }; } \
	  || echo "Java is not here and cannot be installed; Spark's tests will say so."

spark: setup java $(SPARK_STAMP) ## Spark and Java, for `logs.engine: spark` and its tests

$(PRESIDIO_STAMP): requirements-presidio.lock | $(STAMP)
	@echo "Installing Presidio for its tests (once, a hundred megabytes) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements-presidio.lock \
	  && touch $@ || echo "Presidio cannot be installed; its tests will say so."

presidio: setup $(PRESIDIO_STAMP) ## Presidio, for `anonymisation.presidio` and its tests

test: setup browser tools spark presidio ## every test, with coverage of the core
	@rm -f .coverage .coverage.* .coverage-spark*
	@# One process holds one Spark: its tests have a process of their own, beside the others.
	@COVERAGE_FILE=.coverage-spark $(BIN)/python -m pytest --cov --cov-report= $(SPARK_TESTS) $(PYTEST_ARGS) \
	   >.spark-tests.log 2>&1 & spark=$$!; trap "kill $$spark 2>/dev/null" EXIT; \
	 $(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report= --ignore=$(SPARK_TESTS) $(PYTEST_ARGS); others=$$?; \
	 wait $$spark; spark=$$?; cat .spark-tests.log; rm -f .spark-tests.log; exit $$((others || spark))
	@$(BIN)/python -m coverage combine -q --append .coverage-spark
	@$(BIN)/python -m coverage report --fail-under=90 --include='eval_pipeline/*' --skip-covered

test-full: ## every test at its full size: each kill point, a hundred thousand documents, a model built again
	@EVAL_PIPELINE_FULL_TESTS=1 $(MAKE) --no-print-directory test

test-faults: setup ## the fault suite at full size: kills, torn writes, clocks, doubles; 300 injected faults or it fails
	@EVAL_PIPELINE_FULL_TESTS=1 EVAL_PIPELINE_CHOSEN_POINTS=1 \
	 $(BIN)/python -m pytest -n 2 --dist worksteal --least-faults=300 tests/faults $(PYTEST_ARGS)

test-docs: setup tools ## every command and snippet of the documentation, a few minutes
	@$(BIN)/python -m pytest tests/docs $(PYTEST_ARGS)

test-fast: setup ## the everyday tests, about two minutes
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow and not real_data' $(PYTEST_ARGS)

$(FUZZ_STAMP): requirements-fuzz.lock | $(STAMP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements-fuzz.lock
	@touch $@

fuzz: setup $(FUZZ_STAMP) ## each parser of what comes from outside under coverage-guided fuzzing; about ten minutes, or TARGET=... FUZZ_SECONDS=...
	@nice -n 10 $(BIN)/python -m tests.fuzz.campaign $(TARGET) --seconds $(FUZZ_SECONDS) $(FUZZ_ARGS)

bench-intake: setup ## the weekly scan against DuckDB's own, about ten minutes and 7 GB of disk
	@$(BIN)/python benchmarks/intake.py --rows $(BENCH_ROWS)

bench-golden: setup ## what the 52nd golden version costs beside the 2nd, in time and bytes
	@$(BIN)/python benchmarks/golden.py $(BENCH_ARGS)

bench-runner: setup ## the runner beside its peers, with faults and a kill; installs the peers once (Python and Node)
	@$(BIN)/python benchmarks/runner.py $(BENCH_ARGS)

bench-shadow: setup ## what the mirror adds to a customer's wait, on loopback
	@$(BIN)/python benchmarks/shadow.py $(BENCH_ARGS)

bench-desk: setup ## fifty annotators at the review desk, on SQLite and PostgreSQL
	@$(BIN)/python benchmarks/desk.py $(BENCH_ARGS)

bench-decision: setup ## the gate's rates, intervals, drift, planning, judges and speed against their bars; about half an hour
	@$(BIN)/python benchmarks/decision.py $(BENCH_ARGS)

bench-monitor: setup ## production's monitor on a thousand simulated years: false alarms, and what it sees in its first week
	@$(BIN)/python -m benchmarks.monitor $(BENCH_ARGS)

bench-outcomes: setup ## predicted intervals of the outcome, false warnings, weeks to a true one; half an hour
	@$(BIN)/python benchmarks/outcomes.py $(BENCH_ARGS)

bench-review-import: setup ## ten thousand labels from Label Studio's and our own format, masked and recorded
	@$(BIN)/python benchmarks/review_import.py $(BENCH_ARGS)

bench-load: setup ## rate limits and capacities planted in the loopback provider, found by the load profile; about fifteen minutes
	@$(BIN)/python benchmarks/load_profile.py $(BENCH_ARGS)

soak: setup ## a simulated year of weeks on one project: what grows, and whether it stays bounded; an hour, goes on where it stopped
	@$(BIN)/python -m benchmarks.soak --weeks $(SOAK_WEEKS) --folder $(SOAK_DIR) $(SOAK_ARGS)

bench-privacy: setup presidio ## anonymisation beside Presidio: what is found, how fast, what it costs
	@$(BIN)/python benchmarks/privacy.py $(BENCH_ARGS)

# The tools have an environment of their own: nothing of theirs is installed with the product.
$(AUDIT_STAMP): requirements-audit.lock
	@test -x $(AUDIT_VENV)/bin/python || $(PYTHON) -m venv $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements-audit.lock
	@touch $(AUDIT_STAMP)

audit: $(AUDIT_STAMP) ## known vulnerabilities of every pinned package; says so where nobody can be asked
	@$(AUDIT_VENV)/bin/python supply_chain/audit.py --pip-audit $(AUDIT_VENV)/bin/pip-audit $(AUDIT_FLAGS) requirements*.lock -- $(AUDIT_ARGS)

sbom: setup $(AUDIT_STAMP) ## sbom.json: what is installed, as CycloneDX, with a summary of licences
	@set -o pipefail; $(AUDIT_VENV)/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml \
	   --output-reproducible --of JSON -o - | $(AUDIT_VENV)/bin/python supply_chain/bill_of_materials.py sbom.json

check: lint types imports defs wheel ## ruff, mypy, import-linter, dg check defs, the wheel

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy
	@for file in deploy/spark/*.py; do $(BIN)/mypy $$file || exit 1; done

imports: setup
	@$(BIN)/lint-imports

defs: setup
	@export DAGSTER_HOME=$$(mktemp -d) && cp dagster.yaml $$DAGSTER_HOME/ \
	  && VIRTUAL_ENV=$(abspath $(VENV)) EVAL_PIPELINE_KEY=check $(BIN)/dg check defs; status=$$?; rm -rf $$DAGSTER_HOME; exit $$status

wheel: setup
	@rm -rf dist && $(BIN)/python -m build --no-isolation --wheel . >dist.log 2>&1 \
	  || { cat dist.log; exit 1; }
	@$(BIN)/python -m zipfile -l dist/*.whl >dist.log && grep -q '_sql/sources/' dist.log \
	  && echo "Wheel: $$(ls dist)"; status=$$?; rm -f dist.log; exit $$status

lock: setup ## renew the locks (needs uv on the PATH)
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-strip-extras --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header -o requirements.lock
	echo 'pyspark[connect]>=4' | uv pip compile - -c requirements.lock --generate-hashes --no-strip-extras --universal \
	  --python-version 3.11 --no-emit-index-url --no-annotate --no-header -o requirements-spark.lock
	echo 'presidio-analyzer>=2.2.360' | uv pip compile - -c requirements.lock --generate-hashes --no-strip-extras --universal \
	  --python-version 3.11 --no-emit-index-url --no-annotate --no-header -o requirements-presidio.lock
	echo 'dagster-k8s>=0.29' | uv pip compile pyproject.toml - --extra fast --extra http2 --extra otel --extra postgres \
	  --extra s3 --extra scorers -c requirements.lock --generate-hashes --no-strip-extras --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header -o requirements-deploy.lock
	printf 'hatchling>=1.27\npip\nsetuptools>=77\n' | uv pip compile - -c requirements.lock --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-annotate --no-header -o deploy/build.lock
	echo 'atheris>=3,<3.1' | uv pip compile - -c requirements.lock --generate-hashes --no-strip-extras --universal \
	  --python-version 3.11 --no-emit-index-url --no-annotate --no-header -o requirements-fuzz.lock
	printf 'pip-audit>=2.10\ncyclonedx-bom>=7.2\n' | uv pip compile - --generate-hashes --no-strip-extras --universal \
	  --python-version 3.11 --no-emit-index-url --no-annotate --no-header -o requirements-audit.lock

ENGINE ?= docker
IMAGE ?= eval-pipeline:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

image: ## the container image; IMAGE names it, ENGINE=podman builds it with another engine
	@$(ENGINE) info >/dev/null 2>&1 || { echo "There is no container engine here that answers to '$(ENGINE) info', so no image was built. Start one, or name another: make image ENGINE=podman."; exit 1; }
	@$(ENGINE) build --file deploy/Dockerfile --tag $(IMAGE) \
	  --build-arg VERSION=$(lastword $(subst :, ,$(IMAGE))) \
	  --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
	  --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .

clean: ## remove the virtual environments and what the demos made
	rm -rf $(VENV) $(AUDIT_VENV) sbom.json $(DEMO_DIR) $(REAL_DIR) $(SOAK_DIR) dist .coverage* .spark-tests.log
