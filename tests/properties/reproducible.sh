#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reproducible.sh: builds and installs a release twice, one after the other in one folder, and compares every
# installed file. By hand, some minutes. Exit status 1: something differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CCACHE_DISABLE=1
revision=$(git -c safe.directory='*' rev-parse HEAD)
for copy in first second; do
    mkdir -p "$folder/source"
    git -c safe.directory='*' archive "$revision" | tar -x -C "$folder/source"
    cmake -S "$folder/source" -B "$folder/source/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
        -DCMAKE_INSTALL_PREFIX=/usr >/dev/null
    cmake --build "$folder/source/build" --parallel "$(nproc)" >/dev/null
    DESTDIR=$folder/$copy cmake --install "$folder/source/build" >/dev/null
    rm -rf "$folder/source"
done
if diff -r "$folder/first" "$folder/second"; then
    echo "$(find "$folder/first" -type f | wc -l) installed files, the same bytes twice"
else
    exit 1
fi
