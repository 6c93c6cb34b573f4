#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every row of context_parallel_paper.csv through cpsim and compares.

    paper.py CPSIM            prints the rows and the bounds; exit 1 when a bound is broken
(analysis/validate.py makes docs/validation.md of them.)

A row is simulated by the shipped platform, GPU, model and software files alone; only layout, lengths,
batch and ring change from row to row.
"""
import csv
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def simulate(cpsim, row, cluster="gtt"):
    """The phases of one scenario with the row's layout, lengths and ring."""
    decode = row["metric"] == "tpot" or row["metric"].startswith("decode")
    new, cached = int(row["new_tokens"]), int(row["cached_tokens"])
    # A decode row is one step on `cached` tokens; the prompt before it is the last of them.
    sets = {
        "layout.tensor": row["tp"],
        "layout.context": row["cp"],
        "workload.batch": row["sequences"],
        "workload.turns.0.prompt": f"{1 if decode else new} tokens",
        "workload.cached": f"{cached - 1 if decode else cached} tokens",
    }
    if cluster != "gtt":
        sets["cluster"] = cluster
    if row["ring"] != "-":
        sets["attention.ring"] = row["ring"]
    command = [cpsim, str(HERE / "context_parallel_paper.yaml"), "--json"]
    for key, value in sets.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    prefill, step = json.loads(done.stdout)["phases"]
    return step if decode else prefill


def of_operator(phase, name, per_call):
    total = [o for o in phase["operators"] if o["segment"] == "layers" and o["name"] == name]
    if not total:
        return 0.0
    return total[0]["seconds"] / (total[0]["calls"] if per_call else 1)


METRICS = {
    "ttft": lambda p: p["ttft_seconds"],
    "tpot": lambda p: p["tpot_seconds"],
    "sendrecv_per_hop": lambda p: of_operator(p, "ring hop", True),
    "attention_per_hop": lambda p: of_operator(p, "attention", True),
    "all_to_all": lambda p: of_operator(p, "all-to-all", True),
    "decode_attention_op": lambda p: of_operator(p, "attention", True),
    "decode_attention_ring": lambda p: of_operator(p, "attention", False),
    "decode_sendrecv": lambda p: of_operator(p, "ring hop", False),
    "decode_all_to_all": lambda p: of_operator(p, "all-to-all", True),
    "decode_pass_q_total": lambda p: sum(
        of_operator(p, name, False) for name in ("attention", "ring hop", "all-to-all")
    ),
}
UNITS = {"ms": 1e3, "us": 1e6}

# Rows outside their bound, why, and how far: they must not get worse.
STATED_MISSES = {
    ("Table 8", "8", "1", "4", "decode_pass_q_total"): (
        0.36,
        "60.1 us for four sequences of 32K, where one of 128K, the same bytes, takes 38.9 us; the "
        "paper's own CP2 and CP4 columns show no cost of more sequences",
    ),
    ("Table 8", "8", "4", "4", "decode_pass_q_total"): (
        0.20,
        "the paper's parts add up to 218.4 us, its total says 180.6; ours follows the parts",
    ),
}


def stated_miss(row):
    return STATED_MISSES.get(
        (row["table"], row["tp"], row["cp"], row["sequences"], row["metric"])
    )


