# SPDX-License-Identifier: MIT
"""What must hold of every run, whatever it simulates: laws of conservation over the traces of all
shipped scenarios, as they are and with every rank and layer played. A model can be wrong in ways that
keep its parts plausible; tokens, bytes and time that appear from nowhere show."""
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import SOURCE_DIR, check_trace

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace, figures, scenario  # noqa: E402

SCENARIOS = sorted(path.name for path in (SOURCE_DIR / "scenarios").glob("*.yaml"))
SMALL = ["model=llama3-8b", "detail=full", "trace.operators=all"]  # every layer of every rank
PARTS = ["gemm", "attention", "memory_kernels", "tp_collective", "ring_exposed", "host", "other"]
SLACK = 1e-9


def simulate(path, name, *settings):
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [os.environ["CPSIM"], str(SOURCE_DIR / "scenarios" / name), "-q", "-o", str(path), *sets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    complaints = [line for line in done.stderr.splitlines() if ": note: " not in line]
    assert (done.returncode, complaints) == (0, [])
    return path


@pytest.fixture(scope="module", params=SCENARIOS)
def trace(request, tmp_path_factory):
    path = simulate(tmp_path_factory.mktemp("laws") / "run.h5", request.param)
    assert check_trace(path) == (0, [])
    return cpsim_trace.load(path)


@pytest.fixture(scope="module", params=["how-many-nodes.yaml", "follow-up-prompt.yaml", "tensor-parallel-over-nodes.yaml"])
def whole(request, tmp_path_factory):
    """A run whose operators are all in the trace: prefills alone, since decode steps are sampled."""
    settings = list(SMALL)
    if request.param != "follow-up-prompt.yaml":
        settings.append("workload.turns.0.output=0 tokens")
    if request.param == "tensor-parallel-over-nodes.yaml":
        settings += ["layout.tensor=16", "workload.turns.0.prompt=8192 tokens"]
    path = simulate(tmp_path_factory.mktemp("whole") / "run.h5", request.param, *settings)
    assert check_trace(path) == (0, [])
    return cpsim_trace.load(path)


def test_ranks_that_one_stands_for_have_rows_of_their_own(tmp_path):
    """A ring over nodes of which one rank is played for all: as many operators of each GPU, at the same times, as where
    every rank of the ring is played."""
    few = ["model.layers=2", "trace.operators=all", "workload.turns.0.output=0 tokens"]
    folded, full = (cpsim_trace.load(simulate(tmp_path / f"{detail}.h5", "how-many-nodes.yaml", *few, f"detail={detail}"))["operators"]
                    for detail in ("folded", "full"))  # fmt: skip
    ring = [0, 8, 16, 24]  # GPUs of the first tensor rank of four context ranks
    assert sorted(folded["gpu"].unique()) == ring
    for gpu in ring:
        one, other = (rows[(rows["gpu"] == gpu) & (rows["layer"] == 0)] for rows in (folded, full))
        assert len(one) > 20 and one["name"].tolist() == other["name"].tolist()
        for column in ("start", "duration"):
            assert np.allclose(one[column], other[column], rtol=SLACK, atol=SLACK)


def settings_of(trace):
    return scenario.parse(trace.attributes["scenario"])


# --- conversations ---


def conversation(trace):
    if trace["phases"].empty or {"training_step", "serving_step"} & set(trace["phases"]["kind"]):
        pytest.skip("no conversation")
    return trace["phases"]


def test_phases_follow_one_another_and_their_parts_add_up(trace):
    phases = conversation(trace)
    ends = phases["start"] + phases["duration"]
    assert phases["start"][0] == 0
    np.testing.assert_allclose(phases["start"][1:], ends[:-1], rtol=SLACK)
    np.testing.assert_allclose(phases[PARTS].sum(axis=1), phases["duration"], rtol=SLACK)


def test_tokens_of_the_scenario_are_computed_once_and_cached_after(trace):
    phases = conversation(trace)
    workload = settings_of(trace)["workload"]
    asked = [scenario.number(turn[key], 0) for turn in workload["turns"] for key in ("prompt", "output") if key in turn]
    assert phases["new_tokens"].tolist() == [tokens for tokens in asked if tokens]
    before = scenario.number(workload.get("cached"), 0)
    for row in phases.itertuples():
        assert row.cached_tokens == before
        before += row.new_tokens
    decodes = phases[phases["kind"] == "decode"]
    np.testing.assert_allclose(decodes["latency"] * decodes["new_tokens"], decodes["duration"], rtol=SLACK)


def test_what_leaves_one_end_of_a_link_arrives_at_another(trace):
    phases, links = conversation(trace), trace["links"]
    for kind, column in (("nvlink", "nvlink_bytes"), ("nic", "network_bytes")):
        own = links[links["kind"] == kind]
        out, into = (own.loc[own["direction"] == way, "bytes"].sum() for way in ("out", "in"))
        np.testing.assert_allclose([out, into], phases[column].sum(), rtol=1e-6)


def test_no_link_carries_more_than_it_can(trace):
    conversation(trace)
    links, seconds = trace["links"], figures.run_seconds(trace)
    assert (links["busy"] <= seconds * (1 + SLACK)).all()
    assert (links["bytes"] <= links["capacity"] * links["busy"] * (1 + 1e-6)).all()
    np.testing.assert_allclose(links["utilisation"], links["bytes"] / (links["capacity"] * seconds), rtol=1e-6)


def test_no_gpu_is_busier_than_the_run_is_long_nor_fuller_than_it_is(trace):
    conversation(trace)
    gpus, seconds = trace["gpus"], figures.run_seconds(trace)
    kernels = gpus[["busy_gemm", "busy_attention", "busy_memory_kernels"]].sum(axis=1)
    assert (kernels <= seconds * (1 + SLACK)).all() and (gpus["busy_communication"] <= seconds * (1 + SLACK)).all()
    memory = gpus[["memory_weights", "memory_kv_cache", "memory_activations"]].sum(axis=1)
    assert (memory <= gpus["memory_capacity"]).all()


def test_energy_is_that_of_its_gpus_and_between_idle_and_the_limit(trace):
    phases, gpus = conversation(trace), trace["gpus"]
    np.testing.assert_allclose(gpus["energy"].sum(), phases["energy"].sum(), rtol=1e-6)
    gpu = settings_of(trace)["gpu"]
    watts = phases["energy"] / phases["duration"] / len(gpus)
    assert (watts >= scenario.number(gpu["idle_power"]) * (1 - SLACK)).all()
    assert (watts <= scenario.number(gpu["power_limit"]) * (1 + 1e-6)).all()


def test_utilisation_of_flops(trace):
    phases = conversation(trace)
    gpu = settings_of(trace)["gpu"]
    peak = scenario.number(gpu.get("stated_rate")) or scenario.number(gpu["dense_rate"]["bf16"])
    np.testing.assert_allclose(phases["mfu"], phases["flops"] / (phases["duration"] * peak * len(trace["gpus"])), rtol=1e-6)


def nested(rows, start, end, lanes=1):
    """Whether spans, [start, end), lie inside the phase and never more than so many at a time."""
    rows = rows.sort_values(["start", "duration"])
    ends = rows["start"] + rows["duration"]
    tolerance = 1e-9 * max(end, 1.0)
    assert (rows["start"] >= start - tolerance).all() and (ends <= end + tolerance).all()
    assert (rows["start"].to_numpy()[lanes:] >= np.sort(ends.to_numpy())[:-lanes] - tolerance).all()


def test_operators_lie_in_their_phase_and_a_stream_runs_one_at_a_time(trace):
    phases = conversation(trace)
    for (phase, _, _), rows in trace["operators"].groupby(["phase", "rank", "stream"], observed=True):
        nested(rows, phases["start"][phase], phases["start"][phase] + phases["duration"][phase])


def test_streams_of_every_rank_and_layer(whole):
    test_operators_lie_in_their_phase_and_a_stream_runs_one_at_a_time(whole)


def test_bytes_that_operators_send_are_those_on_the_links(whole):
    operators, links = whole["operators"], whole["links"]
    sent = operators.loc[operators["kind"] == "collective", "bytes"].sum()
    np.testing.assert_allclose(links.loc[links["direction"] == "out", "bytes"].sum(), sent, rtol=1e-6)


def test_work_of_operators_is_that_of_the_phases(whole):
    """The phases count the layers' work once. Each context rank computes the head of the last token too,
    and tensor ranks beyond the 8 KV heads of the 8B compute the same keys and values."""
    settings = settings_of(whole)
    layout, model, phases = settings["layout"], settings["model"], whole["phases"]
    done = whole["operators"].groupby("phase")["flops"].sum().to_numpy()
    heads = 2.0 * model["hidden"] * model["vocabulary"] * layout["context"]
    copies = max(1, layout["tensor"] // model["kv_heads"]) - 1
    key_value = 2.0 * model["hidden"] * 2 * model["kv_heads"] * model["head_size"] * model["layers"]
    again = heads + copies * key_value * phases["new_tokens"].to_numpy()
    np.testing.assert_allclose(done, phases["flops"].to_numpy() + again, rtol=1e-6)


def test_folded_moves_what_full_does(tmp_path):
    """The same links carry the same bytes, whether one stands for many or each is played."""
    tables = []
    for detail in ("folded", "full"):
        path = simulate(tmp_path / f"{detail}.h5", "how-many-nodes.yaml", "model=llama3-8b", f"detail={detail}")
        tables.append(cpsim_trace.load(path, tables=["links"])["links"])
    np.testing.assert_allclose(tables[0]["bytes"], tables[1]["bytes"], rtol=1e-6)
    np.testing.assert_allclose(tables[0]["busy"], tables[1]["busy"], rtol=1e-6)


# --- services ---


def service(trace):
    if "requests" not in trace:
        pytest.skip("no service")
    return trace["requests"]


def test_a_request_s_times_are_in_order(trace):
    requests = service(trace)
    done = requests[requests["outcome"] == "done"]
    assert len(done)
    for earlier, later in (("arrival", "scheduled"), ("scheduled", "first_token"), ("first_token", "last_token")):
        assert (done[earlier] <= done[later] + 1e-9).all(), later


def test_tokens_of_requests_are_those_of_steps(trace):
    """Without preemptions and failures every prompt token is computed once, unless it was cached, and
    each step gives each sequence that decodes one token, or with guesses up to one more than those;
    the first comes of the prefill."""
    requests, steps = service(trace), trace["steps"]
    if requests["preemptions"].any() or requests["retries"].any() or (requests["outcome"] != "done").any():
        pytest.skip("what was lost was computed again")
    assert (steps["prompt_tokens"] * steps["steps"]).sum() == (requests["prompt_tokens"] - requests["cached_tokens"]).sum()
    decoded, tokens = (steps["decodes"].astype("uint64") * steps["steps"]).sum(), (requests["output_tokens"] - 1).sum()
    guesses = scenario.parse(trace.attributes["scenario"])["workload"]["service"].get("speculation", {}).get("tokens", 0)
    assert decoded <= tokens <= (guesses + 1) * decoded if guesses else decoded == tokens


def test_a_replica_does_one_step_at_a_time(trace):
    service(trace)
    stages = int(scenario.number(settings_of(trace)["layout"]["pipeline"], 1))  # a batch for each at a time
    for _, rows in trace["steps"].groupby("replica"):
        nested(rows, 0, figures.run_seconds(trace), stages)


def test_a_step_takes_time_though_its_gpu_was_quicker_than_its_host(tmp_path):
    """Prompts of a small model, whose launches take longer than their kernels: when the host has taken in one step, the
    next has long been ready, and taking that in takes time too."""
    settings = ["model=llama3.2-1b", "layout.tensor=1", "precision=bf16", "workload.arrivals.rate=88 /s", "workload.requests=150",
                "workload.warm_up=0 s", "workload.lengths.prompt={kind: fixed, tokens: 57 tokens}",
                "workload.lengths.output={kind: exponential, mean: 2}"]  # fmt: skip
    path = simulate(tmp_path / "run.h5", "serving-70b-chat.yaml", *settings)
    assert check_trace(path) == (0, [])
    steps = cpsim_trace.load(path)["steps"]
    assert (steps["prompts"] > 0).sum() > 50 and steps["duration"].min() > 50e-6


def test_averages_over_time_are_those_of_requests(trace):
    """Little's law: time in service, summed over requests, is the mean number in service x time."""
    requests, series = service(trace), trace["series"]
    if (requests["outcome"] != "done").any() or requests["retries"].any():
        pytest.skip("who was lost was in service too")
    inside = (requests["last_token"] - requests["scheduled"]).sum()
    np.testing.assert_allclose((series["running"] * series["duration"]).sum(), inside, rtol=1e-6)


def test_the_scenario_chooses_what_of_a_service_is_kept(tmp_path):
    small = ["workload.requests=300", "workload.warm_up=0 s"]
    path = simulate(tmp_path / "all.h5", "serving-70b-chat.yaml", *small, "trace.sample_interval=0.25 s")
    every = cpsim_trace.load(path)
    times = every["series"]["time"].to_numpy()
    np.testing.assert_allclose(times[:-1], 0.25 * (np.arange(len(times) - 1) + 0.5), rtol=SLACK)
    assert (every["series"]["duration"][:-1] == 0.25).all()
    assert len(times) == np.ceil(every["requests"]["last_token"].max() / 0.25)
    chosen = ["trace.requests=false", "trace.steps=false"]
    path = simulate(tmp_path / "few.h5", "serving-70b-chat.yaml", *small, *chosen)
    assert check_trace(path) == (0, [])
    few = cpsim_trace.load(path)
    assert "requests" not in few and "steps" not in few and 512 <= len(few["series"]) <= 1024
    # the same means over the whole run, however it is cut
    columns = ["running", "waiting", "kv_tokens"]
    sums = [trace["series"][columns].mul(trace["series"]["duration"], axis=0).sum() for trace in (every, few)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-6)


# --- links over time ---


@pytest.fixture(scope="module", params=["llama405b.yaml", "follow-up-prompt.yaml", "how-many-nodes.yaml full"])
def over_time(request, tmp_path_factory):
    name, *full = request.param.split()
    settings = ["trace.links=series", *(["detail=full"] if full else [])]
    path = simulate(tmp_path_factory.mktemp("links") / "run.h5", name, *settings)
    assert check_trace(path) == (0, [])
    return cpsim_trace.load(path)


def test_a_link_s_series_adds_up_to_its_bytes(over_time):
    series, links = over_time["link_series"], over_time["links"]
    moved = (series["rate"] * series["duration"]).groupby(series["link"]).sum()
    np.testing.assert_allclose(moved.reindex(range(len(links)), fill_value=0.0), links["bytes"], rtol=SLACK)
    assert (series["rate"] > 0).all()
    assert (series["rate"].to_numpy() <= links["capacity"].to_numpy()[series["link"]] * (1 + 1e-6)).all()


def test_stretches_of_a_link_lie_side_by_side_in_the_run(over_time):
    series = over_time["link_series"]
    for _, rows in list(series.groupby("link"))[:8]:
        nested(rows.assign(start=rows["time"] - rows["duration"] / 2), 0, figures.run_seconds(over_time))
    assert 512 <= figures.run_seconds(over_time) / series["duration"].max() <= 1024


def test_bytes_of_a_phase_move_in_it(over_time):
    """Whole stretches of a phase carry its bytes, but for those that it shares with the next."""
    series, phases, links = over_time["link_series"], over_time["phases"], over_time["links"]
    out = (links["kind"] == "nic") & (links["direction"] == "out")
    rows = series[out.to_numpy()[series["link"]]]
    start, end = rows["time"] - rows["duration"] / 2, rows["time"] + rows["duration"] / 2
    stretch = series["duration"].max()
    for phase in phases.itertuples():
        inside = (start < phase.start + phase.duration) & (end > phase.start)
        moved = (rows["rate"] * rows["duration"])[inside].sum()
        edges = 2 * stretch * rows["rate"].groupby(rows["time"]).sum().max()
        assert phase.network_bytes * (1 - 1e-6) <= moved <= phase.network_bytes + edges


def test_the_scenario_chooses_what_of_links_is_kept(tmp_path):
    none = cpsim_trace.load(simulate(tmp_path / "none.h5", "how-many-nodes.yaml", "trace.links=none"))
    assert len(none["links"]) == 0 and "link_series" not in none
    total = cpsim_trace.load(simulate(tmp_path / "total.h5", "how-many-nodes.yaml"))
    assert len(total["links"]) == 128 and "link_series" not in total
    path = simulate(tmp_path / "half.h5", "how-many-nodes.yaml", "trace.links=series", "trace.sample_interval=0.5 s")
    half = cpsim_trace.load(path)["link_series"]
    assert half["duration"].max() == 0.5 and len(half) <= 128 * 33
