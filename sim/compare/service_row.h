/* SPDX-License-Identifier: MIT
 * A measured service as a scenario: which files stand for its engine, model and machine, its
 * layout, its client. */
#ifndef CPSIM_SIM_COMPARE_SERVICE_ROW_H
#define CPSIM_SIM_COMPARE_SERVICE_ROW_H

#include "sim/compare/measurement.h"

struct service_layout {
    uint32_t tensor, pipeline, attention_data, expert;
    uint32_t workers; /* replicas of a pool */
};

/* What a row asks for. */
struct service_row {
    const char *software, *model, *cluster, *client; /* names or paths */
    const char *precision;                           /* YAML; NULL: the model file's own */
    const char *cache;                               /* format of the KV cache */
    bool pools;                                      /* prompts and answers on replicas apart ... */
    bool mixed; /* ... which cannot be run: each pool's replicas do both */
    struct service_layout prompts, answers; /* of the pools; `answers` alone: no pools */
    uint64_t input_tokens, output_tokens, clients;
};

/* Reads the row; false when it cannot be asked, and then the row says why. */
bool service_row_read(struct measurement *measurement, struct service_row *row);

/* Its scenario. */
const char *service_row_yaml(struct arena *arena, const struct service_row *row);

#endif
