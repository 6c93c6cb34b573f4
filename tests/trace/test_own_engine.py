# SPDX-License-Identifier: MIT
"""`cpsim compare` of clients' files against a service: what a simulation did, written as clients write it, is found again.

The requests of a run are taken from its trace. Played again from the file they must come out as they went in: a closed loop
whose clients were counted wrongly, a time in another unit or a request out of order would not."""
import csv
import json
import os
import pathlib
import subprocess

import h5py
import pytest

CPSIM = os.environ["CPSIM"]
LENGTHS = "{prompt: {kind: lognormal, mean: 500, variation: 0.8}, output: {kind: uniform, least: 1 tokens, most: 90 tokens}}"
SCENARIO = """schema: 1
model: llama3.1-8b
cluster: hgx-h200
software: vllm
workload:
  kind: serving
  requests: 120
  arrivals: {arrivals}
  lengths: {lengths}
  service: {{prefix_cache: true}}
"""
OPEN, CLOSED = "{kind: poisson, rate: 20/s}", "{kind: closed-loop, clients: 7}"


def write_scenario(path, arrivals, lengths=LENGTHS):
    path.write_text(SCENARIO.format(arrivals=arrivals, lengths=lengths), encoding="utf-8")
    return path


def play(scenario):
    """(arrival, prompt, output, TTFT, E2E) of each request, in seconds."""
    trace = scenario.with_suffix(".h5")
    subprocess.run([CPSIM, scenario, "-o", trace, "-q"], check=True)
    with h5py.File(trace) as file:
        rows = file["requests"]
        columns = [rows[name][:] for name in ("arrival", "prompt_tokens", "output_tokens", "first_token", "last_token")]
    return [(float(sent), int(prompt), int(output), float(first - sent), float(last - sent))
            for sent, prompt, output, first, last in zip(*columns)]


def write_table(path, requests, closed):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow("index,due_s,prompt_tokens,output_tokens,sent_s,ttft_s,e2e_s,chunks,itl_p50_s".split(","))
        for i, (arrival, prompt, output, ttft, e2e) in enumerate(requests):
            writer.writerow([i, "" if closed else arrival, prompt, output, arrival + 100, ttft, e2e, output, 0])


def write_vllm(path, requests, closed):
    bench = {"request_rate": "inf" if closed else 20, "max_concurrency": 7 if closed else None, "mean_ttft_ms": 1,
             "input_lens": [r[1] for r in requests], "output_lens": [r[2] for r in requests],
             "start_times": [r[0] + 4e3 for r in requests], "ttfts": [r[3] for r in requests],
             "itls": [[(r[4] - r[3]) / max(r[2] - 1, 1)] * (r[2] - 1) for r in requests], "errors": [""] * len(requests)}
    path.write_text(json.dumps(bench), encoding="utf-8")


def write_aiperf(path, requests, _closed):
    def metric(value, unit):
        return {"value": value, "unit": unit}

    path.write_text("".join(json.dumps({
        "metadata": {"request_start_ns": int(1e9 * r[0]), "benchmark_phase": "profiling"},
        "metrics": {"request_latency": metric(1e3 * r[4], "ms"), "time_to_first_token": metric(1e3 * r[3], "ms"),
                    "usage_prompt_tokens": metric(r[1], "tokens"), "usage_completion_tokens": metric(r[2], "tokens")},
    }) + "\n" for r in requests), encoding="utf-8")


def write_guidellm(path, requests, closed):
    path.write_text(json.dumps({"benchmarks": [{
        "config": {"strategy": {"type_": "concurrent", "streams": 7} if closed else {"type_": "poisson", "rate": 20}},
        "requests": {"errored": [], "incomplete": [], "successful": [
            {"request_start_time": 1.8e9 + r[0], "prompt_tokens": r[1], "output_tokens": r[2],
             "time_to_first_token_ms": 1e3 * r[3], "request_latency": r[4]} for r in requests]},
    }]}), encoding="utf-8")


