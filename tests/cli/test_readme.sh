#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every command that README.md shows runs and prints what the page says, and its links lead
# somewhere. After a change of the models: readme.py --update, and look at the difference.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$source"
python=$(tools/find-python.sh json)
expect 0 "" "" "$python" -B tests/cli/readme.py "$cpsim" . README.md

# It sees another figure and a dead link.
sed 's/^energy  /energy: /; s,(docs/performance.md),(docs/none.md),' README.md >"$scratch/README.md"
expect 1 "/^-energy: /" "" "$python" -B tests/cli/readme.py "$cpsim" . "$scratch/README.md"
compare "a dead link" "/leads to docs\/none.md, which is not there$/" "$scratch/out"
finish
