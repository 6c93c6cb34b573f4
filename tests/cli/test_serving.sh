#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Services as a user meets them: what a bad trace of requests says, what is dropped and rejected,
# faults, a load that is too much, the same bytes twice, folded and full alike.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
chat=$source/scenarios/serving-70b-chat.yaml

# shellcheck disable=SC2317 # called by expect
trace() { # trace FORMAT FILE [overrides...]: plays a trace of requests
    local format=$1 file=$2
    shift 2
    "$cpsim" "$chat" --set "workload.arrivals={kind: trace, format: $format, file: $file}" \
        --set 'workload.warm_up=0 s' "$@"
}

# Every format reads.
printf 'arrival_seconds,prompt_tokens,output_tokens,session\n0,1200,30,1\n0.5,90,4,0\n31,1700,25,1\n' >good.csv
expect 0 "/^requests +3 arrived, 3 completed$/" "" trace csv good.csv
compare "the session's second turn finds its first" "/of prompt tokens found there$/" out
printf '{"timestamp": 0, "input_length": 1100, "output_length": 6, "hash_ids": [0, 1, 2]}\n{"timestamp": 5000, "input_length": 1400, "output_length": 3, "hash_ids": [0, 1, 3]}\n' >good.jsonl
expect 0 "/; 41 % of prompt tokens found there$/" "" trace mooncake good.jsonl
printf '\xef\xbb\xbfTIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-12-31 23:59:59.5,10,5\r\n2024-01-01 00:00:00.5000000,20,0\r\n2024-01-01 00:00:01,20,7\r\n' >good-azure.csv
expect 0 "/^requests +2 arrived, 2 completed, 1 of the trace dropped: no answer asked for$/" "" trace azure good-azure.csv

# Bailian's: seconds, and blocks of 16 tokens: 40 has three, of which the first two, 32 tokens, were seen
# among 33: 32 of 561.
printf '{"chat_id": 1, "timestamp": 61.1, "input_length": 521, "output_length": 6, "type": "text", "hash_ids": [%s]}\n{"timestamp": 71.5, "turn": 1, "input_length": 40, "output_length": 3, "hash_ids": [1, 2, 40]}\n' \
    "$(seq -s, 33)" >good-bailian.jsonl
expect 0 "/; 5.7 % of prompt tokens found there$/" "" trace bailian good-bailian.jsonl
printf 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45.5,GPT-4,417,0,417,API log\n' >good-burst.csv
expect 0 "/^requests +1 arrived, 1 completed, 1 of the trace dropped: no answer asked for$/" "" trace burstgpt good-burst.csv
# ServeGen's: lists of a multimodal request are quoted, with commas in them.
printf 'request_id,timestamp,input_tokens,image_tokens,output_tokens\n0,0.5,472,"[10, 20]",18\n1,2.25,40,[],3\n' >servegen.csv
expect 0 "/^requests +2 arrived, 2 completed$/" "" trace servegen servegen.csv
# ShareGPT's texts: 60 characters over 4 are 15 tokens; an escape is one character, so is a pair of
# halves and a letter of two bytes: 18 are 5 tokens, 17 come to 5 as well. The second has an answer of
# 3 tokens, which vLLM's benchmark leaves out, the third one turn alone.
cat >sharegpt.json <<'END'
[
  {"id": "a_0", "conversations": [
    {"from": "human", "value": "123456789012345678901234567890123456789012345678901234567890"},
    {"from": "gpt", "value": "\u00e9\ud83d\ude00\n\"\\ é 4567890123"},
    {"from": "human", "value": "{[ more"}]},
  {"conversations": [{"value": "1234567890123456"}, {"value": "123456789012"}], "id": "b"},
  {"id": "c", "conversations": [{"from": "human", "value": "1234567890123456"}]},
  {"id": "d", "conversations": [{"value": "1234567890123456"}, {"value": "12345678901234567"}]}
]
END
# shellcheck disable=SC2317 # called by expect
texts() { # texts ARRIVALS...: with a file of texts
    "$cpsim" "$chat" --set 'workload.warm_up=0 s' --set "workload.arrivals={$1}" "${@:2}"
}
expect 0 "/^requests +2 arrived, 2 completed, 2 of the trace dropped: no answer, or longer or shorter than vllm bench serve takes$/" "" \
    texts 'kind: poisson, rate: 2/s, file: sharegpt.json, format: sharegpt' -o sharegpt.h5 --width 200
