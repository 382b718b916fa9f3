#!/bin/sh
# Lock the direct dependencies of pyproject.toml, for every Python and platform, with hashes.
# Versions already locked stay; "make lock" after editing pyproject.toml changes only the rest.
# To move everything: UPGRADE=--upgrade make lock
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv-bootstrap/bin/uv pip compile --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-header ${UPGRADE:-} "$@" >/dev/null
}

compile pyproject.toml -o requirements/run.txt
compile pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
echo "locked: requirements/run.txt requirements/dev.txt"
