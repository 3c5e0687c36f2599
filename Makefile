# What to do with this project: "make help" lists it.
#
# The first start makes everything that is needed: the folders .venv and web/node_modules. What is done is
# noted in .make/ and is not done again until its inputs change. Without web/, infra/, bench/ or examples/
# everything else still runs: see docs/make-it-yours.md.

.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON := .venv/bin/python
APP ?= .
SHELL_SCRIPTS := $(wildcard scripts/* .ci/run infra/*.sh infra/scripts/*.sh)
PACKAGES := requirements.txt pyproject.toml signalr_local/requirements.txt signalr_local/pyproject.toml
PYTHON_FOLDERS := $(wildcard function_app.py blueprints serverless_signalr signalr_local tests bench infra)

.PHONY: help
help: ## List what make can do
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: local-packages edited-page settings ## Start the app: emulator, host and page; APP=FOLDER another app, ARGS=options
	@exec $(PYTHON) -m signalr_local $(if $(filter-out .,$(APP)),--app "$(APP)") $(ARGS)

.PHONY: new
new: new-folder local-packages ## Make an app of your own in the folder DIR; ARGS=options, such as --run
	@exec $(PYTHON) -m signalr_local new "$(DIR)" $(ARGS)

.PHONY: func
func: local-packages edited-page settings ## Start the emulator, and the app in Azure Functions Core Tools
	@exec scripts/start-func "$(APP)"

.PHONY: test
test: check azurite ## Check everything, then run all tests; test-app runs those of the app alone
	@scripts/say "Tests (pytest)"
	@scripts/run-tests
	@if [ -d tests/serverless_signalr ]; then \
	  scripts/say "The library's tests on Python 3.12 (pytest)" && exec scripts/test-library 3.12; \
	fi

.PHONY: test-app
test-app: test-packages ## Run the tests of the app itself, in seconds
	@exec $(PYTHON) -m pytest tests/blueprints

.PHONY: check
check: lint types ## Check style and types, run no tests

.PHONY: lint
lint: test-packages ## Check style: Python and shell scripts
	@scripts/say "Python style (ruff check)"
	@$(PYTHON) -m ruff check
	@scripts/say "Python format (ruff format --check)"
	@$(PYTHON) -m ruff format --check
	@scripts/say "Shell scripts (shellcheck)"
	@scripts/check-shell $(SHELL_SCRIPTS)
	@if [ -d infra ]; then \
	  scripts/say "Bicep (bicep lint, bicep snapshot)" && infra/scripts/check-bicep.sh; \
	fi

.PHONY: types
types: test-packages page ## Check types: Python and the page
	@scripts/say "Python types (mypy)"
	@$(PYTHON) -m mypy $(PYTHON_FOLDERS)
	@for app in $(dir $(wildcard examples/*/function_app.py)); do \
	  (cd "$$app" && MYPYPATH=../.. ../../$(PYTHON) -m mypy --config-file ../../pyproject.toml .) || exit; \
	done
	@scripts/say "Python types of the library on Python 3.12 (mypy)"
	@$(PYTHON) -m mypy --python-version 3.12 serverless_signalr
	@if [ -f web/package.json ]; then \
	  scripts/say "Types of the page (tsc)" && scripts/npm run --silent check; \
	fi

.PHONY: bench
bench: test-packages bench-peers ## Measure the local runtime and the library beside floors; ARGS=NAMES only some
	@[ -d bench ] || { echo "There is no folder bench to measure with." >&2; exit 2; }
	@exec $(PYTHON) -m bench $(ARGS)

.PHONY: package
package: venv edited-page ## Build what is deployed: build/app.zip; APP=FOLDER of another app
	@[ -d infra ] || { echo "There is no folder infra, whose scripts build the package." >&2; exit 2; }
	@exec scripts/package --app "$(APP)"

.PHONY: clean
clean: ## Remove what make made; local.settings.json stays
	rm -rf .make .venv build bench/peers/node_modules tests/azurite/node_modules web/node_modules .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up: each step is done once, see scripts/once.

.PHONY: new-folder
new-folder:
	@[ -n "$(DIR)" ] || { echo "In which folder? make new DIR=../my-chat" >&2; exit 2; }

.PHONY: machine
machine:
	@scripts/check-machine

.PHONY: venv
venv: machine
	@scripts/once venv "Virtual environment .venv" $(PYTHON) .python-version -- scripts/make-venv

.PHONY: local-packages
local-packages: venv
	@scripts/once pip-local "Python packages of signalr_local/requirements.txt" $(PYTHON) \
	  $(PACKAGES) -- scripts/pip-install

.PHONY: test-packages
test-packages: venv
	@scripts/once pip-tests "Python packages of tests/requirements.txt" $(PYTHON) \
	  $(PACKAGES) tests/requirements.txt tests/requirements-library.txt -- scripts/pip-install tests/requirements.txt

.PHONY: bench-peers
bench-peers:
	@if [ -f bench/peers/package.json ]; then scripts/once bench-peers "Peers of the measurements (Socket.IO, ws)" \
	  bench/peers/node_modules/.package-lock.json bench/peers/package.json bench/peers/package-lock.json \
	  -- env NPM_FOLDER=bench/peers scripts/npm ci --no-audit --no-fund; fi

.PHONY: azurite
azurite:
	@if [ -f tests/azurite/package.json ]; then \
	  scripts/once azurite "Azurite, for tests of Table Storage" tests/azurite/node_modules/.package-lock.json \
	    tests/azurite/package.json tests/azurite/package-lock.json -- env NPM_FOLDER=tests/azurite scripts/npm ci --no-audit --no-fund; \
	fi

.PHONY: page
page: machine
	@scripts/build-page

.PHONY: edited-page
edited-page: machine
	@scripts/build-page --if-edited

.PHONY: settings
settings:
	@if [ -f "$(APP)/local.settings.json.example" ] && [ ! -e "$(APP)/local.settings.json" ]; then \
	  scripts/say "Settings of this machine (local.settings.json)" && \
	  cp "$(APP)/local.settings.json.example" "$(APP)/local.settings.json"; \
	fi
