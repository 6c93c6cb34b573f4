/* SPDX-License-Identifier: MIT */
#include "sim/sweep/price_kind.h"

#include "models/numeric/checksum.h"

#include <string.h>

static bool matters(const char *key)
{
    static const char workload[] = "workload";
    size_t length = sizeof workload - 1;
    bool of_workload =
        strncmp(key, workload, length) == 0 && (key[length] == '\0' || key[length] == '.');
    return !of_workload && strcmp(key, "layout.data") != 0 && strcmp(key, "seed") != 0 &&
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