def compare(*arguments):
    done = subprocess.run([CPSIM, "compare", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("name, write", [("seen.csv", write_table), ("bench.json", write_vllm), ("profile.jsonl", write_aiperf),
                                         ("guidellm.json", write_guidellm)])
def test_a_run_is_found_again(tmp_path, closed, name, write):
    scenario = write_scenario(tmp_path / "s.yaml", CLOSED if closed else OPEN)
    requests = play(scenario)
    write(tmp_path / name, requests, closed)
    # The load is the file's: the scenario that replays it may say another one, but for AIPerf, whose file does not say.
    other = write_scenario(tmp_path / "other.yaml", CLOSED if closed and name == "profile.jsonl" else "{kind: at-once}")
    case, = json.loads(compare(tmp_path / name, "--scenario", other, "--json"))["cases"]
    assert (case["requests"], case["clients"]) == (120, 7 if closed else 0)
    figures = {figure["name"]: figure for figure in case["figures"]}
    # A clock of seconds since 1970 keeps a microsecond or less of when requests came.
    for name in ("TTFT mean", "TTFT p50", "TTFT p99", "TPOT p50", "TPOT p99", "E2E mean", "E2E p90", "output tokens/s"):
        assert abs(figures[name]["error"]) < 2e-3, (name, figures[name])
    assert sum(group["count"] for group in case["classes"]) == 120


def test_prefixes_are_shared(tmp_path):
    """Prompts that begin alike, by a column and by blocks of 512 tokens of a trace: the same run."""
    lengths = [(0.4 * i, 1024 + 64 + i, 8, i % 3) for i in range(30)]
    with open(tmp_path / "trace.jsonl", "w", encoding="utf-8") as stream:
        for i, (time, prompt, output, prefix) in enumerate(lengths):
            hashes = [2 * prefix, 2 * prefix + 1, 100 + i]
            stream.write(json.dumps({"timestamp": 1e3 * time, "input_length": prompt, "output_length": output,
                                     "hash_ids": hashes}) + "\n")
    scenario = tmp_path / "s.yaml"
    scenario.write_text(SCENARIO.format(arrivals="{kind: trace, format: mooncake, file: trace.jsonl}", lengths=LENGTHS).replace(
        f"  lengths: {LENGTHS}\n", "").replace("  requests: 120\n", ""), encoding="utf-8")
    played = play(scenario)
    with open(tmp_path / "seen.csv", "w", encoding="utf-8") as stream:
        stream.write("due_s,prompt_tokens,output_tokens,prefix,prefix_tokens,sent_s,ttft_s,e2e_s\n")
        for (arrival, prompt, output, ttft, e2e), (_, _, _, prefix) in zip(played, lengths):
            stream.write(f"{arrival},{prompt},{output},{prefix},1024,{arrival},{ttft},{e2e}\n")
    case, = json.loads(compare(tmp_path / "seen.csv", "--scenario", scenario, "--json"))["cases"]
    assert all(abs(figure["error"]) < 1e-3 for figure in case["figures"]), case["figures"]
    # Without sharing, the prompts would take longer.
    text = (tmp_path / "seen.csv").read_text(encoding="utf-8").replace(",1024,", ",0,")
    (tmp_path / "seen.csv").write_text(text, encoding="utf-8")
    case, = json.loads(compare(tmp_path / "seen.csv", "--scenario", scenario, "--json"))["cases"]
    assert case["figures"][0]["error"] > 0.1


def test_steps_and_requests_of_one_scenario(tmp_path):
    scenario = write_scenario(tmp_path / "s.yaml", OPEN)
    write_table(tmp_path / "seen.csv", play(scenario), False)
    (tmp_path / "steps.csv").write_text("model,tensor,requests,tokens,chunks,chunk_tokens,chunk_pairs,kv_tokens,step_ms\n"
                                        "llama3.1-8b,1,1,1,0,0,0,1000,5\n", encoding="utf-8")
    text = compare(tmp_path / "seen.csv", tmp_path / "steps.csv", "--scenario", scenario)
    assert "120 requests, at the times at which they were sent" in text
    assert "steps that decode, up to 1 sequences" in text
    assert "error of the median by prompt" in text


def test_the_real_files(tmp_path):
    scenario = write_scenario(tmp_path / "s.yaml", OPEN)
    folder = pathlib.Path(os.environ["CPSIM_SOURCE_DIR"]) / "tests" / "validation" / "clients"
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".md", ".txt"):
            assert json.loads(compare(path, "--scenario", scenario, "--json"))["cases"]


def calibrate(*arguments):
    done = subprocess.run([CPSIM, "calibrate", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def own_software(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(f"schema: 1\nuse: vllm\nsource: \"a test\"\n{text}", encoding="utf-8")
    return path


def read_value(path, key):
    """Of a short file of the form that calibrate writes, in seconds or as it is."""
    value, *unit = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.strip().startswith(f"{key}: ")).split(
        "{value: ")[1].split(",")[0].split()
    return float(value) * {"s": 1, "ms": 1e-3, "us": 1e-6}[unit[0]] if unit else float(value)


def step_rows():
    """Steps of prompts and of decodes, of one model on four ranks and on one."""
    yield "model,tensor,requests,tokens,chunks,chunk_tokens,chunk_pairs,kv_tokens,schedule_ms,step_ms".split(",")
    for i in range(1, 61):
        yield ["llama3.2-1b", 2, i, i, 0, 0, 0, 500 * i, 1, 1]
        new = 40 + 7 * i
        yield ["llama3.2-1b", 2, i, new + i - 1, 1, new, new * (new + 1) // 2, 500 * i + new, 1, 1]
        new = 600 + 90 * i
        yield ["llama3.2-1b", 2, i, new + i - 1, 1, new, new * (new + 1) // 2, 500 * i + new, 1, 1]


def write_steps(tmp_path, scenario):
    """The rows with what the scenario's software makes of them in place of what was measured."""
    table, rows = tmp_path / "asked.csv", list(step_rows())
    with open(table, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    for row in json.loads(compare(table, "--scenario", scenario, "--json"))["rows"]:
        rows[row["line"] - 1][rows[0].index(row["column"])] = f"{row['predicted']:.6f}"
    with open(tmp_path / "steps.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return tmp_path / "steps.csv"


TRUTH = ("loop: {schedule: 0.2 ms, schedule_sequence: 30 us, own_launch: 3}\n"
         "piecewise_layer: 300 us\nprefill_layer: 700 us\nrequest: 20 ms\n")


def test_constants_of_a_host_are_found_again(tmp_path):
    """A host of known constants makes the measurements; from vLLM's own, calibrate must come back to it."""
    truth = own_software(tmp_path, "truth.yaml", TRUTH)
    told = write_scenario(tmp_path / "told.yaml", "{kind: poisson, rate: 8/s}")
    told.write_text(told.read_text(encoding="utf-8").replace("software: vllm", f"software: {{use: {truth}}}"), encoding="utf-8")
    base = write_scenario(tmp_path / "base.yaml", "{kind: poisson, rate: 8/s}")
    steps = write_steps(tmp_path, told)
    write_table(tmp_path / "seen.csv", play(told), False)
    before = json.loads(compare(tmp_path / "seen.csv", "--scenario", base, "--json"))["cases"][0]["figures"]
    report = calibrate(steps, tmp_path / "seen.csv", "--scenario", base, "-o", tmp_path / "mine.yaml")
    mine = tmp_path / "mine.yaml"
    for key, value in (("schedule", 0.2e-3), ("schedule_sequence", 30e-6), ("piecewise_layer", 300e-6), ("prefill_layer", 700e-6)):
        assert abs(read_value(mine, key) / value - 1) < 0.03, (key, report)
    # Both show in TTFT alone, where one makes up for the other.
    assert 2.4 < read_value(mine, "own_launch") < 3.6 and 0 < read_value(mine, "request") < 24e-3, report
    # The file is used as any other, and what it was fitted on comes out right.
    fitted = json.loads(compare(tmp_path / "seen.csv", "--scenario", base, "--set", f"software={mine}", "--json"))
    after = fitted["cases"][0]["figures"]
    assert abs(before[0]["error"]) > 0.2 and abs(after[0]["error"]) < 0.02
    # Where nothing is wrong, nothing moves and nothing is written.
    assert "nothing is written: no constant got better" in calibrate(steps, "--scenario", told, "-o", tmp_path / "none.yaml")
    assert not (tmp_path / "none.yaml").exists()


def test_tables_of_kernels_fit_no_host(tmp_path):
    base = write_scenario(tmp_path / "base.yaml", OPEN)
    (tmp_path / "gemm.csv").write_text("dtype,m,k,n,time_us\nbf16,1,16384,2304,30\n", encoding="utf-8")
    done = subprocess.run([CPSIM, "calibrate", tmp_path / "gemm.csv", "--scenario", base, "-o", tmp_path / "x.yaml"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "rows of kind gemm show no constant of a host" in done.stderr
    assert not (tmp_path / "x.yaml").exists()
