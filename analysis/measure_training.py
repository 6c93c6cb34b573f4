#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures training steps of PyTorch on the GPUs of this machine: one GPU, DDP, FSDP2, tensor parallelism, pipelines.

    measure_training.py -o training.csv                    every kind that this machine has the GPUs for
    measure_training.py --kinds single,ddp -o training.csv
    measure_training.py --rows mine.csv -o training.csv    steps of your own: kind, schedule, seq, micro_batch,
                                                           micro_batches, and a model or its shape
    measure_training.py --smoke                            tiny shapes, to see that everything runs

Llama-like models in plain PyTorch, random tokens, fused AdamW. A row is the median wall time of a step, with
the peak memory of the fullest GPU, its average power and clock. What fails is reported and left out.
Needs PyTorch 2.6 or later with CUDA. Use the GPUs for nothing else meanwhile.
"""
from __future__ import annotations

import argparse
import csv
import functools
import gc
import os
import statistics
import sys
import time
import traceback
from typing import Any, Callable, ContextManager, Dict, Iterable, List, Optional, Tuple

try:
    import torch
    import torch.distributed as dist
    import torch.nn.functional as F
    from torch import nn
except ImportError as missing:
    sys.exit(f"measure_training: error: {missing}: PyTorch 2.6 or later is needed (pip install torch)")

Tensor = Any  # of torch
Row = Dict[str, Any]  # a value a column
Entry = Tuple[Any, ...]  # what rows_of() says
Step = Callable[[], None]

# name: layers, hidden, feed-forward, query heads, key-value heads, head size, vocabulary
MODELS: Dict[str, Tuple[int, ...]] = {
    "350m": (24, 1024, 2816, 16, 16, 64, 32000),
    "1b": (16, 2048, 8192, 32, 8, 64, 128256),
    "3b": (28, 3072, 8192, 24, 8, 128, 128256),
    "8b": (32, 4096, 14336, 32, 8, 128, 128256),
    "smoke": (4, 256, 512, 4, 2, 64, 1024),
}
COLUMNS = (
    "gpu kind schedule model gpus layers hidden ffn query_heads kv_heads head_size vocabulary seq micro_batch "
    "micro_batches weights compute gradients states recompute compiled step_ms least_ms most_ms memory_gb watts "
    "sm_clock_mhz kernels kernel_ms"
).split()


class Attention(nn.Module):  # type: ignore[misc]  # torch may be absent
    def __init__(self, hidden: int, query_heads: int, kv_heads: int, head: int) -> None:
        super().__init__()
        self.head, self.grouped = head, query_heads != kv_heads
        self.q = nn.Linear(hidden, query_heads * head, bias=False)
        self.k = nn.Linear(hidden, kv_heads * head, bias=False)
        self.v = nn.Linear(hidden, kv_heads * head, bias=False)
        self.o = nn.Linear(query_heads * head, hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, seq, _ = x.shape
        q, k, v = (p(x).view(batch, seq, -1, self.head).transpose(1, 2) for p in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.grouped)
        return self.o(y.transpose(1, 2).reshape(batch, seq, -1))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


class Layer(nn.Module):  # type: ignore[misc]  # torch may be absent
    def __init__(self, hidden: int, ffn: int, query_heads: int, kv_heads: int, head: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(hidden, eps=1e-5), nn.RMSNorm(hidden, eps=1e-5)
        self.attention = Attention(hidden, query_heads, kv_heads, head)
        self.gate = nn.Linear(hidden, ffn, bias=False)
        self.up = nn.Linear(hidden, ffn, bias=False)
        self.down = nn.Linear(ffn, hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), cos, sin)
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Part(nn.Module):  # type: ignore[misc]  # torch may be absent
    """Layers first to last of a model, with its embedding and head where it has them."""

    def __init__(self, name: str, first: int, last: int, seq: int, recompute: str = "none") -> None:
        super().__init__()
        count, hidden, ffn, query_heads, kv_heads, head, vocabulary = MODELS[name]
        self.recompute = recompute
        self.embedding = nn.Embedding(vocabulary, hidden) if first == 0 else None
        self.layers = nn.ModuleList(Layer(hidden, ffn, query_heads, kv_heads, head) for _ in range(first, last))
        self.norm = nn.RMSNorm(hidden, eps=1e-5) if last == count else None
        self.output = nn.Linear(hidden, vocabulary, bias=False) if last == count else None
        angles = torch.outer(torch.arange(seq).float(), 5e5 ** (-torch.arange(0, head, 2).float() / head)).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        norm, output = self.norm, self.output
        if self.embedding is not None:
            x = self.embedding(x)
        cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)
        for layer in self.layers:
            if self.recompute == "full" and self.training:
                x = torch.utils.checkpoint.checkpoint(layer, x, cos, sin, use_reentrant=False)
            else:
                x = layer(x, cos, sin)
        return x if norm is None or output is None else output(norm(x))


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1).float(), target.flatten())


def tokens(row: Row, count: int) -> Tuple[Tensor, Tensor]:
    generator = torch.Generator("cuda").manual_seed(1)
    shape = (count, row["seq"])
    x, y = (torch.randint(0, row["vocabulary"], shape, device="cuda", generator=generator) for _ in range(2))
    return x, y


def build(row: Row, first: int = 0, last: Optional[int] = None) -> Part:
    dtype = torch.float32 if row["weights"] == "fp32" else torch.bfloat16
    with torch.device("cuda"):
        part = Part(row["model"], first, row["layers"] if last is None else last, row["seq"], row["recompute"])
    part = part.to(dtype)
    if row["compiled"] == "yes":
        for i, layer in enumerate(part.layers):
            part.layers[i] = torch.compile(layer, dynamic=False)
    return part


def adamw(modules: Iterable[nn.Module]) -> List[torch.optim.AdamW]:
    parameters = [p for m in modules for p in m.parameters()]
    kinds = {type(p.data) for p in parameters}  # a fused kernel takes no mixture of tensors and DTensors
    return [torch.optim.AdamW([p for p in parameters if type(p.data) is kind], lr=1e-5, fused=True) for kind in kinds]


def stepper(row: Row, model: nn.Module, boundary: Optional[Callable[[bool], ContextManager[Any]]] = None) -> Step:
    """A step of gradient accumulation: boundary(last) is entered around each micro-batch."""
    optimizers, count = adamw([model]), row["micro_batch"]
    batches = [tokens(row, count) for _ in range(row["micro_batches"])]
    autocast = functools.partial(torch.autocast, "cuda", torch.bfloat16, enabled=row["weights"] != row["compute"])

    def step() -> None:
        for i, (x, y) in enumerate(batches):
            context = boundary(i == len(batches) - 1) if boundary else None
            if context:
                context.__enter__()
            with autocast():
                loss = loss_of(model(x), y) / len(batches)
            loss.backward()
            if context:
                context.__exit__(None, None, None)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


def single(row: Row) -> Step:
    return stepper(row, build(row))


def ddp(row: Row) -> Step:
    from contextlib import nullcontext

    model = nn.parallel.DistributedDataParallel(build(row), device_ids=[dist.get_rank()], gradient_as_bucket_view=True)
    return stepper(row, model, lambda last: nullcontext() if last else model.no_sync())


def fsdp(row: Row) -> Step:
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    model = build(row)
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    reshard = row["schedule"] != "zero-2"
    for layer in model.layers:
        fully_shard(layer, mp_policy=policy, reshard_after_forward=reshard)
    fully_shard(model, mp_policy=policy, reshard_after_forward=reshard)
    step = stepper(dict(row, weights="bf16"), model)
    return step


def tensor(row: Row) -> Step:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor import parallel as tp

    mesh = init_device_mesh("cuda", (row["gpus"],))
    model = build(row)
    sequence = row["schedule"] == "sequence"
    across = Shard(1) if sequence else Replicate()
    for layer in model.layers:
        plan = {
            "attention.q": tp.ColwiseParallel(),
            "attention.k": tp.ColwiseParallel(),
            "attention.v": tp.ColwiseParallel(),
            "attention.o": tp.RowwiseParallel(output_layouts=across),
            "gate": tp.ColwiseParallel(),
            "up": tp.ColwiseParallel(),
            "down": tp.RowwiseParallel(output_layouts=across),
        }
        if sequence:
            plan["norm1"] = plan["norm2"] = tp.SequenceParallel()
            plan["attention"] = tp.PrepareModuleInput(
                input_layouts=(Shard(1), None, None), desired_input_layouts=(Replicate(), None, None)
            )
            for name in ("gate", "up"):
                plan[name] = tp.ColwiseParallel(input_layouts=Shard(1))
        tp.parallelize_module(layer, mesh, plan)
    tp.parallelize_module(
        model,
        mesh,
        {
            "embedding": tp.RowwiseParallel(input_layouts=Replicate(), output_layouts=across),
            **({"norm": tp.SequenceParallel()} if sequence else {}),
            "output": tp.ColwiseParallel(input_layouts=across, output_layouts=Replicate()),
        },
    )
    return stepper(row, model)


def pipeline(row: Row) -> Step:
    from torch.distributed import pipelining as pp

    rank, ranks, name = dist.get_rank(), row["gpus"], row["schedule"]
    virtual = 2 if name in ("interleaved", "interleaved-zero-bubble", "zbv") else 1
    stages = ranks * virtual
    mine = [rank + ranks * v for v in range(virtual)]
    if name == "zbv":
        mine = [rank, stages - 1 - rank]
    cut = [round(i * row["layers"] / stages) for i in range(stages + 1)]
    parts = {i: build(row, cut[i], cut[i + 1]) for i in mine}
    local = [pp.PipelineStage(parts[i], i, stages, torch.device("cuda", rank)) for i in mine]
    count, kinds = row["micro_batches"], pp.schedules
    make = {
        "gpipe": kinds.ScheduleGPipe,
        "1f1b": kinds.Schedule1F1B,
        "interleaved": kinds.ScheduleInterleaved1F1B,
        "zero-bubble": kinds.ScheduleInterleavedZeroBubble,
        "interleaved-zero-bubble": kinds.ScheduleInterleavedZeroBubble,
        "zbv": kinds.ScheduleZBVZeroBubble,
    }[name]
    several = name not in ("gpipe", "1f1b")
    schedule = make(local if several else local[0], count, loss_fn=loss_of)
    optimizers = adamw(parts.values())
    x, y = tokens(row, row["micro_batch"] * count)

    def step() -> None:
        arguments = (x,) if 0 in parts else ()
        keywords = {"target": y, "losses": []} if stages - 1 in parts else {}
        schedule.step(*arguments, **keywords)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


class Meter:
    """Energy and clock of this GPU, where NVML can be asked."""

    def __init__(self, index: int) -> None:
        try:
            import pynvml

            pynvml.nvmlInit()
            self.nvml, self.handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(index)
            self.joules()
        except Exception:  # pylint: disable=broad-except
            self.nvml = None

    def joules(self) -> float:
        return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3 if self.nvml else float("nan")

    def clock(self) -> float:
        return self.nvml.nvmlDeviceGetClockInfo(self.handle, self.nvml.NVML_CLOCK_SM) if self.nvml else float("nan")


def kernels_of(step: Step) -> Tuple[int, float]:
    """Number of kernels of a step on this GPU, and the sum of their milliseconds."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as record:
        step()
        torch.cuda.synchronize()
    events = [e for e in record.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    return len(events), sum(e.device_time_total for e in events) / 1e3


def measure(row: Row, make: Callable[[Row], Step], seconds: float, several: bool) -> Row:
    torch.manual_seed(0)
    torch.cuda.reset_peak_memory_stats()
    step = make(row)
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    meter, times, clocks = Meter(torch.cuda.current_device()), [], []
    joules, begun = meter.joules(), time.perf_counter()
    go = torch.ones(1, device="cuda")
    while True:
        if several:
            dist.barrier()
            torch.cuda.synchronize()
        started = time.perf_counter()
        step()
        clocks.append(meter.clock())
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
        go.fill_(1.0 if len(times) < 5 or time.perf_counter() - begun < seconds else 0.0)
        if several:
            dist.broadcast(go, 0)
        if not go.item():
            break
    watts = (meter.joules() - joules) / (time.perf_counter() - begun)
    memory = torch.tensor([torch.cuda.max_memory_allocated() / 1e9], device="cuda")
    if several:
        dist.all_reduce(memory, dist.ReduceOp.MAX)
    count, kernel_ms = kernels_of(step)
    return {
        "step_ms": f"{statistics.median(times) * 1e3:.3f}",
        "least_ms": f"{min(times) * 1e3:.3f}",
        "most_ms": f"{max(times) * 1e3:.3f}",
        "memory_gb": f"{memory.item():.2f}",
        "watts": f"{watts:.0f}",
        "sm_clock_mhz": f"{statistics.median(clocks):.0f}",
        "kernels": count,
        "kernel_ms": f"{kernel_ms:.3f}",
    }


SHAPE = ("layers", "hidden", "ffn", "query_heads", "kv_heads", "head_size", "vocabulary")


def rows_of_file(path: str, kind: str) -> List[Entry]:
    """The same of a table with the columns of the output; a model that is none of MODELS has its shape there."""
    rows = []
    with open(path, newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["kind"] != kind:
                continue
            if row["model"] not in MODELS:
                MODELS[row["model"]] = tuple(int(row[name]) for name in SHAPE)
            counts = (int(row[name]) for name in ("seq", "micro_batch", "micro_batches"))
            weights = row.get("weights") or ("fp32" if kind == "fsdp" else "bf16")
            rest = (weights, row.get("recompute") or "none", row.get("compiled") or "no")
            rows.append((row["schedule"], row["model"], *counts, *rest))
    return rows


def rows_of(kind: str, smoke: bool) -> List[Entry]:
    """(schedule, model, seq, micro_batch, micro_batches, weights, recompute, compiled) of a kind."""
    if smoke:
        base = ("smoke", 128, 1, 4, "bf16", "none", "no")
        schedules = {
            "single": ["none"],
            "ddp": ["none"],
            "fsdp": ["zero-3"],
            "tensor": ["plain", "sequence"],
            "pipeline": ["gpipe", "1f1b", "interleaved", "zero-bubble", "interleaved-zero-bubble", "zbv"],
        }[kind]
        return [(s, *base[:4], "fp32" if kind == "fsdp" else "bf16", *base[5:]) for s in schedules]
    if kind == "single":
        return [
            ("none", "350m", 1024, 1, 1, "bf16", "none", "no"),
            ("none", "350m", 1024, 8, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 1, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 4, 1, "bf16", "none", "no"),
            ("none", "1b", 8192, 1, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 4, 1, "fp32", "none", "no"),
            ("none", "1b", 2048, 4, 1, "bf16", "full", "no"),
            ("none", "1b", 2048, 4, 1, "bf16", "none", "yes"),
            ("none", "3b", 4096, 1, 1, "bf16", "none", "no"),
            ("none", "3b", 4096, 2, 2, "bf16", "none", "no"),
            ("none", "3b", 4096, 2, 1, "bf16", "none", "yes"),
        ]
    if kind == "ddp":
        return [
            ("none", "350m", 1024, 1, 1, "bf16", "none", "no"),
            ("none", "350m", 1024, 8, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 1, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 4, 1, "bf16", "none", "no"),
            ("none", "1b", 2048, 4, 4, "bf16", "none", "no"),
            ("none", "1b", 2048, 4, 1, "fp32", "none", "no"),
            ("none", "3b", 4096, 1, 1, "bf16", "none", "no"),
            ("none", "3b", 4096, 2, 2, "bf16", "none", "no"),
        ]
    if kind == "fsdp":
        return [
            ("zero-3", "1b", 2048, 1, 1, "fp32", "none", "no"),
            ("zero-3", "1b", 2048, 4, 1, "fp32", "none", "no"),
            ("zero-2", "1b", 2048, 4, 1, "fp32", "none", "no"),
            ("zero-3", "3b", 4096, 1, 1, "fp32", "none", "no"),
            ("zero-3", "3b", 4096, 2, 1, "fp32", "none", "no"),
            ("zero-3", "3b", 4096, 1, 4, "fp32", "none", "no"),
            ("zero-3", "8b", 4096, 1, 1, "fp32", "none", "no"),
            ("zero-3", "8b", 4096, 2, 1, "fp32", "full", "no"),
        ]
    if kind == "tensor":
        return [
            ("plain", "3b", 4096, 1, 1, "bf16", "none", "no"),
            ("sequence", "3b", 4096, 1, 1, "bf16", "none", "no"),
        ]
    rows = []
    for schedule, counts in (
        ("gpipe", (4, 8)),
        ("1f1b", (4, 8, 16)),
        ("interleaved", (8, 16)),
        ("zero-bubble", (8,)),
        ("interleaved-zero-bubble", (8,)),
        ("zbv", (8,)),
    ):
        rows += [(schedule, "3b", 4096, 1, count, "bf16", "none", "no") for count in counts]
    rows += [(s, "1b", 2048, 1, 8, "bf16", "none", "no") for s in ("gpipe", "1f1b", "interleaved", "zbv")]
    return rows


def filled(kind: str, entry: Entry, gpus: int, gpu: str) -> Row:
    schedule, model, seq, micro_batch, micro_batches, weights, recompute, compiled = entry
    row: Row = dict.fromkeys(COLUMNS, "")
    row.update(zip(SHAPE, MODELS[model]))
    row.update(gpu=gpu, kind=kind, schedule=schedule, model=model, gpus=gpus, seq=seq, micro_batch=micro_batch)
    row.update(micro_batches=micro_batches, weights=weights, compute="bf16", recompute=recompute, compiled=compiled)
    row.update(states=weights, gradients=weights)
    return row


MAKERS = {"single": single, "ddp": ddp, "fsdp": fsdp, "tensor": tensor, "pipeline": pipeline}


def work(rank: int, kind: str, gpus: int, options: argparse.Namespace) -> None:
    torch.cuda.set_device(rank)
    if gpus > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29577")
        dist.init_process_group("nccl", rank=rank, world_size=gpus, device_id=torch.device("cuda", rank))
    gpu = torch.cuda.get_device_name()
    for entry in rows_of_file(options.rows, kind) if options.rows else rows_of(kind, options.smoke):
        row = filled(kind, entry, gpus, gpu)
        try:
            row.update(measure(row, MAKERS[kind], 0.1 if options.smoke else options.seconds, gpus > 1))
            if rank == 0:
                with open(options.output, "a", encoding="utf-8") as stream:
                    csv.DictWriter(stream, COLUMNS).writerow(row)
                print(kind, *entry, row["step_ms"], "ms", row["memory_gb"], "GB", row["kernels"], flush=True)
        except Exception as error:  # pylint: disable=broad-except
            print(f"measure_training: rank {rank}: {kind} {entry} left out: {error}", file=sys.stderr, flush=True)
            if options.smoke:
                traceback.print_exc()
        gc.collect()
        torch.cuda.empty_cache()
        if options.compiles_anew:
            torch.compiler.reset()
    if gpus > 1:
        dist.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default=",".join(MAKERS), help="of " + ", ".join(MAKERS))
    parser.add_argument("--seconds", type=float, default=3.0, help="a row is measured so long, five steps at least")
    parser.add_argument("--gpus", type=int, default=2, help="of kinds that take several (default 2)")
    parser.add_argument("--rows", help="a table of steps to measure in place of the script's own")
    parser.add_argument("--smoke", action="store_true", help="tiny shapes")
    parser.add_argument("-o", "--output", default="training.csv")
    options = parser.parse_args()
    options.compiles_anew = True
    if not torch.cuda.is_available():
        sys.exit("measure_training: error: PyTorch sees no CUDA GPU on this machine")
    unknown = set(options.kinds.split(",")) - set(MAKERS)
    if unknown:
        sys.exit(f"measure_training: error: no kind {', '.join(sorted(unknown))}: there are {', '.join(MAKERS)}")
    with open(options.output, "w", encoding="utf-8") as stream:
        csv.DictWriter(stream, COLUMNS).writeheader()
    for kind in options.kinds.split(","):
        gpus = 1 if kind == "single" else options.gpus
        if gpus > torch.cuda.device_count():
            print(f"measure_training: {kind} left out: it takes {gpus} GPUs", file=sys.stderr)
            continue
        try:
            torch.multiprocessing.spawn(work, (kind, gpus, options), nprocs=gpus)
        except Exception as error:  # pylint: disable=broad-except
            print(f"measure_training: {kind} ended early: {error}", file=sys.stderr)
    print(options.output)


if __name__ == "__main__":
    main()
