#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim compare: the kind of a table is seen from its columns, bad rows are named by their place, all
# of them, and nothing is printed then; what is beyond the models' data says so.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
silicon=$source/tests/validation/silicon

# A table of one's own: other columns do no harm, in any order.
cat >gemm.csv <<'END_CSV'
# measured yesterday
time_us,note,dtype,m,k,n
30.68,"a ""quoted"", note",bf16,1,16384,2304
100,,fp8t,200000,16384,2304
END_CSV
expect 0 "/^GEMM bf16 +1 /" "" "$cpsim" compare gemm.csv --gpu h100-sxm --csv rows.csv
grep -q '^gemm.csv:4: m = 200000 is outside the fitted 1 to 32768$' out || { cat out; exit 1; }
grep -q '^gemm.csv,3,gemm,GEMM bf16,time_us,30.68,' rows.csv || { cat rows.csv; exit 1; }
grep -q ',extrapolated: m = 200000 is outside' rows.csv || { cat rows.csv; exit 1; }

# A GPU file of one's own, by path; the same as the shipped one gives the same figures.
cp "$source/platforms/gpus/h100-sxm.yaml" mine.yaml
"$cpsim" compare gemm.csv --gpu h100-sxm >shipped
expect 0 "$(cat shipped)" "" "$cpsim" compare gemm.csv --gpu ./mine.yaml
# One that doesn't say what it was fitted on covers nothing.
sed '/^fitted:/,$d' mine.yaml >silent.yaml
expect 0 "/^gemm.csv:3: no file says which m were fitted$/" "" "$cpsim" compare gemm.csv --gpu ./silent.yaml

# Every wrong field at once, by its place; exit 2 and no result.
cat >bad.csv <<'END_CSV'
dtype,m,k,n,time_us
fp9,1,2,3,4
bf16,0,2,3,4
bf16,1.5,x,3,4
bf16,1,2,3,-4
bf16,1,2,3,inf
bf16,1,2,3
END_CSV
expect 2 "" "bad.csv:2:1: error: dtype: 'fp9' is not known (did you mean 'fp8'?)
bad.csv:3:6: error: m: 0 is out of range [1, 1.07374e+09]
bad.csv:4:6: error: m: 1.5 is not a whole number
bad.csv:4:10: error: k: 'x' is not a number
bad.csv:5:12: error: time_us: -4 is out of range [1e-09, 1e+15]
bad.csv:6:12: error: time_us: 'inf' is not a number
bad.csv:7:1: error: 4 fields, but the header names 5 columns
7 errors" "$cpsim" compare bad.csv --gpu h100-sxm --csv none.csv
[ ! -e none.csv ] || { echo "bad rows left a result"; exit 1; }

# What single fields can't say.
cat >heads.csv <<'END_CSV'
tq,tk,hq,hk,hd,causal,time_us
8,4,16,3,128,1,5
END_CSV
expect 2 "" "heads.csv:2:3: error: tk: a causal mask needs at least as many keys as queries
heads.csv:2:5: error: hq: 16 query heads are no multiple of 3 key-value heads
2 errors" "$cpsim" compare heads.csv --gpu h100-sxm
cat >notes.csv <<'END_CSV'
work,model,tp_shard,precision,batch,new_tokens,context,seconds,time_us_per_call,average_watts,sm_clock_mhz,note
gemm,,,bf16,,64,,1,5,300,1980,k=16
attention_prefill,,,,,64,64,1,5,300,1980,"16 q heads, 0 kv heads"
layers_decode,llama3-8b,1,bf16,1,1,64,1,5,300,1980,many layers
END_CSV
expect 2 "" "notes.csv:2:31: error: note: the product's depth and columns were expected, as in 'k=16384 n=13312'
notes.csv:3:42: error: note: the heads were expected, as in '16 q heads, 1 kv head, causal'
notes.csv:4:52: error: note: the stack's height was expected, as in '32 layers'
3 errors" "$cpsim" compare notes.csv --gpu h100-sxm
printf 'kind,ranks,ranks_per_node,launch,bytes,microseconds\nall-reduce,8,3,graph,1024,7\n' >nodes.csv
expect 2 "" "nodes.csv:2:14: error: ranks_per_node: 3 does not divide 8 ranks
1 error" "$cpsim" compare nodes.csv --cluster dgx-h100
printf 'model,tp_shard,precision,micro_batch,seq_len,layers,forward_us_per_layer,forward_backward_us_per_layer\nllama3-8b,1,fp8,1,64,4,5,9\n' >training.csv
expect 2 "" "training.csv:2:13: error: precision: training is modelled in bf16 alone
1 error" "$cpsim" compare training.csv --gpu h100-sxm

