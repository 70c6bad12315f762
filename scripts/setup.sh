#!/usr/bin/env bash
# Make .venv: the pinned requirements, then our packages in editable form. Does nothing when both are as they were.
# PYTHON names the interpreter. Without it the platform's own is taken, if it is new enough: it is compiled with profiles,
# without which all of Python is a seventh slower, and which version managers mostly leave out when they build one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly oldest=3.11
stop() {
    printf 'make setup: %s\n' "$@" >&2
    exit 1
}

members=()
for file in py/*/pyproject.toml integrations/*/pyproject.toml; do
    members+=("${file%/pyproject.toml}")
done

# What the two steps depend on. The folder is part of it: a venv that was copied or moved points to the old place.
digest() { { pwd -P; cat "$@"; } | sha256sum | cut -d' ' -f1; }
requirements_digest=$(digest requirements/dev.txt)
members_digest=$(digest requirements/dev.txt "${members[@]/%//pyproject.toml}")
readonly requirements_stamp=.venv/.requirements-stamp members_stamp=.venv/.members-stamp
is_current() { [[ -x .venv/bin/python && -f $1 && $(<"$1") == "$2" ]]; }
is_current "$members_stamp" "$members_digest" && exit 0

# Two set-ups at once would tread on each other.
if command -v flock >/dev/null; then
    exec 9<requirements/dev.txt
    flock 9
    is_current "$members_stamp" "$members_digest" && exit 0
fi

find_python() {
    local candidate usable=()
    for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < (${oldest/./, }))" 2>/dev/null; then
            usable+=("$candidate")
        fi
    done
    for candidate in "${usable[@]}"; do
        if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    if ((${#usable[@]} > 0)); then
        stop "${usable[0]} cannot make a virtual environment: its module venv or ensurepip is missing." \
            "On Debian: apt-get install python3-venv"
    fi
    if command -v "${PYTHON:-python3}" >/dev/null; then
        stop "Perdure needs Python $oldest or newer, and ${PYTHON:-python3} is $("${PYTHON:-python3}" -V 2>&1)." \
            "Install a newer one and run: make setup PYTHON=/path/to/python$oldest"
    fi
    stop "there is no ${PYTHON:-python3} here. Install Python $oldest or newer (Debian: apt-get install python3 python3-venv)."
}

if ! is_current "$requirements_stamp" "$requirements_digest"; then
    python=$(find_python)
    printf 'make setup: installing the requirements into .venv (%s)\n' "$("$python" -V)"
    rm -f "$requirements_stamp" "$members_stamp"
    if ! .venv/bin/python -c 'import pip' 2>/dev/null || [[ $(.venv/bin/python -c 'import sys; print(sys.prefix)') != "$(pwd -P)/.venv" ]]; then
        rm -rf .venv
        "$python" -m venv .venv
    fi
    # The file is complete, so pip need not look for what it lists in turn (--no-deps).
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements/dev.txt
    printf '%s\n' "$requirements_digest" >"$requirements_stamp"
fi

printf 'make setup: installing our packages: %s\n' "${members[*]}"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation "${members[@]/#/--editable=}"
printf '%s\n' "$members_digest" >"$members_stamp"
printf 'make setup: done. Next: make demo, make test, make help\n'
