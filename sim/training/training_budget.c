/* SPDX-License-Identifier: MIT */
#include "sim/training/training_budget.h"

#include "sim/scenario/training_setup.h"

#include <math.h>

static const double hour_seconds = 3600.0;

double training_own_loss(const struct scenario *scenario, const struct scaling_law *law,
                         double tokens)
{
    double parameters =
        scenario_law_parameters(scenario, law) * scenario_effective_share(scenario, law);
    return scaling_loss(law, parameters, tokens);
}

struct training_budget training_budget(const struct training_run *run)
{
    const struct scenario *scenario = run->scenario;
    const struct training_workload *workload = &scenario->training;
    if (!scenario_has_budget(scenario)) {
        return (struct training_budget){0};
    }
    double sites = scenario->cluster.sites.count;
    double gpus = layout_gpus(&scenario->layout) * sites;
    double flop_of_token = 6.0 * llm_weights(&scenario->llm);
    double at_work = run->result.seconds / training_mean_step_seconds(run);
    double flop_per_second = flop_of_token * run->result.tokens_per_second * sites * at_work;
    double hours = workload->budget.gpu_hours;
    if (workload->budget.dollars > 0.0) {
        hours = workload->budget.dollars / workload->price_per_gpu_hour;
    }
    double served = workload->budget.served_tokens;
    double serving_flop = 2.0 * llm_weights(&scenario->llm) * served;
    if (workload->budget.flop > 0.0) {
        hours = (workload->budget.flop - serving_flop) / flop_per_second * gpus / hour_seconds;
    }
    struct training_budget budget = {
        .gpu_hours = hours,
        .seconds = hours * hour_seconds / gpus,
        .dollars = hours * workload->price_per_gpu_hour,
    };
    budget.flop = budget.seconds * flop_per_second + serving_flop;
    budget.joules = budget.seconds / training_mean_step_seconds(run) * run->result.joules * sites;
    for (int i = 0; i < TRAINING_LAW_COUNT; i++) {
        const struct scaling_law *law = &scaling_laws[i];
        struct budget_row *row = &budget.rows[i];
        row->law = law;
        row->best = scaling_optimum_served(law, budget.flop,
                                           scenario_effective_share(scenario, law), served);
        row->steps = ceil(row->best.tokens / row->best.batch_tokens);
        row->own_loss = training_own_loss(
            scenario, law, scaling_budget_tokens(budget.flop, llm_weights(&scenario->llm), served));
    }
    return budget;
}
