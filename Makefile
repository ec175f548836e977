# `make help` lists the targets. Nothing but Python 3.11 or newer, make and a network for packages is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
DATA_DIR ?= .acervo
PYTEST_WORKERS ?= -n 2 --dist loadfile
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
# Lambda runs Python 3.13.
LAMBDA_LOCK := $(LOCK:3.11=3.13)

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

$(VENV)/.tools: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Acervo needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

$(VENV)/.local: $(VENV)/.tools requirements/local.txt pyproject.toml
	@test -e $(VENV)/.dev || \
		$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/local.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.tools requirements/dev.txt pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.local

.PHONY: setup
setup: $(VENV)/.dev ## create .venv with everything for development

.PHONY: demo
demo: $(VENV)/.local ## ingest examples/ and answer three questions with citations, and refuse one
	@PATH="$(CURDIR)/$(BIN):$$PATH" ACERVO_DATA_DIR=$(DATA_DIR) sh examples/demo.sh

.PHONY: serve
serve: $(VENV)/.local ## the HTTP service on http://127.0.0.1:8000 (docs at /docs)
	$(BIN)/acervo --data-dir $(DATA_DIR) serve

.PHONY: test
test: $(VENV)/.dev ## all tests, over a real PostgreSQL of their own
	$(BIN)/python -m pytest $(PYTEST_WORKERS) $(PYTEST_ARGS)

.PHONY: attack
attack: $(VENV)/.dev ## a real server under hostile requests and files: 5xx, leaks, /healthz, other clients' latency
	$(BIN)/python -m tests.attack

.PHONY: kills
kills: $(VENV)/.dev ## a real server killed, interrupted, without disk or database while it works: what it lost
	$(BIN)/python -m tests.kills

.PHONY: superlinear
superlinear: $(VENV)/.dev ## every pattern and reader of text on long texts: which take more than linear time
	$(BIN)/python -m tests.superlinear

.PHONY: audit
audit: $(VENV)/.dev ## known vulnerabilities and licences of everything in the locks
	$(BIN)/python -m tests.audit

.PHONY: check
check: $(VENV)/.dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(VENV)/.tools ## resolve requirements/*.txt anew from pyproject.toml
	$(LOCK) --group build -o requirements/build.txt
	$(LOCK) pyproject.toml -o requirements/local.txt
	$(LOCK) pyproject.toml --all-extras --group dev --group infra -c requirements/local.txt -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra aws --group bench -o requirements/bench.txt
	$(LOCK) requirements/deploy.in -o requirements/deploy.txt
	for name in ingestion api migration runtime; do \
	  $(LAMBDA_LOCK) --group lambda-$$name -c requirements/dev.txt -o requirements/lambda-$$name.txt || exit 1; \
	done

.PHONY: bundles
bundles: $(VENV)/.dev ## build/: what each Lambda function runs, without Docker (needs Python 3.13)
	$(BIN)/python -m infra.bundle

.PHONY: synth
synth: $(VENV)/.dev ## cdk.out/: the CloudFormation template, without an AWS account (needs Node.js); SETTINGS=file.yaml
	$(BIN)/python -m infra.synth $(SETTINGS) --bundles placeholder

.PHONY: deploy
deploy: $(VENV)/.dev ## the stack into the AWS account of the credentials (needs Node.js and Python 3.13); SETTINGS=file.yaml
	$(BIN)/python -m infra.deploy $(SETTINGS)

.venv-deploy/.deploy: $(VENV)/.tools requirements/deploy.txt
	test -e .venv-deploy/bin/python || $(PYTHON) -m venv .venv-deploy
	$(UV) pip install --quiet --python .venv-deploy/bin/python --require-hashes -r requirements/deploy.txt
	@touch $@

.PHONY: deploy-local
deploy-local: bundles .venv-deploy/.deploy ## the stack into an emulator on 127.0.0.1, used from end to end, updated; KEEP=1 lets it run on
	$(BIN)/python -m tests.deploy $(if $(KEEP),--keep)

.PHONY: checkov
checkov: synth ## checkov's findings of the template, those of infra/checkov.yaml accepted; SETTINGS=file.yaml
	$(BIN)/python -m infra.checkov cdk.out/*.template.json

.PHONY: cost
cost: $(VENV)/.dev ## what the stack costs a month while nobody uses it, and per question; SETTINGS=file.yaml
	$(BIN)/python -m infra.cost $(SETTINGS)

.venv-bench/.bench: $(VENV)/.tools requirements/bench.txt pyproject.toml
	test -e .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	$(UV) pip install --quiet --python .venv-bench/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

.PHONY: peers
peers: .venv-bench/.bench ## create .venv-bench: what the benchmarks compare with, beside Acervo

.PHONY: clean
clean: ## remove .venv, .venv-bench, .venv-deploy and local data
	rm -rf $(VENV) .venv-bench .venv-deploy $(DATA_DIR)
