/* SPDX-License-Identifier: MIT */
#include "sim/arguments/dialect.h"

#include <string.h>

const struct dialect *const dialects[] = {&dialect_vllm,
                                          &dialect_sglang,
                                          &dialect_trtllm,
                                          &dialect_megatron,
                                          &dialect_torchtitan,
                                          &dialect_aiconfigurator,
                                          NULL};

const struct dialect *dialect_find(const char *name)
{
    for (const struct dialect *const *dialect = dialects; *dialect != NULL; dialect++) {
        if (strcmp((*dialect)->name, name) == 0) {
            return *dialect;
        }
    }
    return NULL;
}

const char *dialect_names(struct arena *arena)
{
    struct text names = {.arena = arena};
    for (const struct dialect *const *dialect = dialects; *dialect != NULL; dialect++) {
        text_print(&names, "%s%s", dialect == dialects ? "" : ", ", (*dialect)->name);
    }
    return names.bytes;
}
