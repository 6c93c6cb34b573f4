#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A network of the user's own: what show --platform-xml prints is taken back and gives the same
# result; a change of it shows; one that SimGrid would abort on is a sentence and exit 2.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
scenario=$source/scenarios/how-many-nodes.yaml

expect 0 "/^<host id=\"gpu31\" /" "" "$cpsim" show "$scenario" --platform-xml
cp out good.xml
expect 0 "" "" "$cpsim" show "$scenario" --platform-xml --output again.xml
expect 0 "" "" cmp good.xml again.xml
if [ "$(grep -c '<host ' good.xml)" != 32 ]; then
    echo "show --platform-xml prints $(grep -c '<host ' good.xml) hosts, expected those of the layout: 32"
    failures=$((failures + 1))
fi

"$cpsim" "$scenario" >made
"$cpsim" "$scenario" --set platform.xml=good.xml >own
expect 0 "" "" diff made own
# A path in a scenario is relative to the scenario.
mkdir folder
cp good.xml folder
{ cat "$scenario" && echo 'platform: good.xml'; } >folder/own.yaml
"$cpsim" folder/own.yaml >own
expect 0 "" "" diff made own

# Slow network cards: the ring no longer hides.
sed -E 's/(link id="nic[0-9]+" bandwidth=")[^"]*/\1500MBps/' good.xml >slow.xml
"$cpsim" "$scenario" --set platform.xml=slow.xml >own
if diff made own >log; then
    echo "slow network cards change nothing"
    failures=$((failures + 1))
fi

# Unequal: one slow card of a rank that folding would leave out. Folded and full say the same, and
# others' traffic on that rank's card slows the run as on any other's.
few=(--set model.layers=4)
"$cpsim" "$scenario" "${few[@]}" >made
sed -E 's/(link id="nic3" bandwidth=")[^"]*/\1500MBps/' good.xml >uneven.xml
"$cpsim" "$scenario" "${few[@]}" --set platform.xml=uneven.xml >folded
"$cpsim" "$scenario" "${few[@]}" --set platform.xml=uneven.xml --set detail=full >full
expect 0 "" "" diff folded full
if diff made folded >log; then
    echo "one slow network card changes nothing"
    failures=$((failures + 1))
fi
for gpu in 0 3; do
    "$cpsim" "$source/scenarios/follow-up-prompt.yaml" "${few[@]}" --set attention.ring=pass-kv \
        --set "background=[{from: $gpu, to: $((gpu + 8)), bytes: 1 GB, count: 1000}]" |
        grep -o '^prefill.* TTFT *[0-9.]* m*s' >"from$gpu"
done
expect 0 "" "" diff from0 from3
"$cpsim" "$source/scenarios/follow-up-prompt.yaml" "${few[@]}" --set attention.ring=pass-kv |
    grep -o '^prefill.* TTFT *[0-9.]* m*s' >alone
if diff alone from3 >log; then
    echo "traffic of others changes nothing"
    failures=$((failures + 1))
fi

# Training feels it too, and a conversation feels it when it is there: not before it starts.
"$cpsim" "$source/scenarios/train-two-gpus.yaml" --set model.layers=2 | grep '^step' >alone
"$cpsim" "$source/scenarios/train-two-gpus.yaml" --set model.layers=2 \
    --set "background=[{from: 0, to: 1, bytes: 1 GB, count: 100000}]" | grep '^step' >beside
if diff alone beside >log; then
    echo "traffic of others changes nothing in training"
    failures=$((failures + 1))
fi
for start in 0 1000; do
    "$cpsim" "$source/scenarios/follow-up-prompt.yaml" "${few[@]}" --set attention.ring=pass-kv \
        --set "background=[{from: 0, to: 8, bytes: 1 GB, count: 1000, start: $start s}]" |
        grep -o '^prefill.* TTFT *[0-9.]* m*s' >"start$start"
