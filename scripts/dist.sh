#!/usr/bin/env bash
# Build every distribution into dist/: a wheel and a source distribution each, with the licence.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

rm -rf dist
mkdir dist
# The licence has one definition, at the root; a build takes only what lies in the member's folder.
trap 'rm -f "$root"/py/*/LICENSE "$root"/integrations/*/LICENSE' EXIT
for file in py/*/pyproject.toml integrations/*/pyproject.toml; do
    if grep -q '"Private ::' "$file"; then
        continue  # a template, for copying
    fi
    cp LICENSE "${file%/pyproject.toml}/LICENSE"
    (cd "${file%/pyproject.toml}" && "$root/.venv/bin/python" -m hatchling build --directory "$root/dist")
done
