#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A scenario that says only what differs from another (`use:`) is that scenario under --set: the same
# words, and faults named where they stand.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
mkdir base
cp "$source/scenarios/one-gpu.yaml" base/one.yaml
cat >changed.yaml <<'YAML'
schema: 1
use: base/one.yaml
precision: fp8-tensor
workload:
  turns:
    - {prompt: 512 tokens, output: 4 tokens}
YAML
expect 0 '*' '' "$cpsim" changed.yaml -o a.h5
sed 's/ a.h5/ b.h5/' out >first
expect 0 '*' '' "$cpsim" base/one.yaml -o b.h5 --set precision=fp8-tensor \
    --set 'title=32 chats with Llama 3 8B on one H100' --set 'workload.turns=[{prompt: 512 tokens, output: 4 tokens}]'
diff first out || failures=$((failures + 1))

# In a row, and in a circle.
printf '%s\n' 'schema: 1' 'use: changed.yaml' 'layout: {tensor: 3}' >third.yaml
expect 2 '' '/^third.yaml:3:18: error: layout.tensor: 3 /' "$cpsim" check third.yaml
printf '%s\n' 'schema: 1' 'use: circle.yaml' >circle.yaml
expect 2 '' '/^circle.yaml:2:6: error: use: .*do they use each other/' "$cpsim" check circle.yaml
printf '%s\n' 'schema: 1' 'use: nowhere.yaml' >lost.yaml
expect 2 '' '/^nowhere.yaml: error: cannot be opened/' "$cpsim" check lost.yaml
finish
