#!/usr/bin/env bash
# Install the engines that the benchmarks measure beside ours into .bench: Python's in .bench/venv, Restate's server in
# .bench/node_modules, for which make has seen to it that there is a Node. Does nothing when they are there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=.bench/venv stamp=.bench/.stamp
digest=$({ pwd -P; cat requirements/bench.txt benchmarks/restate/package-lock.json; } | sha256sum | cut -d' ' -f1)
[[ -f $stamp && $(<"$stamp") == "$digest" ]] && exit 0

mkdir -p .bench
printf 'make bench-setup: installing the other engines into .bench\n'
[[ -x $venv/bin/python ]] || .venv/bin/python -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements/bench.txt
cp benchmarks/restate/{package.json,package-lock.json,.npmrc} .bench/
PATH="$PATH:$PWD/.venv/bin" npm ci --prefix .bench --silent
printf '%s\n' "$digest" >"$stamp"
