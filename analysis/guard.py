# SPDX-License-Identifier: MIT
"""Damaged files: libhdf5 crashes on a few changed bytes, and would take Python with it."""
from __future__ import annotations

import os
import signal
import sys
from typing import Callable

CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}


def run(work: Callable[[], int]) -> int:
    """What `work` returns, an exit status; of one that crashes, a sentence and 2. In a child where there is fork."""
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    words, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(words)
        os.dup2(said, 2)  # glibc's own last words are no sentence of ours
        status = 70
        try:
            status = work()
            sys.stdout.flush()
            sys.stderr.flush()
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        except BrokenPipeError:
            status = 1
        finally:
            os._exit(status)
    os.close(said)
    try:
        with os.fdopen(words, errors="replace") as stream:
            text = stream.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        os.waitpid(child, 0)
        return 130
    if status >= 0:
        sys.stderr.write(text)
        return status
    if -status in CRASHES:
        print("analysis: error: damaged: libhdf5 crashes on it; cpsim trace check says where", file=sys.stderr)
        return 2
    print(f"analysis: error: killed (signal {-status})", file=sys.stderr)
    return 1
