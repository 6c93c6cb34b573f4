#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what `cpsim models` counts against transformers' own classes, model by model, exactly.

    check_parameters.py CPSIM        prints every row that differs; exit 1 when one does

parameters/configs.jsonl: models published, of class defaults and made up, each with the keys of its
config.json that say its shape (as transformers writes it, and for published ones as the hub has it)
and counts taken from the models that transformers 5.24 builds. made.jsonl: small models of every
family that is read, with their totals. Where they come from: parameters/README.md.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent / "parameters"


def rows():
    for name in ("configs.jsonl", "made.jsonl"):
        for line in (HERE / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["name"], row["config"], row["want"], row.get("has_head", True)
            if "hub" in row:
                yield row["name"] + " as on the hub", row["hub"], row["want"], True


def differences(cpsim, folder, number, row):
    name, config, want, has_head = row
    path = pathlib.Path(folder) / f"{number}.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    run = subprocess.run([cpsim, "models", str(path), "--json"], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return [f"{name}: refused: {run.stderr.strip()}"]
    got = json.loads(run.stdout)[0]
    if not has_head:  # a class without an output head
        got["total_parameters"] -= got["lm_head_parameters"]
        got["lm_head_parameters"] = want["lm_head_parameters"]
    return [
        f"{name}: {key} {got[key]}, expected {value}"
        for key, value in want.items()
        if abs(got[key] - value) > 1e-6 * max(1.0, abs(value)) * (key == "kv_bytes_per_token_bf16")
    ]


def main(cpsim):
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as pool:
        everything = list(rows())
        found = pool.map(lambda item: differences(cpsim, folder, *item), enumerate(everything))
        faults = [fault for faults in found for fault in faults]
    print("\n".join(faults))
    print(f"{len(everything)} models, {len(faults)} differences")
    return 1 if faults or not everything else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
