#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The commands as a user types them: help, slips of the fingers, exit statuses, and which of stdout
# and stderr says what.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$source"
scenario=scenarios/llama405b.yaml

# No arguments: a handful of examples on stderr, not a wall.
expect 2 "" "/cpsim scenarios/llama405b.yaml/" "$cpsim"
if [ "$(wc -l <"$scratch/err")" -gt 10 ]; then
    echo "cpsim alone prints $(wc -l <"$scratch/err") lines"
    failures=$((failures + 1))
fi
expect 0 "/^Examples/" "" "$cpsim" --help
expect 0 "/^Examples/" "" "$cpsim" -h
expect 0 "/^usage: cpsim check/" "" "$cpsim" check --help
expect 0 "/^cpsim [0-9]+\.[0-9]+\.[0-9]+ \(git ([0-9a-f]{12}|unknown), SimGrid [0-9.]+\)$/" "" "$cpsim" --version

expect 2 "" "cpsim: error: 'chekc' is neither a command nor a file (did you mean 'check'?); see cpsim --help" \
    "$cpsim" chekc "$scenario"
expect 2 "" "cpsim: error: cpsim show has no option '--jsno' (did you mean '--json'?); see cpsim show --help" \
    "$cpsim" show --jsno "$scenario"
expect 2 "" "cpsim: error: cpsim check has no option '--markdown'; see cpsim check --help" \
    "$cpsim" check --markdown "$scenario"
expect 2 "" "cpsim: error: cpsim show needs FILE, such as: cpsim show scenarios/llama405b.yaml --set layout.context=8" \
    "$cpsim" show
expect 2 "" "cpsim: error: cpsim show: 'b' is one argument too many; usage: cpsim show FILE" \
    "$cpsim" show a b
expect 2 "" "cpsim: error: --set needs KEY=VALUE" "$cpsim" check "$scenario" --set
expect 2 "" "cpsim: error: --json takes no value" "$cpsim" show "$scenario" --json=yes
expect 2 "" "cpsim: error: --generate needs one of: man, man-COMMAND, bash-completion, zsh-completion, fish-completion" "$cpsim" --generate html
expect 2 "" $'no-such-file.yaml: error: cannot be opened: No such file or directory\n1 error' \
    "$cpsim" no-such-file.yaml

expect 0 "$scenario: ok" "" "$cpsim" check "$scenario"
expect 0 "" "" "$cpsim" check -q "$scenario"
expect 0 "" "" "$cpsim" check --quiet -- "$scenario"

# One key, a mapping, a key by its last part, none at all.
expect 0 "layout.tensor: a whole number, 1 to 1024; default 1
  GPUs that share each layer's matrices." "" "$cpsim" describe layout.tensor
expect 0 "/^  pass-kv +Keys and values go round the ring\.$/" "" "$cpsim" describe attention.ring
expect 0 "/^  prompt +a number of tokens/" "" "$cpsim" describe workload.turns
expect 0 "/^workload.turns.0.prompt: a number of tokens/" "" "$cpsim" describe workload.turns.0.prompt
expect 2 "" "cpsim: error: no key 'tensor' (did you mean 'layout.tensor'?)" "$cpsim" describe tensor
expect 2 "" "cpsim: error: no key 'xyzzy'; cpsim describe lists them" "$cpsim" describe xyzzy
expect 0 "/^workload +What the machine/" "" "$cpsim" describe

expect 0 "/^llama3-405b +Llama 3.1 405B, 405\.9 G parameters, 126 layers/" "" "$cpsim" models
expect 0 "/^  gtt +Meta/" "" "$cpsim" platforms
compare "platforms" "/^  nccl-hopper +NCCL/" "$scratch/out"
expect 0 "/\"name\": \"llama3-8b\"/" "" "$cpsim" models --json
expect 0 "" "" "$cpsim" models -o "$scratch/models"
compare "models -o" "/^llama3-8b/" "$scratch/models"
expect 1 "" "$scratch/none/models: error: cannot be written: No such file or directory" \
    "$cpsim" models -o "$scratch/none/models"

# A user's own model is found on CPSIM_PATH, and a wrong one is named.
mkdir -p "$scratch/own/models/llm"
sed 's/405B/mine/' models/llm/llama3-405b.yaml >"$scratch/own/models/llm/mine.yaml"
CPSIM_PATH=/nowhere:$scratch/own expect 0 "/^mine +Llama 3.1 mine/" "" "$cpsim" models
echo 'layers: 3' >"$scratch/own/models/llm/wrong.yaml"
CPSIM_PATH=$scratch/own expect 2 "/^llama3-8b/" "/own/models/llm/wrong.yaml:1:1: error: expected 'schema: 1'/" \
    "$cpsim" models
CPSIM_PATH=$scratch/own expect 0 "/^  name: mine +# $scratch/own/" "" \
    "$cpsim" show "$scenario" --set model=mine
finish
