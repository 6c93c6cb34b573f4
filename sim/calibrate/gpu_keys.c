/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/gpu_keys.h"

#include "models/kernels/gpu_fit.h"
#include "sim/scenario/tables.h"

#include <assert.h>

static const char *key_among(struct arena *arena, const struct field *fields, const char *path,
                             size_t start, size_t offset)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *key =
            arena_printf(arena, "%s%s%s", path, path[0] == '\0' ? "" : ".", field->key);
        if (field->kind == FIELD_MAPPING) {
            const char *found = key_among(arena, field->fields, key, start + field->offset, offset);
            if (found != NULL) {
                return found;
            }
        } else if (field->size > 0 && start + field->offset == offset) {
            return key;
        }
    }
    return NULL;
}

const char *gpu_key(struct arena *arena, size_t offset)
{
    const char *key = key_among(arena, gpu_fields, "", 0, offset);
    assert(key != NULL && "every constant that is fitted has a key");
    return key;
}

struct fit_place gpu_fit_place(size_t offset)
{
    for (size_t group = 0; group < GPU_FIT_GROUP_COUNT; group++) {
        const struct gpu_fit_constant *constants = gpu_fit_groups[group].constants;
        for (size_t i = 0; i < GPU_FIT_MAX_CONSTANTS && constants[i].offset > 0; i++) {
            if (constants[i].offset == offset ||
                (constants[i].twin > 0 && constants[i].twin == offset)) {
                return (struct fit_place){.group = group, .constant = i};
            }
        }
    }
    return (struct fit_place){.group = GPU_FIT_GROUP_COUNT};
}
