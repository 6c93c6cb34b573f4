# SPDX-License-Identifier: MIT
"""Why one service's requests take longer than another's: worked by hand, and that the parts add up."""
import sys

import numpy
import pandas
import pytest

pytest.importorskip("matplotlib")

from conftest import SOURCE_DIR
from test_analysis_commands import analyse, simulate

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace, serving, summary  # noqa: E402


class Trace(dict):
    attributes = {"scenario": "workload:\n  kind: serving\nsoftware:\n  request: 0.5 s\n", "kv_cache_tokens_per_replica": 100}


def trace(scheduled, first, last, tokens, preemptions=(0, 0), held=(99, 10)):
    """Two requests that arrive at 0 on one replica, whose steps end at 2 s and 6 s holding so many tokens of 100."""
    requests = pandas.DataFrame({
        "outcome": "done", "replica": 0, "arrival": 0.0, "scheduled": scheduled, "first_token": first, "last_token": last,
        "prompt_tokens": 10, "output_tokens": tokens, "preemptions": preemptions, "retries": 0,
    })  # fmt: skip
    steps = pandas.DataFrame({"replica": 0, "start": [0.0, 2.0], "duration": [2.0, 4.0], "kv_tokens": held})
    return Trace(requests=requests, steps=steps)


def test_parts_worked_by_hand():
    # The first waits 0.5 s of its 0.5 s way and is in a batch at once. The second queues until 4 s, 3.5 s beyond its
    # way; the KV cache is full (99 of 100) from the step that ends at 2 s to the one at 6 s, so for 2 s of them.
    parts, tokens = serving.waits(trace([0.5, 4.0], [1.5, 6.0], [3.5, 14.0], [3, 5]))
    assert parts["way"] == pytest.approx(0.5)
    assert parts["queue_kv"] == pytest.approx(2.0 / 2)
    assert parts["queue_batch"] == pytest.approx(1.5 / 2)
    assert parts["prompt"] == pytest.approx((1.0 + 2.0) / 2)
    assert parts["decode"] == pytest.approx((2.0 + 8.0) / 2)
    assert parts["preempted"] == 0.0
    assert tokens == pytest.approx((2 + 4) / 2)
    assert sum(parts.values()) == pytest.approx((3.5 + 14.0) / 2)


def test_what_a_preemption_costs():
    # The first takes 1 s a token undisturbed; the second, preempted, took 8 s for 4 tokens: 4 s of them lost.
    parts, _ = serving.waits(trace([0.5, 4.0], [1.5, 6.0], [3.5, 14.0], [3, 5], preemptions=(0, 1)))
    assert parts["decode"] == pytest.approx((2.0 + 4.0) / 2)
    assert parts["preempted"] == pytest.approx(4.0 / 2)
    assert sum(parts.values()) == pytest.approx((3.5 + 14.0) / 2)


def test_what_the_network_costs():
    # Between first and second token 0.5 s and 1.5 s for room, 0.25 s and 0.75 s on the way: what is left of 2 and 8 s is decode.
    pools = trace([0.5, 4.0], [1.5, 6.0], [3.5, 14.0], [3, 5])
    pools["requests"] = pools["requests"].assign(room_wait=[0.5, 1.5], kv_move=[0.25, 0.75])
    parts, _ = serving.waits(pools)
    assert parts["room"] == pytest.approx(1.0)
    assert parts["network"] == pytest.approx(0.5)
    assert parts["decode"] == pytest.approx((1.25 + 5.75) / 2)
    assert sum(parts.values()) == pytest.approx((3.5 + 14.0) / 2)
    rows = {name: change for name, _, _, change in serving.why(trace([0.5, 4.0], [1.5, 6.0], [3.5, 14.0], [3, 5]), pools)}
    assert rows["network: KV cache on its way"] == pytest.approx(0.5)
    assert sum(rows.values()) == pytest.approx(0.0)


def test_changes_add_up_to_the_difference():
    # From 3 tokens of 1 s to 3 of 2 s on average: 3 s of the change is the pace, none the number.
    one = trace([0.5, 0.5], [1.5, 1.5], [4.5, 4.5], [4, 4], held=(1, 1))
    two = trace([0.5, 2.5], [1.5, 3.5], [7.5, 9.5], [4, 4], held=(1, 1))
    rows = {name: change for name, _, _, change in serving.why(one, two)}
    assert rows["queue: for steps and room in a batch"] == pytest.approx(1.0)
    assert rows["decode: time a token"] == pytest.approx(3.0)
    assert rows["decode: number of tokens"] == pytest.approx(0.0)
    assert sum(rows.values()) == pytest.approx(8.5 - 4.5)
    text = "\n".join(summary.why_text(one, two))
    assert "A request takes 4.00 s longer, 75 % of it by decode: time a token." in text


def test_real_services(tmp_path):
    chat = ("serving-70b-chat.yaml", "workload.requests=400", "workload.warm_up=0 s")
    paths = [simulate(tmp_path / "a.h5", *chat), simulate(tmp_path / "b.h5", *chat, "workload.arrivals.rate=30 /s")]
    first, second = map(cpsim_trace.load, paths)
    means = [float(serving.latencies(trace)["latency"].mean()) for trace in (first, second)]
    rows = serving.why(first, second)
    assert sum(change for *_, change in rows) == pytest.approx(means[1] - means[0], rel=1e-9)
    assert numpy.isfinite([change for *_, change in rows]).all()
    done = analyse("compare", *paths)
    assert done.returncode == 0 and "% of it by decode: time a token." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    other = simulate(tmp_path / "c.h5", "one-gpu.yaml")
    done = analyse("compare", paths[0], other)
    assert done.returncode == 2
    assert "cannot be compared: the one is of a service, the other of a conversation" in done.stderr
