# SPDX-License-Identifier: MIT
"""Files that are written whole or not at all, and never over what they are made from."""
from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any, Callable, Iterable, Union

Path = Union[str, "os.PathLike[str]"]


def refuse_input(path: Path, inputs: Iterable[Path]) -> None:
    """ValueError when `path` is one of the files that are read, by that name or another."""
    for source in inputs:
        if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
            raise ValueError(f"{path}: cannot be written: it is an input ({source}); name another file with -o")


def write(path: Path, save: Callable[[pathlib.Path], Any]) -> None:
    """`save` writes to the path that it is given: one of our own in the same folder, which is renamed when it is
    whole. A link is followed; a device or a pipe is written to as it is."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        save(path)
        return
    target = path.resolve()
    # The same ending: it says what kind of picture.
    descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=f".part{target.suffix}")
    os.close(descriptor)
    part = pathlib.Path(made)
    try:
        save(part)
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~mask)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
