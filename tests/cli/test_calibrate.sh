#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim calibrate: constants that were lost are found again from tables made with them; tables that
# are thin or wrong say so; the file that is written loads and predicts what the report says. A
# result that isn't the file's, or a bad row that is fitted, shows here.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
silicon=$source/tests/validation/silicon

# --- the shipped tables: no class worse than with the shipped file by a tenth ---
kernels=("$silicon"/h100_{gemm,experts,attention_prefill,attention_heads,attention_decode,attention_decode_heads,memory,cast}.csv)
cat >check.py <<'END_PY'
# NAME: the report's figures are those of cpsim compare with the file that was written; the errors after are sound.
import json, re, statistics, sys
before, after = (json.load(open(f)) for f in ("before.json", "after.json"))
def pooled(result, names):
    return statistics.median(abs(r["error"]) for r in result["rows"] if r["counts"] and r["class"] in names)
# Of attention, those that no constant is fitted on: predicted from the others'.
checks = ("attention, one new token", "attention, 2 to 16 new tokens", "attention prefill, values of another size")
fitted = [c["class"] for c in before["classes"] if c["class"].startswith(("GEMM", "attention", "memory-bound")) and
          c["class"] not in checks]
assert len(fitted) == 11, fitted
assert pooled(after, fitted) < pooled(before, fitted), (pooled(after, fitted), pooled(before, fitted))
before, after = ({c["class"]: c for c in result["classes"]} for result in (before, after))
report = {}
for line in open("report"):
    found = re.match(r"(\S.*?) +(\d+)" + 4 * r" +([\d.]+) %", line)
    if found:
        report.setdefault(found[1], found.groups()[1:]) # those held out stand below
assert set(report) == set(before), set(report) ^ set(before)
for name, row in report.items():
    told = [before[name]["median"], before[name]["p90"], after[name]["median"], after[name]["p90"]]
    assert list(row) == [str(before[name]["count"])] + [f"{100 * x:.1f}" for x in told], (name, row, told)
# Kernels alone: every class of some rows. With tables of power, which are of another H100, and with what no constant
# was fitted on: the bounds that the shipped file is held to (bounds.csv).
if sys.argv[1] == "kernels":
    for name in (n for n in fitted if before[n]["count"] >= 20):
        for statistic in ("median", "p90"):
            assert after[name][statistic] < 1.1 * before[name][statistic], (name, before[name], after[name])
else:
    bounds = {"GEMM bf16": 0.04, "GEMM fp8, a scale a tensor": 0.04, "GEMM fp8, a scale a row": 0.06,
              "attention prefill, 512 tokens and more": 0.04, "attention prefill, other head sizes": 0.04,
              "attention decode": 0.07, "memory-bound, 1 MB and more": 0.10, "average power": 0.08,
              "layers, prefill": 0.04, "layers, decode": 0.04, "training layers, forward": 0.05,
              "training layers, forward and backward": 0.05, "clock": 0.08, "time under the power limit": 0.04,
              "sustained GEMM": 0.04}
    for name, bound in bounds.items():
        assert after[name]["median"] < bound, (name, after[name])
END_PY
calibrated() { # calibrated NAME TABLE...
    local name=$1
    shift
    expect 0 "/^written: my-gpu.yaml$/" "/^RoPE: warning: rope_passes: kept from h100-sxm, for there are no rows of the kind$/" \
        "$cpsim" calibrate "$@" -o my-gpu.yaml
    cp out report
    [ ! -e my-gpu.yaml.part ] || { echo "a .part file is left"; exit 1; }
    "$cpsim" compare "$@" --gpu h100-sxm --json >before.json
    "$cpsim" compare "$@" --gpu ./my-gpu.yaml --json >after.json
    expect 0 "" "" "$python" check.py "$name"
}
calibrated kernels "${kernels[@]}"
tables=("$silicon"/h100_*.csv)
calibrated all "${tables[@]}"

