/* SPDX-License-Identifier: MIT
 * Plays a training step's schedule on SimGrid: an actor for each stage's passes, one for its
 * exchange with its replicas, two for what it sends to its neighbours; activations, parameters and
 * gradients are flows on the links of the cluster, so what shares a network card slows each other.
 * Where nothing does, it takes as long as models/pipeline/pipeline_play.h says. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_PLAY_H
#define CPSIM_SIM_TRAINING_TRAINING_PLAY_H

#include "models/machine/background.h"
#include "models/training/outer_step.h"
#include "models/training/training_step.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/base/progress.h"
#include "sim/engine/engine.h"

/* What crossed the links of the GPU that plays a stage, over the step. */
struct stage_links {
    uint32_t gpu; /* in the cluster */
    double bytes[LINK_KIND_COUNT], busy_seconds[LINK_KIND_COUNT];
};

struct training_play {
    const struct training *training;
    const struct training_costs *costs;
    bool folded;              /* one pipeline for all: the first rank of each stage */
    double degraded_link;     /* share of its rate that the first stage's card keeps; 1: all */
    const char *platform_xml; /* a network of the user's own, or NULL */
    const struct background
        *background; /* [background_count]: others' traffic; the step begins at 0 */
    size_t background_count;
    struct progress *progress;      /* NULL: none is shown */
    const struct outer_step *outer; /* the exchange between sites, played beside; NULL: none */
    double *outer_seconds;          /* gets its time, or 0 where it is not played: on a network of
                                       the user's own, under shared switches, beside others' traffic */
    struct stage_links *links;      /* [stages]: filled, of the first pipeline; NULL: nobody asks */
};

/* Fills the scratch's cells, spans and stages, of the first pipeline; `seconds` gets the time until
 * the last stage has ended, its exchange included; `events` what SimGrid played. One play a
 * process. False with a diagnostic when SimGrid refuses the platform or stops early. */
bool training_play(const struct training_play *play, const struct training_scratch *scratch,
                   struct arena *arena, double *seconds, uint64_t *events,
                   struct diagnostics *diagnostics);

#endif
