#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files that no one writes by hand, or that are not scenarios at all: a sentence and exit status 2,
# at once and in little memory.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"

: >empty.yaml
expect 2 "" $'empty.yaml: error: empty; expected keys such as \'schema: 1\' (cpsim describe lists them)\n1 error' \
    "$cpsim" check empty.yaml
printf '# only a comment\n' >comment.yaml
expect 2 "" "/^comment.yaml: error: empty;/" "$cpsim" check comment.yaml
printf -- '- a\n- b\n' >list.yaml
expect 2 "" "/^list.yaml:1:1: error: expected keys such as/" "$cpsim" check list.yaml
printf 'hello\n' >word.yaml
expect 2 "" "/^word.yaml:1:1: error: expected keys such as/" "$cpsim" check word.yaml
mkdir directory.yaml
expect 2 "" $'directory.yaml: error: is a directory; expected a scenario or a data file\n1 error' \
    "$cpsim" check directory.yaml
expect 2 "" $'/dev/zero: error: is a device; expected a scenario or a data file\n1 error' \
    "$cpsim" check /dev/zero
mkfifo pipe.yaml
expect 2 "" "/^pipe.yaml: error: empty;/" "$cpsim" check pipe.yaml
expect 2 "" $'pipe.yaml: error: cannot be read: is a pipe\n1 error' "$cpsim" trace check pipe.yaml
expect 2 "" $'directory.yaml: error: cannot be read: is a directory\n1 error' \
    "$cpsim" trace check directory.yaml
head -c 4096 "$cpsim" >binary.yaml
expect 2 "" "/^binary.yaml.*: error: /" "$cpsim" check binary.yaml
printf 'schema: 1\ntitle: "a\\0b"\n' >nul.yaml
expect 2 "" "/^nul.yaml:2:8: error: a text with a NUL character in it/" "$cpsim" check nul.yaml
printf '\xff\xfes\0c\0' >utf16.yaml
expect 2 "" "/^utf16.yaml.*: error: /" "$cpsim" check utf16.yaml

# Deep nesting and size stop the reading, not the machine.
# shellcheck disable=SC2317 # called by expect
limited() {
    (
        ulimit -t 10
        "$cpsim" "$@"
    )
}
head -c 1000000 /dev/zero | tr '\0' '[' >deep.yaml
expect 2 "" "/^deep.yaml:1:34: error: nested more than 32 deep/" limited check deep.yaml
head -c 500000 /dev/zero | sed 's/\x0/- /g' >dashes.yaml
expect 2 "" "/^dashes.yaml:1:67: error: nested more than 32 deep/" limited check dashes.yaml
head -c 10000000 /dev/zero | tr '\0' 'a' >large.yaml
expect 2 "" $'large.yaml: error: larger than 1024 KiB; expected a scenario or a data file\n1 error' \
    limited check large.yaml
seq -f 'key%.0f: 1' 1 60000 >keys.yaml
expect 2 "" "/^keys.yaml:4097:1: error: more than 4096 keys in one mapping/" limited check keys.yaml
{
    cat "$source/scenarios/llama405b.yaml"
    seq -f 'x%.0f: 1' 1 1000
} >wrong.yaml
expect 2 "" "/^\.\.\. and 900 more$/" limited check wrong.yaml

# A file that a scenario names and that is not there: `check` says so, of every key that names one.
while read -r scenario setting; do
    expect 2 "" "/none.csv.*(cannot be (opened|read)|No such file)/" \
        "$cpsim" check "$source/scenarios/$scenario.yaml" --set "$setting"
done <<END
serving-azure-trace workload.arrivals.file=none.csv
serving-70b-chat workload.lengths.prompt={kind: empirical, file: none.csv}
serving-speculation workload.service.speculation.acceptance={kind: file, file: none.csv}
train-documents workload.documents={file: none.csv}
train-two-gpus workload.schedule.file=none.csv
experts-grouped routing.file=none.csv
how-many-nodes platform.xml=none.csv
END
finish