# The file has all that a scenario asks of a GPU, with sources that name the tables, and no date.
cat >scenario.yaml <<'END_YAML'
schema: 1
model: llama3-8b
cluster: dgx-h100
gpu: my-gpu
workload: {kind: conversation, turns: [{prompt: 2000 tokens, output: 8 tokens}]}
END_YAML
expect 0 "*" "" "$cpsim" check scenario.yaml
expect 0 "/1 x my-gpu/" "" "$cpsim" run scenario.yaml
grep -q '^swiglu_rate: {value: .*B/s, source: "fitted on h100_memory.csv, 16 rows"}$' my-gpu.yaml || { cat my-gpu.yaml; exit 1; }
grep -q '^memory: {value: 79.1 GiB, source: "as h100-sxm: what the CUDA driver gives' my-gpu.yaml || { cat my-gpu.yaml; exit 1; }
grep -q '^  head_size: {least: 64, most: 256}$' my-gpu.yaml || { cat my-gpu.yaml; exit 1; }

# --- there and back: tables that a GPU with other constants made ---
cat >other.yaml <<'END_YAML'
schema: 1
use: h100-sxm
source: made up
memory_rate: 2.6 TB/s
memory_efficiency: 0.93
copy_efficiency: 0.7
l2_rate: 4 TB/s
kernel: 2 us
matmul:
  efficiency: {none: 0.8, tensor: 0.75, row: 0.7}
  start: {none: 3 us, tensor: 4 us, row: 5 us}
attention_efficiency: 0.6
attention: 5 us
decode_attention: 8 us
decode_efficiency: 0.8
norm_efficiency: 0.5
swiglu_rate: 1.2 TB/s
quantise_rate: 1 TB/s
END_YAML
cat >made.py <<'END_PY'
# Tables whose measured times are the predictions of rows.csv.
import csv, os, sys
predicted = {(os.path.basename(r["file"]), int(r["line"])): r["predicted"] for r in csv.DictReader(open("rows.csv"))}
for path in sys.argv[1:]:
    name = os.path.basename(path)
    rows = list(csv.reader(open(path)))
    place = rows[0].index("time_us")
    with open("made_" + name, "w") as out:
        for line, row in enumerate(rows, 1):
            if line > 1:
                row[place] = predicted[name, line]
            out.write(",".join(row) + "\n")
END_PY
kernels=("$silicon"/h100_{gemm,attention_prefill,attention_decode,memory}.csv)
"$cpsim" compare "${kernels[@]}" --gpu ./other.yaml --csv rows.csv >/dev/null
"$python" made.py "${kernels[@]}"
expect 0 "*" "*" "$cpsim" calibrate made_*.csv --set "gpu.memory_rate=2.6 TB/s" --set gpu.title=Other -o found.yaml
"$cpsim" compare made_*.csv --gpu h100-sxm --json >before.json
"$cpsim" compare made_*.csv --gpu ./found.yaml --json >after.json
cat >check.py <<'END_PY'
import json
before, after = ({c["class"]: c for c in json.load(open(f))["classes"]} for f in ("before.json", "after.json"))
for name in after:
    print(f'{name}: {before[name]["median"]:.4f} -> {after[name]["median"]:.4f}, p90 {after[name]["p90"]:.4f}, worst {after[name]["worst"]:.4f}')
    assert before[name]["median"] > 0.05, name
    assert after[name]["median"] < 0.01, name
END_PY
expect 0 "*" "" "$python" check.py
cp out there-and-back
grep -q '^title: "Other"$' found.yaml || { cat found.yaml; exit 1; }
grep -q '^memory_rate: {value: 2.6 TB/s, source: "given to cpsim calibrate with --set"}$' found.yaml || { cat found.yaml; exit 1; }

# --- thin tables: what they don't show is named and kept ---
# Four large products: they tell the matrix units' share, not what a launch takes.
cat >thin.csv <<'END_CSV'
gpu,dtype,m,k,n,time_us
A,bf16,8192,8192,8192,2000
A,bf16,8192,8192,16384,4000
A,bf16,16384,8192,8192,4000
B,bf16,16384,8192,16384,8000
END_CSV
expect 0 "/^GEMM bf16, 4 rows: matmul.efficiency.none$/" "/^GEMM bf16: warning: matmul.start.none, matmul.tile.none: kept from h100-sxm, for too few of the 4 rows of the kind depend on them$/" \
    "$cpsim" calibrate thin.csv -o thin.yaml
