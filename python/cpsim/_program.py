# SPDX-License-Identifier: MIT
"""The program: where it is, and one call of it."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ._errors import Diagnostic, ProgramNotFoundError, ScenarioError, SimulationError, parse

KeyOfLine = Mapping[str, Callable[[int], Optional[str]]]
_WRONG_INPUT = 2


def program() -> str:
    """The path of the program: $CPSIM_PROGRAM, the one of this installation or source tree, or the first on PATH."""
    named = os.environ.get("CPSIM_PROGRAM")
    if named:
        found = shutil.which(named)
        if found is None:
            raise ProgramNotFoundError(f"CPSIM_PROGRAM is '{named}', which is no program")
        return found
    # lib/python3/site-packages/cpsim of an environment, share/cpsim/python/cpsim of a prefix, python/cpsim of the source.
    here = pathlib.Path(__file__).resolve().parent
    beside = [*(folder / "bin" / "cpsim" for folder in here.parents), here.parent.parent / "build" / "release" / "cpsim",
              pathlib.Path(sys.prefix) / "bin" / "cpsim"]  # fmt: skip
    for path in beside:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    on_path = shutil.which("cpsim")
    if on_path is None:
        raise ProgramNotFoundError(
            "the program cpsim is neither beside this package nor on PATH; build it with ./bootstrap.sh or "
            "'pip install .', or name it in CPSIM_PROGRAM"
        )
    return on_path


def version() -> str:
    """What the program says of its version."""
    return call(["--version"])[0].strip()


def call(words: Sequence[str], key_of: Optional[KeyOfLine] = None) -> Tuple[str, List[Diagnostic]]:
    """What the program prints with these arguments, and its warnings. ScenarioError or SimulationError when it says that
    something is wrong."""
    environment: Dict[str, str] = {**os.environ, "CPSIM_PROGRESS": "never", "NO_COLOR": "1"}
    if key_of:  # files that stand for mappings lie in a folder of ours; what they name is beside the user
        paths = [os.getcwd(), *filter(None, [os.environ.get("CPSIM_PATH")])]
        environment["CPSIM_PATH"] = ":".join(paths)
    done = subprocess.run(
        [program(), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    said = parse(done.stderr, key_of or {})
    if done.returncode == 0:
        return done.stdout, said
    text = "\n".join(map(str, said)) or done.stderr.strip() or f"exit status {done.returncode}"
    if done.returncode == _WRONG_INPUT:
        raise ScenarioError(text, said)
    if done.returncode < 0:
        text = f"killed by signal {-done.returncode}: {text}"
    raise SimulationError(text, said)
