/* SPDX-License-Identifier: MIT
 * Earliest deadline first, with steps no longer than targets allow (the ideas of Niyama, arXiv
 * 2503.22562, and SLOs-Serve, arXiv 2504.08784; neither's code). All that decode go on. What a step
 * takes is predicted by its price, and prompts get as many tokens as leave everybody in time:
 *
 * - The first token of a request is due at arrival + TTFT target, its k-th after that at first + k
 * x TPOT target. What a request is ahead of that may be spent on others' prompts.
 * - Prompts come in the order in which they are due, half-computed ones too. Who cannot be in time
 *   any more, or has no target, comes after those, in the order of arrival.
 * - No prompts make a step so long that a newcomer of the most urgent class could not be in time.
 * - Nobody is let in beside whom a step that decodes alone would be slower than the tightest
 * target.
 * - Who has missed a target binds nobody.
 *
 * Who knows how long answers are (the oracle) sees exactly who is lost. Who does not takes an
 * answer to go on for as long as the mean of those that have ended. */
#include "sim/serving/batching/policy.h"
#include "sim/serving/batching/step_cost.h"

#include <math.h>

/* Prices are asked for at so many numbers of tokens, and of sequences, to an octave; the next one
 * up counts. */
enum { STEPS_PER_OCTAVE = 16 };

struct outlook {
    struct batch_view *view;
    struct decision *decision;
    bool knows;              /* how long answers are */
    uint32_t decided;        /* shares of those who decode */
    struct step_shape shape; /* of what is decided so far ... */
    double seconds;          /* ... that it takes ... */
    double allowed_seconds;  /* ... and may take */
    double decode_seconds;   /* of those who decode alone */
    double pace_seconds;     /* the tightest time per token of those who can keep theirs */
    double context_tokens;   /* of all that run */
    bool closed;             /* nobody new is let in */
};

/* The distance of numbers with so many of them to an octave, at that value. */
static double spacing(double value)
{
    int exponent = 0;
    frexp(fmax(value, STEPS_PER_OCTAVE), &exponent); /* value is from 2^(exponent - 1) on */
    return ldexp(1.0 / STEPS_PER_OCTAVE, exponent - 1);
}

static double round_up(double value)
{
    double each = spacing(value);
    return ceil(value / each) * each;
}

/* Of answers and a prompt of `tokens`, each of which looks back at `keys` on average. */
static double price(const struct outlook *outlook, uint32_t decodes, double context, double tokens,
                    double keys)
{
    const struct batch_hooks *hooks = &outlook->view->hooks;
    const struct step_shape shape = {.decodes = decodes,
                                     .decode_context = context,
                                     .prompts = tokens > 0.0,
                                     .prompt_tokens = (uint64_t)tokens,
                                     .prompt_pairs = tokens * keys};
    return decodes > 0 || tokens > 0.0 ? hooks->step_seconds(hooks->data, &shape) : 0.0;
}

/* A prompt's own price, between those of keys an octave apart. */
static double prompt_price(const struct outlook *outlook, double tokens, double keys)
{
    double low = 0.5 * tokens; /* nothing of it is cached */
    while (2.0 * low < keys) {
        low *= 2.0;
    }
    double below = price(outlook, 0, 0.0, tokens, low);
    double above = keys > low ? price(outlook, 0, 0.0, tokens, 2.0 * low) : below;
    return below + (above - below) * fmax(0.0, keys / low - 1.0);
}

/* Of answers beside a prompt of which nothing is cached, between contexts an octave apart: beside
 * prompts their attention is another kernel's. */
static double mixed_price(const struct outlook *outlook, uint32_t decodes, double context,
                          double tokens)
{
    int exponent = 0;
    frexp(fmax(context, 1.0), &exponent);
    double low = ldexp(1.0, exponent - 1);
    double below = price(outlook, decodes, low, tokens, 0.5 * tokens);
    double above = decodes > 0 ? price(outlook, decodes, 2.0 * low, tokens, 0.5 * tokens) : below;
    return below + (above - below) * fmax(0.0, context / low - 1.0);
}

/* What a step takes. A few thousand prices answer for all of a run: what prompts look back at is
 * added as it is where they are alone. */
static double predict(const struct outlook *outlook, const struct step_shape *shape)
{
    uint32_t decodes = (uint32_t)round_up(shape->decodes);
    double tokens = round_up((double)shape->prompt_tokens);
    if (shape->prompt_tokens == 0) {
        return price(outlook, decodes, shape->decode_context, 0.0, 0.0);
    }
    double keys = shape->prompt_pairs / (double)shape->prompt_tokens;
    return mixed_price(outlook, decodes, shape->decode_context, tokens) +
           prompt_price(outlook, tokens, keys) - prompt_price(outlook, tokens, 0.5 * tokens);
}

