/* SPDX-License-Identifier: MIT */
#include "sim/sweep/price_kind.h"

#include "models/numeric/checksum.h"

#include <string.h>

/* Keys, with all that lies in them, that say who comes and how many at once, and no price of a step:
 * what is not here may (guesses, halves of steps, who schedules). */
static const char *const free_keys[] = {
    "title",
    "seed",
    "layout.data",
    "workload.arrivals",
    "workload.lengths",
    "workload.system_prompt",
    "workload.requests",
    "workload.duration",
    "workload.warm_up",
    "workload.sessions",
    "workload.priority",
    "workload.timeout",
    "workload.cancel",
    "workload.slo",
    "workload.price",
    "workload.faults",
    "workload.random_faults",
    "workload.lost_requests",
    "workload.service.max_sequences",
    "workload.service.max_batched_tokens",
    "workload.service.prefill_replicas",
    "workload.service.router",
};

static bool matters(const char *key)
{
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++) {
        size_t length = strlen(free_keys[i]);
        if (strncmp(key, free_keys[i], length) == 0 &&
            (key[length] == '\0' || key[length] == '.')) {
            return false;
        }
    }
    return true;
}

uint64_t price_kind(const struct points *points, uint64_t point)
{
    uint64_t kind = CHECKSUM_START;
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (!matters(points->parameters[i].key)) {
            continue;
        }
        const struct parameter_value *value = points_value(points, point, i);
        kind = checksum_text(kind, points->parameters[i].key);
        if (value->node->kind == NODE_SCALAR) {
            kind = checksum_text(kind, value->node->text);
        } else { /* its text is a short one: others may have the same */
            kind = checksum_bytes(kind, &value, sizeof value);
        }
    }
    return kind;
}
