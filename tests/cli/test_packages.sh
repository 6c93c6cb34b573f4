#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is packed: a Debian package depends on the libraries that the program loads, and unpacked anywhere it runs the main job,
# completes, has a page for every command and a Python package that asks it; every file that says the version says the same.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
release_only "$cpsim"
cd "$scratch"

version=$("$cpsim" --version | cut -d' ' -f2)
for line in "CITATION.cff:version: $version" "packaging/easybuild/cpsim-$version-foss-2023a.eb:version = '$version'"; do
    if ! grep -qxF -- "${line#*:}" "$source/${line%%:*}"; then
        echo "${line%%:*} does not say version $version"
        failures=$((failures + 1))
    fi
done
python3 -B -c 'import ast, sys; [ast.parse(open(name).read()) for name in sys.argv[1:]]' \
    "$source/packaging/spack/packages/cpsim/package.py" "$source"/packaging/easybuild/*.eb

# --- what shells complete: the scripts are theirs, and know commands, options and keys ---

build=$(dirname "$cpsim")
if command -v fish >log; then
    fish_completes() { fish --no-config -c "source $build/cpsim.fish-completion; complete -C '$1'" | cut -f1 >words; }
    for pair in 'cpsim des=describe' 'cpsim run --js=--json' 'cpsim check --set layout.ten=layout.tensor=' \
        'cpsim trace ex=export' 'cpsim describe precision.kv=precision.kv_cache'; do
        fish_completes "${pair%%=*}"
        if ! grep -qxF -- "${pair#*=}" words; then
            echo "fish completes '${pair%%=*}' with: $(head -n 5 words)"
            failures=$((failures + 1))
        fi
    done
fi
if command -v zsh >log; then
    cat >zsh.zsh <<'ZSH'
compadd() { print -rl -- "$@" }; _describe() { print -rl -- $commands }; _files() { }; compdef() { }
_arguments() { print -rl -- "$@" }
source $1; shift; words=("$@"); CURRENT=$#
_cpsim
ZSH
    for pair in 'cpsim des=describe:say what the keys of a scenario mean' 'cpsim trace ex=1:what:(check blame export)' \
        'cpsim run --js=--json[print JSON, for programs]'; do
        # shellcheck disable=SC2086 # words
        zsh -f zsh.zsh "$build/cpsim.zsh-completion" ${pair%%=*} >words
        if ! grep -qxF -- "${pair#*=}" words; then
            echo "zsh completes '${pair%%=*}' with: $(head -n 5 words)"
            failures=$((failures + 1))
        fi
    done
fi

# --- the package ---

if ! command -v dpkg-shlibdeps >log || ! command -v dpkg-deb >log; then
    echo "no package was made: Debian's dpkg-dev is not here"
    finish
fi
(cd "$build" && cpack -G DEB -B "$scratch") >log 2>&1 || { cat log && exit 1; }
dpkg-deb -f cpsim_*.deb Depends >depends
for library in libc6 libsimgrid libyaml libhdf5; do
    grep -q "$library" depends || { echo "the package does not depend on $library: $(cat depends)" && failures=$((failures + 1)); }
done
dpkg-deb -x cpsim_*.deb root
cd "$scratch/root"
expect 0 '/^total +/' '' usr/bin/cpsim scenarios/llama405b.yaml -o "$scratch/main.h5"
for command in run check show describe roofline sweep plan trace compare calibrate import scenarios models platforms; do
    page=usr/share/man/man1/cpsim-$command.1
    grep -qF "CPSIM\\-$command" "$page" || { echo "no page for cpsim $command" && failures=$((failures + 1)); }
    if command -v groff >"$scratch/log"; then
        groff -man -Tutf8 -ww "$page" 2>&1 >"$scratch/page" | tee "$scratch/warnings"
        compare "groff $page" '' "$scratch/warnings"
    fi
done
if python=$("$source/tools/find-python.sh" h5py 2>"$scratch/log"); then
    expect 0 "$scratch/root/usr/bin/cpsim" '' env -u CPSIM_PROGRAM PYTHONPATH=usr/lib/python3/dist-packages "$python" -B \
        -c 'import cpsim; print(cpsim.program())'
fi
finish
