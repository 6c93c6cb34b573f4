#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes cpsim on this machine: installs what is missing (on Debian, as root), configures, builds.
#
#   ./bootstrap.sh          builds build/release/cpsim
#   ./bootstrap.sh --test   builds debug, release and sanitize, checks the sources, runs every test
#   ./bootstrap.sh --test quick   checks the sources, builds release, runs what takes seconds
#
# Safe to run again: it installs nothing that is there and rebuilds only what changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    sed -n '3,9s/^# \{0,1\}//p' bootstrap.sh
}

usage_error() {
    usage >&2
    printf "\nbootstrap: error: unknown argument '%s'\n" "$1" >&2
    exit 2
}

say() {
    printf 'bootstrap: %s\n' "$*"
}

fail() {
    printf 'bootstrap: error: %s\n' "$*" >&2
    exit 1
}

# The packages of apt-packages.txt marked with one of the words given.
packages() {
    local words=$1
    sed -nE "s/^([a-z0-9.+-]+) +# ($words)(:.*)?\$/\1/p" apt-packages.txt
}

# Whether what a package gives is there, wherever it came from.
present() {
    case $1 in
    gcc) command -v "${CC:-cc}" ;;
    g++) command -v "${CXX:-c++}" ;;
    libc6-dev) echo '#include <math.h>' | "${CC:-cc}" -E - ;;
    cmake | pkg-config | shellcheck) command -v "$1" ;;
    ninja-build) command -v ninja ;;
    libsimgrid-dev) pkg-config --exists 'simgrid >= 3.32' ;;
    libyaml-dev) pkg-config --exists yaml-0.1 ;;
    libhdf5-dev) command -v h5cc || pkg-config --exists hdf5 ;;
    check) pkg-config --exists check ;;
    clang-format-14) tools/find-clang-format.sh ;;
    python3-*) tools/find-python.sh ;; # one that has them all, or Debian's get installed
    slurmctld | slurmd) command -v "$1" ;;
    slurm-client) command -v sbatch ;;
    munge) command -v munged ;;
    mpich) command -v mpirun ;;
    hdf5-tools) command -v h5dump ;;
    clang-14 | libclang-rt-14-dev) echo 'int main(void){return 0;}' | clang-14 -fsanitize=address -x c - -o /dev/null ;;
    dpkg-dev) command -v dpkg-shlibdeps ;;
    file) command -v file ;;
    *) return 3 ;;
    esac >/dev/null 2>&1
}

missing() {
    local package
    for package in $(packages "$1"); do
        present "$package" && continue
        [ $? -ne 3 ] ||
            fail "apt-packages.txt names $package, but bootstrap.sh does not know how to look for it"
        printf '%s\n' "$package"
    done
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 "$@" </dev/null
}

install_packages() {
    local log
    log=$(mktemp)
    say "installing $*"
    if ! { apt_get update && apt_get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install them; its last words are above"
    fi
    rm -f "$log"
}

# Installs what is missing where that is possible, says what it is and goes on where it is not:
# CMake may find what the tests above do not.
provide() {
    local absent
    absent=$(missing "$1" | xargs)
    if [ -z "$absent" ]; then
        return
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        # shellcheck disable=SC2086 # one word a package
        install_packages $absent
        absent=$(missing "$1" | xargs)
        [ -z "$absent" ] || fail "still missing after the installation: $absent"
        return
    fi
    cat >&2 <<MESSAGE
bootstrap: not found here, by Debian's names: $absent
  Debian or Ubuntu, as root:  apt-get install $absent
  a cluster's modules:        module load gcc cmake hdf5     (module avail simgrid)
  Spack:                      spack install simgrid libyaml hdf5 ninja && spack load simgrid libyaml hdf5 ninja
  in a folder of your own:    export CMAKE_PREFIX_PATH=/path/to/simgrid:/path/to/libyaml:/path/to/hdf5
MESSAGE
    local tool
    for tool in "${CC:-cc}" cmake pkg-config; do
        command -v "$tool" >/dev/null || fail "nothing can be built without $tool"
    done
    say "going on: CMake may find what is only hidden from this script"
}

configure() {
    local preset=$1
    shift
    local generator=()
    if ! command -v ninja >/dev/null; then
        generator=(-G "Unix Makefiles")
    fi
    local log
    log=$(mktemp)
    # Quiet when all is well; CMake's own words when it is not.
    if ! cmake --preset "$preset" "${generator[@]}" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "CMake could not configure build/$preset; CMAKE_PREFIX_PATH names folders it should search"
    fi
    grep -A4 'CMake Warning' "$log" >&2 || true
    rm -f "$log"
}

build() {
    say "building build/$1"
    cmake --build "build/$1" --parallel "$(nproc)" "${@:2}" -- "${QUIET[@]}" | sed '/no work to do/d'
}

build_release() {
    provide build
    choose_quiet
    configure release -DCPSIM_WERROR=OFF # another compiler's new warning is no user's problem
    build release --target cpsim
    say "built build/release/cpsim; try: build/release/cpsim scenarios/llama405b.yaml"
}

# configure and build one tree with its tests.
build_tests() {
    configure "$1" -DBUILD_TESTING=ON -DCPSIM_REQUIRE_TESTS=ON
    build "$1"
}

# run_tests PRESET what... : one tree's failure is remembered, and the others are still tested.
failed=()
run_tests() {
    local preset=$1
    shift
    say "testing build/$preset"
    ctest --preset "$preset" --parallel "$(nproc)" "$@" || failed+=("$preset")
}

end_tests() {
    [ ${#failed[@]} -eq 0 ] || fail "tests failed in: ${failed[*]}"
}

# Every loader with random bytes for half a minute.
fuzz_loaders() {
    if ! command -v clang-14 >/dev/null; then
        say "the loaders are not fuzzed: that takes clang-14"
        return
    fi
    say "fuzzing the loaders, 30 s each"
    tests/fuzz/run.sh 30 || failed+=("the fuzzers")
}

test_quick() {
    provide 'build|test'
    choose_quiet
    say "checking the sources"
    tools/check.sh || failed+=("the sources")
    build_tests release
    run_tests release --label-regex 'unit|model|cli' --label-exclude slow
    end_tests
}

# Everything on what users run; the sanitizers look at all that runs C of ours but the
# comparisons with measurements, which give them nothing new to look at.
test_all() {
    provide 'build|test|fuzz'
    choose_quiet
    say "checking the sources"
    tools/check.sh || failed+=("the sources")
    local preset
    for preset in release sanitize debug; do
        build_tests "$preset"
    done
    run_tests release
    run_tests sanitize --label-exclude 'validation|slow|pictures|release'
    run_tests debug --label-regex unit
    say "comparing what build/debug and build/release answer"
    tests/properties/builds.sh build/release/cpsim build/debug/cpsim || failed+=("debug against release")
    fuzz_loaders
    end_tests
}

choose_quiet() {
    QUIET=(-s)
    if command -v ninja >/dev/null; then
        QUIET=(--quiet)
    fi
}

case ${1-} in
'') build_release ;;
--test)
    case ${2-} in
    '') test_all ;;
    quick) test_quick ;;
    *) usage_error "--test $2" ;;
    esac
    ;;
-h | --help) usage ;;
*) usage_error "$1" ;;
esac