"$cpsim" trace export sharegpt.h5 --format csv --table requests >requests.csv
compare "tokens of ShareGPT's texts" "15 5
4 5" <(python3 -c 'import csv, sys; [print(r["prompt_tokens"], r["output_tokens"]) for r in csv.DictReader(open("requests.csv"))]')
expect 2 "" "/workload.arrivals.format: such a file does not say when requests come; name it as \`file\` of another kind/" \
    trace sharegpt sharegpt.json
printf '[{"id": "a", "conversations": [\n  {"from": "human", "value": 7}]},\n {"id": "b"}, 5]' >bad-sharegpt.json
expect 2 "" "bad-sharegpt.json:2:30: error: expected a text in quotes
bad-sharegpt.json:3:2: error: has no key \"conversations\"
bad-sharegpt.json:3:15: error: expected an object, '{'
3 errors" texts 'kind: at-once, file: bad-sharegpt.json, format: sharegpt'
echo '{"id": "a"}' >no-list.json
expect 2 "" "no-list.json:1:1: error: expected '[' and a list of objects, as JSON
1 error" texts 'kind: at-once, file: no-list.json, format: sharegpt'
printf '{"prompt": "What is the capital of India?", "output_tokens": 10}\n{"output_tokens": 1520, "prompt": "And of Iran?"}\n' >prompts.jsonl
expect 0 "/^requests +2 arrived, 2 completed$/" "" texts 'kind: closed-loop, clients: 2, file: prompts.jsonl, format: prompts'
printf '{"prompt": "", "output_tokens": 10}\n{"prompt": "And of Iran?"}\n' >bad-prompts.jsonl
expect 2 "" "bad-prompts.jsonl:1:12: error: the prompt is empty
bad-prompts.jsonl:2:1: error: has no key \"output_tokens\": how many tokens are asked for
2 errors" texts 'kind: at-once, file: bad-prompts.jsonl, format: prompts'
expect 2 "" "/workload.arrivals.characters_per_token: nobody counts characters here/" \
    texts 'kind: trace, file: good.csv, characters_per_token: 3'
# Any table by a map of its columns: milliseconds of any moment on.
printf 'when,in,note,out\n1700000000000,100,"a",5\n1700000040000,50,b,6\n' >own.csv
expect 0 "/^requests +2 arrived, 2 completed$/" "" "$cpsim" "$chat" --set 'workload.warm_up=0 s' \
    --set 'workload.arrivals={kind: trace, file: own.csv, columns: {arrival: when, unit: ms, prompt: in, output: out}}' -o own.h5
"$cpsim" trace export own.h5 --format csv --table requests | cut -d, -f8 >arrivals
compare "the second comes 40 s later" "arrival
0
40" arrivals
expect 2 "" "own.csv:1:1: error: a column is missing; a trace of format 'csv' begins with a line of names, with at least: in, outs
1 error" "$cpsim" "$chat" --set 'workload.arrivals={kind: trace, file: own.csv, columns: {arrival: when, prompt: in, output: outs}}'
expect 2 "" "/workload.arrivals.columns: nobody reads them here; they name the columns of a file of format csv/" "$cpsim" "$chat" \
    --set 'workload.arrivals={kind: trace, file: good-azure.csv, format: azure, columns: {prompt: in}}'
