/* SPDX-License-Identifier: MIT
 * Training in several places (DiLoCo, arXiv 2311.08105): each site takes inner steps alone, then
 * all exchange what their parameters changed by, over slow links. With paths (DiPaCo, arXiv
 * 2403.10616, section 2) a site trains one path through a model of modules: of every level it has
 * one module, and exchanges that with the sites whose paths have the same; parameters that are its
 * path's own never leave it. Pure. */
#ifndef CPSIM_MODELS_TRAINING_OUTER_STEP_H
#define CPSIM_MODELS_TRAINING_OUTER_STEP_H

#include "models/training/training.h"

/* modules^levels: saturates beyond UINT32_MAX. 1 without paths. */
uint32_t outer_paths(const struct paths *paths);

/* An exchange: rings side by side, one of all sites, or with paths one a level. */
struct outer_step {
    uint32_t rings, members; /* sites of each */
    double ring_bytes;       /* that a site sends in a ring, whole */
    double latency_seconds;  /* of all hops of a ring */
    double bytes;            /* that a site sends and receives in all of them */
    double seconds;          /* that it takes: the rings share the site's link */
    double wait_seconds;     /* of it, that a site's inner steps do not hide */
};

/* In closed form: a ring moves 2 (m - 1) / m times what is trained of its part, in the format that
 * gradients are reduced in, and takes 2 (m - 1) times the latency. `hidden_seconds` of steps that
 * follow may lie over it. All zero for one site. */
struct outer_step outer_step(const struct training *training, double hidden_seconds);

/* The site that `site` sends to in a ring. */
uint32_t outer_next(const struct training *training, uint32_t site, uint32_t ring);

/* Parameters of the whole model: a path's, and those of all modules and paths that are not in it.
 */
double outer_parameters(const struct training *training);

#endif
