#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An installed cpsim finds its models, platforms and scenarios from anywhere, also after it was
# moved, and not in the source tree, whoever runs it; its manual and completion are whole.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cmake --install "$(dirname "$cpsim")" --prefix "$scratch/first" >"$scratch/log"
mv "$scratch/first" "$scratch/moved"
installed=$scratch/moved/bin/cpsim
share=$scratch/moved/share
cd /
expect 0 "*" "" "$installed" check "$share"/cpsim/scenarios/llama405b.yaml
cp "$source/scenarios/llama405b.yaml" "$scratch/own.yaml"
expect 0 "/^  layers: 126 +# $share/cpsim/models/llm/llama3-405b.yaml:[0-9]+$/" "" \
    "$installed" show "$scratch/own.yaml"
expect 0 "/^llama3-405b/" "" "$installed" models
if grep -q "$source" "$scratch/out"; then
    echo "the installed program looks into the source tree"
    failures=$((failures + 1))
fi
# What it need not load came along and is found where it is now.
if [ -d "$scratch/moved/lib/cpsim/stand-ins" ]; then
    expect 0 "/libns3-core.*=> $scratch/moved/bin/../lib/cpsim/stand-ins/" "" ldd "$installed"
fi
# It runs from anywhere, and the reader of traces came with it.
cd "$scratch"
expect 0 "/^trace +run.h5$/" "" "$installed" "$share/cpsim/scenarios/llama405b.yaml" -o run.h5
expect 0 "run.h5: ok" "" "$installed" trace check run.h5
for file in cpsim_trace.py __main__.py report.css; do
    test -s "$share/cpsim/analysis/$file" || failures=$((failures + 1))
done

# Any user, from a folder of their own, by name: all that is listed is found and right, the trace of
# requests is there, and what was written can be read. Root becomes somebody else for it.
anybody=()
chmod 755 "$scratch"
mkdir "$scratch/desk"
if [ "$(id -u)" = 0 ] && command -v setpriv >"$scratch/log"; then
    anybody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chown 65534:65534 "$scratch/desk"
fi
cd "$scratch/desk"
export MPLCONFIGDIR=$scratch/desk
"$installed" scenarios --json >"$scratch/list.json"
python3 -c 'import json, sys
for one in json.load(open(sys.argv[1])): print(one["name"])' "$scratch/list.json" | sort >"$scratch/listed"
(cd "$source" && find scenarios -name '*.yaml' | sort) >"$scratch/shipped"
compare "cpsim scenarios" "$(cat "$scratch/shipped")" "$scratch/listed"
mapfile -t whole < <(grep -v / <(sed 's,^scenarios/,,' "$scratch/listed"))
expect 0 "*" "*" "${anybody[@]}" "$installed" check "${whole[@]/#/scenarios/}"
expect 0 "/^trace +one-gpu.h5$/" "" "${anybody[@]}" "$installed" scenarios/one-gpu.yaml -o one-gpu.h5
expect 0 "/^requests +[0-9,]+ /" "" "${anybody[@]}" "$installed" serving-mooncake-trace
expect 0 "/^5 of 5 points done$/" "" "${anybody[@]}" "$installed" sweep scenarios/sweeps/training-width.yaml -o width
expect 2 "" "/^cpsim: error: 'one-cpu' is neither a command nor a file/" "${anybody[@]}" "$installed" one-cpu
# The nearest wins: a file of that name here is the one that is meant.
mkdir scenarios
sed 's/^title:.*/title: My own/' "$source/scenarios/one-gpu.yaml" >scenarios/one-gpu.yaml
expect 0 "/^My own$/" "" "${anybody[@]}" "$installed" scenarios/one-gpu.yaml -o own.h5
if python=$("$source/tools/find-python.sh" h5py matplotlib pandas 2>"$scratch/log"); then
    PYTHON=$python expect 0 "/^ *prefill/" "" "${anybody[@]}" "$(dirname "$installed")/cpsim-analysis" summary one-gpu.h5
    PYTHON=$python expect 0 "one-gpu-phases.svg" "" "${anybody[@]}" "$(dirname "$installed")/cpsim-analysis" phases one-gpu.h5
fi
# The Python package came too: it asks the program beside it, and draws with the one copy of analysis.
if python=$("$source/tools/find-python.sh" h5py matplotlib pandas 2>"$scratch/log"); then
    expect 0 "$installed one-gpu.h5: phases" "" "${anybody[@]}" env "PYTHONPATH=$share/cpsim/python" "$python" -B -c '
import cpsim
run = cpsim.run("one-gpu", trace="python.h5")
run.plot("phases").save("phases.svg")
print(cpsim.program(), "one-gpu.h5:", *[name for name in cpsim.load("one-gpu.h5") if name == "phases"])'
    expect 0 "/^ *prefill/" "" "${anybody[@]}" env "PYTHONPATH=$share/cpsim/python" "$python" -B -m cpsim.analysis summary one-gpu.h5
fi
cd /

# The completion is bash, and completes commands, options and keys.
completes() { # completes EXPECTED words...: the last word is the one to complete
    local expected=$1 got
    shift
    got=$(bash -c 'compopt() { :; }; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cpsim
        printf "%s\n" "${COMPREPLY[@]}"' - "$share/bash-completion/completions/cpsim" "$@")
    if ! grep -qxF -- "$expected" <<<"$got"; then
        echo "completing '$*': no '$expected' in: $got"
        failures=$((failures + 1))
    fi
}
completes describe cpsim des
completes --json cpsim show --j
completes layout.tensor= cpsim check --set layout.t
completes workload.turns.0.prompt= cpsim check --set workload.turns
completes check cpsim trace ch
completes --platform-xml cpsim show --pl
completes precision.kv_cache cpsim describe precision.kv

manual=$share/man/man1/cpsim.1
for word in '.SH EXAMPLES' '.B layout.tensor' '.B check FILE...' 'CPSIM_PATH'; do
    if ! grep -qF -- "$word" "$manual"; then
        echo "the manual has no '$word'"
        failures=$((failures + 1))
    fi
done
if command -v groff >"$scratch/log"; then
    groff -man -Tutf8 -ww "$manual" >"$scratch/page" 2>"$scratch/warnings"
    compare "groff" "" "$scratch/warnings"
fi
finish
