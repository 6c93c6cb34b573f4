# SPDX-License-Identifier: MIT
"""A training step's operators, GPUs and links in the trace: operators lie inside the pass that they
belong to, FLOPs are those of the layers, and links carry what stages send and replicas exchange."""
import os
import subprocess

import h5py
import numpy as np
import pytest
from conftest import SOURCE_DIR, check_trace

SETTINGS = ["layout.pipeline=4", "layout.data=32", "workload.global_batch=256"]


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    path = tmp_path_factory.mktemp("operators") / "step.h5"
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    scenario = str(SOURCE_DIR / "scenarios" / "train-batch-size.yaml")
    done = subprocess.run([os.environ["CPSIM"], scenario, "-q", "-o", str(path), *sets], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert check_trace(path) == (0, [])
    with h5py.File(path) as file:
        yield {name: {column: data[:] for column, data in table.items()} for name, table in file.items()}


def test_operators_lie_inside_their_passes(step):
    operators, cells = step["operators"], step["cells"]
    first = cells["micro_batch"] == 0
    ends = operators["start"] + operators["duration"]
    for stage in range(4):
        own = operators["gpu"] == stage
        mine = first & (cells["stage"] == stage)
        inside = np.zeros(own.sum(), bool)
        for start, duration in zip(cells["start"][mine], cells["duration"][mine]):
            inside |= (operators["start"][own] >= start - 1e-9) & (ends[own] <= start + duration + 1e-9)
        assert inside.all() and own.any()


def test_every_layer_is_passed_forward_and_backward(step):
    """32 layers over 4 stages, 8 each: attention forward and its gradient once a layer and micro-batch 0."""
    operators = step["operators"]
    attention = operators["kind"] == 1
    layers, times = np.unique(operators["layer"][attention], return_counts=True)
    assert layers.tolist() == list(range(32)) and len(set(times)) == 1
    assert (operators["gpu"][attention] == operators["layer"][attention] // 8).all()


def test_links_carry_activations_and_gradients(step):
    """A stage but the last sends a micro-batch's activations forward, one but the first its gradient back:
    8 micro-batches of 8192 / 2 tokens x 4096 x 2 bytes each way, beside what replicas exchange. Inside its
    passes, 8 layers of 8 micro-batches, keys and values go round once and their gradients with them: 4096
    tokens x 2 x 8 heads x 128 x 2 bytes, three times."""
    links, stages = step["links"], step["stages"]
    sent = 8 * 4096 * 4096 * 2.0
    for stage in range(4):
        out = (links["gpu"] == stage) & (links["direction"] == 0)
        neighbours = 1 if stage in (0, 3) else 2
        assert links["bytes"][out].sum() > neighbours * sent + 8 * 8 * 3 * 4096 * 4096.0
        assert (links["busy"][out] <= stages["exchange_end"].max() + 1e-9).all()
    assert (links["utilisation"] <= 1).all()


def test_gpus_are_those_of_the_stages(step):
    gpus, stages = step["gpus"], step["stages"]
    np.testing.assert_allclose(gpus["memory_weights"], stages["parameters"] + stages["gradients"] + stages["optimizer"])
    busy = gpus["busy_gemm"] + gpus["busy_attention"] + gpus["busy_memory_kernels"] + gpus["busy_communication"]
    assert (busy <= stages["busy"] * (1 + 1e-9)).all() and (busy > 0.5 * stages["busy"]).all()


def test_links_may_be_left_out(tmp_path):
    path = tmp_path / "none.h5"
    words = ["--set", "trace.links=none", *(word for setting in SETTINGS for word in ("--set", setting))]
    scenario = str(SOURCE_DIR / "scenarios" / "train-batch-size.yaml")
    subprocess.run([os.environ["CPSIM"], scenario, "-q", "-o", str(path), *words], check=True, timeout=300)
    assert check_trace(path) == (0, [])
    with h5py.File(path) as file:
        assert len(file["links/bytes"]) == 0 and len(file["gpus/gpu"]) == 4
