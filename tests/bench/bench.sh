#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench.sh CPSIM [--markdown]: bench.py with whatever Python 3 there is.
set -euo pipefail
folder=$(dirname "${BASH_SOURCE[0]}")
python=$("$folder/../../tools/find-python.sh" json)
"$python" "$folder/bench.py" "$@"
"$folder/bench_serving.sh" "$1"
