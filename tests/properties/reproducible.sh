#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reproducible.sh: builds and installs a release twice, in two folders of other names and lengths, and compares
# every installed file. By hand, some minutes. Exit status 1: something differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CCACHE_DISABLE=1
for copy in one another-of-a-longer-name; do
    mkdir -p "$folder/$copy"
    git -c safe.directory='*' archive HEAD | tar -x -C "$folder/$copy"
    cmake -S "$folder/$copy" -B "$folder/$copy/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
        -DCMAKE_INSTALL_PREFIX=/usr >/dev/null
    cmake --build "$folder/$copy/build" --parallel "$(nproc)" >/dev/null
    DESTDIR=$folder/installed-$copy cmake --install "$folder/$copy/build" >/dev/null
done
if diff -r "$folder/installed-one" "$folder/installed-another-of-a-longer-name"; then
    echo "$(find "$folder/installed-one" -type f | wc -l) installed files, the same bytes twice"
else
    exit 1
fi
