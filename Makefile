# Everything one does with this project. "make" alone lists it.
# ARGS goes to the program: make test ARGS="-k money -x"; make demo ARGS=--once

BIN := $(CURDIR)/.venv/bin
STAMP := .venv/.installed
export PATH := $(BIN):$(PATH)
export PYTHON
# Tests and the demo start many programs; none should compile all of this anew.
unexport PYTHONDONTWRITEBYTECODE

# Tools that only read the code need settings, but none that matter.
NO_SETTINGS := SECRET_KEY=only-for-tools-that-read-the-code-and-run-nothing FIELD_ENCRYPTION_KEYS=tools

.DEFAULT_GOAL := help
.PHONY: help install lock test bench chaos demo env run manage lint format types imports migrations-check check clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do \
		printf '  make %-18s %s\n' "$$name" "$$text"; done

install: $(STAMP) ## make .venv with the locked packages; quick if it is up to date

$(STAMP): requirements/dev.txt requirements/uv.txt requirements/install.sh
	@requirements/install.sh
	@touch $@

test: install ## the whole test suite, one process per core, on a private PostgreSQL and Valkey
	python -m config.embedded --for-tests -- python -m pytest -n auto --max-worker-restart=0 $(ARGS)

bench: install ## measurements with their limits; writes .run/bench.json
	python -m bench $(ARGS)

chaos: install ## everything fails while business goes on; what must hold is checked; writes .run/chaos.json
	python -m chaos $(ARGS)

demo: install ## both vendors simulated, a month of business played through
	python -m demo $(ARGS)

env: install ## make .env from .env.example, with new keys and passwords; keeps what is there
	@test -f .env || (umask 077; cp .env.example .env)
	@python -c 'import pathlib, re, secrets; file = pathlib.Path(".env"); file.write_text(re.sub( \
		r"(?m)^((?:SECRET_KEY|FIELD_ENCRYPTION_KEYS|[A-Z_]+_PASSWORD)=)$$", lambda line: line[1] + secrets.token_hex(32), file.read_text()))'

run: install ## web, worker and beat against the settings in .env
	@test -f .env || { echo "There is no .env: run \"make env\" first."; exit 1; }
	@python -m config.embedded --env-file .env --migrate -- sh -c ' \
		python manage.py check --database default && \
		PORT="$${PORT:-8000}" exec honcho --env /dev/null start'

manage: install ## one manage.py command, also beside "make run": make manage ARGS=createsuperuser
	@python -m config.embedded --env-file .env --migrate --join -- python manage.py $(ARGS)

lint: install ## ruff: rules and formatting
	ruff check .
	ruff format --check .

format: install ## let ruff repair what it can
	ruff check --fix .
	ruff format .

types: install ## mypy, strict
	$(NO_SETTINGS) mypy .

imports: install ## who may import whom
	lint-imports

migrations-check: install ## whether the models changed without a migration
	$(NO_SETTINGS) python -m config.embedded --ephemeral -- \
		python manage.py makemigrations --check --dry-run

check: lint types imports migrations-check ## all checks that run no test

lock: install ## resolve the pinned direct dependencies again and lock them with hashes
	requirements/lock.sh

clean: ## remove caches and environments; data of "make run" stays
	rm -rf .venv .venv-bootstrap .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
