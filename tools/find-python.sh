#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the path of a Python 3 that can import the modules named as arguments. The first python3 on
# PATH may be one without them, so Debian's is asked too; PYTHON names another, asked first. Exit 1
# and a sentence on stderr when none can.
set -euo pipefail

for python in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    if "$python" -c "import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]" \
        "$@" >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
printf 'no Python found that imports %s (asked: %s python3 /usr/bin/python3); ' "$*" "${PYTHON-}" >&2
printf 'install them, or set PYTHON to an interpreter that has them\n' >&2
exit 1
