/* SPDX-License-Identifier: MIT */
#include "sim/sweep/price_kind.h"

#include "models/numeric/checksum.h"

#include <string.h>

/* Whether `key` is `of`, or a key below it. */
static bool is_of(const char *key, const char *of)
{
    size_t length = strlen(of);
    return strncmp(key, of, length) == 0 && (key[length] == '\0' || key[length] == '.');
}

/* Of the workload, what step_cost.c goes by: passes of who guesses and rows that verify, halves of
 * a step side by side, where prompts guess; and the client's word on how alike prompts are. */
static bool workload_matters(const char *key)
{
    static const char *const priced[] = {
        "workload.client",
        "workload.service.speculation",
        "workload.service.two_batch_overlap",
        "workload.service.token_weave",
        "workload.service.policy",
        "workload.kind",
    };
    for (size_t i = 0; i < sizeof priced / sizeof *priced; i++) {
        if (is_of(key, priced[i]) || is_of(priced[i], key)) {
            return true;
        }
    }
    return false;
}

static bool matters(const char *key)
{
    return is_of(key, "workload") ? workload_matters(key)
                                  : strcmp(key, "layout.data") != 0 && strcmp(key, "seed") != 0 &&
                                        strcmp(key, "title") != 0;
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
