#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rules of the house that a grep can see. Each fault is a line: file:line: what, what to do.
# Needs clang-format 14 and shellcheck. Exit 1 when anything is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

LINE_WALL=800
faults=0

# Tracked files and new ones that git does not ignore; all files where there is no git.
sources() {
    if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
        git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@"
    else
        local pattern
        for pattern in "$@"; do
            find . \( -path ./build -o -path ./.git \) -prune -o -type f -path "./${pattern}" -print | sed 's,^\./,,'
        done
    fi | while IFS= read -r file; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done | sort -u
}

# report WHAT: the lines on stdin are faults, each beginning with its place.
report() {
    local line
    while IFS= read -r line; do
        printf '%s  <- %s\n' "$line" "$1" >&2
        faults=$((faults + 1))
    done
}

# forbid WHAT PATTERN FILE...
forbid() {
    local what=$1 pattern=$2
    shift 2
    if [ $# -gt 0 ]; then
        report "$what" < <(grep -nHIE -- "$pattern" "$@")
    fi
}

mapfile -t all < <(sources '*')
mapfile -t c_files < <(sources '*.c' '*.h' '*.cpp')
mapfile -t scripts < <(sources '*.sh' '.ci/run' 'tools/cpsim-analysis')
if [ ${#c_files[@]} -eq 0 ] || [ ${#scripts[@]} -eq 0 ]; then
    echo "check: error: no sources found in $PWD" >&2
    exit 1
fi

# outside FOLDER...: the C files that lie in none of them.
outside() {
    local file folder
    for file in "${c_files[@]}"; do
        for folder in "$@"; do
            [[ $file == "$folder"/* ]] && continue 2
        done
        printf '%s\n' "$file"
    done
}

inside() {
    local file
    for file in "${c_files[@]}"; do
        if [[ $file == "$1"/* ]]; then printf '%s\n' "$file"; fi
    done
}

check_libraries() {
    local files
    mapfile -t files < <(outside sim/engine)
    forbid 'SimGrid belongs to sim/engine alone' '#\s*include\s*[<"](simgrid|xbt)/' "${files[@]}"
    mapfile -t files < <(outside sim/trace)
    forbid 'HDF5 belongs to sim/trace alone' '#\s*include\s*[<"](hdf5|H5)' "${files[@]}"
    mapfile -t files < <(outside sim/config)
    forbid 'libyaml belongs to sim/config alone' '#\s*include\s*[<"]yaml\.h' "${files[@]}"
}

# C, but for the one file that makes a platform: SimGrid's C interface cannot.
check_languages() {
    local files
    mapfile -t files < <(sources '*.cpp' '*.cc' '*.cxx' '*.hpp' | grep -vx 'sim/engine/platform_zone.cpp')
    report 'cpsim is written in C (docs/decisions/0016-platform-zone.md)' < <(printf '%s\n' "${files[@]}" | grep .)
}

# models/ computes: numbers in, numbers out.
check_models() {
    local files allowed='assert|complex|errno|fenv|float|inttypes|limits|math|stdalign|stdarg'
    allowed="$allowed|stdbool|stddef|stdint|stdlib|stdnoreturn|string|tgmath"
    mapfile -t files < <(inside models)
    if [ ${#files[@]} -eq 0 ]; then return; fi
    report 'models/ may include libc and libm headers without I/O only' < <(
        grep -nHE '#\s*include\s*<' "${files[@]}" | grep -vE "<($allowed)\.h>")
    report 'models/ may include models/ only' < <(
        grep -nHE '#\s*include\s*"' "${files[@]}" | grep -vE '"models/')
    forbid 'models/ neither allocates nor prints: let the caller pass memory' \
        '\b(malloc|calloc|realloc|free|v?s?n?f?printf|fopen|puts)\(' "${files[@]}"
}

# Dependencies point one way. folder: what its files may include, with quotes, besides themselves.
check_direction() {
    local folder allowed files
    while read -r folder allowed; do
        mapfile -t files < <(inside "$folder")
        if [ ${#files[@]} -eq 0 ]; then
            report 'no such folder: the rules of tools/check.sh name it' <<<"$folder"
            continue
        fi
        allowed=$(sed -E "s,(^|\\|)\\+,\1${folder%%/*}/,g" <<<"$allowed")
        report "$folder may include itself and ${allowed//|/, } only" < <(
            grep -nHE '#\s*include\s*"' "${files[@]}" | grep -vE "\"($folder${allowed:+|$allowed})/")
    done <<'RULES'
models/numeric
models/machine +numeric
models/kernels +numeric|+machine
models/collectives +numeric|+machine
models/step +numeric|+machine|+kernels|+collectives
models/architecture +numeric|+machine|+kernels
models/layout +numeric|+machine|+kernels|+collectives|+step|+architecture
models/layers +numeric|+machine|+kernels|+collectives|+step|+architecture|+layout
models/passes +numeric|+machine|+kernels|+collectives|+step|+architecture|+layout|+layers
models/pipeline +numeric
models/training +numeric|+machine|+kernels|+collectives|+step|+architecture|+layout|+layers|+passes|+pipeline
models/laws +numeric|+machine|+architecture
sim/base
sim/config +base
sim/scenario models|+base|+config
sim/engine models|+base
sim/trace models|+base
sim/compare models|+base|+config|+scenario|+run|+workload
sim/clients models/numeric|+base|+config|+scenario|+compare|+serving
sim/arguments models|+base|+config|+scenario
sim/calibrate models|+base|+config|+scenario|+compare|+clients
sim/figures models|+base
sim/workload models|+base|+figures|+scenario|+engine|+trace
sim/inference models|+base|+figures|+scenario|+engine|+trace|+workload
sim/training models|+base|+figures|+scenario|+engine|+trace|+workload
sim/serving models|+base|+figures|+scenario|+engine|+trace|+workload
sim/serving/load models|+base|+scenario|+engine
sim/serving/cache models|+base|+serving/load
sim/serving/batching models|+base|+scenario|+serving/load|+serving/cache
sim/serving/replica models|+base|+scenario|+engine|+serving/load|+serving/cache|+serving/batching
sim/serving/faults models|+base|+scenario|+engine|+serving/load|+serving/replica
sim/run models|+base|+figures|+scenario|+engine|+trace|+workload|+inference|+serving|+training
sim/plan models|+base|+config|+scenario|+serving|+engine|+training|+run|+sweep
sim/plan/conversations models|+base|+config|+scenario|+run|+sweep|+plan
sim/plan/layouts models|+base|+config|+scenario|+training|+run|+sweep|+plan
sim/sweep models|+base|+config|+figures|+scenario|+engine|+trace|+run
sim/cli models/architecture|+base|+config|+figures|+scenario|+engine|+trace|+inference|+training|+run|+sweep|+plan|+compare|+clients|+calibrate|+arguments
RULES
}

check_calls() {
    forbid 'banned: truncates, overruns or guesses; use the checked call' \
        '\b(atoi|atol|atoll|atof|strcpy|strcat|sprintf|vsprintf|gets|strtok)\(' "${c_files[@]}"
    forbid 'banned: results may not depend on chance or the clock' \
        '\b(s?rand|random|drand48|gettimeofday)\(|\btime\(\s*(NULL|0|&)' "${c_files[@]}"
    forbid 'unfinished, by its own words' '\b(TODO|FIXME|XXX)\b' "${c_files[@]}"
}

check_files() {
    local file lines
    for file in "${c_files[@]}" "${scripts[@]}"; do
        lines=$(wc -l <"$file")
        if [ "$lines" -gt "$LINE_WALL" ]; then
            report "over $LINE_WALL lines: it probably holds two nouns" <<<"$file:$lines"
        fi
        if [ "$lines" -gt 5 ] && ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT'; then
            report 'the first lines name the licence: SPDX-License-Identifier: MIT' <<<"$file:1"
        fi
    done
    forbid 'a merge left this' '^(<<<<<<<|>>>>>>>) ' "${all[@]}"
    forbid 'a path of somebody'"'"'s machine' \
        '(^|[^A-Za-z0-9_.~-])/(home|root|work|Users|scratch|mnt)/' "${all[@]}"
}

check_format() {
    local clang_format
    clang_format=$(tools/find-clang-format.sh)
    report "run $clang_format -i on it" < <(
        "$clang_format" --dry-run "${c_files[@]}" 2>&1 | grep -E 'warning:' |
            sed -E 's/: warning: .*//' | sort -u -t: -k1,1)
    if ! shellcheck --external-sources "${scripts[@]}"; then
        faults=$((faults + 1))
    fi
}

# An enum and the table beside it agree.
check_tables() {
    report 'an enum and its table disagree: name every member' < <(
        python3 -B tools/check_tables.py "${c_files[@]}")
}

check_libraries
check_languages
check_models
check_tables
check_direction
check_calls
check_files
check_format

if [ "$faults" -gt 0 ]; then
    printf 'check: %d fault%s\n' "$faults" "$([ "$faults" = 1 ] || echo s)" >&2
    exit 1
fi
printf 'check: %d C files and %d scripts follow the rules\n' "${#c_files[@]}" "${#scripts[@]}"