static const struct batch_target *target_of(const struct batch_view *view,
                                            const struct request *request)
{
    return &view->targets[request->class_index];
}

/* When the step of its next token has to end, of one that is to be let in or goes on with its
 * prompt. */
static double due_seconds(const struct batch_view *view, const struct request *request)
{
    const struct batch_target *target = target_of(view, request);
    double from =
        request->generated_tokens == 0 ? request->arrival_seconds : request->first_token_seconds;
    double within = request->generated_tokens == 0
                        ? target->ttft_seconds
                        : target->tpot_seconds * request->generated_tokens;
    return within > 0.0 ? from + within - view->answer_seconds : (double)INFINITY;
}

/* --- those who decode --- */

/* How long this step may take if `more` tokens after it come as fast as who decodes alone. */
static double slack(const struct outlook *outlook, const struct request *request, double more)
{
    const struct batch_view *view = outlook->view;
    double tpot = target_of(view, request)->tpot_seconds, begin = view->begin_seconds;
    double first =
        request->generated_tokens > 0 ? request->first_token_seconds - view->answer_seconds : begin;
    double number = (double)request->generated_tokens + request->expected_tokens -
                    (view->limits.ahead ? 1.0 : 0.0);
    return first + number * tpot - begin + more * (tpot - outlook->decode_seconds);
}

static bool missed_first(const struct batch_view *view, const struct request *request)
{
    double ttft = target_of(view, request)->ttft_seconds;
    double first =
        request->generated_tokens > 0 ? request->first_token_seconds : view->begin_seconds;
    return ttft > 0.0 && first > request->arrival_seconds + ttft;
}

/* How long the step may take for one that decodes in it; infinity: it binds nobody. */
static double allowed(const struct outlook *outlook, const struct request *request)
{
    const struct batch_view *view = outlook->view;
    if (target_of(view, request)->tpot_seconds <= 0.0 || missed_first(view, request)) {
        return (double)INFINITY;
    }
    double mean = view->ended > 0 ? view->ended_tokens / (double)view->ended : 0.0;
    double left = (double)request->output_tokens - request->generated_tokens - 1.0;
    left = outlook->knows ? fmax(0.0, left) : mean;
    double decode = outlook->decode_seconds, now = slack(outlook, request, 0.0);
    bool lost = now < decode && slack(outlook, request, left) < decode;
    return lost ? (double)INFINITY : fmax(now, decode);
}

/* The longest step beside which one that comes now, of any class, can be in time: it waits for
 * those under way, and has as long for its own prompt. */
static double newcomer_seconds(const struct batch_view *view)
{
    double tightest = (double)INFINITY;
    for (uint32_t i = 0; i < view->target_count; i++) {
        double ttft = view->targets[i].ttft_seconds;
        tightest = ttft > 0.0 ? fmin(tightest, ttft) : tightest;
    }
    return tightest / (view->limits.ahead ? 3.0 : 2.0);
}

static struct outlook look(struct batch_view *view, struct decision *decision, bool knows)
{
    struct outlook outlook = {
        .view = view,
        .decision = decision,
        .knows = knows,
        .allowed_seconds = newcomer_seconds(view),
        .pace_seconds = (double)INFINITY,
        .decided = decision->share_count,
        .shape = {.decodes = decision->decode_count},
    };
    if (decision->decode_count > 0) {
        outlook.shape.decode_context = (double)decision->decode_context / decision->decode_count;
    }
    outlook.decode_seconds = outlook.seconds = predict(&outlook, &outlook.shape);
    for (uint32_t i = 0; i < view->running_count; i++) {
        const struct request *request = batch_request(view, view->running[i]);
        double tpot = target_of(view, request)->tpot_seconds;
        outlook.context_tokens += request_target(request);
        double may = missed_first(view, request) ? (double)INFINITY : tpot;
        if (!request->in_prompt) {
            may = allowed(&outlook, request);
            outlook.allowed_seconds = fmin(outlook.allowed_seconds, may);
        }
        if (tpot > 0.0 && isfinite(may)) {
            outlook.pace_seconds = fmin(outlook.pace_seconds, tpot);
        }
    }
    return outlook;
}

/* --- whose prompt is next --- */

struct candidate {
    uint32_t request; /* REQUEST_NONE: nobody */
    uint32_t place;   /* among those who run; UINT32_MAX: it waits */
    double due_seconds;
};

static void add_prompt(struct step_shape *shape, double computed, double tokens)
{
    shape->prompts++;
    shape->prompt_tokens += (uint64_t)tokens;
    shape->prompt_pairs += tokens * (computed + 0.5 * tokens);
}

