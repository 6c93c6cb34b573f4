# SPDX-License-Identifier: MIT
"""A real vLLM 0.24.0 on H200 against `cpsim`: every case of tests/validation/engine is played, request for request.

engine.py CPSIM [--page FILE [--update]]: prints every error, holds them to the bounds below, and compares or writes the
tables of docs/validation-engine.md."""
import argparse
import csv
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

import h5py

HERE = pathlib.Path(__file__).resolve().parent / "engine"
MODELS = {
    "llama3.1-8b": "llama3.1-8b",
    "llama3.3-70b": "llama3.1-70b",  # of one shape
    "qwen3-30b-a3b": "qwen3-30b-a3b",
    "gpt-oss-20b": str(HERE / "gpt-oss-20b" / "config.json"),
    "llama3.1-8b-fp8": str(HERE / "llama3.1-8b-fp8" / "config.json"),
    "deepseek-v2-lite": "deepseek-v2-lite",
    "gemma3-27b": "gemma-3-27b",
    "qwen3-30b-a3b-ep2": "qwen3-30b-a3b",
    "mistral-nemo": "mistral-nemo",
    "qwen2.5-14b": "qwen2.5-14b",
    "granite-3b-a800m": str(HERE / "granite-3b-a800m" / "config.json"),
}
EXPERT = {"qwen3-30b-a3b-ep2": 2}  # ranks that share its experts (--enable-expert-parallel)
# Where the router sent a prompt's tokens: with weights of no meaning all choose the same experts.
LOADS = {"deepseek-v2-lite": HERE / "deepseek-v2-lite-loads.csv", "gpt-oss-20b": HERE / "gpt-oss-20b" / "loads.csv"}
# Per cent: of the median over the cases what is aimed at, what is held, and the worst case that is held.
BOUNDS = {
    "ttft_p50": (8, 8, 45),
    "tpot_p50": (3, 3, 22),
    "e2e_p50": (4, 3.6, 14),
    "ttft_p99": (15, 9, 50),
    "steps": (6, 3.6, 22),
    "room": (2, 0.5, 1.2),
    "room, vLLM 0.19": (2, 1, 6),
    "room, older": (2, 2.5, 6),
    "again, TTFT p50": (8, 17, 85),
    "again, TPOT p50": (3, 9, 46),
    "again, steps": (6, 6, 17),
    "families, TTFT p50": (8, 20, 63),
    "families, TPOT p50": (3, 3.8, 29),
    "families, decode steps": (6, 3.4, 14),
    "gpt-oss-20b's loads, steps": (6, 12, 13),
}
NAMES = {"ttft_p50": "TTFT p50", "ttft_p99": "TTFT p99", "tpot_p50": "TPOT p50", "e2e_p50": "E2E p50"}
# The measured half is an even number of requests of two kinds far apart: the next one is half as much.
TWO_HALVES = {("llama3.3-70b", "closed16", "ttft_p50")}


def quantile(values, share):
    """Nearest rank, as cpsim's."""
    values = sorted(values)
    return values[max(math.ceil(share * len(values)) - 1, 0)]


def step_class(requests, tokens, chunks):
    if chunks == 0:
        for most in (1, 8, 32, 128, 512):
            if requests <= most:
                return f"decode, up to {most}"
        return "decode, more"
    return next(f"prompts, up to {most} tokens" for most in (512, 2048, 8192) if tokens <= most)


def routing(case, loads):
    return f"routing: {{kind: measured, file: {LOADS[case['model']]}}}\n" if loads and case["model"] in LOADS else ""


def scenario(case, folder, loads):
    name = f"{case['set']}{case['model']}-{case['case']}"
    if case["case"] == "prefix":
        arrivals = f"{{kind: trace, format: mooncake, file: {HERE}/requests/{name}.jsonl}}"
    elif case["clients"] != "0":
        arrivals = f"{{kind: closed-loop, clients: {case['clients']}, file: {HERE}/requests/{name}.csv}}"
    else:
        arrivals = f"{{kind: trace, file: {HERE}/requests/{name}.csv}}"
    path = pathlib.Path(folder) / f"{name}.yaml"
    path.write_text(f"""schema: 1
model: {MODELS[case['model']]}
cluster: hgx-h200
software: {{use: vllm, collectives: {{nvls: {{ranks: 0}}}}}}
layout: {{tensor: {case['tensor']}, expert: {EXPERT.get(case['model'], 1)}}}
{routing(case, loads)}workload:
  kind: serving
  arrivals: {arrivals}
trace: {{file: {folder}/{name}.h5, steps: true}}
""", encoding="utf-8")
    return path


