# SPDX-License-Identifier: MIT
"""Every model that has a name on the hub, served by every engine as `cpsim compare` asks for measured services.

  python3 tests/properties/services.py build/release/cpsim

Each model and engine is asked three times: with 2 clients on H100 and on H200, and with 16. All must be answered;
a token takes no less than memory needs to read the weights that it meets, more clients make no token faster, the GPU
with the faster memory none slower. Prints what does not hold, then exit status 1.
"""
import argparse
import collections
import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

ENGINES = ("vllm", "sglang", "trtllm")
PROMPT, ANSWER = 128, 24
FEW, MANY = 2, 16
MEMORY_RATE = {"h200": 4.8e12, "h100": 3.35e12}  # B/s, data sheets of the SXM cards
ROOM = {"h200": 141e9, "h100": 80e9}  # B
SHARE = 0.75  # of a GPU's memory that weights may fill here, so that a cache and a step fit beside them
LEAST_BITS = 4  # of a weight, in the narrowest format that models are published in
OTHER_GPU = 0.02  # of TPOT: prompts of another pace meet other steps
OTHER_LOAD = 0.06  # the same; two clients' prompts come one by one between the other's few tokens, sixteen's together
NODE = 8  # GPUs


def hub_models(cpsim):
    """(name on the hub, parameters, of a token, B a weight) of each model."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "models/llm"
    listed = subprocess.run([cpsim, "models", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for model in json.loads(listed):
        text = (folder / f"{model['name']}.yaml").read_text(encoding="utf-8")
        hub = re.search(r'^hub: "([^";]*)', text, re.M)
        if hub:
            narrow = re.search(r"^precision:", text, re.M) is not None
            met = model["active_parameters"] - model["embedding_parameters"]
            yield hub.group(1), model["total_parameters"], met, 1.1 if narrow else 2


def tensor_ranks(total_bytes, gpu):
    return next((ranks for ranks in (1, 2, 4, 8, 16, 32) if total_bytes / ranks < SHARE * ROOM[gpu]), 32)


def asked(cpsim):
    for hub, total, met, width in hub_models(cpsim):
        ranks, words = tensor_ranks(total * width, "h100"), ""
        if width == 2 and ranks > NODE:  # as nobody serves them
            ranks, words = tensor_ranks(total, "h100"), "fp8"
        for engine in ENGINES:
            for gpu, clients in (("h100", FEW), ("h200", FEW), ("h200", MANY)):
                yield (hub, engine, gpu, clients), (ranks, words), met * LEAST_BITS / 8 / ranks / MEMORY_RATE[gpu]


def predictions(cpsim, rows, folder):
    """TTFT and TPOT in ms by the row's key, and why others have none."""
    table, out = folder / "services.csv", folder / "rows.csv"
    with open(table, "w", encoding="utf-8") as file:
        print("backend,backend_version,model_path,precision,isl,osl,tp_size,gpu,client,concurrency,ttft_ms,tpot_ms", file=file)
        for (hub, engine, gpu, clients), (ranks, words), _ in rows:
            print(f"{engine},,{hub},{words},{PROMPT},{ANSWER},{ranks},{gpu},aiperf,{clients},1,1", file=file)
    subprocess.run([cpsim, "compare", table, "--csv", out], check=True, stdout=subprocess.DEVNULL)
    found, refused = collections.defaultdict(dict), {}
    with open(out, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            key = rows[int(line["line"]) - 2][0]
            if line["predicted"]:
                found[key][line["column"]] = float(line["predicted"])
            else:
                refused[key] = line["remark"]
    return found, refused


def faults(rows, found, refused):
    for key, _, bound in rows:
        if key in refused:
            yield f"{key}: {refused[key]}"
            continue
        figures = found[key]
        if not all(math.isfinite(figures.get(name, math.nan)) and figures[name] > 0 for name in ("ttft_ms", "tpot_ms")):
            yield f"{key}: no TTFT or TPOT"
            continue
        if figures["tpot_ms"] < 1e3 * bound:
            yield f"{key}: {figures['tpot_ms']:.3f} ms a token, memory needs {1e3 * bound:.3f}"
        hub, engine, gpu, clients = key
        few, slow = found.get((hub, engine, gpu, FEW)), found.get((hub, engine, "h100", clients))
        if clients == MANY and few and figures["tpot_ms"] < (1 - OTHER_LOAD) * few["tpot_ms"]:
            yield f"{key}: {figures['tpot_ms']:.3f} ms a token, {few['tpot_ms']:.3f} with fewer clients"
        if gpu == "h200" and slow and figures["tpot_ms"] > (1 + OTHER_GPU) * slow["tpot_ms"]:
            yield f"{key}: {figures['tpot_ms']:.3f} ms a token, {slow['tpot_ms']:.3f} on H100"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cpsim")
    arguments = parser.parse_args()
    rows = list(asked(arguments.cpsim))
    with tempfile.TemporaryDirectory() as folder:
        found, refused = predictions(arguments.cpsim, rows, pathlib.Path(folder))
    wrong = list(faults(rows, found, refused))
    print("\n".join(wrong) if wrong else f"{len(rows)} services of {len({key[0] for key, _, _ in rows})} models hold")
    return bool(wrong) or not rows


if __name__ == "__main__":
    sys.exit(main())