/* Whether its next token can be in time, behind what is decided already: its prompt from `computed`
 * on, in as many steps as it takes. */
static bool in_time(const struct outlook *outlook, const struct request *request, double due,
                    double computed)
{
    const struct batch_view *view = outlook->view;
    double tokens = request_target(request) - computed;
    double room = (double)view->limits.step_tokens - outlook->shape.decodes;
    double step = fmax(1.0, fmin(tokens, room));
    struct step_shape shape = {.decodes = outlook->shape.decodes,
                               .decode_context = outlook->shape.decode_context};
    add_prompt(&shape, computed + 0.5 * (tokens - step), step);
    double before = outlook->seconds - outlook->decode_seconds;
    return view->begin_seconds + before + predict(outlook, &shape) * fmax(1.0, tokens / step) <=
           due;
}

/* When it is due; infinity: at no time, or it cannot be in time. */
static double deadline_of(const struct outlook *outlook, const struct request *request,
                          double before)
{
    const struct batch_view *view = outlook->view;
    double due = due_seconds(view, request), computed = request->computed_tokens;
    if (due <= view->begin_seconds || due >= before) {
        return due >= before ? due : (double)INFINITY;
    }
    bool held = request->holder != 0;
    if (in_time(outlook, request, due, computed) ||
        (!held && in_time(outlook, request, due, batch_cached(outlook->view, request)))) {
        return due;
    }
    return (double)INFINITY;
}

static void weigh(const struct outlook *outlook, struct candidate *best, uint32_t id,
                  uint32_t place)
{
    const struct request *request = batch_request(outlook->view, id);
    double due = deadline_of(outlook, request, best->due_seconds);
    bool first = best->request == REQUEST_NONE || due < best->due_seconds;
    if (!first && due >= best->due_seconds && !isfinite(best->due_seconds)) {
        first =
            request->arrival_seconds < batch_request(outlook->view, best->request)->arrival_seconds;
    }
    if (first) {
        *best = (struct candidate){.request = id, .place = place, .due_seconds = due};
    }
}

static bool has_share(const struct decision *decision, uint32_t from, uint32_t id)
{
    for (uint32_t i = from; i < decision->share_count; i++) {
        if (decision->shares[i].request == id) {
            return true;
        }
    }
    return false;
}

static struct candidate next_prompt(const struct outlook *outlook)
{
    struct batch_view *view = outlook->view;
    struct candidate best = {.request = REQUEST_NONE, .due_seconds = (double)INFINITY};
    for (uint32_t i = 0; i < view->running_count; i++) {
        uint32_t id = view->running[i];
        if (batch_request(view, id)->in_prompt &&
            !has_share(outlook->decision, outlook->decided, id)) {
            weigh(outlook, &best, id, i);
        }
    }
    if (!outlook->closed && batch_has_seat(view)) {
        for (uint32_t id = view->waiting.first; id != REQUEST_NONE;
             id = batch_request(view, id)->next) {
            weigh(outlook, &best, id, UINT32_MAX);
        }
    }
    return best;
}

/* --- what it gets --- */

/* The most of a request's prompt from `computed` on that the step has time and tokens for. */
static uint64_t fitting(const struct outlook *outlook, const struct request *request,
                        double computed)
{
    uint64_t tokens = request_target(request) - (uint64_t)computed;
    uint64_t budget = batch_budget(outlook->view, outlook->decision);
    uint64_t low = 0, high = tokens < budget ? tokens : budget, next = high;
    while (next > 0) {
        struct step_shape shape = outlook->shape;
        add_prompt(&shape, computed, (double)next);
        if (predict(outlook, &shape) > outlook->allowed_seconds) {
            high = next;
        } else if (next == high) {
            return high; /* all of it */
        } else {
            low = next;
        }
        double middle = (double)(low + high) / 2.0, each = spacing(middle);
        if ((double)(high - low) <= each) {
            break;
        }
        next = (uint64_t)(floor(middle / each) * each);
        next = next > low ? next : low + 1;
    }
    return low;
}

/* The same, but that a step with nobody else has something to do, whatever the targets. `whole`: a
 * prompt comes in one step. */
static uint64_t part_of(const struct outlook *outlook, const struct request *request,
                        double computed, bool whole)
{
    bool alone = outlook->decision->share_count == 0;
    uint64_t most = alone && whole ? 0 : fitting(outlook, request, computed);
    return most == 0 && alone ? batch_budget(outlook->view, outlook->decision) : most;
}