printf '{"timestamp": 1, "input_length": 40, "output_length": 3, "hash_ids": [1, 2]}\n' >few.jsonl
expect 2 "" "/^few.jsonl:1:.*: error: 2 hash_ids of a prompt of 40 tokens; expected 3, one for each block of 16 tokens/" trace bailian few.jsonl

# What is wrong with one is an error with its place, all of them at once.
printf 'arrival_seconds,output_tokens\n0,4\n' >missing.csv
expect 2 "" "missing.csv:1:1: error: a column is missing; a trace of format 'csv' begins with a line of names, with at least: prompt_tokens, output_tokens
1 error" trace csv missing.csv
printf 'arrival_seconds,prompt_tokens,output_tokens\n-1,5,5\n2,0,5\n3,1.5,5\n4,5,-2\n5,5,many\n4,5,5\n6,7\n' >bad.csv
expect 2 "" "bad.csv:2:1: error: the time of arrival is negative
bad.csv:3:3: error: a prompt has at least one token, a whole number
bad.csv:4:3: error: a prompt has at least one token, a whole number
bad.csv:5:5: error: an answer has a whole number of tokens, none is negative
bad.csv:6:5: error: expected a number
bad.csv:8:4: error: expected a number
6 errors" trace csv bad.csv
printf 'arrival_seconds,prompt_tokens,output_tokens\n4,5,5\n3,5,5\n' >order.csv
expect 2 "" "order.csv:3:1: error: its time is before that of the line above; sort the trace
1 error" trace csv order.csv
printf '{"timestamp": 0, "input_length": 100, "output_length": 6}\n[]\n{"timestamp": 1, "input_length": 9, "output_length": 1, "hash_ids": [1, x]}\n' >bad.jsonl
expect 2 "" "bad.jsonl:1:1: error: has no key \"hash_ids\"
bad.jsonl:2:1: error: expected a JSON object
bad.jsonl:3:73: error: expected a number
3 errors" trace mooncake bad.jsonl
printf 'TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,10,5\n' >bad-azure.csv
expect 2 "" "bad-azure.csv:2:1: error: expected a time such as 2023-11-16 18:17:03.9799600
1 error" trace azure bad-azure.csv
printf 'arrival_seconds,prompt_tokens,output_tokens\n' >empty.csv
expect 2 "" "empty.csv: error: no request is left to play: the trace is empty, or \`start\` is after its end
1 error" trace csv empty.csv
expect 2 "" '/workload.arrivals.file: .none.csv. cannot be opened: No such file or directory$/' trace csv none.csv
printf 'arrival_seconds,prompt_tokens,output_tokens\n0,5 tokens,5\n0.5s,5,5\n1,0x10,5\n1,1e2,5\n2e8,5,5\n' >units.csv
expect 2 "" "units.csv:2:4: error: expected nothing behind this number: its unit is known
units.csv:3:4: error: expected nothing behind this number: its unit is known
units.csv:4:3: error: expected a number
units.csv:6:1: error: its time is more than 1e8 s after the first one's (or what \`time_scale\` makes of it)
4 errors" trace csv units.csv
printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 24:00:00,10,5\n2023-11-00 01:00:00,10,5\n' >hours-azure.csv
expect 2 "" "hours-azure.csv:2:1: error: expected a time such as 2023-11-16 18:17:03.9799600
hours-azure.csv:3:1: error: expected a time such as 2023-11-16 18:17:03.9799600
2 errors" trace azure hours-azure.csv
printf '{"of": "timestamp", "timestamp": 0, "input_length": 10, "output_length": 6, "hash_ids": []}\n' >text.jsonl
expect 0 "/^requests +1 arrived, 1 completed$/" "" trace mooncake text.jsonl
# It is JSON, whatever else it holds.
printf '%s\n' '{"id": "a \"timestamp\": 9", "more": {"hash_ids": [7, {"x": null}], "ok": [true, false]}, "timestamp" :0,"input_length":10, "output_length": 6, "hash_ids":[ ] }' >whole.jsonl
expect 0 "/^requests +1 arrived, 1 completed$/" "" trace mooncake whole.jsonl
rest='"input_length": 10, "output_length": 6, "hash_ids": [1]'
printf '%s\n' "{\"timestamp\": 0, \"timestamp\": 1, $rest}" "{\"timestamp\": 0, $rest" "{\"timestamp\": 0, $rest} x" \
    "{\"timestamp\": 0 $rest}" "{\"timestamp\": 0, \"more\": [1,], $rest}" "{timestamp: 0, $rest}" "{\"timestamp\": 0, \"a, $rest" >broken.jsonl
