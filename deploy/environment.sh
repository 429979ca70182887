# Sourced by deploy/run and deploy/test: finds Python 3.11 or newer and keeps .venv up to date.
# Root is needed only where Debian's python3-venv is missing. Nothing outside this folder is changed otherwise.

# Compiled once and not at every start: a command of Baton loads some three hundred modules.
unset PYTHONDONTWRITEBYTECODE

LOG="$PWD/var/log/setup.log"
mkdir -p var/log

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

# Runs a step quietly; when it fails, shows the end of its log and where the rest is.
quietly() {
    if ! "$@" >>"$LOG" 2>&1; then
        tail -n 15 "$LOG" >&2
        fail "This step failed: $*  (log: $LOG)"
    fi
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

makes_venvs() {
    is_new_enough "$1" && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if makes_venvs "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

install_python() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "Baton needs Python 3.11 or newer with its venv module, and found none." \
            "Install it (Debian: apt-get install python3-venv) and run this again."
    fi
    say "Installing Debian's python3-venv (apt-get) …"
    export DEBIAN_FRONTEND=noninteractive
    if ! apt-get install -y -q --no-install-recommends python3 python3-venv >>"$LOG" 2>&1; then
        quietly apt-get update -q
        quietly apt-get install -y -q --no-install-recommends python3 python3-venv
    fi
}

# What an environment was made from; a moved folder or another Python makes it again.
fingerprint() {
    { cat pyproject.toml && pwd -P && .venv/bin/python -V; } 2>/dev/null | sha256sum | cut -d' ' -f1
}

is_current() {
    local made
    [ -x .venv/bin/python ] || return 1
    made="$(fingerprint)"
    # What the tests need includes what running needs.
    [ "$(cat ".venv/made-for-$1" 2>/dev/null)" = "$made" ] || [ "$(cat .venv/made-for-test 2>/dev/null)" = "$made" ]
}

# prepare run|test EXTRAS: afterwards .venv/bin holds baton and what the extras name.
prepare() {
    is_current "$1" && return 0
    if command -v flock >/dev/null; then
        exec 9>var/setup.lock
        flock 9 # two at once: the second waits and finds the work done
        is_current "$1" && return 0
    fi
    : >"$LOG"
    local python
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! is_new_enough .venv/bin/python; then
        if ! python="$(find_python)"; then
            install_python
            python="$(find_python)" || fail "There is still no Python 3.11 or newer (log: $LOG)."
        fi
        say "Making .venv with $("$python" -V) …"
        rm -rf .venv
        quietly "$python" -m venv .venv
    fi
    say "Installing Baton and its libraries into .venv (log: $LOG) …"
    quietly .venv/bin/python -m pip install --disable-pip-version-check -q -e ".[$2]"
    fingerprint >".venv/made-for-$1"
    if command -v flock >/dev/null; then exec 9>&-; fi
}
