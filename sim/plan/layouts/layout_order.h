/* SPDX-License-Identifier: MIT
 * Which of the layouts that a search found is best, and what nothing else beats in two ways. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_ORDER_H
#define CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_ORDER_H

#include "sim/plan/layouts/layout_search.h"

/* Sorts the answers by the aim, in closed form; those over the budget come last and are counted. */
void layout_sort(const struct layout_job *job, struct layout_found *found);

/* The best within the budget, each as played or else in closed form; those that failed when played
 * left out. SIZE_MAX: none. */
size_t layout_best(const struct layout_job *job, const struct layout_found *found);

/* As played, else in closed form. */
double layout_seconds(const struct layout_found *found, size_t answer);
double layout_step_seconds(const struct layout_found *found, size_t answer);
/* Of a run: GPU-hours, or dollars where the base has a price. */
double layout_cost(const struct layout_job *job, const struct answer *answer, double seconds);

/* Fronts, numbers of answers, the fastest first: time against GPUs; and of the winner's GPUs, time
 * against memory. `numbers` has room for every answer. Return how many. */
size_t layout_gpu_front(const struct layout_found *found, size_t *numbers);
size_t layout_memory_front(const struct layout_found *found, size_t *numbers);

#endif