expect 2 "" "broken.jsonl:1:31: error: \"timestamp\" for the second time
broken.jsonl:2:73: error: expected ',' or '}'
broken.jsonl:3:75: error: expected the line's end
broken.jsonl:4:16: error: expected nothing behind this number: its unit is known
broken.jsonl:5:29: error: expected a number
broken.jsonl:6:2: error: expected a key in quotes
broken.jsonl:7:23: error: expected ':' and a value
7 errors" trace mooncake broken.jsonl

# A path can lead anywhere.
mkdir folder
expect 2 "" "folder: error: is a directory; expected a trace of requests, as text
1 error" trace mooncake folder
expect 2 "" "/dev/zero: error: is a device; expected a trace of requests, as text
1 error" trace mooncake /dev/zero
mkfifo pipe
expect 2 "" "/^pipe: error: no request is left to play: /" trace mooncake pipe
truncate -s 1T holes
expect 2 "" "holes: error: larger than 4096 MiB; expected a trace of requests, as text
1 error" trace csv holes
printf 'arrival_seconds,prompt_tokens,output_tokens\n0,5,5\n\0\n' >zero.csv
expect 2 "" "zero.csv:3:1: error: a zero byte: this is not a text file; expected a trace of requests, as text
1 error" trace csv zero.csv
expect 2 "" "folder: error: is a directory; expected a length a line, as text
1 error" "$cpsim" "$chat" --set 'workload.lengths.prompt={kind: empirical, file: folder}'
expect 2 "" "/^folder: error: is a directory; expected a table as CSV$/" "$cpsim" compare kernels folder

printf 'arrival_seconds,prompt_tokens,output_tokens\n0,5000000,5\n1,50,5\n' >large.csv
expect 0 "/^requests +2 arrived, 1 completed, 1 rejected: too long for the KV cache or the model$/" "" trace csv large.csv

# model.context is vLLM's max_model_len. Turns of 900 tokens and answers of 200: the second prompt has 900 + 200 + 900 = 2000, so
# its answer ends after 100; the third has 3000 and is turned away. A second session has had one turn: 900 + 2000 + 900 in, 200 + 100 + 200 out.
cat >context.yaml <<'YAML'
schema: 1
model: {use: llama3.1-8b, context: 2100 tokens}
cluster: {use: dgx-h100, nodes: 1}
layout: {tensor: 1}
workload:
  kind: serving
  arrivals: {kind: constant, rate: 0.01 /s}
  lengths: {prompt: {kind: fixed, tokens: 900 tokens}, output: {kind: fixed, tokens: 200 tokens}}
  sessions: {turns: 1000000, think: 1 ms}
  requests: 4
YAML
expect 0 "/^requests +4 arrived, 3 completed, 1 rejected: too long for the KV cache or the model$/" "" "$cpsim" context.yaml
expect 0 "/\"input_tokens\": 3800,/" "" "$cpsim" context.yaml --json
expect 0 "/\"output_tokens\": 500,/" "" "$cpsim" context.yaml --json
# A cache that one request of that length does not fit: vLLM does not start; the length that it names is the longest that does.
small=memory.fraction=0.3
expect 2 "" "/no room for one request of 1000000 tokens, and vLLM does not start then; expected [0-9]+ tokens at most/" \
    "$cpsim" context.yaml --set $small --set 'model.context=1000000 tokens'
