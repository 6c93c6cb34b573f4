/* SPDX-License-Identifier: MIT
 * Training in several places (DiLoCo, arXiv 2311.08105): each site takes inner steps alone, then
 * all exchange what their parameters changed by, over slow links. Pure. */
#ifndef CPSIM_MODELS_TRAINING_OUTER_STEP_H
#define CPSIM_MODELS_TRAINING_OUTER_STEP_H

#include "models/training/training.h"

struct outer_step {
    double bytes;        /* that a site sends and receives */
    double seconds;      /* that it takes */
    double wait_seconds; /* of it, that a site's inner steps do not hide */
};

/* One exchange: a ring of sites, 2 (s - 1) / s times what is trained, in the format that gradients
 * are reduced in, and 2 (s - 1) times the latency. `hidden_seconds` of steps that follow may lie
 * over it. All zero for one site. */
struct outer_step outer_step(const struct training *training, double hidden_seconds);

#endif
