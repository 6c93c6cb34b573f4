#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/scenario-reference.md says what the program says. When it does not:
# cpsim describe --markdown -o docs/scenario-reference.md
set -euo pipefail
cpsim=$1 source=$2
"$cpsim" describe --markdown | diff -u "$source/docs/scenario-reference.md" - || {
    echo "docs/scenario-reference.md is out of date: cpsim describe --markdown -o docs/scenario-reference.md"
    exit 1
}
