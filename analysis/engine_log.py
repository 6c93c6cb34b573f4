# SPDX-License-Identifier: MIT
"""A scheduler of vLLM's that writes what each of its steps held and how long it took.

    STEP_LOG=steps.csv STEP_LOG_MODEL=llama3.1-8b PYTHONPATH=.../analysis vllm serve MODEL \\
        --scheduler-cls engine_log.LoggedScheduler

STEP_LOG_MODEL is what the rows call the model: a file of models/llm, or a path; without it the config.json that is served. The
decisions are vLLM's own; a line is written when a step's output is taken in. `cpsim compare steps.csv --scenario SERVICE.yaml`
reads it (docs/own-engine.md says what the columns mean).
"""
from __future__ import annotations

import csv
import os
import time
from collections import deque
from typing import Any, Deque, List, Optional, Sequence, TextIO, Tuple

try:
    from vllm.v1.core.sched.async_scheduler import AsyncScheduler
except ImportError:  # the tests give Steps rows of their own
    AsyncScheduler = object

COLUMNS = ("model", "tensor", "at_s", "requests", "tokens", "chunks", "chunk_tokens", "chunk_pairs", "kv_tokens", "running",
           "waiting", "schedule_ms", "step_ms")


class Steps:
    """Rows in the order of their schedules; a step ends when its output is taken in, first in, first out."""

    def __init__(self, stream: TextIO, model: str, tensor: int) -> None:
        self.writer = csv.writer(stream)
        self.stream = stream
        self.head = [model, tensor]
        self.begin: Optional[float] = None
        self.last_output = 0.0
        self.flight: Deque[Tuple[float, List[Any]]] = deque()
        self.writer.writerow(COLUMNS)

    def scheduled(self, began: float, ended: float, chunks: Sequence[Tuple[int, int]], requests: int, tokens: int, kv_tokens: int,
                  running: int, waiting: int) -> None:
        """`chunks`: (new tokens, computed before) of each request that gets more than one token."""
        self.begin = began if self.begin is None else self.begin
        pairs = sum(new * before + new * (new + 1) // 2 for new, before in chunks)
        row = [round(began - self.begin, 6), requests, tokens, len(chunks), sum(new for new, _ in chunks), pairs, kv_tokens,
               running, waiting, round(1e3 * (ended - began), 3)]
        self.flight.append((ended, row))

    def taken_in(self, now: float) -> None:
        scheduled, row = self.flight.popleft()
        took = now - max(self.last_output, scheduled)
        self.last_output = now
        self.writer.writerow(self.head + row + [round(1e3 * took, 3)])
        if not self.flight:
            self.stream.flush()


class LoggedScheduler(AsyncScheduler):  # type: ignore[misc]  # of vLLM, which has no types here
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        tensor = self.vllm_config.parallel_config.tensor_parallel_size
        served = os.path.abspath(os.path.join(self.vllm_config.model_config.model, "config.json"))
        stream = open(os.environ.get("STEP_LOG", "steps.csv"), "w", newline="", encoding="utf-8")
        self._steps = Steps(stream, os.environ.get("STEP_LOG_MODEL") or served, tensor)

    def schedule(self, *arguments: Any, **options: Any) -> Any:
        began = time.time()
        output = super().schedule(*arguments, **options)
        ended = time.time()
        new = output.num_scheduled_tokens
        if new:
            chunks = [(count, self.requests[name].num_computed_tokens - count) for name, count in new.items() if count > 1]
            pool = self.kv_cache_manager.block_pool
            held = self.kv_cache_manager.usage * (pool.num_gpu_blocks - 1) * self.block_size
            self._steps.scheduled(began, ended, chunks, len(new), output.total_num_scheduled_tokens, round(held),
                                  len(self.running), len(self.waiting))
        return output

    def update_from_output(self, scheduler_output: Any, model_output: Any) -> Any:
        if scheduler_output.num_scheduled_tokens:
            self._steps.taken_in(time.time())
        return super().update_from_output(scheduler_output, model_output)
