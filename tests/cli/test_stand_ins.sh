#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim does without the libraries that SimGrid and HDF5 are linked with and that it never calls
# (docs/decisions/0015-stand-ins.md): it does not load them, and finds the same as with them.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
folder=$(dirname "$cpsim")/stand-ins
if ! ls "$folder"/*.so.* >"$scratch/log" 2>&1; then
    echo "skipped: this build has no stand-ins"
    exit 77
fi
for library in "$folder"/*.so.[0-9]*; do
    case $library in
    *.c | *.map) continue ;;
    esac
    ldd "$cpsim" >"$scratch/loaded"
    grep -qF "$(basename "$library") => $library " "$scratch/loaded" ||
        { echo "$library is not what is loaded" && failures=$((failures + 1)); }
done

# The same program that looks for them in a folder that is not there (a name of equal length).
sed 's,/stand-ins,/stand-off,g' "$cpsim" >"$scratch/cpsim"
chmod +x "$scratch/cpsim"
if ldd "$scratch/cpsim" | grep -qF "$folder"; then
    echo "the copy loads stand-ins too"
    failures=$((failures + 1))
fi
cd "$source"
for scenario in llama405b serving-70b-chat serving-disaggregated train-two-gpus; do
    for program in "$cpsim" "$scratch/cpsim"; do
        CPSIM_PATH=$source expect 0 '*' '' "$program" "scenarios/$scenario.yaml" --json -o "$scratch/run.h5"
        cat "$scratch/out" "$scratch/run.h5" | sha256sum >>"$scratch/$scenario.sums"
    done
    if [ "$(uniq "$scratch/$scenario.sums" | wc -l)" != 1 ]; then
        echo "$scenario: other bytes with stand-ins than without"
        failures=$((failures + 1))
    fi
done
finish