def play(cpsim, case, folder, loads):
    path = scenario(case, folder, loads)
    done = subprocess.run([cpsim, str(path), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{path}: {done.stderr}")
    with h5py.File(path.with_suffix(".h5")) as trace:
        steps = {name: trace["steps"][name][:] for name in trace["steps"]}
    return json.loads(done.stdout)["figures"], steps


def read(name):
    with open(HERE / name, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def gather_steps(found, case, steps):
    """As the engine's log has them; a run of decode steps is as many of its mean."""
    for i in range(len(steps["start"])):
        count = int(steps["steps"][i])
        requests = int(steps["decodes"][i]) + int(steps["prompts"][i])
        tokens = int(steps["decodes"][i]) + int(steps["prompt_tokens"][i])
        key = (case["model"], step_class(requests, tokens, int(steps["prompts"][i])))
        found.setdefault(key, []).extend([1e3 * steps["duration"][i] / count] * count)


CAPACITY = """schema: 1
model: {model}
cluster: dgx-h100
software: {software}
layout: {{tensor: {tensor}, pipeline: {pipeline}}}
precision: {precision}
memory: {{fraction: {fraction}}}
workload:
  kind: serving
  arrivals: {{kind: at-once}}
  lengths: {{prompt: {{kind: fixed, tokens: 100 tokens}}, output: {{kind: fixed, tokens: 2 tokens}}}}
  requests: 1
  service: {{max_batched_tokens: {step_tokens} tokens, max_sequences: {sequences}}}
"""


def capacities(cpsim, folder):
    """What vLLM logged of its room on H100s, and what its rules give."""
    found = []
    for row in read("capacity.csv"):
        path = pathlib.Path(folder) / "capacity.yaml"
        path.write_text(CAPACITY.format(**row), encoding="utf-8")
        done = subprocess.run([cpsim, str(path), "--json"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{row['name']}: {done.stderr}")
        tokens = json.loads(done.stdout)["figures"]["kv_cache_tokens_per_replica"]
        found.append((row, 100 * (tokens / float(row["kv_tokens"]) - 1)))
    return found


def compare_set(cpsim, prefix, folder, loads, models=frozenset(MODELS)):
    """Rows (case, figure, measured, simulated, error in per cent) of cases, and the same of classes of steps; what room each
    model had. `loads`: experts are routed as LOADS says, and evenly else."""
    rows, found, rooms = [], {}, {}
    for case in read(f"{prefix}cases.csv"):
        if case["model"] not in models:
            continue
        case["set"] = "families-" if prefix == "families_" else ""
        figures, steps = play(cpsim, case, folder, loads)
        rooms[case["model"]] = figures["kv_cache_tokens_per_replica"]
        for figure in NAMES:
            measured = float(case[figure])
            simulated = figures[f"{figure}_seconds"]
            rows.append((case, figure, measured, simulated, 100 * (simulated / measured - 1)))
        if case["case"] != "prefix":  # its log counts shared pages once
            gather_steps(found, case, steps)
    classes = []
    for row in read(f"{prefix}classes.csv"):
        played = found.get((row["model"], row["steps"]), [])
        if len(played) >= 10:
            measured, simulated = float(row["median_ms"]), statistics.median(played)
            classes.append((row["model"], row["steps"], measured, simulated, 100 * (simulated / measured - 1)))
    return rows, classes, rooms


def rooms_of(rooms, name):
    """Rows (model, tokens measured, simulated, error in per cent) of the starts that are there."""
    return [(row["model"], float(row["kv_tokens"]), rooms[row["model"]],
             100 * (rooms[row["model"]] / float(row["kv_tokens"]) - 1)) for row in read(name)]


def compare(cpsim):
    """What was given, rooms of starts and of logs, and what was asked again."""
    with tempfile.TemporaryDirectory() as folder:
        rows, classes, rooms = compare_set(cpsim, "", folder, loads=False)
        *loaded, _ = compare_set(cpsim, "", folder, True, {"gpt-oss-20b"})
        *again, rooms_again = compare_set(cpsim, "again_", folder, loads=True)
        *families, _ = compare_set(cpsim, "families_", folder, loads=True)
        rows_of_room = capacities(cpsim, folder)
    starts = rooms_of(rooms, "starts.csv") + rooms_of(rooms_again, "again_starts.csv")
    return rows, classes, starts, rows_of_room, again, loaded, families


def summary(rows, classes, starts, capacity, again, loaded, families):
    errors = {figure: [abs(row[4]) for row in rows
                       if row[1] == figure and (row[0]["model"], row[0]["case"], figure) not in TWO_HALVES]
              for figure in NAMES}
    errors["steps"] = [abs(row[4]) for row in classes]
    errors["room"] = [abs(row[3]) for row in starts]
    errors["room, vLLM 0.19"] = [abs(error) for row, error in capacity if row["version"] == "0.19"]
    errors["room, older"] = [abs(error) for row, error in capacity if row["version"] != "0.19"]
    for figure in ("ttft_p50", "tpot_p50"):
        errors[f"again, {NAMES[figure]}"] = [abs(row[4]) for row in again[0] if row[1] == figure]
        errors[f"families, {NAMES[figure]}"] = [abs(row[4]) for row in families[0] if row[1] == figure]
    errors["again, steps"] = [abs(row[4]) for row in again[1]]
    errors["families, decode steps"] = [abs(row[4]) for row in families[1]]
    errors["gpt-oss-20b's loads, steps"] = [abs(row[4]) for row in loaded[1]]
    return {name: (statistics.median(values), max(values)) for name, values in errors.items()}


def case_table(rows):
    lines = ["| model | case | fitted | " + " | ".join(NAMES.values()) + " |", "| --- | --- | --- |" + " ---: |" * len(NAMES)]
    for i in range(0, len(rows), len(NAMES)):
        case = rows[i][0]
        cells = []
        for _, figure, measured, simulated, error in rows[i:i + len(NAMES)]:
            unit, scale = ("ms", 1e3) if figure == "tpot_p50" else ("s", 1)
            mark = " *" if (case["model"], case["case"], figure) in TWO_HALVES else ""
            cells.append(f"{scale * measured:.3g} {unit}, {error:+.1f} %{mark}")
        lines.append(f"| {case['model']} | {case['case']} | {case['fitted']} | " + " | ".join(cells) + " |")
    return lines


def step_table(classes):
    lines = ["| model | steps | measured | error |", "| --- | --- | ---: | ---: |"]
    return lines + [f"| {m} | {k} | {a:.3g} ms | {e:+.1f} % |" for m, k, a, _, e in classes]


def tables(rows, classes, starts, capacity, again, loaded, families):
    lines = case_table(rows)
    lines += ["", *step_table(classes)]
    lines += ["", "gpt-oss-20b once more, its experts loaded as they were:", "", *case_table(loaded[0]), "", *step_table(loaded[1])]
    lines += ["", "| model | room for the KV cache | error |", "| --- | ---: | ---: |"]
    lines += [f"| {m} | {a:.0f} tokens | {e:+.2f} % |" for m, a, _, e in starts]
    lines += ["", "| vLLM | model | precision | ranks | fitted | logged | error |", "| --- | --- | --- | --- | --- | ---: | ---: |"]
    for row, error in capacity:
        precision = "bf16, fp8 cache" if "kv_cache" in row["precision"] else row["precision"]
        lines.append(f"| {row['version']} | {row['name']} | {precision} | tensor {row['tensor']}, pipeline {row['pipeline']} "
                     f"| {row['fitted']} | {row['kv_tokens']} tokens | {error:+.1f} % |")
    lines += ["", *case_table(again[0]), "", *step_table(again[1])]
    lines += ["", *case_table(families[0]), "", *step_table(families[1])]
    lines += ["", "| figure | aimed at, median | median | worst |", "| --- | ---: | ---: | ---: |"]
    for name, (median, worst) in summary(rows, classes, starts, capacity, again, loaded, families).items():
        lines.append(f"| {NAMES.get(name, name)} | {BOUNDS[name][0]} % | {median:.1f} % | {worst:.1f} % |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cpsim")
    parser.add_argument("--page")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    results = compare(options.cpsim)
    text = tables(*results)
    print(text)
    begin, end = "<!-- tables of tests/validation/engine.py -->\n", "<!-- end -->\n"
    failures = []
    if options.page:
        page = pathlib.Path(options.page).read_text(encoding="utf-8")
        head, rest = page.split(begin)
        old, tail = rest.split(end)
        if options.update:
            pathlib.Path(options.page).write_text(head + begin + text + end + tail, encoding="utf-8")
        elif old != text:
            failures.append(f"{options.page} is not what was found; --update writes it")
    for name, (median, worst) in summary(*results).items():
        _, most, most_worst = BOUNDS[name]
        if median > most or worst > most_worst:
            failures.append(f"{name}: median {median:.1f} %, worst {worst:.1f} %; held to {most} and {most_worst} %")
    raise SystemExit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
