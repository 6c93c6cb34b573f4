#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench_ratios.sh CPSIM SOURCE [BASELINE SOURCE]: bench_ratios.py with whatever Python 3 there is.
set -euo pipefail
folder=$(dirname "${BASH_SOURCE[0]}")
python=$("$folder/../../tools/find-python.sh" json)
exec "$python" "$folder/bench_ratios.py" "$@"