/* Whether one that is to be let in has a time per token that it can keep. */
static bool binds(const struct batch_view *view, const struct candidate *candidate)
{
    const struct batch_target *target = target_of(view, batch_request(view, candidate->request));
    return target->tpot_seconds > 0.0 &&
           (target->ttft_seconds <= 0.0 || isfinite(candidate->due_seconds));
}

/* Whether those who run keep their pace when one more decodes beside them, and it its own. */
static bool keeps_pace(const struct outlook *outlook, const struct candidate *candidate)
{
    const struct batch_view *view = outlook->view;
    const struct request *request = batch_request(view, candidate->request);
    double tpot = target_of(view, request)->tpot_seconds, sequences = view->running_count + 1.0;
    double pace =
        binds(view, candidate) ? fmin(tpot, outlook->pace_seconds) : outlook->pace_seconds;
    if (view->running_count == 0 || view->limits.prompts_only || !isfinite(pace)) {
        return true;
    }
    const struct step_shape shape = {
        .decodes = view->running_count + 1,
        .decode_context = (outlook->context_tokens + request_target(request)) / sequences};
    return predict(outlook, &shape) <= pace;
}

/* The step's last share counts. */
static void take_in(struct outlook *outlook)
{
    const struct batch_view *view = outlook->view;
    const struct share *share = &outlook->decision->shares[outlook->decision->share_count - 1];
    const struct request *request = batch_request(view, share->request);
    double due = due_seconds(view, request);
    add_prompt(&outlook->shape, share->computed, share->tokens);
    outlook->seconds = predict(outlook, &outlook->shape);
    if (share->samples && view->begin_seconds + outlook->seconds <= due) {
        outlook->allowed_seconds = fmin(outlook->allowed_seconds, due - view->begin_seconds);
    }
}

static bool let_in(struct outlook *outlook, const struct candidate *candidate)
{
    struct batch_view *view = outlook->view;
    struct decision *decision = outlook->decision;
    uint32_t id = candidate->request, shares = decision->share_count;
    const struct request *request = batch_request(view, id);
    if (!keeps_pace(outlook, candidate)) {
        outlook->closed = true;
        return true;
    }
    uint32_t target = request_target(request);
    double tpot = target_of(view, request)->tpot_seconds;
    queue_remove(&view->waiting, view->requests, id);
    queue_push_front(&view->waiting, view->requests, id);
    bool whole = batch_comes_whole(view);
    uint64_t most = part_of(outlook, request, batch_cached(view, request), whole);
    if (most == 0) {
        return false;
    }
    if (!batch_admit(view, decision, most, whole, false)) {
        outlook->closed = true;
        return true;
    }
    if (decision->share_count > shares) { /* else a tier sends for its cache */
        outlook->context_tokens += target;
        outlook->pace_seconds =
            binds(view, candidate) ? fmin(outlook->pace_seconds, tpot) : outlook->pace_seconds;
        take_in(outlook);
    }
    return true;
}

static bool go_on(struct outlook *outlook, const struct candidate *candidate)
{
    struct batch_view *view = outlook->view;
    struct decision *decision = outlook->decision;
    const struct request *request = batch_request(view, candidate->request);
    uint32_t shares = decision->share_count;
    uint64_t most = part_of(outlook, request, request->computed_tokens, false);
    if (most == 0 || !batch_continue_one(view, decision, candidate->place, most) ||
        decision->preempted_count > 0 || decision->share_count == shares) {
        return false;
    }
    take_in(outlook);
    return true;
}

static bool anyone_in_prompt(const struct batch_view *view)
{
    for (uint32_t i = 0; i < view->running_count; i++) {
        if (batch_request(view, view->running[i])->in_prompt) {
            return true;
        }
    }
    return false;
}

static void decide(struct batch_view *view, struct decision *decision, bool knows)
{
    if (!batch_continue(view, decision, true, false, view->limits.step_tokens) ||
        decision->preempted_count > 0 || (view->waiting.count == 0 && !anyone_in_prompt(view))) {
        return; /* nobody is let in beside one who gave way */
    }
    struct outlook outlook = look(view, decision, knows);
    for (bool more = true; more && batch_budget(view, decision) > 0;) {
        struct candidate candidate = next_prompt(&outlook);
        more = candidate.request != REQUEST_NONE &&
               (candidate.place == UINT32_MAX ? let_in(&outlook, &candidate)
                                              : go_on(&outlook, &candidate));
    }
}

static void decide_deadline(struct batch_view *view, struct decision *decision)
{
    decide(view, decision, false);
}

static void decide_oracle(struct batch_view *view, struct decision *decision)
{
    decide(view, decision, true);
}

const struct batching_policy policy_deadline = {
    .decide = decide_deadline,
};

const struct batching_policy policy_deadline_oracle = {
    .decide = decide_oracle,
};