# What the command line must name, and names that nothing has.
# A column `gpu` says which, by the names that a GPU's file lists; an engine is a file too.
engines=$source/tests/validation/engines
expect 0 "/^attention, vllm, prefill +[0-9]+ /" "" "$cpsim" compare "$engines/attention_engines.csv"
sed 's/H100 SXM,/B300 SXM,/' "$engines/attention_engines.csv" >b200.csv
expect 2 "" "b200.csv:2:13: error: no GPU's file lists 'B300 SXM' among its devices; name one: --gpu NAME, such as --gpu h100-sxm
1 error" "$cpsim" compare b200.csv
sed 's/^sglang/slang/' "$engines/experts_engines.csv" >slang.csv
expect 2 "" "/^slang.csv:[0-9]+:1: error: no software.kernels is called 'slang' \\(did you mean 'sglang'\\?\\)$/" \
    "$cpsim" compare slang.csv --gpu h100-sxm

expect 2 "" "gemm.csv: error: rows of kind gemm need a GPU: --gpu NAME, such as --gpu h100-sxm
1 error" "$cpsim" compare gemm.csv
expect 2 "" "the command line: error: no gpu is called 'h100-sx' (did you mean 'h100-sxm'?)
1 error" "$cpsim" compare gemm.csv --gpu h100-sx
expect 2 "" "/rows of kind collective need a cluster: --cluster NAME/" \
    "$cpsim" compare "$silicon/h200x2_nccl.csv" --gpu h200-sxm
printf 'collective,ranks,bytes,mode,time_us\nall_reduce,16,1024,graph,20\nall_redcue,2,1024,eager,20\n' >nccl.csv
expect 2 "" "nccl.csv:2:12: error: ranks: 15 ranks are not alike on 2 nodes
nccl.csv:3:1: error: collective: 'all_redcue' is not known (did you mean 'all_reduce'?)
2 errors" bash -c "sed s/16,/15,/ nccl.csv >nccl2.csv; mv nccl2.csv nccl.csv; '$cpsim' compare nccl.csv --cluster dgx-h100"
printf 'm,k,time_us\n1,2,3\n' >unknown.csv
expect 2 "" "unknown.csv:1:1: error: no kind of measurement has these columns; nearest is gemm, which also needs: dtype, n (cpsim compare, without a file, lists all kinds)
1 error" "$cpsim" compare unknown.csv --gpu h100-sxm
expect 2 "" "none.csv: error: cannot be opened: No such file or directory
1 error" "$cpsim" compare none.csv --gpu h100-sxm
: >empty.csv
expect 2 "" "/^empty.csv:1:1: error: an empty table/" "$cpsim" compare empty.csv --gpu h100-sxm

# A row may name its own cluster and software.
printf 'cluster,software,kind,ranks,ranks_per_node,launch,bytes,microseconds\n,,all-reduce,8,8,graph,1024,7\nnone,,all-reduce,8,8,graph,1024,7\n' >own.csv
expect 2 "" "/^own.csv:2:1: error: cluster: the row names none, and there is no --cluster$/" "$cpsim" compare own.csv
grep -q "^own.csv:3:1: error: no cluster is called 'none'" err || { cat err; exit 1; }

# Of two libraries that ran a shape the faster counts.
cat >attention.csv <<'END_CSV'
backend,batch,ctx,hq,hk,hd,time_us
slow,1,512,16,1,128,80
fast,1,512,16,1,128,8
slow,2,512,16,1,128,9
END_CSV
expect 0 "/^attention decode +2 /" "" "$cpsim" compare attention.csv --gpu h100-sxm