most=$("$cpsim" context.yaml --set $small --set 'model.context=1000000 tokens' 2>&1 | sed -n 's/.*expected \([0-9]*\) tokens at most.*/\1/p') || true # pipefail: cpsim says 2
expect 0 "/^concurrency +1 requests of the model's full/" "" "$cpsim" context.yaml --set $small --set "model.context=$most tokens"
expect 2 "" "/; expected $most tokens at most/" "$cpsim" context.yaml --set $small --set "model.context=$((most + 1)) tokens"
# SGLang starts all the same; and what only the model's file says is a note.
expect 0 "*" "" "$cpsim" context.yaml --set software=sglang --set 'model.context=1000000 tokens'
{ cat "$source/models/llm/llama3.1-8b.yaml"; echo 'context: 1000000 tokens'; } >long.yaml
expect 0 "/^ +vLLM starts with --max-model-len of at most $most here \\(model.context\\), and is taken to be started so$/" "" \
    "$cpsim" context.yaml --set $small --set model=./long.yaml

# Scenarios that cannot be.
expect 2 "" "/error: workload.service.prefill_replicas: 0 of the 1 replicas/" \
    "$cpsim" check "$chat" --set workload.service.policy=disaggregated
expect 2 "" "/error: layout: leaves no room for a KV cache: a GPU needs /" \
    "$cpsim" check "$chat" --set layout.tensor=1 --set precision=bf16
expect 2 "" "/error: workload.arrivals.rate: '4' needs a unit; expected a number per second such as 4 .s$/" \
    "$cpsim" check "$chat" --set workload.arrivals.rate=4
expect 2 "" "/error: workload.faults.0.replica: there is no replica 3; there are 1$/" \
    "$cpsim" check "$chat" --set 'workload.faults=[{kind: replica, replica: 3, at: 1 s, duration: 1 s}]'

# Too much is said to be too much; enough is not.
# All come within the warm-up: no figure is made of none.
expect 0 "/nothing was measured: all requests came within the warm-up of 30.0 s, the last after 25.1 s/" "" "$cpsim" "$chat" \
    --set 'workload.arrivals.rate=80 /s'
compare "of nothing measured" "/^throughput +0 requests.s, 0 prompt . 0 output tokens.s/" "$scratch/out"
expect 0 "/^load +NOT SUSTAINED: /" "" "$cpsim" "$chat" --set 'workload.arrivals.rate=60 /s' --set 'workload.warm_up=0 s'
expect 0 "*" "" "$cpsim" "$chat"
if grep -q "NOT SUSTAINED" out; then
    echo "a load that is carried is said not to be"
    failures=$((failures + 1))
fi

# Faults: begun again or lost, and counted; slower machines are slower.
two=("$chat" --set layout.data=2 --set 'workload.arrivals.rate=10 /s' --set 'workload.warm_up=0 s')
fails='workload.faults=[{kind: replica, replica: 0, at: 20 s, duration: 30 s}]'
expect 0 "/^faults +1 replica; replicas down for 30.0 s, [1-9][0-9]* requests begun again, 0 lost$/" "" "$cpsim" "${two[@]}" --set "$fails"
compare "all are answered" "/^requests +2,000 arrived, 2,000 completed$/" out
expect 0 "/^faults +1 replica; replicas down for 30.0 s, 0 requests begun again, [1-9][0-9]* lost$/" "" \
    "$cpsim" "${two[@]}" --set "$fails" --set workload.lost_requests=lose
slow='workload.faults=[{kind: slow, replica: 0, at: 0 s, duration: 1000 s, factor: 2}]'
"$cpsim" "${two[@]}" --json >sound.json
"$cpsim" "${two[@]}" --set "$slow" --json >slow.json
if cmp -s sound.json slow.json; then
    echo "a slow machine makes no difference"
    failures=$((failures + 1))
