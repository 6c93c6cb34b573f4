#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# analysis/measure_gpu.py where there is no GPU: its tables are of the kinds that cpsim compare knows,
# by the columns of both; wrong arguments and a missing PyTorch are said in a sentence.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
measure=("$python" -B "$source/analysis/measure_gpu.py")

expect 0 "/^gemm: model,tp,op,dtype,m,k,n,time_us,tflops$/" "" "${measure[@]}" --list
[ "$(wc -l <out)" -ge 8 ] || { echo "--list lacks kinds"; exit 1; }
mkdir tables
while IFS=': ' read -r kind columns; do
    echo "$columns" >"tables/$kind.csv"
done <out
"$cpsim" compare tables/*.csv --gpu h100-sxm --cluster dgx-h100 --json >kinds.json
cat >check.py <<'END_PY'
import json, pathlib
for table in json.load(open("kinds.json"))["tables"]:
    wanted = pathlib.Path(table["file"]).stem
    assert table["kind"] == wanted, f"{wanted} is taken for {table['kind']}"
END_PY
expect 0 "" "" "$python" check.py

expect 0 "/^memory: op,rows,cols,dtype,bytes,time_us,gbps$/" "" "${measure[@]}" --list --kinds memory
[ "$(wc -l <out)" = 1 ] || { echo "--kinds doesn't choose"; exit 1; }
expect 0 "/--quick/" "" "${measure[@]}" --help
expect 2 "" "/error: 'gem' is no kind \(one of: gemm, /" "${measure[@]}" --kinds gem
expect 2 "" "/unrecognized arguments: --fast/" "${measure[@]}" --fast

# Without PyTorch, and with one that sees no GPU.
mkdir -p none/torch blind/torch/nn
echo 'raise ImportError("No module named torch")' >none/torch/__init__.py
echo 'from . import cuda, nn' >blind/torch/__init__.py
echo 'def is_available(): return False' >blind/torch/cuda.py
touch blind/torch/nn/__init__.py blind/torch/nn/functional.py
expect 1 "" "/PyTorch 2.5 or later is needed/" env PYTHONPATH=none "${measure[@]}" --quick -o measured
expect 1 "" "/PyTorch 2.6 or later is needed/" env PYTHONPATH=none "$python" -B "$source/analysis/measure_training.py"
expect 1 "" "/PyTorch sees no CUDA GPU/" env PYTHONPATH=blind "${measure[@]}" --quick -o measured
[ ! -e measured ] || { echo "nothing was measured, but there is a folder"; exit 1; }
finish
