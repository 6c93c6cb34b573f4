/* SPDX-License-Identifier: MIT
 * The requests of a service, drawn without playing it: the same that serving_run() meets. Only of
 * open arrivals at a rate; what sessions and closed loops send depends on the answers. */
#ifndef CPSIM_SIM_SERVING_LOAD_PREVIEW_H
#define CPSIM_SIM_SERVING_LOAD_PREVIEW_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/scenario.h"

struct previewed_request {
    double arrival_seconds;
    uint32_t prompt_tokens, output_tokens;
};

struct serving_preview {
    const struct previewed_request *requests; /* [count], in the order of arrival */
    uint32_t count;
};

/* The first `most` requests. `count` 0: they depend on answers, or a file is missing. */
struct serving_preview serving_preview(const struct scenario *scenario, struct arena *arena,
                                       uint32_t most, struct diagnostics *diagnostics);

#endif