done
"$cpsim" "$source/scenarios/follow-up-prompt.yaml" "${few[@]}" --set attention.ring=pass-kv |
    grep -o '^prefill.* TTFT *[0-9.]* m*s' >alone
expect 0 "" "" diff alone start1000
if diff alone start0 >log; then
    echo "traffic of others from the start changes nothing"
    failures=$((failures + 1))
fi

refused() { # refused FILE PATTERN
    expect 2 "" "/^$1: error: SimGrid does not take this platform: .*$2.*show --platform-xml/" \
        "$cpsim" "$scenario" --set "platform.xml=$1"
}
head -c 20000 good.xml >cut.xml
refused cut.xml 'Parse error at cut.xml:200'
: >empty.xml
refused empty.xml 'EOF in prolog'
echo '<?xml version="1.0"?><!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd"><platform version="4.1"><zone id="a" routing="Full"></zone></platform>' >hostless.xml
refused hostless.xml 'no host "gpu0": hosts must be named gpu0 to gpu31'
"$cpsim" show "$source/scenarios/one-gpu.yaml" --platform-xml >small.xml
refused small.xml 'no host "gpu8"'
sed '/<route src="gpu3" dst="gpu4"/d' good.xml >gap.xml
refused gap.xml 'no route from gpu3 to gpu4'
# What SimGrid takes, and would abort on in mid-run.
for value in 0 0Bps 1e-300Bps -5Bps nanBps infBps; do
    sed -E "s/(id=\"nic3\" bandwidth=\")[^\"]*/\1$value/" good.xml >rate.xml
    refused rate.xml 'link "nic3_(UP|DOWN)" has a bandwidth of'
done
for value in -1s nans infs; do
    sed -E "s/(id=\"nic3\" .*latency=\")[^\"]*/\1$value/" good.xml >late.xml
    refused late.xml 'link "nic3_(UP|DOWN)" has a latency of'
done
sed 's/<link_ctn [^>]*>//g' good.xml >unlinked.xml
refused unlinked.xml 'Empty route .between gpu0 and gpu1. forbidden'
sed '/<route src="gpu9" dst="gpu14"/d' good.xml >gap.xml
refused gap.xml 'no route from gpu9 to gpu14'
sed 's,<zone id="root",<config><prop id="maxmin/precision" value="-1"/></config>&,' good.xml >options.xml
refused options.xml 'it has a <config>'
if grep -E 'CRITICAL|AssertionError|Segmentation|\.cpp' "$scratch"/err; then
    failures=$((failures + 1))
fi

# Few open files, no room for a file: a sentence and status 1.
# shellcheck disable=SC2317 # called by expect
few_files() {
    (
        exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # whatever the test itself was given
        ulimit -n "$1"
        shift
        exec "$@"
    )
}
own=$source/scenarios/one-gpu.yaml
for count in 4 5 6 7 8; do
    status=0
    few_files $count "$cpsim" "$own" >out 2>err || status=$?
    if { [ $status != 0 ] || [ -s err ]; } && { [ $status != 1 ] || ! grep -q 'Too many open files' err; }; then
        echo "with $count open files: exit status $status, $(head -n 3 err)"
        failures=$((failures + 1))
    fi
done

# Without /proc, as in a sandbox, and without a temporary folder: a made platform needs neither.
# The sanitizers' run-time cannot do without: it reads its own environment there.
if ! grep -q __asan_init "$cpsim" && unshare -rm sh -c 'mount -t tmpfs none /proc' 2>err; then
    # shellcheck disable=SC2317
    without_proc() {
        CPSIM_PATH=$source TMPDIR=$scratch/none unshare -rm \
            sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@"
    }
    few=(--set model.layers=4 --set detail=folded)
    "$cpsim" "$scenario" "${few[@]}" >made
    without_proc "$cpsim" "$scenario" "${few[@]}" >own
    expect 0 "" "" diff made own
fi
expect 2 "" "/none.xml. cannot be read/" "$cpsim" "$scenario" --set platform.xml=none.xml
finish
