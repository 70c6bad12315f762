#!/usr/bin/env bash
# See to it that there is a Node of version 20 or newer, with npm, for the tests with the official JavaScript SDK. Where
# none is on the PATH, a wheel that brings one is installed into .venv/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly oldest=20
is_new_enough() { command -v npm >/dev/null && node --eval "process.exit(parseInt(process.versions.node) < $oldest ? 1 : 0)" 2>/dev/null; }
is_new_enough && exit 0
PATH="$PWD/.venv/bin:$PATH"
is_new_enough && exit 0
printf 'make node: installing Node %s into .venv\n' "$oldest"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/node.txt
