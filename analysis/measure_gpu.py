#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures kernels, layers, power and collectives of the GPUs of this machine with PyTorch.

    measure_gpu.py --quick -o measured          every kind, coarsely, in under three minutes
    measure_gpu.py --kinds gemm,layers -o DIR   some kinds, all of their shapes
    measure_gpu.py --list                       the kinds and the columns of their tables

Writes DIR/KIND.csv, the tables that `cpsim compare` reads:

    cpsim compare measured/*.csv --gpu h100-sxm --cluster dgx-h100

Kernels are replayed from CUDA graphs over buffers that take turns, so that weights are never found in
the L2; data are random; each figure is a median. A benchmark of one kernel lasts as long as
models/kernels/measurement.h says. Needs PyTorch 2.5 or later with CUDA, nothing else. What fails is reported
and left out. Use the GPU for nothing else meanwhile.
"""
from __future__ import annotations

import argparse
import csv
import ctypes
import math
import pathlib
import statistics
import sys
import time
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, Union

Path = Union[str, pathlib.Path]
Tensor = Any  # of torch
Call = Callable[[], Any]
Row = Dict[str, Any]
Rows = Iterator[Tuple[str, Callable[[], Row]]]

# The columns of each kind's table; a test compares them with `cpsim compare`.
COLUMNS = {
    "gemm": "model tp op dtype m k n time_us tflops",
    "attention-prefill": "backend batch tq tk hq hk hd causal time_us tflops",
    "attention-decode": "backend batch ctx hq hk hd time_us kv_gbps",
    "memory": "op rows cols dtype bytes time_us gbps",
    "layers": "gpu model tp_shard precision phase batch new_tokens context layers time_us "
    "time_us_per_layer",
    "experts": "gpu model experts experts_per_token tokens op dtype k n time_us tflops",
    "power": "gpu work dtype m k n batch tq tk hq hk hd causal bytes seconds time_us average_watts "
    "sm_clock_mhz",
    "optimizer": "gpu optimizer params param_dtype state_dtype time_us bytes_per_param",
    "collective": "gpu collective ranks bytes mode time_us algbw_gbps",
}
QUICK_SECONDS = 165.0
# name: hidden, feed-forward, query heads, key-value heads, layers (Llama 3, head size 128)
MODELS = {
    "llama3-8b": (4096, 14336, 32, 8, 32),
    "llama3-70b": (8192, 28672, 64, 8, 80),
    "llama3-405b": (16384, 53248, 128, 8, 126),
}
HEAD = 128
# Mixtures of experts. name: experts, experts of a token, hidden, an expert's feed-forward
EXPERTS = {
    "mixtral-8x7b": (8, 2, 4096, 14336),
    "qwen3-30b-a3b": (128, 8, 2048, 768),
    "qwen3-235b-a22b-tp8": (128, 8, 4096, 192),
    "gpt-oss-120b": (128, 4, 2880, 2880),
}

torch: Any = None  # imported when something is measured: --list and --help need none
F: Any = None


def load_torch() -> None:
    global torch, F  # pylint: disable=global-statement
    try:
        import torch as imported  # pylint: disable=import-outside-toplevel
        import torch.nn.functional as functional  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        sys.exit(f"measure_gpu: error: {error}: PyTorch 2.5 or later is needed (pip install torch)")
    torch, F = imported, functional
    if not torch.cuda.is_available():
        sys.exit("measure_gpu: error: PyTorch sees no CUDA GPU; see nvidia-smi")


# --- timing -------------------------------------------------------------------------------------


def l2_bytes() -> int:
    return getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0) or 64 << 20


def buffer_sets(bytes_of_one: int) -> int:
    """How many sets of buffers take turns: three times the L2, within a third of the memory."""
    free = torch.cuda.mem_get_info()[0] / 3
    wanted = math.ceil(3 * l2_bytes() / max(bytes_of_one, 1))
    return int(max(1, min(wanted, 48, free // max(bytes_of_one, 1))))


def warm_up(calls: Sequence[Call]) -> None:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            for call in calls:
                call()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()


def seconds_of(action: Call) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    action()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) * 1e-3


def capture(calls: Sequence[Call]) -> Any:
    warm_up(calls)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    graph.replay()
    torch.cuda.synchronize()
    return graph


def replay_median(graph: Any, calls: int, run_seconds: Callable[[float], float], least_replays: int) -> float:
    """Median seconds of a call. `run_seconds` is a function of what one call takes."""
    once = max(seconds_of(graph.replay), 1e-7)
    replays = max(least_replays, math.ceil(run_seconds(once / calls) / once))
    time.sleep(0.05)  # the power limit looks back: begin from rest
    events = [torch.cuda.Event(enable_timing=True) for _ in range(replays + 1)]
    events[0].record()
    for event in events[1:]:
        graph.replay()
        event.record()
    torch.cuda.synchronize()
    times = [float(a.elapsed_time(b)) * 1e-3 for a, b in zip(events, events[1:])]
    return statistics.median(times) / calls


def kernel_seconds(calls: List[Call]) -> float:
    """Median of one kernel: 250 replays, 0.1 s at most, 16 replays at least."""
    warm_up(calls[:1])
    once = seconds_of(calls[0])
    rounds = max(1, math.ceil((20 if once < 1e-3 else 4) / len(calls)))
    graph = capture(calls * rounds)
    count = len(calls) * rounds
    return replay_median(
        graph, count, lambda call: max(min(250 * call, 0.1), 16 * call), 3 if count >= 16 else 5
    )


def random_bf16(*shape: int) -> Tensor:
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


def random_fp8(*shape: int) -> Tensor:
    return random_bf16(*shape).to(torch.float8_e4m3fn)


# --- kinds: generators of rows ------------------------------------------------------------------
# Each yields (description, function that measures and returns the row's values by column).


def gemm_calls(dtype: str, m: int, k: int, n: int) -> List[Call]:
    bytes_of_one = (m * k + k * n) * (2 if dtype == "bf16" else 1) + 2 * m * n
    calls: List[Call] = []
    for _ in range(buffer_sets(bytes_of_one)):
        if dtype == "bf16":
            a, w = random_bf16(m, k), random_bf16(n, k)
            out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
            calls.append(partial(lambda a, w, out: torch.mm(a, w.t(), out=out), a, w, out))
            continue
        a, w = random_fp8(m, k), random_fp8(n, k)
        rows = (m, 1) if dtype == "fp8" else ()
        columns = (1, n) if dtype == "fp8" else ()
        scale_a = torch.ones(rows, device="cuda")
        scale_w = torch.ones(columns, device="cuda")
        calls.append(partial(torch._scaled_mm, a, w.t(), scale_a=scale_a, scale_b=scale_w, out_dtype=torch.bfloat16,
                             use_fast_accum=True))  # fmt: skip
    return calls


def gemm_rows(quick: bool) -> Rows:
    shards = [("llama3-8b", 1), ("llama3-70b", 8), ("llama3-405b", 8)]
    tokens = [1, 16, 128, 1024, 8192] if quick else [2**i for i in range(16)]
    operators = ("qkv", "down") if quick else ("qkv", "out", "gate_up", "down")
    for model, tp in shards[: 2 if quick else 3]:
        hidden, ffn, heads, kv_heads, _ = MODELS[model]
        kv = max(1, kv_heads // tp)
        shapes = {
            "qkv": (hidden, (heads // tp + 2 * kv) * HEAD),
            "out": (heads // tp * HEAD, hidden),
            "gate_up": (hidden, 2 * ffn // tp),
            "down": (ffn // tp, hidden),
        }
        for operator in operators:
            k, n = shapes[operator]
            for dtype in ("bf16", "fp8", "fp8t"):
                for m in tokens:

                    def measure(dtype: str = dtype, m: int = m, k: int = k, n: int = n, model: str = model, tp: int = tp, operator: str = operator) -> Row:
                        seconds = kernel_seconds(gemm_calls(dtype, m, k, n))
                        return {
                            "model": model, "tp": tp, "op": operator, "dtype": dtype,
                            "m": m, "k": k, "n": n, "time_us": seconds * 1e6,
                            "tflops": 2e-12 * m * k * n / seconds,
                        }  # fmt: skip

                    yield f"{dtype} m={m} k={k} n={n}", measure


def grouped_calls(model: str, tokens: int, op: str) -> Tuple[List[Call], int, int]:
    """A grouped product over rows that are sorted by expert, each token to random ones; weights are many
    times the L2."""
    experts, per_token, hidden, ffn = EXPERTS[model]
    k, n = (hidden, 2 * ffn) if op == "gate_up" else (ffn, hidden)
    weights = random_bf16(experts, k, n)
    calls: List[Call] = []
    for _ in range(4):
        chosen = torch.rand(tokens, experts, device="cuda").topk(per_token, dim=1).indices
        ends = torch.bincount(chosen.flatten(), minlength=experts).cumsum(0).to(torch.int32)
        rows = random_bf16(tokens * per_token, k)
        calls.append(partial(torch._grouped_mm, rows, weights, offs=ends))
    return calls, k, n


def experts_rows(quick: bool) -> Rows:
    for model, (experts, per_token, _, _) in EXPERTS.items():
        for tokens in (1, 32, 256, 2048) if quick else (1, 4, *(2**i for i in range(4, 14))):
            for op in ("gate_up", "down"):

                def measure(model: str = model, tokens: int = tokens, op: str = op, experts: int = experts, top: int = per_token) -> Row:
                    calls, k, n = grouped_calls(model, tokens, op)
                    seconds = kernel_seconds(calls)
                    return {
                        "gpu": torch.cuda.get_device_name(0), "model": model, "experts": experts,
                        "experts_per_token": top, "tokens": tokens, "op": op, "dtype": "bf16",
                        "k": k, "n": n, "time_us": seconds * 1e6,
                        "tflops": 2e-12 * tokens * top * k * n / seconds,
                    }  # fmt: skip

                yield f"{model} {op} tokens={tokens}", measure


def attention_calls(backend: str, batch: int, tq: int, tk: int, heads: Tuple[int, int], causal: bool) -> List[Call]:
    hq, hk = heads
    from torch.nn.attention import SDPBackend, sdpa_kernel

    which = {"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}[backend]
    bytes_of_one = 2 * batch * HEAD * (2 * tq * hq + 2 * tk * hk)
    calls: List[Call] = []
    for _ in range(buffer_sets(bytes_of_one)):
        q = random_bf16(batch, hq, tq, HEAD)
        k, v = random_bf16(batch, hk, tk, HEAD), random_bf16(batch, hk, tk, HEAD)

        def call(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            with sdpa_kernel(which):
                return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=hq != hk)

        calls.append(partial(call, q, k, v))
    return calls


def prefill_rows(quick: bool) -> Rows:
    lengths = [512, 2048, 8192] if quick else [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]
    shapes = [(t, t, 1) for t in lengths]
    shapes += [(1024, 16384, 0)] if quick else [(t, 32768, 0) for t in (256, 1024, 4096)]
    for hq, hk in ((16, 1), (32, 8)):
        for tq, tk, causal in shapes:
            for backend in ("cudnn", "flash"):

                def measure(backend: str = backend, tq: int = tq, tk: int = tk, causal: int = causal, hq: int = hq, hk: int = hk) -> Row:
                    calls = attention_calls(backend, 1, tq, tk, (hq, hk), bool(causal))
                    seconds = kernel_seconds(calls)
                    flops = 4 * tq * tk * hq * HEAD * (0.5 if causal else 1.0)
                    return {
                        "backend": backend, "batch": 1, "tq": tq, "tk": tk, "hq": hq, "hk": hk,
                        "hd": HEAD, "causal": causal, "time_us": seconds * 1e6,
                        "tflops": 1e-12 * flops / seconds,
                    }  # fmt: skip

                yield f"{backend} tq={tq} tk={tk} heads={hq}/{hk}", measure


def decode_rows(quick: bool) -> Rows:
    batches = (1, 32) if quick else (1, 4, 16, 32, 64, 256)
    contexts = (1024, 16384) if quick else (512, 2048, 8192, 32768, 131072)
    for hq, hk in ((16, 1), (32, 8)):
        for batch in batches:
            for context in contexts:
                cache = 4 * batch * context * hk * HEAD
                if cache > 24e9:
                    continue
                for backend in ("cudnn", "flash"):

                    def measure(backend: str = backend, batch: int = batch, context: int = context, hq: int = hq, hk: int = hk, cache: int = cache) -> Row:
                        calls = attention_calls(backend, batch, 1, context, (hq, hk), False)
                        seconds = kernel_seconds(calls)
                        return {
                            "backend": backend, "batch": batch, "ctx": context, "hq": hq, "hk": hk,
                            "hd": HEAD, "time_us": seconds * 1e6, "kv_gbps": 1e-9 * cache / seconds,
                        }  # fmt: skip

                    yield f"{backend} batch={batch} ctx={context} heads={hq}/{hk}", measure


def swiglu(x: Tensor) -> Tensor:
    gate, up = x.chunk(2, dim=-1)
    return F.silu(gate) * up


def add_rmsnorm(x: Tensor, residual: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor]:
    total = x + residual
    return F.rms_norm(total, (total.shape[-1],), weight), total


def quantise_row(x: Tensor) -> Tuple[Tensor, Tensor]:
    scale = x.abs().amax(dim=-1, keepdim=True).float() / 448.0
    return (x.float() / scale).to(torch.float8_e4m3fn), scale


def memory_calls(op: str, rows: int, cols: int) -> Tuple[List[Call], int]:
    """Calls, and the bytes that one reads and writes."""
    if op == "copy":
        count = rows * cols
        sets = buffer_sets(2 * count)
        buffers = [
            torch.empty(count, device="cuda", dtype=torch.uint8).random_() for _ in range(2 * sets)
        ]
        pairs = zip(buffers[::2], buffers[1::2])
        return [partial(a.copy_, b) for a, b in pairs], 2 * count
    bytes_of_one = {"add_rmsnorm": 8, "swiglu": 3, "quant_fp8_row": 3, "cast_fp8": 3}[op] * rows * cols
    inputs = [random_bf16(rows, cols) for _ in range(buffer_sets(bytes_of_one))]
    torch.compiler.reset()  # its cache of shapes is short, and past it comes slow code
    if op == "add_rmsnorm":
        fused = torch.compile(add_rmsnorm, dynamic=False)
        weight = random_bf16(cols)
        residuals = [random_bf16(rows, cols) for _ in inputs]
        return [partial(fused, x, r, weight) for x, r in zip(inputs, residuals)], bytes_of_one
    if op == "quant_fp8_row":
        fused = torch.compile(quantise_row, dynamic=False)
        return [partial(fused, x) for x in inputs], bytes_of_one
    if op == "swiglu":
        return [partial(swiglu, x) for x in inputs], bytes_of_one
    return [partial(x.to, torch.float8_e4m3fn) for x in inputs], bytes_of_one


def memory_rows(quick: bool) -> Rows:
    shapes = [("copy", 1, 1 << i) for i in ((16, 24, 28) if quick else range(10, 31, 2))]
    tokens = (64, 8192) if quick else (1, 8, 64, 512, 2048, 8192, 32768)
    for op, columns in (
        ("swiglu", (28672,)),
        ("cast_fp8", (4096,)),
        ("add_rmsnorm", (4096,) if quick else (4096, 8192, 16384)),
        ("quant_fp8_row", (4096,) if quick else (4096, 16384)),
    ):
        shapes += [(op, rows, cols) for cols in columns for rows in tokens]
    for op, rows, cols in shapes:

        def measure(op: str = op, rows: int = rows, cols: int = cols) -> Row:
            calls, moved = memory_calls(op, rows, cols)
            seconds = kernel_seconds(calls)
            dtype = {"copy": "u8", "quant_fp8_row": "bf16>fp8", "cast_fp8": "bf16>fp8"}
            return {
                "op": op, "rows": rows, "cols": cols, "dtype": dtype.get(op, "bf16"),
                "bytes": moved, "time_us": seconds * 1e6, "gbps": 1e-9 * moved / seconds,
            }  # fmt: skip

        yield f"{op} {rows} x {cols}", measure


class Layers:
    """A stack of Llama layers of one tensor-parallel shard, without communication."""

    def __init__(self, model: str, tp: int, precision: str, layers: int) -> None:
        hidden, ffn, heads, kv_heads, _ = MODELS[model]
        self.heads, self.kv_heads = heads // tp, max(1, kv_heads // tp)
        self.hidden, self.precision = hidden, precision
        shapes = {
            "qkv": ((self.heads + 2 * self.kv_heads) * HEAD, hidden),
            "out": (hidden, self.heads * HEAD),
            "gate_up": (2 * ffn // tp, hidden),
            "down": (hidden, ffn // tp),
        }
        self.low = {"bf16": (), "fp8ffn": ("gate_up", "down"), "fp8": tuple(shapes)}[precision]
        self.weights = []
        for _ in range(layers):
            self.weights.append({
                name: random_fp8(*shape) if name in self.low else random_bf16(*shape) * shape[1] ** -0.5
                for name, shape in shapes.items()
            })  # fmt: skip
        self.norm = torch.ones(hidden, device="cuda", dtype=torch.bfloat16)
        self.scale = torch.full((), 0.02, device="cuda")

    def linear(self, weights: Dict[str, Tensor], name: str, x: Tensor) -> Tensor:
        weight = weights[name]
        if name not in self.low:
            return x @ weight.t()
        return torch._scaled_mm(
            x.to(torch.float8_e4m3fn), weight.t(), scale_a=self.scale, scale_b=self.scale,
            out_dtype=torch.bfloat16, use_fast_accum=True,
        )  # fmt: skip

    def prepare(self, batch: int, new_tokens: int, context: int) -> None:
        """Activations, rotary tables and, for decode, one cache a layer."""
        self.shape = (batch, new_tokens)
        self.x = random_bf16(batch * new_tokens, self.hidden)
        angles = torch.outer(
            torch.arange(context - new_tokens, context, device="cuda").float(),
            500000.0 ** (-torch.arange(0, HEAD, 2, device="cuda").float() / HEAD),
        )
        angles = torch.cat((angles, angles), dim=-1)[None, :, None, :]
        self.cos, self.sin = angles.cos().bfloat16(), angles.sin().bfloat16()
        self.caches = None
        if new_tokens < context:
            shape = (batch, self.kv_heads, context, HEAD)
            self.caches = [(random_bf16(*shape), random_bf16(*shape)) for _ in self.weights]

    def rotate(self, x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
        return x * self.cos + turned * self.sin

    def attend(self, q: Tensor, k: Tensor, v: Tensor, layer: int) -> Tensor:
        q = q.transpose(1, 2)
        if self.caches is None:
            k, v = k.transpose(1, 2), v.transpose(1, 2)
        else:
            k, v = self.caches[layer]
        return F.scaled_dot_product_attention(
            q, k, v, is_causal=self.caches is None, enable_gqa=self.heads != self.kv_heads
        ).transpose(1, 2)

    def run(self) -> Tensor:
        batch, tokens = self.shape
        x = self.x
        for layer, weights in enumerate(self.weights):
            h = F.rms_norm(x, (self.hidden,), self.norm)
            qkv = self.linear(weights, "qkv", h).view(batch, tokens, -1, HEAD)
            q, k, v = qkv.split((self.heads, self.kv_heads, self.kv_heads), dim=2)
            out = self.attend(self.rotate(q), self.rotate(k), v, layer)
            x = x + self.linear(weights, "out", out.reshape(batch * tokens, -1))
            h = F.rms_norm(x, (self.hidden,), self.norm)
            x = x + self.linear(weights, "down", swiglu(self.linear(weights, "gate_up", h)))
        return x


def layer_rows(quick: bool) -> Rows:
    shapes = [("prefill", 1, 2048, 2048), ("decode", 1, 1, 1024), ("decode", 32, 1, 1024)]
    stacks = [("llama3-8b", 1, "bf16")]
    if not quick:
        shapes += [("prefill", 1, t, t) for t in (128, 512, 8192)]
        shapes += [("decode", b, 1, c) for b, c in ((8, 1024), (32, 8192), (128, 1024), (256, 1024))]
        stacks += [("llama3-8b", 1, "fp8ffn"), ("llama3-8b", 1, "fp8"), ("llama3-70b", 4, "bf16"),
                   ("llama3-405b", 8, "bf16"), ("llama3-405b", 8, "fp8ffn")]  # fmt: skip
    for model, tp, precision in stacks:
        hidden, ffn = MODELS[model][:2]
        of_one = 3 * hidden * ffn // tp * 2
        layers = max(2, min(MODELS[model][4], int(16e9 // of_one), 8 if quick else 32))
        for phase, batch, new_tokens, context in shapes:

            def measure(model: str = model, tp: int = tp, precision: str = precision, layers: int = layers, phase: str = phase, batch: int = batch,
                        new_tokens: int = new_tokens, context: int = context) -> Row:  # fmt: skip
                stack = Layers(model, tp, precision, layers)
                stack.prepare(batch, new_tokens, context)
                with torch.inference_mode():
                    graph = capture([stack.run])
                seconds = replay_median(graph, 1, lambda call: 10 * call, 5)
                return {
                    "gpu": torch.cuda.get_device_name(0), "model": model, "tp_shard": tp,
                    "precision": precision, "phase": phase, "batch": batch,
                    "new_tokens": new_tokens, "context": context, "layers": layers,
                    "time_us": seconds * 1e6, "time_us_per_layer": seconds * 1e6 / layers,
                }  # fmt: skip

            yield f"{model}/TP{tp} {precision} {phase} batch={batch} context={context}", measure


def optimizer_rows(quick: bool) -> Rows:
    for count in (2**24, 2**27) if quick else (2**24, 2**27, 2**30):

        def measure(count: int = count) -> Row:
            weight = torch.nn.Parameter(torch.randn(count, device="cuda"))
            weight.grad = torch.randn(count, device="cuda")
            optimizer = torch.optim.AdamW([weight], fused=True)
            for _ in range(3):
                optimizer.step()
            torch.cuda.synchronize()
            seconds = statistics.median(seconds_of(optimizer.step) for _ in range(9))
            return {
                "gpu": torch.cuda.get_device_name(0), "optimizer": "adamw_fused", "params": count,
                "param_dtype": "fp32", "state_dtype": "fp32", "time_us": seconds * 1e6,
                "bytes_per_param": 28,
            }  # fmt: skip

        yield f"adamw {count}", measure


class PowerMeter:
    """NVML's energy counter and SM clock of GPU 0, straight from the driver's library."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libnvidia-ml.so.1")
        self.handle = ctypes.c_void_p()
        uuid = f"GPU-{getattr(torch.cuda.get_device_properties(0), 'uuid', '')}".encode()
        self.check(self.library.nvmlInit_v2())
        if self.library.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(self.handle)) != 0:
            self.check(self.library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(self.handle)))

    @staticmethod
    def check(status: int) -> None:
        if status != 0:
            raise RuntimeError(f"NVML says {status}")

    def joules(self) -> float:
        value = ctypes.c_ulonglong()
        self.check(self.library.nvmlDeviceGetTotalEnergyConsumption(self.handle, ctypes.byref(value)))
        return value.value * 1e-3

    def clock_mhz(self) -> int:
        value = ctypes.c_uint()
        self.check(self.library.nvmlDeviceGetClockInfo(self.handle, 1, ctypes.byref(value)))
        return value.value


def power_of(graph: Any, calls: int, wanted_seconds: float) -> Tuple[float, float, float, float]:
    """Seconds a call, watts and clock of a loop of `wanted_seconds`."""
    meter = PowerMeter()
    once = seconds_of(graph.replay)
    replays = max(3, math.ceil(wanted_seconds / once))
    clocks = []
    torch.cuda.synchronize()
    joules, start = meter.joules(), time.perf_counter()
    events = [torch.cuda.Event(), torch.cuda.Event()]
    for i in range(replays):
        graph.replay()
        events[i % 2].record()
        if i > 0:  # one replay is always under way when the clock is read
            events[(i - 1) % 2].synchronize()
        if i % max(1, replays // 10) == 0:
            clocks.append(meter.clock_mhz())
    torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    watts = (meter.joules() - joules) / seconds
    return seconds / (replays * calls), watts, statistics.median(clocks), seconds


def power_rows(quick: bool) -> Rows:
    works: List[Tuple[str, Row]] = [("gemm", {"dtype": "bf16", "m": 8192, "k": 8192, "n": 8192}),
             ("gemm", {"dtype": "fp8t", "m": 8192, "k": 8192, "n": 8192}),
             ("gemm", {"dtype": "bf16", "m": 16, "k": 16384, "n": 13312}),
             ("attention", {"batch": 1, "tq": 8192, "tk": 8192, "hq": 16, "hk": 1, "causal": 1}),
             ("copy", {"bytes": 2 << 30})]  # fmt: skip
    for work, shape in works[: 3 if quick else None]:

        def measure(work: str = work, shape: Dict[str, Any] = shape) -> Row:
            if work == "gemm":
                calls = gemm_calls(shape["dtype"], shape["m"], shape["k"], shape["n"])
            elif work == "attention":
                heads = (shape["hq"], shape["hk"])
                calls = attention_calls("cudnn", 1, shape["tq"], shape["tk"], heads, True)
                shape = {**shape, "hd": HEAD}
            else:
                calls = memory_calls("copy", 1, shape["bytes"] // 2)[0]
            calls = calls * max(1, 20 // len(calls))
            per_call, watts, clock, seconds = power_of(capture(calls), len(calls), 2.0)
            return {
                "gpu": torch.cuda.get_device_name(0), "work": work, **shape, "seconds": seconds,
                "time_us": per_call * 1e6, "average_watts": watts, "sm_clock_mhz": clock,
            }  # fmt: skip

        yield f"{work} {shape}", measure


# --- several GPUs -------------------------------------------------------------------------------


def collective_call(name: str, size: int, rank: int, ranks: int) -> Call:
    """A function that does it once; `size` as in the table: of one member's input or share."""
    dist = torch.distributed
    count = max(1, size // 2)
    mine = random_bf16(count)
    if name == "all_reduce":
        return lambda: dist.all_reduce(mine)
    if name == "all_gather":
        whole = torch.empty(count * ranks, device="cuda", dtype=torch.bfloat16)
        return lambda: dist.all_gather_into_tensor(whole, mine)
    if name == "reduce_scatter":
        whole = random_bf16(count * ranks)
        return lambda: dist.reduce_scatter_tensor(mine, whole)
    if name == "all_to_all":
        count = count // ranks * ranks
        mine, whole = random_bf16(count), random_bf16(count)
        return lambda: dist.all_to_all_single(whole, mine)
    other = torch.empty_like(mine)
    if name == "sendrecv_ring":
        def ring() -> None:
            ops = [dist.P2POp(dist.isend, mine, (rank + 1) % ranks),
                   dist.P2POp(dist.irecv, other, (rank - 1) % ranks)]  # fmt: skip
            for request in dist.batch_isend_irecv(ops):
                request.wait()

        return ring
    half = ranks // 2
    if rank < half:
        return lambda: dist.send(mine, rank + half)
    if rank < 2 * half:
        return lambda: dist.recv(other, rank - half)
    return lambda: None


def collective_seconds(call: Call, mode: str) -> float:
    dist = torch.distributed
    calls = 10
    dist.barrier()
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    if mode == "graph":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(calls):
                call()
        action = graph.replay
    else:
        def action() -> None:
            for _ in range(calls):
                call()

    action()
    times = []
    for _ in range(7):
        dist.barrier()
        torch.cuda.synchronize()
        times.append(seconds_of(action) / calls)
    mean = torch.tensor([statistics.median(times)], device="cuda")
    dist.all_reduce(mean, op=dist.ReduceOp.AVG)
    return float(mean.item())


def collective_worker(rank: int, ranks: int, quick: bool, path: str, port: int, deadline: float) -> None:
    load_torch()
    torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        "nccl", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks
    )
    sizes = [2**i for i in ((12, 18, 24, 28) if quick else range(10, 31))]
    names = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "sendrecv_ring", "send")
    for size in sizes:
        for name in names:
            for mode in ("graph", "eager"):
                late = torch.tensor([float(time.monotonic() > deadline)], device="cuda")
                torch.distributed.all_reduce(late)
                if late.item() > 0:
                    break
                try:
                    call = collective_call(name, size, rank, ranks)
                    seconds = collective_seconds(call, mode)
                except RuntimeError as error:
                    report_failure(f"{name} {size} {mode}", error)
                    continue
                if rank == 0:
                    print(f"  collective {name} {size} {mode}: {seconds * 1e6:.4g} us", flush=True)
                    append_row(path, "collective", {
                        "gpu": torch.cuda.get_device_name(0), "collective": name, "ranks": ranks,
                        "bytes": size, "mode": mode, "time_us": seconds * 1e6,
                        "algbw_gbps": 1e-9 * size / seconds,
                    })  # fmt: skip
    torch.distributed.destroy_process_group()


def measure_collectives(quick: bool, path: str, deadline: float) -> None:
    ranks = torch.cuda.device_count()
    if ranks < 2:
        print("collective: left out, there is one GPU")
        return
    start_table(path, "collective")
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(
        collective_worker, args=(ranks, quick, path, port, deadline), nprocs=ranks
    )


# --- the program --------------------------------------------------------------------------------

ROWS = {
    "gemm": gemm_rows,
    "attention-prefill": prefill_rows,
    "attention-decode": decode_rows,
    "memory": memory_rows,
    "layers": layer_rows,
    "power": power_rows,
    "optimizer": optimizer_rows,
    "experts": experts_rows,
}


def start_table(path: Path, kind: str) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerow(COLUMNS[kind].split())


def append_row(path: Path, kind: str, row: Row) -> None:
    fields = [row.get(column, "") for column in COLUMNS[kind].split()]
    with open(path, "a", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerow(
            [f"{field:.4g}" if isinstance(field, float) else field for field in fields]
        )


def report_failure(what: str, error: Exception) -> None:
    reason = (str(error).strip().splitlines() or ["no reason given"])[0]
    print(f"  {what}: left out: {type(error).__name__}: {reason[:160]}", flush=True)


def measure_kind(kind: str, quick: bool, path: Path, deadline: float) -> int:
    """Rows written, rows that failed, rows that time didn't allow."""
    start_table(path, kind)
    done = failed = skipped = 0
    for what, measure in ROWS[kind](quick):
        if time.monotonic() > deadline:
            skipped += 1
            continue
        try:
            row = measure()
        except Exception as error:  # pylint: disable=broad-except
            report_failure(f"{kind} {what}", error)
            failed += 1
        else:
            append_row(path, kind, row)
            done += 1
            print(f"  {kind} {what}: {row['time_us']:.4g} us", flush=True)
        torch.cuda.empty_cache()
    print(f"{kind}: {done} rows in {path}, {failed} failed, {skipped} left out for time", flush=True)
    return done


def parse(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", default="measured", metavar="DIR", help="for the tables")
    parser.add_argument("--kinds", metavar="KIND,...", help="instead of all")
    parser.add_argument("--quick", action="store_true", help="few shapes, under three minutes")
    parser.add_argument("--list", action="store_true", help="print the kinds and their columns")
    options = parser.parse_args(arguments)
    options.kinds = list(COLUMNS) if options.kinds is None else options.kinds.split(",")
    for kind in options.kinds:
        if kind not in COLUMNS:
            parser.error(f"'{kind}' is no kind (one of: {', '.join(COLUMNS)})")
    return options


def main(arguments: List[str]) -> int:
    options = parse(arguments)
    if options.list:
        for kind in options.kinds:
            print(f"{kind}: {','.join(COLUMNS[kind].split())}")
        return 0
    load_torch()
    start = time.monotonic()
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{torch.cuda.get_device_name(0)}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}")
    single = [kind for kind in options.kinds if kind != "collective"]
    rows = 0
    for i, kind in enumerate(single):
        # In quick mode each kind may use its share of the time that is left.
        left = start + QUICK_SECONDS - time.monotonic()
        shares = len(options.kinds) - i
        deadline = time.monotonic() + left / shares if options.quick else math.inf
        rows += measure_kind(kind, options.quick, folder / f"{kind}.csv", deadline)
    if "collective" in options.kinds:
        deadline = start + QUICK_SECONDS if options.quick else math.inf
        measure_collectives(options.quick, str(folder / "collective.csv"), deadline)
        rows += 1
    print(f"{time.monotonic() - start:.0f} s")
    return 0 if rows > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
