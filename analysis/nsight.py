# SPDX-License-Identifier: MIT
"""What `nsys export --type sqlite` wrote, as a trace of PyTorch's profiler, which `cpsim compare` reads.

Nsight Systems knows kernels and ranges, not operators: which product a kernel computes is said by the NVTX range that it
was launched in, of torch.autograd.profiler.emit_nvtx(record_shapes=True): "aten::mm, op_id = 7, sizes = [[4096, 4096],
[4096, 6144]]". Its number format and whether attention is causal are read off the kernel's name. Tables and columns:
docs.nvidia.com/nsight-systems, SQLite Schema Reference."""

from __future__ import annotations

import ast
import json
import pathlib
import re
import sqlite3
from typing import Any, Iterator, Optional

OPERATOR = re.compile(r"^(aten::\w+),.*?\bsizes = (\[.*?\])(?:, input_op_ids = .*)?$", re.DOTALL)
# <traits, dropout, causal, ...> of FlashAttention's kernels
FLASH_CAUSAL = re.compile(r"flash_fwd_kernel<.*>, (?:false|true), (false|true)\b")
CAUSAL_PLACE = 8  # of aten::_flash_attention_forward's arguments
BF16 = re.compile(r"bf16|bfloat16|nvjet_(?:sm\d+_)?t", re.IGNORECASE)  # cuBLAS: nvjet_sm90_tst_...: t is bf16

KERNELS = """
SELECT kernel.start, kernel.end, kernel.correlationId, names.value, runtime.globalTid, runtime.start
FROM CUPTI_ACTIVITY_KIND_KERNEL AS kernel
JOIN StringIds AS names ON names.id = kernel.demangledName
LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS runtime
  ON runtime.correlationId = kernel.correlationId AND (runtime.globalTid >> 24) = (kernel.globalPid >> 24)
ORDER BY kernel.start"""
RANGES = """
SELECT range.start, range.end, range.globalTid, COALESCE(range.text, names.value)
FROM NVTX_EVENTS AS range LEFT JOIN StringIds AS names ON names.id = range.textId
WHERE range.end IS NOT NULL ORDER BY range.globalTid, range.start, range.end DESC"""


def is_export(path: pathlib.Path) -> bool:
    with open(path, "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def operator(text: Optional[str]) -> Optional[tuple[str, list[Any]]]:
    """The name and the sizes of an operator's range; None: it is another range."""
    match = OPERATOR.match(text or "")
    if match is None:
        return None
    try:
        sizes = ast.literal_eval(match.group(2))
        json.dumps(sizes, allow_nan=False)  # only what a profile can say: numbers, lists of them
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return match.group(1), sizes if isinstance(sizes, list) else []


def ranges(database: sqlite3.Connection) -> dict[int, list[tuple[int, int, str, list[Any]]]]:
    """Of each thread, in order of their start; operators alone."""
    found: dict[int, list[tuple[int, int, str, list[Any]]]] = {}
    for start, end, thread, text in database.execute(RANGES):
        known = operator(text)
        if known is not None:
            found.setdefault(thread, []).append((start, end, *known))
    return found


def launches(database: sqlite3.Connection) -> Iterator[tuple[int, int, str, Optional[int]]]:
    """(start, end, name, the range it was launched in) of each kernel; ranges are numbered over all threads."""
    threads = ranges(database)
    numbers: dict[int, int] = {}
    for thread in threads:
        numbers[thread] = sum(len(threads[other]) for other in numbers)
    kernels = list(database.execute(KERNELS))
    at = dict.fromkeys(threads, 0)
    open_ranges: dict[int, list[int]] = {thread: [] for thread in threads}
    innermost: dict[int, Optional[int]] = {}
    for index in sorted((i for i, row in enumerate(kernels) if row[4] in threads), key=lambda i: kernels[i][5]):
        thread, launched = kernels[index][4], kernels[index][5]
        of, stack = threads[thread], open_ranges[thread]
        while at[thread] < len(of) and of[at[thread]][0] <= launched:
            stack.append(at[thread])
            at[thread] += 1
        # Ranges of a thread lie within each other: those that ended lie on top.
        while stack and of[stack[-1]][1] < launched:
            stack.pop()
        innermost[index] = numbers[thread] + stack[-1] if stack else None
    for index, (start, end, _, name, _, _) in enumerate(kernels):
        yield start, end, name, innermost.get(index)


def event(number: int, name: str, sizes: list[Any], kernel: str) -> dict[str, Any]:
    """An operator as PyTorch's profiler has it."""
    kind = "c10::BFloat16" if BF16.search(kernel) else ""
    causal = FLASH_CAUSAL.search(kernel)
    words = [""] * (CAUSAL_PLACE + 1)
    words[CAUSAL_PLACE] = "True" if causal and causal.group(1) == "true" else "False"
    if name == "aten::_flash_attention_forward" and causal is None:
        name += " (causal or not: its kernel's name does not say)"
    arguments = {"External id": number, "Input Dims": sizes, "Input type": [kind] * len(sizes), "Concrete Inputs": words}
    return {"ph": "X", "cat": "cpu_op", "name": name, "args": arguments}


def trace(path: pathlib.Path) -> dict[str, Any]:
    """The profile as a trace of PyTorch's profiler. ValueError when it is no such export."""
    if not is_export(path):
        raise ValueError(f"{path}: no SQLite file; nsys export --type sqlite PROFILE.nsys-rep makes one")
    # Only read: a journal beside it stays as it is.
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        gpu = database.execute("SELECT name FROM TARGET_INFO_GPU LIMIT 1").fetchone()
        threads = ranges(database)
        operators = [(name, sizes) for of in threads.values() for _, _, name, sizes in of]
        events: list[dict[str, Any]] = []
        told: set[int] = set()
        for start, end, kernel, number in launches(database):
            arguments: dict[str, Any] = {}
            if number is not None:
                arguments["External id"] = number + 1
                if number not in told:
                    told.add(number)
                    events.append(event(number + 1, *operators[number], kernel))
            events.append({"ph": "X", "cat": "kernel", "name": kernel, "ts": start * 1e-3, "dur": (end - start) * 1e-3,
                           "args": arguments})  # fmt: skip
    except sqlite3.Error as error:
        raise ValueError(f"{path}: not what Nsight Systems exports: {error} (profile with --trace cuda,nvtx)") from error
    except TypeError as error:  # a time or a name of another type than Nsight's columns have
        raise ValueError(f"{path}: damaged: a column holds what Nsight never writes there ({error})") from error
    finally:
        database.close()
    if not told:
        raise ValueError(f"{path}: no kernel was launched in an operator's range: run the program under "
                         "torch.autograd.profiler.emit_nvtx(record_shapes=True), profile with --trace cuda,nvtx")  # fmt: skip
    return {"deviceProperties": [{"id": 0, "name": gpu[0] if gpu and isinstance(gpu[0], str) else ""}], "traceEvents": events}

