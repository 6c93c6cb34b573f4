/* SPDX-License-Identifier: MIT */
#include "sim/training/training_width.h"

#include "models/laws/batch_size.h"
#include "models/numeric/whole.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"

#include <math.h>

static const double hour_seconds = 3600.0;

/* The scenario's step with `data` replicas in place of its own. */
static double step_seconds(const struct training_run *run, uint32_t data, struct arena *arena)
{
    struct layout layout = *run->training.replica.layout;
    struct cluster cluster = *run->training.replica.cluster;
    struct training training = run->training;
    uint32_t per_replica = training.global_batch / layout.data;
    layout.data = data;
    training.global_batch = per_replica * data;
    uint32_t nodes = (uint32_t)divide_up(layout_gpus(&layout), cluster.gpus_per_node);
    cluster.nodes = cluster.nodes > nodes ? cluster.nodes : nodes;
    training.replica.layout = &layout;
    training.replica.cluster = &cluster;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    return training_step(&training, &scratch, &costs).seconds;
}

static struct width_row row_of(const struct training_run *run, struct batch_curve curve,
                               uint32_t data, struct arena *arena)
{
    uint32_t own = run->training.replica.layout->data;
    double share = (double)data / own;
    double batch = training_step_tokens(&run->training) * share;
    struct width_row row = {
        .gpus = layout_gpus(run->training.replica.layout) / own * data,
        .batch_tokens = batch,
        .step_seconds = step_seconds(run, data, arena),
        .steps = ceil(batch_curve_steps(curve, batch / BATCH_SEQUENCE_TOKENS)),
    };
    row.seconds = row.steps * row.step_seconds;
    row.gpu_hours = row.seconds * row.gpus / hour_seconds;
    return row;
}

struct training_widths training_widths(const struct training_run *run, struct arena *arena)
{
    static const double shares[WIDTH_ROWS] = {0.25, 0.5, 1.0, 2.0, 4.0, 8.0};
    struct training_widths widths = {0};
    double tokens = scenario_training_tokens(run->scenario);
    if (run->plan.best_steps <= 0.0 || run->scenario->cluster.sites.count > 1) {
        return widths;
    }
    struct batch_curve curve =
        batch_curve_from(run->critical_batch_tokens / BATCH_SEQUENCE_TOKENS, run->plan.best_steps);
    uint32_t own = run->training.replica.layout->data;
    for (int i = 0; i < WIDTH_ROWS; i++) {
        double data = own * shares[i];
        if (data >= 1.0 && data == floor(data) && data < UINT32_MAX / 1024.0) {
            widths.rows[widths.count++] = row_of(run, curve, (uint32_t)data, arena);
        }
    }
    double critical = run->critical_batch_tokens;
    double parameters = llm_weights(&run->scenario->llm);
    widths.knee_gpus =
        layout_gpus(run->training.replica.layout) * critical / training_step_tokens(&run->training);
    widths.for_hundredfold_model = batch_critical_tokens(100.0 * parameters, tokens) / critical;
    widths.for_hundredfold_data = batch_critical_tokens(parameters, 100.0 * tokens) / critical;
    return widths;
}
