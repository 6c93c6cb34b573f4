#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the path of one Python 3 that imports all the modules named as arguments, or, when none is
# named, all that the tests need: those of apt-packages.txt. The first python3 on PATH may be one that lacks some (pyenv, conda, a venv), so
# Debian's is asked too; PYTHON names another, asked first. Exit 1 and a sentence on stderr when
# none has them all.
set -euo pipefail

packages=$(dirname "${BASH_SOURCE[0]}")/../apt-packages.txt
modules=("$@")
if [ $# -eq 0 ]; then
    mapfile -t modules < <(sed -nE 's/^python3-([a-z0-9]+) .*/\1/p' "$packages")
fi
for python in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    if "$python" -c "import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]" \
        "${modules[@]}" >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
printf 'no Python found that imports all of %s (asked: %s python3 /usr/bin/python3); ' \
    "${modules[*]}" "${PYTHON-}" >&2
printf 'install them, or set PYTHON to an interpreter that has them\n' >&2
exit 1
