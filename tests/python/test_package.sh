#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `pip install .` gives: ruff and mypy --strict find nothing, a wheel is built and installed into a fresh environment
# and passes the package's tests there; without SimGrid it says what to install. The tools come from PyPI at the versions of
# requirements.txt; skipped where PyPI or Debian's python3-venv is missing. It builds the whole program: release alone does it.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
release_only "$cpsim"
python=$("$source/tools/find-python.sh")
cd "$scratch"
if ! "$python" -m venv tools >log 2>&1; then
    echo "skipped: $python makes no environment: $(tail -n 1 log)"
    exit 77
fi
if ! tools/bin/pip -q --disable-pip-version-check install --retries 1 --timeout 20 -r "$source/tests/python/requirements.txt" >log 2>&1; then
    echo "skipped: PyPI gives no tools here: $(tail -n 1 log)"
    exit 77
fi
(cd "$source" && expect 0 '/^All checks passed/' '' "$scratch/tools/bin/ruff" check --no-cache python analysis tests/python)
(cd "$source" && expect 0 '/^Success: no issues found in/' '' "$scratch/tools/bin/mypy" --cache-dir "$scratch/mypy")

# Who lacks the libraries is told all of them at once.
if PKG_CONFIG_LIBDIR=$scratch/nowhere cmake -S "$source" -B none -DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON >log 2>&1 ||
    ! grep -q 'apt-get install libsimgrid-dev libyaml-dev libhdf5-dev$' log; then
    echo "a build without its libraries says: $(cat log)"
    failures=$((failures + 1))
fi

# Debug is the quicker build, and installs alike.
PATH=$scratch/tools/bin:$PATH tools/bin/pip -q wheel --no-build-isolation --no-deps --no-index --config-settings=cmake.build-type=Debug \
    "--config-settings=build-dir=$scratch/build" -w wheel "$source" >log 2>&1 || { tail -n 20 log && exit 1; }
"$python" -m venv --system-site-packages fresh # Debian's h5py, pandas, matplotlib and pytest
fresh/bin/pip -q --disable-pip-version-check install --no-deps --no-index wheel/*.whl
mkdir desk
cd desk
expect 0 "cpsim $("$scratch/fresh/bin/cpsim" --version | cut -d' ' -f2-)" '' "$scratch/fresh/bin/python" -m cpsim --version
expect 0 '/^total +/' '' "$scratch/fresh/bin/cpsim" one-gpu -o one.h5
expect 0 '/^ *prefill/' '' "$scratch/fresh/bin/cpsim-analysis" summary one.h5
expect 0 '/^ *prefill/' '' "$scratch/fresh/bin/python" -m cpsim.analysis summary one.h5
cp "$source/tests/python/test_cpsim.py" .
unset PYTHONPATH CPSIM_PROGRAM
export MPLCONFIGDIR=$scratch/matplotlib
expect 0 '/ passed/' '' "$scratch/fresh/bin/python" -B -m pytest -q -p no:cacheprovider test_cpsim.py
if ! "$scratch/fresh/bin/python" -c 'import cpsim, sys; sys.exit(not cpsim.program().startswith(sys.prefix))'; then
    echo "the package of the wheel asks another program"
    failures=$((failures + 1))
fi
finish
