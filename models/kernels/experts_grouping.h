/* SPDX-License-Identifier: MIT
 * Where experts go by what is asked together (GRACE-MoE, arXiv 2509.25041, sections 4.1 and 4.2,
 * with groups of one size): those that tokens choose together on one node, and within it on one
 * rank; then copies of those with the most load on the ranks with the least, on another node first.
 * Pure.
 */
#ifndef CPSIM_MODELS_KERNELS_EXPERTS_GROUPING_H
#define CPSIM_MODELS_KERNELS_EXPERTS_GROUPING_H

#include "models/kernels/experts_placement.h"

/* Groups `members` [count] into `groups` of as many each: a group begins with the one that is asked
 * most of those left and takes the one that is asked most together with those it has. `together`
 * [stride][stride] counts tokens that chose both, on its diagonal one. `group_of` [count]. */
void experts_group(const double *together, uint32_t stride, const uint16_t *members, uint32_t count,
                   uint32_t groups, uint16_t *group_of);

/* All copies; ranks fill nodes in order. The question's groups are not asked. */
void experts_place_together(const struct experts_to_place *question, const double *together,
                            struct placed_experts *placed);

#endif
