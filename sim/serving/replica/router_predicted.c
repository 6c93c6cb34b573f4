/* SPDX-License-Identifier: MIT
 * To where a request is predicted to end first, by prices of the steps that are to come: prompts
 * before it and its own, its answer's steps, each as long as those beside it make it. How long
 * answers are nobody knows, so each that is under way has as much left as the mean answer of those
 * that have ended (no memory); the oracle knows, and is what others are measured against. */
#include "sim/serving/replica/router.h"

#include "sim/serving/replica/fleet.h"

#include <math.h>

/* Steps of answers that are still to come, as far as the router knows. */
struct outlook {
    const struct request *requests;
    double mean_answer; /* of those that have ended; 0: none has */
    bool knows;
};

static double left_of(const struct outlook *outlook, const struct request *request)
{
    return outlook->knows ? (double)request->output_tokens - request->generated_tokens
                          : outlook->mean_answer;
}

/* Steps in which each of those that the server has is beside the request, added up. */
static double beside(const struct outlook *outlook, const struct server *server, double own)
{
    const struct batch_view *view = &server->view;
    double sum = 0.0, counted = 0.0;
    for (uint32_t i = 0; i < view->running_count; i++, counted += 1.0) {
        sum += fmin(own, left_of(outlook, &outlook->requests[view->running[i]]));
    }
    for (uint32_t id = view->waiting.first; id != REQUEST_NONE; id = outlook->requests[id].next) {
        sum += fmin(own, left_of(outlook, &outlook->requests[id]));
        counted += 1.0;
    }
    /* A policy with lists of its own has the others. */
    return sum + fmax(0.0, server->outstanding - counted) * fmin(own, outlook->mean_answer);
}

static double answer_seconds(const struct outlook *outlook, const struct server *server,
                             const struct request *request)
{
    double seats = server->pool->scenario->serving.service.max_sequences;
    double there = fmin(server->outstanding + 1.0, seats);
    double own = left_of(outlook, request);
    double context = (double)request->prompt_tokens + 0.5 * own;
    const struct step_shape one = {.decodes = 1}, all = {.decodes = (uint32_t)there};
    struct step_costs *costs = server->stage_costs[0];
    double alone = step_cost_decode_seconds(costs, &one, context);
    double among = step_cost_decode_seconds(costs, &all, context);
    double each = there > 1.0 ? (among - alone) / (there - 1.0) : 0.0;
    /* Who finds no seat waits for as many to end as are before it. */
    double before = fmax(0.0, server->outstanding + 1.0 - seats);
    double wait = before * outlook->mean_answer * among / seats;
    /* What those beside it add to its steps, it adds to theirs. */
    return wait + own * alone + 2.0 * each * beside(outlook, server, own);
}

static double prompt_seconds(struct server *server, const struct request *request)
{
    double most = (double)server->pool->scenario->serving.service.max_batched_tokens;
    double tokens = (double)server->view.pending_tokens + request_target(request) -
                    batch_cached(&server->view, request);
    double step = fmax(1.0, fmin(tokens, most));
    const struct step_shape shape = {
        .prompts = 1, .prompt_tokens = (uint64_t)step, .prompt_pairs = 0.5 * step * step};
    double own = tokens - (double)server->view.pending_tokens;
    double each = step_cost(server->stage_costs[0], &shape).seconds / step;
    return each * (tokens + own * server->view.running_count);
}

static double completion_seconds(const struct outlook *outlook, struct server *server,
                                 const struct request *request)
{
    double prompt = server->role == SERVER_DECODE ? 0.0 : prompt_seconds(server, request);
    double answer = server->role == SERVER_PREFILL ? 0.0 : answer_seconds(outlook, server, request);
    double slowest = 1.0;
    for (uint32_t i = 0; i < server->lane_count; i++) {
        slowest = fmax(slowest, server->slowness[i]);
    }
    return slowest * server->lane_count * (prompt + answer);
}

static uint32_t choose(struct fleet *fleet, struct pool *pool, const struct request *request,
                       bool knows)
{
    const struct outlook outlook = {
        .requests = fleet->requests->all,
        .mean_answer = fleet->answered > 0 ? fleet->answer_tokens / (double)fleet->answered : 0.0,
        .knows = knows,
    };
    uint32_t best = 0;
    double least = (double)INFINITY;
    for (uint32_t i = 0; i < pool->server_count; i++) {
        struct server *server = &pool->servers[i];
        double seconds = server->down == 0 && scaling_serves(server)
                             ? completion_seconds(&outlook, server, request)
                             : (double)INFINITY;
        if (seconds < least) {
            best = i;
            least = seconds;
        }
    }
    return best;
}

static uint32_t choose_predicted(struct fleet *fleet, struct pool *pool,
                                 const struct request *request)
{
    return choose(fleet, pool, request, false);
}

static uint32_t choose_oracle(struct fleet *fleet, struct pool *pool, const struct request *request)
{
    return choose(fleet, pool, request, true);
}

const struct router_policy router_predicted_completion = {.choose = choose_predicted};
const struct router_policy router_oracle = {.choose = choose_oracle};
