#!/bin/sh
# Make .venv with exactly what requirements/dev.txt locks. "make install" calls this.
# Needs a Python 3.11 to 3.13 (PYTHON names one) and a package index, as pip or uv are
# configured on this machine. uv itself lives in .venv-bootstrap, apart from what it installs.
set -eu
cd "$(dirname "$0")/.."

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

# A name may exist and yet not work (pyenv leaves such behind), so each is tried. Inside a virtual
# environment the Python below it counts: .venv must not be made from itself.
find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if fits "$candidate"; then
            "$candidate" -c 'import sys; print(sys._base_executable)'
            return
        fi
    done
    echo "error: no working Python 3.11, 3.12 or 3.13 (tried: ${PYTHON:-python3.13 python3.12 python3.11 python3})." >&2
    echo "Install one, or say where it is: make install PYTHON=/path/to/python3.12" >&2
    return 1
}

# Debian's python3 comes without ensurepip unless python3-venv is installed; a pip of the
# system's can step in.
install_uv() {
    rm -rf .venv-bootstrap
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .venv-bootstrap
        .venv-bootstrap/bin/python -m pip install --quiet --quiet --require-hashes -r requirements/uv.txt
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip .venv-bootstrap
        "$python" -m pip --python .venv-bootstrap/bin/python install --quiet --quiet \
            --require-hashes -r requirements/uv.txt
    else
        echo "error: $python can make no virtual environment: it has neither ensurepip nor pip." >&2
        echo "On Debian or Ubuntu: apt-get install python3-venv. Then run make install again." >&2
        return 1
    fi
}

# uv does not read pip's configuration; where only pip is told of an index, pass it on.
borrow_from_pip() {
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
        index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
    [ -n "${SSL_CERT_FILE:-}" ] || [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"
}

python=$(find_python)
uv=.venv-bootstrap/bin/uv
[ "$($uv --version 2>/dev/null | cut -d' ' -f2)" = "$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)" ] || install_uv
borrow_from_pip
fits .venv/bin/python || "$uv" venv --quiet --clear --python "$python" .venv
# Compiled once here, not by each of the many programs that are started.
"$uv" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements/dev.txt
echo "installed: .venv ($(.venv/bin/python --version))"
