# SPDX-License-Identifier: MIT
"""Relations that hold whatever a scenario is: a faster memory is never slower, a price is linear, parts add up.

  python3 tests/properties/relations.py build/release/cpsim [CASES [SEED]]

Each case is a random valid scenario of one of the three kinds of workload (seeded). Each relation asks the program
twice or three times and compares. Prints what does not hold, with the command that shows it, then counts by
relation; exit status 1 when a relation fails. A few hundred run in CI, thousands by hand.
"""
import collections
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

EXACT = 1e-9  # of rounding alone

MODELS = {
    "small": ("llama3.2-1b", "llama3-8b", "qwen2.5-7b", "qwen3-8b", "mistral-7b"),
    "large": ("llama3-70b", "qwen2.5-72b", "llama3-405b"),
}
# What moves a GPU's own rates: each group together is a GPU that is better at one thing.
MEMORY = ("memory_rate", "l2_rate", "sm_memory_rate", "swiglu_rate", "quantise_rate")
FORMATS = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8")


class NotAsked(Exception):
    """The relation says nothing of this kind of workload."""


class Refused(NotAsked):
    """The scenario, or a change of it, is no valid one: no relation is asked."""


class Case:
    """One random scenario: a file, and what it answers under changes."""

    def __init__(self, program, folder, kind, text):
        self.program, self.kind, self.text = program, kind, text
        self.file = pathlib.Path(folder, f"{kind}.yaml")
        self.file.write_text(text)
        self.shown = self.show()
        self.remembered = {}

    def show(self):
        done = subprocess.run([self.program, "show", str(self.file)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def figure(self, key):
        """A key of the resolved scenario as it is written, e.g. ('gpu', 'memory_rate') -> '3.35 TB/s'."""
        lines, depth = self.shown.splitlines(), 0
        for name in key:
            pattern = re.compile(r"^ {%d}%s:(.*)$" % (2 * depth, re.escape(name)))
            for number, line in enumerate(lines):
                found = pattern.match(line)
                if found:
                    break
            else:
                raise Refused(f"no {key}")
            lines, depth = lines[number + 1:], depth + 1
        return found.group(1).split("#")[0].strip()

    def scaled(self, key, factor):
        """--set's word for a key times a factor."""
        number, _, unit = self.figure(key).partition(" ")
        return f"{'.'.join(key)}={float(number) * factor:.12g} {unit}".strip()

    def ask(self, *changes):
        """What the program says in JSON of the scenario under these changes."""
        if changes not in self.remembered:
            sets = [word for change in changes for word in ("--set", change)]
            done = subprocess.run([self.program, str(self.file), "--json", *sets], capture_output=True, text=True,
                                  check=False)
            self.remembered[changes] = done
        done = self.remembered[changes]
        if done.returncode == 2:
            raise Refused(done.stderr)
        if done.returncode:
            raise AssertionError(f"exit status {done.returncode}: {done.stderr.strip()[:300]}")
        return json.loads(done.stdout)

    def seconds(self, *changes):
        """The times of a scenario: a conversation's phases, a training step, a service's mean request."""
        answer = self.ask(*changes)
        if self.kind == "conversation":
            return [phase["seconds"] for phase in answer["phases"]]
        if self.kind == "training":
            return [answer["figures"]["step_seconds"]]
        return [answer["figures"]["e2e_mean_seconds"]]


RINGS = ("auto", "pass-kv", "pass-q", "all-gather", "tree", "mixed")
# What some of the scenarios have beside; what does not go together is refused, and drawn again.
TRAINING_EXTRAS = (
    "", "", "", "  galore: {rank: 128, period: 200}\n", "  layer_updates: true\n", "  documents: {mean: 300 tokens}\n",
    "  offload: {states: 0.5}\n", "precision: {first_moment: int8, second_moment: int8}\n", "precision: fp8-tensor\n")
SERVING_EXTRAS = (
    "", "", "",
    "  service: {speculation: {kind: eagle, tokens: 3, acceptance: {kind: rate, rate: 0.6}}}\n",
    "  service: {speculation: {kind: ngram, tokens: 4, acceptance: {kind: rate, rate: 0.4}}}\n",
    "  service: {speculation: {kind: tree, tokens: 4, nodes: 16, width: 4, acceptance: {kind: rate, rate: 0.6}}}\n",
    "  service: {speculation: {kind: streams, tokens: 3, layers: 4, acceptance: {kind: rate, rate: 0.6}}}\n",
    "  adapters: {count: 20}\n  service: {adapters: {max_adapters: 4, rank: 16}}\n",
    "  sessions: {turns: 4, think: 5 s}\n  service: {tiers: {host: {capacity: 100 GB}}}\n",
    "  sessions: {turns: 4, think: 5 s}\n  service: {tiers: {host: {capacity: 100 GB}, load: by-layer}}\n",
    "  service: {protection: copy}\n")


def draw(chance, kind):
    """A scenario of a kind as YAML. Some are refused (no room, heads that do not divide): drawn again."""
    large = chance.random() < 0.4
    model = chance.choice(MODELS["large" if large else "small"])
    cluster = chance.choice(("dgx-h100", "dgx-h200", "gtt")) if kind == "conversation" else "dgx-h100"
    tensor = chance.choice((4, 8) if large else (1, 2, 4))
    nodes = chance.choice((1, 2, 4))
    head = f"schema: 1\nmodel: {model}\nseed: {chance.randrange(1000)}\n"
    if kind == "conversation":
        context = chance.choice((1, 1, 2, 4))
        turns = "".join(
            f"    - {{prompt: {chance.choice((1, 7, 100, 1000, 8192, 32768, 100000))} tokens, "
            f"output: {chance.choice((1, 16, 200))} tokens}}\n" for _ in range(chance.choice((1, 2))))
        precision = chance.choice(("bf16", "fp8-tensor", "fp8-row"))
        return (f"{head}cluster: {{use: {cluster}, nodes: {nodes}}}\n"
                f"software: {chance.choice(('pytorch-nccl', 'vllm')) if context == 1 else 'meta-context-parallel'}\n"
                f"layout: {{tensor: {tensor}, context: {context}}}\nprecision: {precision}\n"
                f"{'' if context == 1 else 'attention: {ring: ' + chance.choice(RINGS) + '}' + chr(10)}"
                f"workload:\n  kind: conversation\n  batch: {chance.choice((1, 2, 8, 32))}\n  turns:\n{turns}")
    if kind == "training":
        pipeline = chance.choice((1, 1, 2, 4))
        data = chance.choice((1, 2, 4, 8))
        micro = chance.choice((1, 2))
        batch = data * micro * chance.choice((1, 2, 4, 8)) * (pipeline if pipeline > 1 else 1)
        sites = chance.choice((1, 1, 1, 4))
        cluster = (f"{{use: dgx-h100, nodes: {max(1, tensor * pipeline * data // 8)}}}" if sites == 1 else
                   f"{{use: four-sites, nodes: {max(1, tensor * pipeline * data // 8)}, sites: {{count: 4}}}}")
        outer = chance.choice(("", "  paths: {levels: 2, modules: 2}\n", "  outer_overlap: true\n"))
        return (f"{head}cluster: {cluster}\n"
                f"software: {chance.choice(('pytorch-training', 'torchtitan', 'megatron'))}\n"
                f"layout: {{tensor: {tensor}, pipeline: {pipeline}, data: {data}}}\n"
                f"workload:\n  kind: training\n  global_batch: {batch}\n  micro_batch: {micro}\n"
                f"  sequence: {chance.choice((1024, 2048, 4096, 8192))} tokens\n"
                f"  sharding: {chance.choice(('none', 'optimizer', 'fsdp'))}\n"
                f"  recompute: {chance.choice(('none', 'full'))}\n"
                f"{'' if sites == 1 else '  inner_steps: 20' + chr(10) + outer}{chance.choice(TRAINING_EXTRAS)}")
    data = chance.choice((1, 1, 2))
    return (f"{head}cluster: {{use: dgx-h100, nodes: 2}}\nsoftware: {chance.choice(('vllm', 'sglang', 'tensorrt-llm'))}\n"
            f"layout: {{tensor: {tensor}, data: {data}}}\nprecision: {chance.choice(('bf16', 'fp8-tensor'))}\n"
            f"workload:\n  kind: serving\n  requests: 200\n"
            f"  arrivals: {{kind: poisson, rate: {chance.choice((0.5, 1, 3))} /s}}\n  lengths:\n"
            f"    prompt: {{kind: lognormal, mean: {chance.choice((200, 1000, 3000))}, variation: 0.5}}\n"
            f"    output: {{kind: lognormal, mean: {chance.choice((50, 200))}, variation: 0.5}}\n  price: 2.5\n"
            f"{chance.choice(SERVING_EXTRAS)}")


def no_more(what, less, more, room):
    """Each of `less` is at most its fellow of `more`, but for a share of it."""
    for place, (low, high) in enumerate(zip(less, more)):
        assert low <= high * (1 + room) + 1e-12, f"{what}: {low:.9g} against {high:.9g} ({low / high - 1:+.2%}, part {place})"


def same(what, one, other, room=EXACT):
    assert abs(one - other) <= room * max(abs(one), abs(other)) + 1e-12, f"{what}: {one:.12g} and {other:.12g}"


# A kernel library takes another tile for 8 rows than for 16: somewhat more work may take somewhat less time.
TILES = 0.06


# A service decides step by step: a step that ends sooner may take one request fewer along, so single requests do end
# later on a faster machine. Its mean over 200 requests moves by a hundredth at most; where it moves by more, chance has to
# be what moves it: over so many seeds the machine is no slower, but for two standard errors.
SEEDS = 16


def no_slower(case, what, slower, faster):
    """The scenario under `faster` takes no longer than under `slower`, each a list of changes."""
    if case.kind != "serving":
        no_more(what, case.seconds(*faster), case.seconds(*slower), EXACT)
        return
    try:
        no_more(what, case.seconds(*faster), case.seconds(*slower), 0.01)
    except AssertionError as of_one_seed:
        moved = [case.seconds(f"seed={seed}", *faster)[0] / case.seconds(f"seed={seed}", *slower)[0] - 1
                 for seed in range(1, SEEDS + 1)]  # fmt: skip
        mean, error = statistics.mean(moved), statistics.stdev(moved) / SEEDS**0.5
        assert mean <= 2 * error, f"{of_one_seed}; over {SEEDS} seeds {mean:+.2%} +- {error:.2%}"


def faster_memory(case):
    no_slower(case, "memory 1.5 times as fast", [], [case.scaled(("gpu", key), 1.5) for key in MEMORY])


def faster_products(case):
    no_slower(case, "products 1.5 times as fast", [], [case.scaled(("gpu", "dense_rate", key), 1.5) for key in FORMATS])


def faster_network(case):
    no_slower(case, "network cards twice as fast", [], [case.scaled(("cluster", "nic_rate"), 2)])


def later_fabric(case):
    latency = float(case.figure(("cluster", "fabric_latency")).split()[0])
    no_slower(case, "a fabric of less latency", [f"cluster.fabric_latency={latency + 20} us"], [])


def more_memory(case):
    """A service that cannot keep up lets more in at once: who came first then waits for those, and the last ends no later."""
    twice = case.scaled(("gpu", "memory"), 2)
    if case.kind == "serving":
        whole, more = (case.ask(*changes)["figures"]["seconds"] for changes in ((), (twice,)))
        no_more("twice the memory", [more], [whole], 0.02)
        return
    no_more("twice the memory", case.seconds(twice), case.seconds(), EXACT)


def more_power(case):
    watts = float(case.figure(("gpu", "power_limit")).split()[0])
    no_slower(case, "a limit of 100 W more", [], [f"gpu.power_limit={watts + 100} W"])


def more_tokens(case):
    if case.kind == "conversation":
        prompt = int(re.search(r"prompt: (\d+)", case.text).group(1))
        more = re.sub(r"    - \{prompt: \d+", f"    - {{prompt: {prompt + prompt // 3 + 1}", case.text, count=1)
    elif case.kind == "training":
        more = re.sub(r"sequence: (\d+)", lambda found: f"sequence: {int(found.group(1)) + 1024}", case.text)
    else:
        raise NotAsked
    other = Case(case.program, case.file.parent / "more", case.kind, more)
    no_more("fewer tokens", case.seconds(), other.seconds(), TILES)


def layers_are_alike(case):
    """Twice and three times the layers: the same again, within what the clock makes of a mean power."""
    if case.kind == "serving" or "pipeline: 2" in case.text or "pipeline: 4" in case.text:
        raise NotAsked
    layers = int(case.figure(("model", "layers")))
    times = [case.seconds(f"model.layers={layers * share // 4}", "gpu.memory=10 TB") for share in (4, 8, 12)]
    for one, two, three in zip(*times):
        same("the third layers' time is the second's", three - two, two - one, 0.01)


def price_is_linear(case):
    if case.kind != "serving":
        raise NotAsked
    figures = [case.ask(f"workload.price={price}")["figures"]["dollars_per_million_output_tokens"] for price in (1, 3)]
    same("three times the price", figures[1], 3 * figures[0])


def parts_add_up(case):
    answer = case.ask()
    if case.kind == "conversation":
        for phase in answer["phases"]:
            same("a phase's classes", sum(phase["seconds_by_class"].values()), phase["seconds"], 1e-6)
            same("a GPU's memory by what holds it", sum(phase["memory_per_gpu"].values()),
                 phase["weight_bytes"] + phase["kv_cache_bytes"] + phase["activation_bytes"], 1e-6)
        same("the phases", sum(phase["seconds"] for phase in answer["phases"]), answer["figures"]["seconds"], 1e-6)
    elif case.kind == "training":
        step = answer["step"]
        waits = sum(answer["figures"][f"{name}_seconds"] for name in ("jitter", "offload", "svd"))
        same("a step's classes", sum(step["seconds_by_class"].values()) + waits, step["seconds"], 1e-6)
    else:
        figures = answer["figures"]
        assert figures["completed"] + figures["rejected"] + figures["lost"] + figures["dropped"] == figures["requests"]


def energy_is_below_its_limit(case):
    answer = case.ask()
    limit = float(case.figure(("gpu", "power_limit")).split()[0])
    for name, value in answer["figures"].items():
        if name.endswith("watts_per_gpu"):
            assert value <= limit * (1 + EXACT), f"{name} of {value:.6g} W under a limit of {limit} W"
    seconds, joules = answer["figures"].get("seconds"), answer["figures"].get("joules")
    if seconds is not None and joules is not None:
        no_more("energy", [joules], [limit * answer["gpus"] * seconds], 1e-6)


def shares_are_shares(case):
    for name, value in case.ask()["figures"].items():
        if isinstance(value, (int, float)) and (name.endswith("_share") or name.endswith("mfu") or name == "goodput"):
            assert -EXACT <= value <= 1 + EXACT, f"{name} is {value}"
        if isinstance(value, (int, float)) and name.endswith("_seconds"):
            assert value >= 0, f"{name} is {value}"


def more_micro_batches(case):
    """Twice the micro-batches through one pipeline: a smaller share of its step is the bubble."""
    if case.kind != "training" or "pipeline: 1" in case.text:
        raise NotAsked
    batch = int(case.figure(("workload", "global_batch")))

    def share(*changes):
        figures = case.ask(*changes)["figures"]
        return figures["bubble_seconds"] / figures["step_seconds"]

    no_more("the bubble's share", [share(f"workload.global_batch={2 * batch}")], [share()], EXACT)


def more_sequences(case):
    if case.kind == "serving":
        raise NotAsked
    key = "workload.batch" if case.kind == "conversation" else "workload.global_batch"
    number = int(case.figure(tuple(key.split("."))))
    no_more("half the sequences", case.seconds("gpu.memory=10 TB"), case.seconds(f"{key}={2 * number}", "gpu.memory=10 TB"),
            TILES)
    # Twice the work at once is never slower than the work twice.
    no_more("twice the sequences", case.seconds(f"{key}={2 * number}", "gpu.memory=10 TB"),
            [2 * seconds for seconds in case.seconds("gpu.memory=10 TB")], 0.02)


def folded_is_full(case):
    """Every rank and layer played one by one; not where exchanges share links with what goes to other stages."""
    if case.kind == "serving":
        raise NotAsked
    pipeline = int(re.search(r"pipeline: (\d+)", case.text).group(1)) if case.kind == "training" else 1
    shared = pipeline > 1 and "data: 1}" not in case.text
    few = f"model.layers={4 * pipeline}"
    for part, (folded, full) in enumerate(zip(case.seconds(few), case.seconds(few, "detail=full"))):
        same(f"folded and full, part {part}", folded, full, 1e-2 if shared else 1e-6 if case.kind == "training" else EXACT)
    if case.kind == "training" and not shared:
        step = case.ask(few, "detail=full")["figures"]
        same("full and the closed form", step["step_seconds"], step["step_closed_form_seconds"], 1e-6)


def same_bytes(case):
    first = case.ask()
    case.remembered.pop((), None)
    assert first == case.ask(), "two runs differ"


def another_order_of_keys(case):
    blocks = re.split(r"\n(?=\w)", case.text.rstrip())
    other = Case(case.program, case.file.parent / "more", case.kind, "\n".join(reversed(blocks)) + "\n")
    assert case.ask()["figures"] == other.ask()["figures"], "the order of a file's keys"


def shown_is_the_same(case):
    other = Case(case.program, case.file.parent / "more", case.kind, case.shown)
    assert case.ask()["figures"] == other.ask()["figures"], "what show prints, run"


RELATIONS = (faster_memory, faster_products, faster_network, later_fabric, more_memory, more_power, more_tokens,
             layers_are_alike, price_is_linear, parts_add_up, energy_is_below_its_limit, shares_are_shares,
             more_micro_batches, more_sequences, folded_is_full, same_bytes, another_order_of_keys, shown_is_the_same)


def main(program, cases=12, seed=1):
    chance = random.Random(seed)
    held, failed, refused = collections.Counter(), collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "more").mkdir()
        for number in range(cases):
            kind = ("conversation", "training", "serving")[number % 3]
            for tried in range(1000):
                try:
                    case = Case(program, folder, kind, draw(chance, kind))
                    case.ask()
                    break
                except Refused as refusal:
                    if tried == 999:
                        sys.exit(f"1000 scenarios in a row are refused, the last with: {refusal}")
            for relation in RELATIONS:
                try:
                    relation(case)
                    held[relation.__name__] += 1
                except NotAsked:
                    refused[relation.__name__] += 1
                except AssertionError as error:
                    failed[relation.__name__] += 1
                    print(f"case {number} ({relation.__name__}): {error}\n{case.text}", flush=True)
    for relation in RELATIONS:
        name = relation.__name__
        print(f"{name:28} {held[name]:6} hold {failed[name]:4} fail {refused[name]:4} not asked")
    print(f"{cases} scenarios of seed {seed}: {sum(held.values())} of {sum(held.values()) + sum(failed.values())} hold")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ["CPSIM_PROGRESS"] = "never"
    sys.exit(main(str(pathlib.Path(sys.argv[1]).resolve()), *map(int, sys.argv[2:])))