# All kinds there are; JSON for programs, the same figures in it.
expect 0 "/^  tq,tk,hq,hk,hd,causal,time_us$/" "" "$cpsim" compare
"$cpsim" compare "$silicon"/h100_*.csv --gpu h100-sxm --json -o all.json --csv all.csv
cat >check.py <<'END_PY'
import csv, json, statistics, sys
result = json.load(open("all.json"))
rows = list(csv.DictReader(open("all.csv")))
assert len(rows) == len(result["rows"]) > 800, len(rows)
for group in result["classes"]:
    errors = [abs(r["error"]) for r in result["rows"] if r["class"] == group["class"] and r["counts"]]
    assert len(errors) == group["count"] > 0, group
    assert abs(statistics.median(errors) - group["median"]) < 1e-9, group
    assert max(errors) == group["worst"], group
    assert group["median"] <= group["p90"] <= group["worst"], group
END_PY
expect 0 "" "" "$python" check.py
# A table without rows: nothing to compare, and no array to reach into.
for table in h100_gemm h100_memory h100_attention_decode; do
    head -n 1 "$source/tests/validation/silicon/$table.csv" >none.csv
    expect 0 "*" "" "$cpsim" compare none.csv --gpu h100-sxm
done

# What clients of a service wrote is played again by the scenario's service.
cat >service.yaml <<'END_YAML'
schema: 1
model: llama3.1-8b
cluster: hgx-h200
software: vllm
workload:
  kind: serving
  arrivals: {kind: at-once}
  lengths: {prompt: {kind: fixed, tokens: 100 tokens}, output: {kind: fixed, tokens: 2 tokens}}
END_YAML
cat >seen.csv <<'END_CSV'
model,tensor,case,due_s,prompt_tokens,output_tokens,sent_s,ttft_s,e2e_s
llama3.1-8b,1,one,0,512,3,0,0.03,0.04
llama3.1-8b,2,two,0,512,3,0,0.03,0.04
other,1,one,0,512,3,0,0.03,0.04
END_CSV
expect 0 "/^seen.csv, one: 1 requests, at the times at which they were sent/" \
    "/^seen.csv: note: 1 case passed over: on 2 tensor ranks; the scenario's layout.tensor is 1/" \
    "$cpsim" compare seen.csv --scenario service.yaml --csv requests.csv
grep -q '^"seen.csv, one",0,0.000000,512,3,0.030000,0\.[0-9]*,0.040000,0\.[0-9]*$' requests.csv || { cat requests.csv; exit 1; }
expect 2 "" "/^seen.csv: error: requests of a client are played again: by which service/" "$cpsim" compare seen.csv
grep -v llama seen.csv >other.csv
expect 2 "" "/^other.csv: error: 1 case passed over: of another model, such as 'other'; the scenario's is 'llama3.1-8b'/" \
    "$cpsim" compare other.csv --scenario service.yaml

# What nccl-tests print (here with times made up) is the table that it is, place for place. Which collective: its words say, the
# file's name, or the ratio of its bandwidths (455.20 / 260.11 = 1.75 = 2 x 7 / 8: an all-reduce).
cat >printed.txt <<'END_TEXT'
# nThread 1 nGpus 8 minBytes 1048576 maxBytes 1073741824 step: 8(factor) warmup iters: 5 iters: 20 agg iters: 1 validation: 1 graph: 0
#
# Using devices
#  Rank  0 Group  0 Pid   1234 on     node1 device  0 [0x1b] NVIDIA H100 80GB HBM3
#  Rank  1 Group  0 Pid   1234 on     node1 device  1 [0x43] NVIDIA H100 80GB HBM3
#  Rank  2 Group  0 Pid   1234 on     node1 device  2 [0x52] NVIDIA H100 80GB HBM3
#  Rank  3 Group  0 Pid   1234 on     node1 device  3 [0x61] NVIDIA H100 80GB HBM3
#  Rank  4 Group  0 Pid   1234 on     node1 device  4 [0x9d] NVIDIA H100 80GB HBM3
#  Rank  5 Group  0 Pid   1234 on     node1 device  5 [0xc3] NVIDIA H100 80GB HBM3
#  Rank  6 Group  0 Pid   1234 on     node1 device  6 [0xd1] NVIDIA H100 80GB HBM3
#  Rank  7 Group  0 Pid   1234 on     node1 device  7 [0xdf] NVIDIA H100 80GB HBM3
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1    36.10   29.05   50.83      0    36.20   28.97   50.69      0
  1073741824     268435456     float     sum      -1   4128.0  260.11  455.20      0   4127.0  260.17  455.30      0
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 227.5
END_TEXT
expect 0 "/^ *[+-].*printed.txt:17 collective=all_reduce ranks=8 nodes=1 bytes=1073741824: time_us 4,128 measured/" "" \
    "$cpsim" compare printed.txt --cluster dgx-h100 --csv printed.csv
