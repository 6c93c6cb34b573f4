#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check-pure.sh LIBRARY: models/ has no state that could change and calls nothing but arithmetic.
# Reads the object files, so that no macro or header hides what they do.
set -euo pipefail
library=$1

state=$(size -A "$library" |
    awk '/:$/ {object = $1} $1 ~ /^\.(t?data|t?bss)$/ && $2 > 0 {print object, $1, $2, "bytes"}')

# Undefined in one object and defined in no other: what is taken from libc and libm.
calls=$(nm -g "$library" 2>/dev/null |
    awk '$1 == "U" {needed[$2] = 1} NF == 3 {defined[$3] = 1}
         END {for (name in needed) if (!(name in defined)) print name}' | sort |
    grep -E '^_*(malloc|calloc|realloc|free|(v?s?n?f?|v?d)printf(_chk)?|f?puts|f?open|f?write|read|getenv|time|clock.*|s?rand|random|exit|abort|pthread_.*)$' ||
    true)

if [ -n "$state$calls" ]; then
    [ -z "$state" ] || printf 'mutable state in models/: %s\n' "$state" >&2
    [ -z "$calls" ] || printf 'models/ calls %s\n' "$(echo "$calls" | xargs)" >&2
    exit 1
fi
echo "$(ar t "$library" | grep -c '\.o$') object files without state or side effects"
