/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/tally.h"

#include "sim/serving/result/metrics.h"

#include <math.h>

struct request_tally tally_open(void)
{
    return (struct request_tally){.first_seconds = (double)INFINITY};
}

/* Whether its client did not wait for its end. */
static bool given_up(const struct request *request)
{
    return request->state == REQUEST_TIMED_OUT || request->state == REQUEST_CANCELLED;
}

bool tally_was_there(const struct request *request)
{
    return request->state == REQUEST_DONE || request->state == REQUEST_REFUSED || given_up(request);
}

bool tally_measures(const struct serving_run *run, const struct request *request)
{
    return request->state == REQUEST_DONE &&
           request->arrival_seconds >= run->serving->warm_up_seconds;
}

static bool is_good(const struct serving_run *run, const struct request *request)
{
    const struct request_class *of = serving_class(run->serving, request->class_index);
    bool soon = of->slo_ttft_seconds <= 0.0 ||
                serving_ttft_seconds(request, request->first_token_seconds) <= of->slo_ttft_seconds;
    bool fast =
        of->slo_tpot_seconds <= 0.0 || serving_tpot_seconds(request) <= of->slo_tpot_seconds;
    return soon && fast;
}

/* What of a stretch of time lies after `from`, as a share of it. */
static double share_after(double from, double begin, double end)
{
    return end > begin ? fmin(1.0, fmax(0.0, (end - from) / (end - begin))) : end >= from;
}

/* Adds what a request got after the warm-up, whenever it came: who still queued then is served in
 * the measured time too. A prompt is computed evenly from its first step to its first token, an
 * answer's other tokens come evenly until the last. */
static void add_served(const struct serving_run *run, const struct request *request,
                       struct request_tally *tally)
{
    double from = run->serving->warm_up_seconds;
    double first = request->first_token_seconds, last = request->last_token_seconds;
    tally->served += last >= from;
    tally->input_tokens_served +=
        request->prompt_tokens * share_after(from, request->scheduled_seconds, first);
    tally->output_tokens_served +=
        (first >= from) + (request->output_tokens - 1) * share_after(from, first, last);
}

static void add_completed(const struct serving_run *run, const struct request *request,
                          struct request_tally *tally)
{
    double prompt = request->prompt_tokens, cached = request->cached_tokens;
    double decodes = request->output_tokens - 1.0, computed = fmax(1.0, prompt - cached);
    double tokens = prompt + request->output_tokens - 1.0 - cached;
    tally->max_keys = fmax(tally->max_keys, prompt + request->output_tokens);
    tally->flops += llm_forward_flops(&run->scenario->llm, tokens, cached);
    tally->answer_tokens += request->output_tokens;
    tally->computed_tokens += computed;
    tally->computed_pairs += computed * (cached + 0.5 * computed);
    tally->decodes += decodes;
    tally->contexts += decodes * (prompt + 0.5 * decodes);
    tally->lengths += decodes * (prompt + decodes);
    add_served(run, request, tally);
}

static void add_measured(const struct serving_run *run, const struct request *request,
                         struct request_tally *tally)
{
    tally->measured++;
    tally->good += is_good(run, request);
    tally->hit_tokens += request->cached_tokens;
    tally->found_tokens[TIER_HOST] += request->host_tokens;
    tally->found_tokens[TIER_REMOTE] += request->remote_tokens;
    tally->loads += request->host_tokens + request->remote_tokens > 0;
    tally->load_seconds += (double)request->load_seconds;
    tally->move_seconds += (double)request->move_seconds;
    tally->room_seconds += (double)request->room_seconds;
    tally->input_tokens += request->prompt_tokens;
    tally->output_tokens += request->output_tokens;
    tally->first_seconds = fmin(tally->first_seconds, request->arrival_seconds);
    tally->last_seconds = fmax(tally->last_seconds, request->last_token_seconds);
}

void tally_add(struct request_tally *tally, const struct serving_run *run,
               const struct request *request)
{
    tally->requests++;
    tally->completed += request->state == REQUEST_DONE;
    tally->rejected += request->state == REQUEST_REJECTED;
    tally->lost += request->state == REQUEST_LOST;
    tally->refused += request->state == REQUEST_REFUSED;
    tally->timed_out += request->state == REQUEST_TIMED_OUT;
    tally->cancelled += request->state == REQUEST_CANCELLED;
    tally->wasted_tokens += given_up(request) ? request->generated_tokens : 0;
    tally->retries += request->retries;
    tally->preemptions += request->preemptions;
    tally->adapted += request->adapter > 0 && request->scheduled_seconds >= 0.0;
    tally->held_back += request->held;
    if (request->state == REQUEST_DONE) {
        add_completed(run, request, tally);
    }
    if (tally_measures(run, request)) {
        add_measured(run, request, tally);
    }
}