compare "several GPUs" "/^thin.csv:5:1: warning: gpu: 'B', but other rows are of 'A'; a file describes one GPU$/" err
compare "no copies" "/^copy: warning: copy_efficiency, l2_rate, kernel: kept from h100-sxm, for there are no rows of the kind$/" err
grep -q '^    none: {value: 1.79 us, source: "as h100-sxm: fitted on h100_gemm.csv, 576 rows"}$' thin.yaml || { cat thin.yaml; exit 1; }
grep -q '^  matmul_m: {least: 8192, most: 16384}$' thin.yaml || { cat thin.yaml; exit 1; }
grep -q '^  decode_keys: {least: 512, most: 131072, source: "as h100-sxm: ' thin.yaml || { cat thin.yaml; exit 1; }
# The same bytes again.
"$cpsim" calibrate thin.csv -o again.yaml >/dev/null 2>&1
expect 0 "" "" cmp thin.yaml again.yaml
# Two rows are not enough for one constant: everything is the base's, and says so.
sed -n '1,3p' thin.csv >thinner.csv
expect 0 "/^nothing is written: there is no -o FILE$/" "/^GEMM bf16: warning: matmul.efficiency.none, .* for too few of the 2 rows/" \
    "$cpsim" calibrate thinner.csv
expect 0 "/ +no constant +- +- +- +-$/" "*" "$cpsim" calibrate thinner.csv
# Nonsense ends at bounds that are told, not in a GPU that takes no time.
sed -E 's/,[0-9]+$/,0.001/' thin.csv >nonsense.csv
expect 0 "*" "/^matmul.efficiency.none: warning: came out at its bound/" "$cpsim" calibrate nonsense.csv -o nonsense.yaml
expect 0 "*" "" "$cpsim" check scenario.yaml --set gpu=./nonsense.yaml
# Tables of several GPUs are passed over.
expect 0 "*" "/^$source.*nccl.csv: warning: passed over: rows of kind collective are not of one GPU alone$/" \
    "$cpsim" calibrate thin.csv "$silicon/h200x2_nccl.csv"

# --- wrong input: all of it by its place, exit 2, no file ---
cat >bad.csv <<'END_CSV'
dtype,m,k,n,time_us
bf17,1,2,3,4
bf16,0,2,3,-4
bf16,1,2,3
END_CSV
expect 2 "" "bad.csv:2:1: error: dtype: 'bf17' is not known (did you mean 'bf16'?)
bad.csv:3:6: error: m: 0 is out of range [1, 1.07374e+09]
bad.csv:4:1: error: 4 fields, but the header names 5 columns
3 errors" "$cpsim" calibrate bad.csv -o none.yaml
expect 2 "" "/^$source.*h100_layers.csv: error: no row is of a single kernel, so there is nothing to fit/" \
    "$cpsim" calibrate "$silicon/h100_layers.csv" -o none.yaml
expect 2 "" "/^--base: error: no gpu is called 'h100-sx' .did you mean 'h100-sxm'/" "$cpsim" calibrate thin.csv --base h100-sx -o none.yaml
expect 2 "" "/^--set layout.tensor=2: error: only keys of gpu can be set here, as gpu.KEY=VALUE$/" \
    "$cpsim" calibrate thin.csv --set layout.tensor=2 -o none.yaml
expect 2 "" "/^--set gpu.memory_rat=3 TB.s: error: .*did you mean 'memory_rate'/" \
    "$cpsim" calibrate thin.csv --set "gpu.memory_rat=3 TB/s" -o none.yaml
expect 1 "" "/^no.such.folder.none.yaml: error: cannot be written: No such file or directory$/" \
    "$cpsim" calibrate thin.csv -q -o no/such/folder/none.yaml
[ ! -e none.yaml ] || { echo "wrong input left a file"; exit 1; }

# --- the page: the columns it lists are those that the kinds have ---
"$cpsim" compare >kinds
# shellcheck disable=SC2016 # backticks of Markdown
sed -nE 's/^\| ([a-z-]+) \| `([^`]*)` \|.*/\1 \2/p' "$source/docs/calibrate.md" >listed
[ "$(wc -l <listed)" = 7 ] || { echo "docs/calibrate.md lists $(wc -l <listed) kinds"; exit 1; }
while read -r kind columns; do
    grep -A1 "^$kind: " kinds | grep -qxF "  $columns" || { echo "docs/calibrate.md: columns of $kind"; exit 1; }
done <listed
finish