grep -q '^printed.txt,16,collective-tests,all-reduce in a node,time_us,36.1,' printed.csv || { cat printed.csv; exit 1; }
sed 's/   sum /  none/; s/455.20/227.60/; s/ 50.83/ 25.42/' printed.txt >unsaid.txt
expect 2 "" "unsaid.txt: error: an output of nccl-tests, but which collective it is nothing says: call the file after its program, such as all_gather_perf.txt
1 error" "$cpsim" compare unsaid.txt --cluster dgx-h100
cp unsaid.txt all_gather_perf.txt
expect 0 "/all_gather_perf.txt:17 collective=all_gather/" "" "$cpsim" compare all_gather_perf.txt --cluster dgx-h100
sed '/Rank/d' printed.txt >ranks.txt
expect 2 "" "/an output of nccl-tests, but no lines say its ranks/" "$cpsim" compare ranks.txt --cluster dgx-h100

# A trace of PyTorch's profiler is tables of its products and attention, a row a shape, the median of its
# calls; two libraries ran one attention, and the faster counts. The GPU is the trace's own.
trace=$source/tests/validation/profiler/h200_layers.json
expect 0 "/^GEMM bf16 +7 +[0-9.]+ %/" "/note: 92.1 % of 9.834 ms of kernels are products and attention with known shapes; others: void at::native/" \
    "$cpsim" compare "$trace" --csv profiled.csv
grep -qx "1 rows don't count: another library ran the same shape faster" out || { cat out; exit 1; }
# Four calls of the fp8 product with a scale a row: 351.04, 351.552, 352 and 355.2 us; the lower
# of the middle two is the median.
"$python" - "$trace" profiled.csv <<'END_PYTHON'
import csv, json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
calls = {e["args"]["External id"]: e for e in events if e["cat"] == "cpu_op" and e["name"] == "aten::_scaled_mm"}
rows = [e for e in calls.values() if e["args"]["Input Dims"][2] == [2048, 1]]
took = sorted(e["dur"] for e in events if e["cat"] == "kernel" and e["args"]["External id"] in {r["args"]["External id"] for r in rows})
found = [float(r["measured"]) for r in csv.DictReader(open(sys.argv[2])) if r["class"] == "GEMM fp8, a scale a row"]
assert len(took) == 4 and len(found) == 1 and abs(found[0] / took[1] - 1) < 1e-4, (took, found)
errors = [abs(float(r["error"])) for r in csv.DictReader(open(sys.argv[2])) if not r["remark"].startswith("does not count")]
assert len(errors) == 10 and max(errors) < 0.2, errors
END_PYTHON
echo '{"traceEvents": [{"cat": "kernel", "name": "k", "dur": 1, "args": {}}]}' >shapeless.json
expect 2 "" "/^shapeless.json: error: no operator in it has a shape that is known here: profile with record_shapes=True/" \
    "$cpsim" compare shapeless.json --gpu h100-sxm
echo '{"traceEvents": []}' >idle.json
expect 2 "" "/^idle.json: error: a trace without kernels/" "$cpsim" compare idle.json --gpu h100-sxm
finish
