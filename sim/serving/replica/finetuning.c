/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/finetuning.h"

#include "sim/serving/replica/fleet.h"

#include <math.h>

const struct finetuning_policy *const finetuning_policies[FINETUNING_KIND_COUNT] = {
    [FINETUNING_SLACK] = &finetuning_slack,
    [FINETUNING_SHARE] = &finetuning_share,
};

static const struct finetuning *says_of(const struct server *server)
{
    return &server->pool->scenario->serving.service.finetuning;
}

static double piece_seconds(const struct server *server)
{
    const struct finetuning_price *price = &server->fleet->finetuning;
    return price->seconds / price->pieces;
}

void finetuning_create(struct fleet *fleet)
{
    if (fleet->serving->service.finetuning.policy == FINETUNING_NONE) {
        return;
    }
    fleet->finetuning = finetuning_price(fleet->pools[0].scenario, fleet->arena);
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        fleet->servers[i].finetuning.trains = true;
    }
}

double finetuning_extra(const struct server *server, double seconds)
{
    if (!server->finetuning.trains) {
        return 0.0;
    }
    const struct finetuning *says = says_of(server);
    double piece = piece_seconds(server);
    return floor(finetuning_policies[says->policy]->slack(says, seconds) / piece) * piece;
}

struct step_cost finetuning_extend(const struct server *server, const struct step_cost *step)
{
    struct step_cost cost = *step;
    double extra = finetuning_extra(server, step->seconds);
    if (extra <= 0.0) {
        return cost;
    }
    const struct finetuning_price *price = &server->fleet->finetuning;
    cost.seconds += extra;
    cost.gpu_seconds += extra;
    cost.rested_seconds += extra;
    cost.watts = (step->watts * step->seconds + price->watts * extra) / cost.seconds;
    cost.rested_watts = (step->rested_watts * step->seconds + price->watts * extra) / cost.seconds;
    cost.parts.flops += price->flops * extra / price->seconds;
    cost.finetuning_seconds = extra;
    return cost;
}

void finetuning_look(struct server *server)
{
    const struct finetuning *says = says_of(server);
    struct finetuning_state *state = &server->finetuning;
    if (says->policy == FINETUNING_NONE || says->interval_seconds <= 0.0 ||
        engine_clock() < state->look_seconds) {
        return;
    }
    state->trains = server->view.waiting.count <= says->most_waiting;
    state->look_seconds = engine_clock() + says->interval_seconds;
}

void finetuning_account(struct server *server, const struct step_cost *cost, uint32_t steps)
{
    server->finetuning.in_steps_seconds += steps * cost->finetuning_seconds;
}

void finetuning_idle(struct server *server, double since_seconds)
{
    struct finetuning_state *state = &server->finetuning;
    double idle = engine_clock() - since_seconds;
    if (!state->trains || idle <= 0.0) {
        return;
    }
    double piece = piece_seconds(server), trained = ceil(idle / piece) * piece;
    const struct finetuning_price *price = &server->fleet->finetuning;
    const struct step_cost cost = {
        .seconds = trained,
        .gpu_seconds = trained,
        .watts = price->watts,
        .parts.flops = price->flops * trained / price->seconds,
    };
    state->idle_seconds += trained;
    stage_totals_add(&server->stages[0], &cost, 1.0, trained);
    server->totals.busy_seconds += trained;
    server->totals.joules += trained * price->watts * server->pool->gpus_per_server;
    actor_sleep(trained - idle);
}

double finetuning_seconds(const struct fleet *fleet)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        seconds += fleet->servers[i].finetuning.in_steps_seconds +
                   fleet->servers[i].finetuning.idle_seconds;
    }
    return seconds;
}

double finetuning_tokens(const struct fleet *fleet)
{
    const struct finetuning_price *price = &fleet->finetuning;
    return price->seconds > 0.0 ? finetuning_seconds(fleet) / price->seconds * price->tokens : 0.0;
}