def load(cpsim):
    with open(HERE / "context_parallel_paper.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["measured"] = float(row["measured"])
        row["simulated"] = METRICS[row["metric"]](simulate(cpsim, row)) * UNITS[row["unit"]]
        row["error"] = row["simulated"] / row["measured"] - 1
    return rows


def errors(rows):
    return [abs(row["error"]) for row in rows]


def pick(rows, metric, *tables):
    return [r for r in rows if r["metric"].startswith(metric) and r["table"] in tables]


def best_of_doubles(rows):
    """Where the paper prints two figures for one setting, either may be met."""
    best = {}
    for row in rows:
        key = (row["tp"], row["cp"], row["cached_tokens"])
        if key not in best or abs(row["error"]) < abs(best[key]["error"]):
            best[key] = row
    return list(best.values())


def winners(rows):
    """Table 4's pairs: (new tokens, measured winner, simulated winner, relative gap)."""
    pairs = {}
    for row in pick(rows, "ttft", "Table 4"):
        pairs.setdefault(int(row["new_tokens"]), {})[row["ring"]] = row
    result = []
    for tokens, pair in sorted(pairs.items()):
        kv, q = pair["pass-kv"], pair["pass-q"]
        result.append(
            (
                tokens,
                "pass-kv" if kv["measured"] < q["measured"] else "pass-q",
                "pass-kv" if kv["simulated"] < q["simulated"] else "pass-q",
                q["simulated"] / kv["simulated"] - 1,
            )
        )
    return result


def scaling_loss_on_tcp(cpsim):
    """What context parallelism over four nodes of gti (TCP) loses at 128K; section 4.2.1 says that
    pass-KV still hides its hops at 3 GB/s."""
    seconds = {}
    for nodes in (1, 4):
        row = {"tp": "8", "cp": str(nodes), "sequences": "1", "new_tokens": "131072",
               "cached_tokens": "0", "metric": "ttft", "ring": "pass-kv"}
        seconds[nodes] = simulate(cpsim, row, "gti")["ttft_seconds"]
    return max(0.0, 1 - seconds[1] / (4 * seconds[4]))


def bounds(rows, cpsim):
    """(what, figure, bound, kept)"""
    full = errors(pick(rows, "ttft", "Table 6", "Table 7", "Text"))
    table4 = errors(pick(rows, "ttft", "Table 4"))
    table5 = errors([r for r in rows if r["table"] == "Table 5"])
    tpot = errors(best_of_doubles(pick(rows, "tpot", "Table 6", "Table 7")))
    totals = pick(rows, "decode_pass_q_total", "Table 8")
    table8 = errors([row for row in totals if not stated_miss(row)])
    wrong = [t for t, measured, simulated, _ in winners(rows) if measured != simulated and t != 6400]
    turns = [t for t, _, simulated, _ in winners(rows) if simulated == "pass-kv"]
    crossover = min(turns) / 128000 if turns else 1.0
    return [
        ("full-prefill TTFT, mean error", statistics.mean(full), 0.05),
        ("full-prefill TTFT, worst error", max(full), 0.12),
        ("table 4 TTFT, median error", statistics.median(table4), 0.08),
        ("table 4, rows with the wrong winner (T = 6400 is a tie)", len(wrong), 0),
        ("table 4, first miss rate at which pass-KV wins", crossover, 0.10),
        ("table 5, worst error", max(table5), 0.15),
        ("decode TPOT, worst error", max(tpot), 0.08),
        ("gti, CP4 at 128K: loss of scaling", scaling_loss_on_tcp(cpsim), 0.10),
        ("table 8 totals but for two stated misses, worst error", max(table8), 0.12),
    ] + [
        (f"stated miss: TP{r['tp']} CP{r['cp']}, {r['sequences']} sequences", abs(r["error"]),
         stated_miss(r)[0])
        for r in totals
        if stated_miss(r)
    ]


def show(value):
    return f"{value:d}" if isinstance(value, int) else f"{100 * value:.1f} %"


def print_text(rows):
    for r in rows:
        print(
            f"{r['table']:8} TP{r['tp']:3} CP{r['cp']:3} {r['ring']:8} B{r['sequences']} "
            f"T={r['new_tokens']:>7} P={r['cached_tokens']:>7} {r['metric']:22} "
            f"{r['measured']:10.2f} {r['simulated']:10.2f} {r['unit']} {100 * r['error']:+6.1f} %"
        )
    for tokens, measured, simulated, gap in winners(rows):
        print(f"T={tokens:6d} measured {measured:8} simulated {simulated:8} Q/KV {gap:+.3f}")


def main():
    rows = load(sys.argv[1])
    print_text(rows)
    broken = 0
    for what, figure, bound in bounds(rows, sys.argv[1]):
        kept = figure <= bound
        broken += not kept
        print(f"{'ok ' if kept else 'BAD'} {what}: {show(figure)} (bound {show(bound)})")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
