#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A user without root, SimGrid, libyaml and HDF5 in folders of their own: bootstrap.sh says what is
# missing and where it could come from, and builds from CMAKE_PREFIX_PATH a cpsim that loads those
# libraries. The folders are copies of the system's, whose own are hidden from pkg-config meanwhile.
# It builds the whole program, so the release suite alone does it.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
release_only "$cpsim"
unset CMAKE_PREFIX_PATH PKG_CONFIG_PATH PKG_CONFIG_LIBDIR
cd "$scratch"

# --- the folders ---

# copy_library NAME FOLDER: the file that -lNAME would link and those it is a name of.
copy_library() {
    local library
    library=$(cc -print-file-name="lib$1.so")
    if [ ! -e "$library" ]; then
        echo "skipped: lib$1.so is in no usual place"
        exit 77
    fi
    library=$(readlink -f "$library")
    cp "$library" "$2/"
    local soname
    soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ -e "$2/$soname" ] || ln -s "$(basename "$library")" "$2/$soname"
    ln -sf "$soname" "$2/lib$1.so"
}

# package NAME LIBRARY...: lib/pkgconfig/NAME.pc as `make install` into the folder would write it.
package() {
    local name=$1
    shift
    mkdir -p lib/pkgconfig
    # shellcheck disable=SC2016 # pkg-config's variables
    printf 'prefix=%s\nlibdir=${prefix}/lib\nincludedir=${prefix}/include\nName: %s\nDescription: %s\nVersion: %s\nLibs: -L${libdir}%s\nCflags: -I${includedir}\n' \
        "$PWD" "$name" "$name" "$(pkg-config --modversion "$name")" "$(printf ' -l%s' "$@")" \
        >"lib/pkgconfig/$name.pc"
}

include=$(pkg-config --variable=includedir simgrid)
mkdir -p simgrid/lib simgrid/include yaml/lib yaml/include hdf5/lib hdf5/include hdf5/bin
cp -r "$include/simgrid" "$include/xbt" "$include/xbt.h" simgrid/include/
copy_library simgrid simgrid/lib
(cd simgrid && package simgrid simgrid)
cp "$include/yaml.h" yaml/include/
copy_library yaml yaml/lib
(cd yaml && package yaml-0.1 yaml)
h5cc=$(command -v h5cc) || { echo "skipped: HDF5 has no h5cc here" && exit 77; }
prefix=$(sed -n 's/^prefix="\(.*\)"/\1/p' "$h5cc")
# shellcheck disable=SC2016 # h5cc's variable
cp "$(sed -n 's/^includedir="\(.*\)"/\1/p' "$h5cc" | sed 's|${prefix}|'"$prefix|")"/*.h hdf5/include/
copy_library hdf5_serial hdf5/lib
ln -s libhdf5_serial.so hdf5/lib/libhdf5.so
sed -e "s|^prefix=.*|prefix=\"$PWD/hdf5\"|; s|^\(libdir\|libdevdir\)=.*|\1=\"$PWD/hdf5/lib\"|" \
    -e "s|^includedir=.*|includedir=\"$PWD/hdf5/include\"|" "$h5cc" >hdf5/bin/h5cc
chmod +x hdf5/bin/h5cc

# --- a user ---

mkdir tree tools
for item in bootstrap.sh apt-packages.txt CMakeLists.txt CMakePresets.json models sim platforms scenarios \
    analysis cmake packaging python tools tests LICENSE README.md CHANGELOG.md CITATION.cff; do
    cp -r "$source/$item" tree/
done
printf '#!/bin/sh\necho 1000\n' >tools/id # nobody who may install packages
chmod +x tools/id
export PATH=$scratch/tools:$PATH PKG_CONFIG_LIBDIR=$scratch/none

expect 1 '*' '/^bootstrap: not found here, by Debian.s names: .*libsimgrid-dev libyaml-dev/' tree/bootstrap.sh
for line in 'module load' 'spack install simgrid' 'export CMAKE_PREFIX_PATH=' \
    'CMake could not configure build/release; CMAKE_PREFIX_PATH names folders it should search'; do
    if ! grep -qF "$line" err; then
        echo "bootstrap.sh does not say '$line': $(cat err)"
        failures=$((failures + 1))
    fi
done

export CMAKE_PREFIX_PATH=$scratch/simgrid:$scratch/yaml:$scratch/hdf5
expect 0 '/^bootstrap: built build.release.cpsim; try:/' '*' tree/bootstrap.sh
built=tree/build/release/cpsim
ldd "$built" >loaded
for library in simgrid/lib/libsimgrid yaml/lib/libyaml hdf5/lib/libhdf5; do
    if ! grep -qF "=> $scratch/$library" loaded; then
        echo "$built does not load $library: $(grep -F "$(basename $library)" loaded)"
        failures=$((failures + 1))
    fi
done
expect 0 '/^total +/' '' "$built" tree/scenarios/one-gpu.yaml
# What bootstrap.sh built can be installed as it is.
expect 0 '*' '' cmake --install tree/build/release --prefix "$scratch/installed"
test -s installed/share/man/man1/cpsim.1 || failures=$((failures + 1))
(cd / && expect 0 '/^total +/' '' "$scratch/installed/bin/cpsim" scenarios/one-gpu.yaml -o "$scratch/one.h5")
finish
