# SPDX-License-Identifier: MIT
"""The trace of a service as a user reads it: requests, steps and series agree with each other and
with what --json says."""
import json
import os
import subprocess

import h5py
import numpy as np
import pytest

CPSIM, SOURCE = os.environ["CPSIM"], os.environ["CPSIM_SOURCE_DIR"]


@pytest.fixture(scope="module", params=["serving-azure-trace", "serving-disaggregated"])
def played(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "run.h5"
    scenario = f"{SOURCE}/scenarios/{request.param}.yaml"
    command = [CPSIM, scenario, "--json", "-o", path, "--set", "workload.requests=500", "--set", "workload.warm_up=0 s"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with h5py.File(path) as file:
        yield json.loads(output), {name: {c: file[name][c][:] for c in file[name]} for name in file}


def test_tables_of_a_service_are_there(played):
    assert {"requests", "steps", "series"} <= set(played[1])


def test_requests_are_those_of_the_summary(played):
    summary, tables = played
    requests, service = tables["requests"], summary["service"]
    assert len(requests["arrival"]) == service["requests"]
    assert (requests["outcome"] == 0).sum() == service["completed"]
    assert requests["prompt_tokens"].sum() == service["input_tokens"]
    assert requests["output_tokens"].sum() == service["output_tokens"]
    assert (np.diff(requests["arrival"]) >= 0).all()
    assert (requests["arrival"] <= requests["scheduled"]).all()
    assert (requests["scheduled"] < requests["first_token"]).all()
    assert (requests["first_token"] <= requests["last_token"]).all()


def test_latencies_are_those_of_the_requests(played):
    summary, tables = played
    requests, service = tables["requests"], summary["service"]
    several = requests["output_tokens"] > 1
    tpot = (requests["last_token"] - requests["first_token"])[several] / (requests["output_tokens"][several] - 1)
    assert np.mean(tpot) == pytest.approx(service["tpot_seconds"]["mean"], rel=1e-8)
    assert np.sort(tpot)[int(np.ceil(0.9 * len(tpot))) - 1] == pytest.approx(service["tpot_seconds"]["p90"], rel=1e-8)
    ttft = requests["first_token"] - requests["arrival"]
    assert np.mean(ttft) == pytest.approx(service["ttft_seconds"]["mean"], rel=1e-8)


def test_steps_make_the_tokens_and_never_overlap(played):
    summary, tables = played
    steps, requests = tables["steps"], tables["requests"]
    assert steps["steps"].sum() == summary["service"]["steps"]
    computed = (steps["prompt_tokens"] * steps["steps"]).sum()
    assert computed == (requests["prompt_tokens"] - requests["cached_tokens"]).sum()
    decoded = (steps["decodes"].astype(np.uint64) * steps["steps"]).sum()
    assert decoded == requests["output_tokens"].sum() - len(requests["arrival"])
    for replica in np.unique(steps["replica"]):
        own = steps["replica"] == replica
        start, end = steps["start"][own], (steps["start"] + steps["duration"])[own]
        assert (start[1:] >= end[:-1] - 1e-9).all()


def test_series_add_up(played):
    summary, tables = played
    series = tables["series"]
    replicas = len(np.unique(series["replica"]))
    stretch = series["duration"]
    assert (series["power"] * stretch).sum() * summary["gpus"] / replicas == pytest.approx(summary["joules"], rel=1e-6)
    requests = tables["requests"]
    served = (requests["last_token"] - requests["scheduled"]).sum()
    assert (series["running"] * stretch).sum() == pytest.approx(served, rel=1e-6)
