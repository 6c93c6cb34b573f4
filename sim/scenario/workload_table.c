/* SPDX-License-Identifier: MIT
 * `workload:`: what the machine is asked to do. A new kind is a table of its keys, in a file of its
 * own or here, and a row of workload_variants. */
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

static const struct field turn_fields[] = {
    {.key = "prompt",
     .kind = FIELD_TOKENS,
     FIELD_AT(turn, prompt_tokens),
     .required = true,
     .min = 1,
     .max = 1e12,
     .doc = "New tokens of the prompt, on top of what is cached."},
    {.key = "output",
     .kind = FIELD_TOKENS,
     FIELD_AT(turn, output_tokens),
     .max = 1e12,
     .fallback = "0",
     .doc = "Tokens of the answer, each a decode step."},
    {0}};

static const struct field turn_item = {.kind = FIELD_MAPPING,
                                       .size = sizeof(struct turn),
                                       .fields = turn_fields,
                                       .doc = "A prompt and its answer."};

const struct field conversation_fields[] = {
    {.key = "batch",
     .kind = FIELD_COUNT,
     FIELD_AT(conversation, batch),
     .min = 1,
     .max = 1e6,
     .fallback = "1",
     .doc = "Conversations alike, in step with each other."},
    {.key = "cached",
     .kind = FIELD_TOKENS,
     FIELD_AT(conversation, cached_tokens),
     .max = 1e12,
     .fallback = "0",
     .doc = "Tokens of each conversation already in the KV cache before its first turn."},
    {.key = "turns",
     .kind = FIELD_LIST,
     FIELD_AT(conversation, turns),
     .count_offset = offsetof(struct conversation, turn_count),
     .required = true,
     .min = 1,
     .max = 10000,
     .item = &turn_item,
     .doc = "Prompts and answers, one after the other; every turn finds the earlier ones cached."},
    {0}};

const struct variant workload_variants[] = {
    {.name = "conversation",
     .also = "chat prompt generation",
     .value = WORKLOAD_CONVERSATION,
     .fields = conversation_fields,
     .offset = offsetof(struct scenario, conversation),
     .doc =
         "Turns of prefill and decode, alone on the machine: time to first token, time per output "
         "token."},
    {.name = "serving",
     .also = "serve service server inference online",
     .value = WORKLOAD_SERVING,
     .fields = serving_fields,
     .offset = offsetof(struct scenario, serving),
     .doc = "A service under load: requests that come, wait, are batched and answered; latencies, "
            "throughput, cost."},
    {.name = "training",
     .also = "train pretraining pretrain finetuning",
     .value = WORKLOAD_TRAINING,
     .fields = training_fields,
     .offset = offsetof(struct scenario, training),
     .doc = "Steps of pre-training: step time, memory by stage, time and cost of a whole run, what "
            "failures leave of it."},
    {0}};

/* docs/decisions/0012-default-software.md */
const char *const default_software[WORKLOAD_KIND_COUNT] = {
    [WORKLOAD_CONVERSATION] = "vllm",
    [WORKLOAD_SERVING] = "vllm",
    [WORKLOAD_TRAINING] = "pytorch-nccl",
};
