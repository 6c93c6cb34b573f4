/* SPDX-License-Identifier: MIT
 * A measured service as a scenario: which files stand for its engine, model and machine, its
 * layout, its client. */
#ifndef CPSIM_SIM_COMPARE_SERVICE_ROW_H
#define CPSIM_SIM_COMPARE_SERVICE_ROW_H

#include "sim/compare/measurement.h"

enum { SERVICE_LEAN_TOKENS = 2048 }; /* of a step, where nothing else fits */

struct service_layout {
    uint32_t tensor, pipeline, attention_data, expert;
    uint32_t workers; /* replicas of a pool, or of all */
};

/* What a row asks for. */
struct service_row {
    const char *engine;                              /* "vllm", "sglang", "trtllm" */
    const char *software, *model, *cluster, *client; /* names or paths */
    const char *precision;                           /* YAML */
    uint32_t node_gpus;                              /* of the cluster */
    bool has_experts;
    bool pools;                             /* prompts and answers on replicas apart */
    struct service_layout prompts, answers; /* of the pools; `answers` alone: no pools */
    const char *policy;                     /* of batching; NULL: the engine's own */
    uint64_t input_tokens, output_tokens, clients;
    enum {
        ROOM_OF_ENGINE,
        ROOM_WHOLE, /* all the room that a GPU has, and a context as long as is needed */
        ROOM_LEAN   /* the same, and steps of few tokens */
    } room;
    bool small_blocks; /* blocks of formats are halves of what was said, for sizes that those do
                          not divide; engines pad */
};

/* Reads the row; false when it cannot be asked, and then the row says why. */
bool service_row_read(struct measurement *measurement, struct service_row *row);

/* Fills `precision` from what the row, the model's file and the ending of its name ("FP8"; "":
 * none) say; false as above. */
bool service_precision(struct measurement *row, const char *of_name, struct service_row *service);

/* Its scenario. */
const char *service_row_yaml(struct arena *arena, const struct service_row *row);

#endif
