#!/usr/bin/env bash
# Compile requirements/*.in into *.txt: exact versions with hashes, for every platform and Python we support.
# Versions that still fit are kept; `make requirements UPGRADE=1` takes the newest. No index address is written.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Extras stay written out: older pips otherwise look for the newest version of a package that is asked for with extras.
flags=(--quiet --generate-hashes --universal --python-version 3.11 --no-strip-extras --no-emit-index-url
    --custom-compile-command "make requirements")
if [[ ${UPGRADE:-} == 1 ]]; then
    flags+=(--upgrade)
fi
for name in runtime node dev sdk-tests bench; do
    "${UV:-.venv/bin/uv}" pip compile "${flags[@]}" "requirements/$name.in" --output-file "requirements/$name.txt"
    printf 'requirements/%s.txt: %s packages\n' "$name" "$(grep -c '^[a-z0-9]' "requirements/$name.txt")"
done
