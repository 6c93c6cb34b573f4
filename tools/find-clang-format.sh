#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the name of clang-format's major version 14, the one whose output the sources follow. Exit 1
# and a sentence on stderr when it is not here.
set -euo pipefail

for tool in clang-format-14 clang-format; do
    if "$tool" --version 2>/dev/null | grep -qE 'version 14\.'; then
        echo "$tool"
        exit 0
    fi
done
echo 'clang-format 14 is not here; other major versions format differently' >&2
exit 1
