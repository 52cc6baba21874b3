# What to run and when: CONTRIBUTING.md, "Habits".
.PHONY: help install run fast check test services explain golden pictures bench prove lock sbom clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest
PIP_INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check

# The first Python from 3.11 on that can make an environment; that of the system before one in the path, as it is built with
# profiles and reads mail a tenth faster. Another one: make install PYTHON=/path/to/python3
CANDIDATES := /usr/bin/python3 python3 python3.13 python3.12 python3.11
PYTHON = $(shell for python in $(CANDIDATES); do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

install: $(VENV)/.run  ## the environment in .venv, from the lock, and mailgate in it

$(VENV)/.run: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "mailgate needs Python 3.11 or later with venv: on Debian, apt-get install python3 python3-venv"; exit 1; }
	@echo "installing into $(VENV), once"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --require-hashes --requirement requirements.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "installing the tools for development into $(VENV), once"
	@$(PIP_INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@

# Of the stand-in for GOV.UK Notify, which sends nothing to anybody; your own key takes its place.
STAND_IN_KEY = live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0
STAND_IN_PORT = 8081
run: $(VENV)/.run  ## the gateway on this machine, with the shipped example service
	@$(BIN)/mailgate dev notify --port $(STAND_IN_PORT) >/dev/null 2>&1 & trap "kill $$! 2>/dev/null" EXIT INT TERM; \
	MAILGATE_NOTIFY__BASE_URL=$${MAILGATE_NOTIFY__BASE_URL:-http://127.0.0.1:$(STAND_IN_PORT)} \
	MAILGATE_NOTIFY__API_KEY=$${MAILGATE_NOTIFY__API_KEY:-$(STAND_IN_KEY)} $(BIN)/mailgate serve

fast: $(VENV)/.dev  ## the pure tests, after every edit
	@$(PYTEST) --pure

check: $(VENV)/.dev  ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(PYTEST) tests/test_architecture.py

test: $(VENV)/.dev  ## all tests that this machine can run; the last lines say what did not
	@$(PYTEST)

services:  ## the servers that some tests need
	@sh scripts/services.sh

explain: $(VENV)/.run  ## FILE=x.eml: what would happen to this mail, and why
	@test -n "$(FILE)" || { echo "which mail? make explain FILE=x.eml"; exit 1; }
	@$(BIN)/mailgate explain "$(FILE)"

golden: $(VENV)/.dev  ## rewrite what tests expect to read; read the diff
	@$(PYTEST) --golden tests

pictures: $(VENV)/.run  ## what our mails look like, into docs/pictures; needs Chromium and pngquant
	@$(BIN)/python scripts/pictures.py

bench: $(VENV)/.dev  ## the table of docs/performance.md, measured here
	@$(BIN)/python -m bench

prove: $(VENV)/.dev  ## the figures of docs/reliability.md; goes on where it stopped. MINUTES=30, SMALL=1, ONLY=K2, MAILGATE_CORPUS=folder
	@$(BIN)/python -m prove $(if $(SMALL),--small) $(if $(MINUTES),--minutes $(MINUTES)) $(ONLY)

# The oldest Python we support resolves: what newer ones need is a part of it.
LOCK = $(BIN)/pip-compile --quiet --allow-unsafe --strip-extras --generate-hashes --build-deps-for=editable \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(VENV)/.dev  ## the newest versions that pyproject.toml allows into requirements*.txt
	$(LOCK) --upgrade --output-file requirements.txt pyproject.toml
	$(LOCK) --upgrade --output-file requirements-dev.txt --extra dev --constraint requirements.txt pyproject.toml

SBOM = requirements --pyproject pyproject.toml --output-reproducible requirements.txt
sbom: $(VENV)/.dev  ## what mailgate is made of, for programs that look for known faults: build/sbom.json (CycloneDX)
	@mkdir -p build
	@$(BIN)/cyclonedx-py $(SBOM) --output-file build/sbom.json

clean:  ## the environment and what tools left; never var/
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
