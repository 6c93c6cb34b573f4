# SPDX-License-Identifier: MIT
"""How often a plan's winner keeps its targets: random plans (drawn by seed) or plan files, each winner played with
fresh seeds.

  python3 tests/bench/plan_winners.py build/release/cpsim [PLANS [SEEDS [REQUESTS]]]
  python3 tests/bench/plan_winners.py build/release/cpsim scenarios/plans/chats-70b.yaml [SEEDS [REQUESTS]]
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def draw(number):
    """A plan of a 70B or 8B model, its load, lengths and targets at random."""
    chance = random.Random(number)
    model, gpus = chance.choice((("llama3-70b", 16), ("llama3-8b", 4)))
    tensors = [2, 4, 8] if model == "llama3-70b" else [1, 2]
    rate = chance.choice((2, 5, 10, 20)) * (1 if model == "llama3-70b" else 2)
    base = f"""schema: 1
model: {model}
cluster: {{use: dgx-h100, nodes: 2}}
software: vllm
layout: {{tensor: {tensors[-1]}}}
precision: fp8-tensor
workload:
  kind: serving
  arrivals: {{kind: poisson, rate: 1 /s}}
  lengths:
    prompt: {{kind: lognormal, mean: {chance.choice((256, 1024, 3000))}, variation: {chance.choice((0.3, 1))}}}
    output: {{kind: lognormal, mean: {chance.choice((64, 256))}, variation: {chance.choice((0.3, 1))}}}
  price: 2.5
"""
    plan = f"""schema: 1
base: base.yaml
rate: {rate} /s
slo: {{ttft_p99: {chance.choice((0.5, 1, 2))} s, tpot_p99: {chance.choice((20, 30, 50))} ms}}
requests: 1000
tolerance: 0.1
axes:
  grid:
    layout.tensor: {tensors}
    layout.data: [1, 2, 3, 4]
    workload.service.max_sequences: [64, 256]
where: [tensor * data <= {gpus}]
"""
    return base, plan


def keeps(cpsim, winner, seed, requests):
    done = subprocess.run(
        [cpsim, winner, "--json", "--set", f"seed={seed}", "--set", f"workload.requests={requests}"],
        capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["figures"]
    asked = (pathlib.Path(winner).parent / "asked").read_text().split()
    return (found["ttft_p99_seconds"] <= float(asked[0]) and found["tpot_p99_seconds"] <= float(asked[1])
            and bool(found["sustained"]))


def plan_file(number, folder):
    base, plan = draw(number)
    pathlib.Path(folder, "base.yaml").write_text(base)
    path = pathlib.Path(folder, "plan.yaml")
    path.write_text(plan)
    return path


def main(cpsim, plans="20", seeds=5, requests=50000):
    seeds, requests = int(seeds), int(requests)
    kept = played = winners = 0
    names = range(int(plans)) if plans.isdigit() else [pathlib.Path(plans)]
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = plan_file(name, folder) if plans.isdigit() else name
            done = subprocess.run([cpsim, "plan", path, "-o", f"{folder}/out", "--json"], capture_output=True, text=True)
            result = json.loads(done.stdout)
            if "winner" not in result:
                continue
            winners += 1
            pathlib.Path(folder, "out", "asked").write_text(f"{result['ttft_p99_seconds']} {result['tpot_p99_seconds']}")
            good = sum(keeps(cpsim, f"{folder}/out/winner.yaml", 1000 + seed, requests) for seed in range(seeds))
            print(f"plan {name}: winner of {result['winner']['gpus']:.0f} GPUs keeps its targets in {good} of {seeds}",
                  flush=True)
            kept += good
            played += seeds
    print(f"{winners} winners of {len(names)} plans: {kept} of {played} runs of {requests} requests keep the targets")


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()), *sys.argv[2:])
