# SPDX-License-Identifier: MIT
"""A service as OpenMetrics under vLLM's names: the names, types and buckets of a real server's /metrics, and at the end of the
run the figures that the run itself has. A dashboard divides sums by counts: one that lags the other would draw a wrong latency."""
import json
import os
import pathlib
import re
import subprocess

import h5py
import pytest

CPSIM = os.environ["CPSIM"]
CLIENTS = pathlib.Path(os.environ["CPSIM_SOURCE_DIR"]) / "tests" / "validation" / "clients"
SCENARIO = """schema: 1
model: llama3.1-8b
cluster: hgx-h200
software: vllm
layout: {data: 2}
workload:
  kind: serving
  requests: 150
  arrivals: {kind: poisson, rate: 30/s}
  sessions: {turns: 2, think: 0.5 s}
  lengths: {prompt: {kind: lognormal, mean: 500, variation: 0.8}, output: {kind: uniform, least: 1 tokens, most: 90 tokens}}
"""
LINE = re.compile(r'(vllm:[a-z0-9_]+)\{engine="(\d+)",model_name="llama3.1-8b"(?:,finished_reason="length")?(?:,le="([^"]+)")?\} (\S+) (\S+)')


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openmetrics")
    (folder / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    done = subprocess.run([CPSIM, folder / "s.yaml", "-o", folder / "s.h5", "--json"], capture_output=True, text=True, check=True)
    text = subprocess.run([CPSIM, "trace", "export", folder / "s.h5", "--format", "openmetrics"], capture_output=True, text=True,
                          check=True).stdout
    return json.loads(done.stdout)["figures"], text, folder / "s.h5"


def samples(text):
    """{(name, bound): {engine: [(seconds, value)]}} in the order of the text."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, engine, bound, value, seconds = LINE.fullmatch(line).groups()
            found.setdefault((name, bound), {}).setdefault(engine, []).append((float(seconds), float(value)))
    return found


def last(found, name, bound=None):
    return sum(series[-1][1] for series in found[name, bound].values())


def test_names_are_vllms(service):
    real = {}
    for line in (CLIENTS / "vllm_metrics.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, kind, *bounds = line.split()
            real[name] = kind, bounds
    text = service[1]
    assert text.endswith("# EOF\n")
    families = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert len(families) >= 20
    for name, kind in families:
        # OpenMetrics calls a counter's family without the _total of its samples.
        assert real[f"{name}_total" if kind == "counter" else name][0] == kind, name
        if kind == "histogram":
            bounds = [bound for sample, bound in samples(text) if sample == f"{name}_bucket"]
            assert bounds == real[name][1], name


def test_time_goes_forward_and_nothing_is_taken_back(service):
    for (name, bound), engines in samples(service[1]).items():
        assert sorted(engines) == ["0", "1"]
        for series in engines.values():
            assert [at for at, _ in series] == sorted({at for at, _ in series}), name
            if name.endswith(("_total", "_count", "_bucket")):
                assert [value for _, value in series] == sorted(value for _, value in series), (name, bound)


def test_the_end_is_the_runs(service):
    figures, text, path = service
    found = samples(text)
    with h5py.File(path) as trace:
        requests, steps = trace["requests"], trace["steps"]
        ttft = requests["first_token"][:] - requests["arrival"][:]
        cached = int(requests["cached_tokens"][:].sum())
        gaps = float((steps["decodes"][:] * steps["steps"][:]).sum())
    assert last(found, "vllm:request_success_total") == figures["completed"]
    assert last(found, "vllm:prompt_tokens_total") == figures["input_tokens"]
    assert last(found, "vllm:generation_tokens_total") == figures["output_tokens"]
    assert last(found, "vllm:prefix_cache_hits_total") == cached > 0
    assert last(found, "vllm:time_to_first_token_seconds_count") == figures["completed"]
    assert last(found, "vllm:time_to_first_token_seconds_sum") == pytest.approx(figures["ttft_mean_seconds"] * figures["completed"])
    assert last(found, "vllm:e2e_request_latency_seconds_sum") == pytest.approx(figures["e2e_mean_seconds"] * figures["completed"])
    assert last(found, "vllm:inter_token_latency_seconds_count") == gaps
    assert last(found, "vllm:iteration_tokens_total_count") == figures["steps"]
    for bound in ("0.02", "0.04", "+Inf"):
        assert last(found, "vllm:time_to_first_token_seconds_bucket", bound) == (ttft <= float(bound)).sum()
    usage = found["vllm:kv_cache_usage_perc", None]
    assert 0 < max(value for series in usage.values() for _, value in series) <= 1


def test_what_is_no_service_has_none(tmp_path):
    trace = tmp_path / "c.h5"
    (tmp_path / "c.yaml").write_text("schema: 1\nmodel: llama3.1-8b\ncluster: dgx-h100\nworkload: {kind: conversation, turns: [{prompt: 100 tokens}]}\n",
                                     encoding="utf-8")
    subprocess.run([CPSIM, tmp_path / "c.yaml", "-o", trace, "-q"], check=True)
    done = subprocess.run([CPSIM, "trace", "export", trace, "--format", "openmetrics"], capture_output=True, text=True, check=True)
    assert done.stdout == "# EOF\n"
