#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench_serving.sh CPSIM [TRACE | --check]: bench_serving.py with whatever Python 3 there is.
set -euo pipefail
folder=$(dirname "${BASH_SOURCE[0]}")
exec "$("$folder/../../tools/find-python.sh" json)" "$folder/bench_serving.py" "$@"
