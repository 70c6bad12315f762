#!/usr/bin/env bash
# Run the SDK's unit tests, those that need the SDK alone, on each newer Python that is here or can be got. A Python that
# is missing is named, no failure. Each gets our wheels and requirements/sdk-tests.txt in a venv for this once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly versions=(3.12 3.13 3.14)
readonly download_s=30  # seconds for the download of a Python
readonly here=.venv/bin/python
readonly pip=("$here" -m pip --quiet --disable-pip-version-check --no-input)

is_version() { [[ $("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == "$2" ]]; }

find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1."*/bin/python; do
        if is_version "$candidate" "$1"; then
            printf '%s' "$candidate"
            return
        fi
    done
    export UV_PYTHON_INSTALL_DIR=.venv/pythons
    timeout "$download_s" .venv/bin/uv --quiet python install --no-bin "$1" 2>/dev/null || return 1
    .venv/bin/uv --quiet python find --managed-python "$1"
}

# Modules whose tests need no more of ours than the SDK and the kit for integrations, which is like a part of it.
# test_typing.py tests the type checkers, which read for any Python.
readonly needs_more='perdure_(connect|dispatcher|engine|postgres|server|testing)|perdure\.(connect|postgres|testing)'
readonly needs_postgres='real_platform|sdk\.postgres|support\.(builders|database|fix_database)'
mapfile -t modules < <(grep -rLE "$needs_more|$needs_postgres" tests/sdk --include='test_*.py' |
    grep -v '/test_typing\.py$' | sort)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for member in py/sdk py/integrations; do
    (cd "$member" && "../../$here" -m hatchling build --target wheel --directory "$folder" >/dev/null 2>&1)
done

tested=() missing=() failed=()
for version in "${versions[@]}"; do
    if ! python=$(find_python "$version"); then
        missing+=("$version")
        continue
    fi
    printf '== %s\n' "$("$python" -V)"
    venv="$folder/$version"
    "$python" -m venv --without-pip "$venv"
    "${pip[@]}" --python "$venv/bin/python" install --no-deps --require-hashes -r requirements/sdk-tests.txt
    "${pip[@]}" --python "$venv/bin/python" install --no-deps "$folder"/*.whl
    tested+=("$version")
    # Of the conftest.py files only that of tests/sdk counts: the one above it is for tests on Postgres.
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --confcutdir=tests/sdk "${modules[@]}" || failed+=("$version")
done

printf "the SDK's unit tests: tested on Python %s; not here, and not to be had: %s; failed: %s\n" \
    "${tested[*]:-none}" "${missing[*]:-none}" "${failed[*]:-none}"
((${#failed[@]} == 0))