fi

# A card that carries a tenth delays the caches that move over it.
apart=("$source/scenarios/serving-disaggregated.yaml" --set workload.requests=300 --set 'workload.warm_up=0 s')
"$cpsim" "${apart[@]}" --json >apart.json
"$cpsim" "${apart[@]}" --json --set 'workload.faults=[{kind: nic, replica: 0, at: 0 s, duration: 1000 s, factor: 0.1}]' >weak.json
if cmp -s apart.json weak.json; then
    echo "a weak network card makes no difference"
    failures=$((failures + 1))
fi

# The same bytes twice, of the terminal and of the trace; full detail gives the same figures.
"$cpsim" "${apart[@]}" -o run.h5 >first
mv run.h5 first.h5
"$cpsim" "${apart[@]}" -o run.h5 >second
cmp first second || failures=$((failures + 1))
cmp first.h5 run.h5 || failures=$((failures + 1))
expect 0 "run.h5: ok" "" "$cpsim" trace check run.h5
"$cpsim" "${apart[@]}" -o run.h5 --set detail=full >second
cmp first second || failures=$((failures + 1))

# Clients of a closed loop take a file's requests in order, times or not; all at once is a kind too.
printf 'prompt_tokens,output_tokens\n100,5\n300,7\n200,6\n' >order.csv
expect 0 '/^requests +3 arrived, 3 completed$/' '' "$cpsim" "$chat" \
    --set 'workload.arrivals={kind: closed-loop, clients: 2, file: order.csv}' --set 'workload.warm_up=0 s'
expect 0 '/^requests +2 arrived, 2 completed$/' '' "$cpsim" "$chat" \
    --set 'workload.arrivals={kind: at-once, file: order.csv, limit: 2}' --set 'workload.warm_up=0 s'
expect 2 '' '/^order.csv:2:6: error: when it comes is missing: .*arrival_seconds/' "$cpsim" "$chat" \
    --set 'workload.arrivals={kind: trace, file: order.csv}'
# Blocks of another size than Mooncake's 512 tokens are no hash_ids of it.
echo '{"timestamp": 1, "input_length": 558, "output_length": 20, "hash_ids": [1, 2, 3]}' >bailian.jsonl
expect 2 '' '/^bailian.jsonl:1:.*: error: 3 hash_ids of a prompt of 558 tokens; expected 2/' "$cpsim" "$chat" \
    --set 'workload.arrivals={kind: trace, format: mooncake, file: bailian.jsonl}'
# What nobody says is the engine's, by the GPU's memory; what somebody says stays.
expect 0 '/^    max_sequences: 1024 .*vllm.yaml/' '' "$cpsim" show "$chat"
expect 0 '/^    max_sequences: 256 .*vllm.yaml/' '' "$cpsim" show "$chat" --set 'gpu.memory=40 GB'
expect 0 '/^    max_sequences: 128 /' '' "$cpsim" show "$chat" --set 'gpu.memory=40 GB' \
    --set 'workload.service.max_batched_tokens=128 tokens'
expect 0 '/^  fraction: 0.92 .*vllm.yaml/' '' "$cpsim" show "$chat"
expect 0 '/^  fraction: 0.8 /' '' "$cpsim" show "$chat" --set memory.fraction=0.8

# A conversation is held to the memory of its engine, whatever it asks itself.
cat >talk.yaml <<'END'
schema: 1
model: llama3-70b
cluster: dgx-h100
software: vllm-0.11
precision: fp8-tensor
workload: {kind: conversation, turns: [{prompt: 100 tokens, output: 10 tokens}]}
END
expect 2 '' '/error: layout: does not fit the memory by /' "$cpsim" check talk.yaml
expect 0 '*' '' "$cpsim" check talk.yaml --set layout.tensor=2

finish
