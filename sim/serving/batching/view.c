/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/view.h"

#include "sim/serving/batching/policy.h"

#include <assert.h>
#include <string.h>

void batch_view_create(struct batch_view *view, struct arena *arena, struct request *requests,
                       const struct batch_limits *limits, uint64_t pages,
                       const struct kv_layout *layout)
{
    *view = (struct batch_view){
        .limits = *limits,
        .requests = requests,
        .waiting = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .running = ARENA_ARRAY(arena, uint32_t, limits->sequences + 1),
        .landed = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .passed = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .given_up = REQUEST_NONE,
    };
    kv_cache_create(&view->kv, arena, pages, layout);
}

void batch_view_adapters(struct batch_view *view, struct arena *arena, uint32_t adapters)
{
    view->adapter_marks = ARENA_ARRAY(arena, uint32_t, adapters + 1);
    view->adapter_coming = ARENA_ARRAY(arena, uint32_t, adapters + 1);
    view->adapter_total = adapters;
}

void decision_create(struct decision *decision, struct arena *arena,
                     const struct batch_limits *limits)
{
    *decision = (struct decision){
        .shares = ARENA_ARRAY(arena, struct share, limits->sequences + 2),
        .preempted = ARENA_ARRAY(arena, uint32_t, limits->sequences + 2),
    };
}

static bool is_running(const struct request *request)
{
    return request->state == REQUEST_RUNNING;
}

void batch_set_pending(struct batch_view *view, struct request *request, uint32_t tokens)
{
    view->pending_tokens += tokens;
    view->pending_tokens -= request->pending_tokens;
    request->pending_tokens = tokens;
}

void batch_enqueue(struct batch_view *view, uint32_t id)
{
    struct request *request = batch_request(view, id);
    request->state = REQUEST_WAITING;
    batch_set_pending(view, request, request_target(request) - request->computed_tokens);
    if (view->policy != NULL) {
        view->policy->enqueue(view, id);
    } else if (view->limits.by_priority) {
        queue_insert(&view->waiting, view->requests, id);
    } else {
        queue_push(&view->waiting, view->requests, id);
    }
}

void batch_join(struct batch_view *view, uint32_t id)
{
    batch_request(view, id)->state = REQUEST_RUNNING;
    batch_request(view, id)->in_prompt = false;
    batch_request(view, id)->draft_tokens = view->limits.draft_tokens;
    view->running[view->running_count++] = id;
}

/* --- a decision --- */

void decision_clear(struct decision *decision)
{
    decision->share_count = decision->admitted_count = decision->preempted_count = 0;
    decision->tokens = decision->swapped_tokens = decision->loaded_tokens = 0;
    decision->decode_count = 0;
    decision->decode_context = 0;
    decision->adapters = 0;
    decision->adapter_tokens = 0;
}

/* --- adapters --- */

static bool is_counted(const struct batch_view *view, uint32_t adapter)
{
    return adapter == 0 || view->adapter_marks[adapter] == view->adapter_round;
}

static void count_adapter(struct batch_view *view, uint32_t adapter)
{
    view->adapter_count += !is_counted(view, adapter);
    view->adapter_marks[adapter] = adapter > 0 ? view->adapter_round : 0;
}

void batch_count_adapter(struct batch_view *view, uint32_t request)
{
    count_adapter(view, batch_request(view, request)->adapter);
}

void batch_count_adapters(struct batch_view *view)
{
    view->adapter_round++;
    view->adapter_count = 0;
    for (uint32_t i = 0; i < view->running_count; i++) {
        count_adapter(view, batch_request(view, view->running[i])->adapter);
    }
    for (uint32_t i = 1; view->incoming > 0 && i <= view->adapter_total; i++) {
        if (view->adapter_coming[i] > 0) {
            count_adapter(view, i);
        }
    }
}

void batch_expect_adapter(struct batch_view *view, uint32_t request, int change)
{
    if (view->limits.adapters > 0) {
        view->adapter_coming[batch_request(view, request)->adapter] += (uint32_t)change;
    }
}

bool batch_fits_adapter(struct batch_view *view)
{
    while (view->waiting.count > 0) {
        uint32_t id = view->waiting.first;
        struct request *request = batch_request(view, id);
        if (view->adapter_count < view->limits.adapters || is_counted(view, request->adapter)) {
            return true;
        }
        request->held = true;
        queue_pop(&view->waiting, view->requests);
        queue_push(&view->passed, view->requests, id);
    }
    return false;
}

/* Those who were passed over are first again, in their order. */
static void put_back(struct batch_view *view)
{
    struct request_queue *passed = &view->passed, *waiting = &view->waiting;
    if (passed->count == 0) {
        return;
    }
    if (waiting->count == 0) {
        waiting->last = passed->last;
    } else {
        view->requests[passed->last].next = waiting->first;
    }
    waiting->first = passed->first;
    waiting->count += passed->count;
    *passed = (struct request_queue){.first = REQUEST_NONE, .last = REQUEST_NONE};
}

static void count_shares(struct batch_view *view, struct decision *decision)
{
    view->adapter_round++;
    view->adapter_count = 0;
    for (uint32_t i = 0; i < decision->share_count; i++) {
        const struct share *share = &decision->shares[i];
        uint32_t adapter = batch_request(view, share->request)->adapter;
        decision->adapter_tokens += adapter > 0 ? share->tokens : 0;
        count_adapter(view, adapter);
    }
    decision->adapters = view->adapter_count;
}

void batch_decide(struct batch_view *view, const struct batching_policy *policy,
                  struct decision *decision)
{
    decision_clear(decision);
    if (view->limits.adapters == 0) {
        policy->decide(view, decision);
        return;
    }
    batch_count_adapters(view);
    policy->decide(view, decision);
    put_back(view);
    count_shares(view, decision);
}

/* What a running request could get now, at most `most`. */
static inline uint32_t missing_tokens(const struct batch_view *view, const struct request *request,
                                      uint64_t most)
{
    const struct batch_limits *limits = &view->limits;
    uint64_t answer = limits->prompts_only ? 1 : request->output_tokens;
    /* Even if all drafts under way are rejected, its last token is among what comes. */
    if (request->expected_tokens > 0 &&
        (uint64_t)request->computed_tokens + 2 >=
            request->prompt_tokens + answer + request->expected_tokens) {
        return 0;
    }
    uint64_t known =
        (uint64_t)request_target(request) + request->draft_tokens + request->expected_tokens;
    uint64_t missing = known - request->computed_tokens;
    missing =
        limits->chunk_tokens > 0 && missing > limits->chunk_tokens ? limits->chunk_tokens : missing;
    missing = missing < most ? missing : most;
    uint64_t end = request->computed_tokens + UINT64_C(1);
    uint64_t left = limits->model_tokens > end ? limits->model_tokens - end : 0;
    return (uint32_t)(missing < left ? missing : left);
}

/* What is scheduled counts as computed at once, so that prompts go on in the very next step. Who
 * schedules ahead counts the token that will come as known, and all drafts as accepted. */
static inline void add_share(struct batch_view *view, struct decision *decision, uint32_t id,
                             uint32_t tokens)
{
    struct request *request = batch_request(view, id);
    uint32_t known = request_target(request) + request->expected_tokens;
    uint32_t computed = request->computed_tokens, end = computed + tokens;
    uint32_t drafts = request->draft_tokens > 0 && end > known ? end - known : 0;
    drafts = drafts < request->draft_tokens ? drafts : request->draft_tokens;
    bool decodes = computed >= request->prompt_tokens && tokens == 1 + drafts;
    bool samples = end >= known;
    decision->shares[decision->share_count++] = (struct share){.request = id,
                                                               .tokens = tokens,
                                                               .computed = computed,
                                                               .drafts = drafts,
                                                               .was_in_prompt = request->in_prompt,
                                                               .samples = samples,
                                                               .decodes = decodes};
    decision->tokens += tokens;
    decision->decode_count += decodes;
    decision->decode_context += decodes ? computed : 0;
    request->computed_tokens = end;
    request->in_prompt = !samples;
    request->draft_tokens = 0;
    if (view->limits.ahead && samples) {
        request->expected_tokens += 1 + drafts;
        request->draft_tokens = view->limits.draft_tokens;
    }
}

/* --- giving way --- */

/* Its blocks are free, its answer so far is kept and will be computed again as if prompt. */
static void preempt(struct batch_view *view, struct decision *decision, uint32_t id)
{
    struct request *request = batch_request(view, id);
    if (view->limits.swaps && !request->in_prompt) {
        request->swapped_tokens = request->computed_tokens;
        decision->swapped_tokens += request->computed_tokens;
    }
    batch_set_pending(view, request, request_target(request));
    kv_cache_set_aside(&view->kv, request);
    request->computed_tokens = request->draft_tokens = 0;
    request->state = REQUEST_WAITING;
    request->preemptions++;
    view->preemptions++;
    decision->preempted[decision->preempted_count++] = id;
    if (view->limits.by_priority) {
        queue_insert(&view->waiting, view->requests, id);
    } else {
        queue_push_front(&view->waiting, view->requests, id);
    }
}

/* Takes back what the request got in this step; false when it got nothing. The labels of what it
 * would have computed stay, as in vLLM 0.24 (rule 18). */
static bool take_back(const struct batch_view *view, struct decision *decision, uint32_t id)
{
    uint32_t place = 0;
    while (place < decision->share_count && decision->shares[place].request != id) {
        place++;
    }
    if (place == decision->share_count) {
        return false;
    }
    struct share share = decision->shares[place];
    struct request *request = batch_request(view, id);
    request->computed_tokens = share.computed;
    request->in_prompt = share.was_in_prompt;
    request->expected_tokens -= view->limits.ahead && share.samples ? 1 + share.drafts : 0;
    decision->tokens -= share.tokens;
    decision->decode_count -= share.decodes;
    decision->decode_context -= share.decodes ? share.computed : 0;
    decision->share_count--;
    memmove(&decision->shares[place], &decision->shares[place + 1],
            (decision->share_count - place) * sizeof *decision->shares);
    return true;
}

/* The place of who gives way: the last, or the least important of all. */
static uint32_t victim_of(const struct batch_view *view)
{
    uint32_t victim = view->running_count - 1;
    for (uint32_t i = 0; view->limits.by_priority && i < view->running_count; i++) {
        if (request_precedes(batch_request(view, view->running[victim]),
                             batch_request(view, view->running[i]))) {
            victim = i;
        }
    }
    return victim;
}

/* Others give way until the request has what it wishes; false when it had to itself. */
static bool make_room(struct batch_view *view, struct decision *decision, uint32_t *index,
                      const struct kv_wish *wish)
{
    uint32_t id = view->running[*index];
    while (!kv_cache_grow(&view->kv, batch_request(view, id), wish)) {
        uint32_t place = victim_of(view), victim = view->running[place];
        view->running_count--;
        memmove(&view->running[place], &view->running[place + 1],
                (view->running_count - place) * sizeof *view->running);
        /* vLLM 0.24 goes back a place only if the victim had got something: when it was passed
         * over, the next one is, too. */
        *index -= take_back(view, decision, victim);
        preempt(view, decision, victim);
        if (victim == id) {
            return false;
        }
    }
    return true;
}

static inline bool go_on(struct batch_view *view, struct decision *decision, uint32_t *index,
                         uint64_t most)
{
    const struct batch_limits *limits = &view->limits;
    uint32_t id = view->running[*index];
    const struct request *request = batch_request(view, id);
    uint32_t tokens = missing_tokens(view, request, most), known = request_target(request);
    if (tokens == 0) {
        return true;
    }
    uint64_t end = (uint64_t)request->computed_tokens + tokens, room = end + limits->look_ahead;
    if (!kv_cache_is_ready(&view->kv, request, room, end < known ? end : known)) {
        const struct kv_wish wish = {
            .computed = request->computed_tokens,
            .tokens = tokens,
            .known = known,
            .look_ahead = limits->look_ahead,
            .most = limits->model_tokens,
        };
        if (!make_room(view, decision, index, &wish)) {
            return false;
        }
    }
    add_share(view, decision, id, tokens);
    return true;
}

/* The next tokens of those that decode without drafts, one after the other from `place` on, where
 * there is room for them: nearly every share of nearly every step, and the same as go_on() gives.
 * Returns the place of the first with whom it is not so simple. */
static inline uint32_t go_on_simply(struct batch_view *view, struct decision *decision,
                                    uint32_t place, uint64_t budget)
{
    const struct batch_limits *limits = &view->limits;
    if (limits->draft_tokens > 0 || !view->kv.grouped) {
        return place;
    }
    const uint32_t *running = view->running;
    const struct kv_table *tables = view->kv.tables;
    size_t table_count = view->kv.table_count;
    uint32_t most_answer = limits->prompts_only ? 1 : UINT32_MAX, longest = limits->model_tokens;
    uint64_t look_ahead = limits->look_ahead, context = 0, count = view->running_count;
    uint64_t least =
        budget - decision->tokens < count - place ? budget - decision->tokens : count - place;
    struct share *share = &decision->shares[decision->share_count], *last = share + least;
    uint32_t ahead = limits->ahead, taken = 0;
    for (; share < last; share++, place++, taken++) {
        uint32_t id = running[place];
        struct request *request = batch_request(view, id);
        uint32_t computed = request->computed_tokens, end = computed + 1;
        uint32_t expected = request->expected_tokens, prompt = request->prompt_tokens;
        uint32_t answer =
            request->output_tokens < most_answer ? request->output_tokens : most_answer;
        const struct kv_table *table = &tables[request->holder * table_count];
        if (request->in_prompt || request->draft_tokens > 0 ||
            end != prompt + request->generated_tokens + expected || computed < prompt ||
            (expected > 0 && end + 1 >= prompt + answer + expected) || end >= longest) {
            break;
        }
        if (end + look_ahead > table->room || end >= table->due) { /* so is nobody's table, too */
            const struct kv_wish wish = {.computed = computed,
                                         .tokens = 1,
                                         .known = end - expected,
                                         .look_ahead = look_ahead,
                                         .most = longest};
            if (request->holder == 0 || !kv_cache_grow(&view->kv, request, &wish)) {
                break;
            }
        }
        *share = (struct share){
            .request = id, .tokens = 1, .computed = computed, .samples = true, .decodes = true};
        context += computed;
        request->computed_tokens = end;
        request->expected_tokens = expected + ahead;
    }
    decision->share_count += taken;
    decision->tokens += taken;
    decision->decode_count += taken;
    decision->decode_context += context;
    return place;
}

bool batch_continue(struct batch_view *view, struct decision *decision, bool decodes, bool prompts,
                    uint64_t budget)
{
    for (uint32_t i = 0; i < view->running_count && decision->tokens < budget; i++) {
        if (decodes) {
            i = go_on_simply(view, decision, i, budget);
            if (i == view->running_count || decision->tokens >= budget) {
                return true;
            }
        }
        bool wanted = batch_request(view, view->running[i])->in_prompt ? prompts : decodes;
        if (wanted && !go_on(view, decision, &i, budget - decision->tokens)) {
            return false;
        }
    }
    return true;
}

bool batch_continue_one(struct batch_view *view, struct decision *decision, uint32_t place,
                        uint64_t most)
{
    return go_on(view, decision, &place, most);
}

/* --- letting in --- */

/* Blocks that a request still needs for what is known, beyond those of its first `tokens`. */
static uint64_t blocks_beyond(const struct batch_view *view, const struct request *request,
                              uint32_t tokens)
{
    return kv_cache_blocks_of(&view->kv, request_target(request)) -
           kv_cache_blocks_of(&view->kv, tokens);
}

/* One that waits has what a tier had of it, and holds the blocks. */
static bool is_loaded(const struct request *request)
{
    return request->state == REQUEST_WAITING && request->holder != 0;
}

/* The first of the queue holds its first `cached` tokens and room for `tokens` more, which a tier
 * has and which come from now on. It cannot give way meanwhile: all that it needs must fit beside
 * what others like it were promised (vLLM, Scheduler._inflight_prefill_reserved_blocks()). */
static bool send_for(struct batch_view *view, struct request *request, uint32_t cached,
                     uint32_t tokens)
{
    const struct kv_wish wish = {
        .hit = true,
        .computed = cached,
        .tokens = tokens,
        .known = request_target(request),
        .most = view->limits.model_tokens,
        .spare = view->promised_blocks + (view->running_count > 0 ? view->limits.spare_blocks : 0),
        .whole = true,
        .on_their_way = true,
    };
    if (!kv_cache_grow(&view->kv, request, &wish)) {
        return false;
    }
    uint32_t id = queue_pop(&view->waiting, view->requests);
    request->state = REQUEST_MOVING;
    request->computed_tokens = cached + tokens;
    view->promised_blocks += blocks_beyond(view, request, cached + tokens);
    view->incoming++;
    view->hooks.load(view->hooks.data, id, cached, tokens);
    return true;
}

void batch_loaded(struct batch_view *view, uint32_t id)
{
    struct request *request = batch_request(view, id);
    view->incoming--;
    request->state = REQUEST_WAITING;
    kv_cache_label(&view->kv, request, request->computed_tokens);
    queue_return(&view->waiting, view->requests, id);
}

bool batch_admit(struct batch_view *view, struct decision *decision, uint64_t most, bool whole,
                 bool whole_answer)
{
    const struct batch_limits *limits = &view->limits;
    uint32_t id = view->waiting.first;
    struct request *request = batch_request(view, id);
    uint32_t known = request_target(request), swapped = request->swapped_tokens;
    bool loaded = is_loaded(request);
    uint32_t cached = swapped > 0 ? swapped
                      : loaded    ? request->computed_tokens
                                  : kv_cache_match(&view->kv, request, known);
    uint32_t below = 0; /* that come within the step */
    if (view->hooks.look_up != NULL && swapped == 0 && !loaded) {
        below = view->hooks.look_up(view->hooks.data, id, cached);
        if (below > 0 && !view->hooks.by_layer) {
            return send_for(view, request, cached, below);
        }
        cached += below;
    }
    uint64_t tokens = known - cached;
    tokens =
        limits->chunk_tokens > 0 && tokens > limits->chunk_tokens ? limits->chunk_tokens : tokens;
    if (whole && tokens > most) {
        return false;
    }
    tokens = tokens < most ? tokens : most;
    uint64_t all = (uint64_t)request->prompt_tokens + request->output_tokens;
    const struct kv_wish wish = {
        .hit = swapped == 0 && !loaded,
        .computed = cached - below,
        .tokens = below + tokens,
        .known = known,
        .look_ahead =
            whole_answer ? all - cached - tokens + batch_slack(limits) : limits->look_ahead,
        .most = limits->model_tokens,
        .spare = view->running_count > 0 ? limits->spare_blocks : 0,
        .whole = limits->reserves_prompt,
        .on_their_way = below > 0,
    };
    if (!kv_cache_grow(&view->kv, request, &wish)) {
        return false;
    }
    if (loaded) {
        view->promised_blocks -= blocks_beyond(view, request, cached);
    }
    if (below > 0) {
        kv_cache_label(&view->kv, request, cached + tokens);
        view->hooks.load(view->hooks.data, id, cached - below, below);
        decision->loaded_tokens += below;
    }
    queue_pop(&view->waiting, view->requests);
    batch_set_pending(view, request, known - cached);
    view->running[view->running_count++] = id;
    decision->swapped_tokens += swapped;
    decision->admitted_count++;
    request->state = REQUEST_RUNNING;
    request->in_prompt = true;
    request->swapped_tokens = 0;
    if (view->limits.adapters > 0) {
        count_adapter(view, request->adapter);
    }
    request->computed_tokens = cached;
    if (request->scheduled_seconds < 0.0) {
        request->scheduled_seconds = view->now_seconds;
        request->cached_tokens = cached;
    }
    add_share(view, decision, id, (uint32_t)tokens);
    return true;
}

/* --- a step's end --- */

static void end(struct batch_view *view, uint32_t id)
{
    struct request *request = batch_request(view, id);
    batch_set_pending(view, request, 0);
    view->ended++;
    view->ended_tokens += request->generated_tokens;
    if (!is_running(request)) { /* it gave way, and needs no more */
        queue_remove(&view->waiting, view->requests, id);
    }
    kv_cache_release(&view->kv, request);
    request->state = REQUEST_DONE;
    view->gone = true;
}

uint32_t batch_hand_in_alike(struct batch_view *view, const struct decision *decision,
                             uint32_t from, double last_seconds, double now)
{
    const uint32_t longest = view->limits.model_tokens, ahead = view->limits.ahead;
    uint32_t place = from;
    if (view->policy != NULL || view->limits.draft_tokens > 0) {
        return 0;
    }
    for (; place < decision->share_count; place++) {
        const struct share *share = &decision->shares[place];
        struct request *request = batch_request(view, share->request);
        uint32_t generated = request->generated_tokens + 1;
        if (!share->decodes || share->drafts > 0 || generated == 1 ||
            request->last_token_seconds != last_seconds || request->state != REQUEST_RUNNING ||
            request->pending_tokens > 0 || generated >= request->output_tokens ||
            request->prompt_tokens + generated >= longest) {
            break;
        }
        request->generated_tokens = generated;
        request->last_token_seconds = now;
        if (ahead > 0) {
            uint32_t expected = --request->expected_tokens;
            kv_cache_label(&view->kv, request, request->computed_tokens - expected);
        }
    }
    return place - from;
}

uint32_t batch_hand_in(struct batch_view *view, const struct share *share, uint32_t accepted)
{
    struct request *request = batch_request(view, share->request);
    if (view->policy != NULL) {
        return view->policy->hand_in(view, share, accepted);
    }
    if (!is_running(request) && request->state != REQUEST_WAITING) {
        return 0;
    }
    if (is_running(request) && request->pending_tokens > 0) {
        uint32_t pending = request->pending_tokens;
        batch_set_pending(view, request, pending > share->tokens ? pending - share->tokens : 0);
    }
    if (!share->samples) {
        return 0;
    }
    if (view->limits.prompts_only && !is_running(request)) {
        /* It gave way with its first token under way: the cache that another replica would decode
         * with is gone, and its prompt is computed again. */
        request->expected_tokens -= view->limits.ahead ? 1 : 0;
        return 0;
    }
    uint32_t rejected = share->drafts - accepted;
    request->computed_tokens -= request->computed_tokens > 0 ? rejected : 0;
    request->expected_tokens -= request->expected_tokens > 0 ? rejected : 0;
    uint32_t left = request->output_tokens - request->generated_tokens;
    uint32_t room = view->limits.model_tokens > request_target(request)
                        ? view->limits.model_tokens - request_target(request)
                        : 1;
    uint32_t got = 1 + accepted;
    got = got < left ? got : left;
    got = got < room ? got : room;
    request->generated_tokens += got;
    if (!is_running(request)) {
        batch_set_pending(view, request, request_target(request));
    }
    if (view->limits.ahead) {
        request->expected_tokens -= got;
        if (is_running(request)) {
            kv_cache_label(&view->kv, request, request->computed_tokens - request->expected_tokens);
        }
    } else {
        request->draft_tokens = is_running(request) ? view->limits.draft_tokens : 0;
    }
    if (got == left || got == room) {
        end(view, share->request);
    }
    return got;
}

uint32_t batch_cached(struct batch_view *view, const struct request *request)
{
    return view->policy != NULL ? view->policy->cached(view, request)
                                : kv_cache_match(&view->kv, request, request_target(request));
}

void batch_fail(struct batch_view *view)
{
    if (view->policy != NULL) {
        view->policy->fail(view);
    }
}

void batch_sweep(struct batch_view *view)
{
    uint32_t kept = 0;
    if (!view->gone) {
        return;
    }
    view->gone = false;
    for (uint32_t i = 0; i < view->running_count; i++) {
        if (is_running(batch_request(view, view->running[i]))) {
            view->running[kept++] = view->running[i];
        }
    }
    view->running_count = kept;
}

void batch_remove(struct batch_view *view, uint32_t id)
{
    struct request *request = batch_request(view, id);
    if (view->policy != NULL) {
        view->policy->remove(view, id);
        return;
    }
    batch_set_pending(view, request, 0);
    if (is_loaded(request)) {
        view->promised_blocks -= blocks_beyond(view, request, request->computed_tokens);
    }
    if (request->state == REQUEST_WAITING) {
        queue_remove(&view->waiting, view->requests, id);
    }
    kv_cache_release(&view->kv, request);
    request->state = REQUEST_LOST;
    view->gone = true;
    batch_sweep(view);
}

/* --- steps alike --- */

/* All that run decode, each one token, and nobody came or went. */
static bool is_steady(const struct batch_view *view, const struct decision *decision)
{
    return decision->preempted_count == 0 && decision->admitted_count == 0 &&
           decision->share_count > 0 && decision->share_count == view->running_count &&
           decision->decode_count == decision->share_count &&
           decision->tokens == decision->share_count;
}

uint32_t batch_repeats(const struct batch_view *view, const struct decision *decision,
                       const struct decision *next, uint32_t most)
{
    if (view->policy != NULL) {
        return view->policy->repeats(view, decision, next, most);
    }
    const struct kv_layout *layout = &view->kv.layout;
    bool windows = layout->group_count > 1 || layout->groups[0].window_tokens > 0;
    if (!is_steady(view, decision) || (next != NULL && !is_steady(view, next)) ||
        (view->waiting.count > 0 &&
         (windows || view->limits.looks_again))) { /* who waits may find what a window lets go */
        return 1;
    }
    uint64_t steps = most;
    for (uint32_t i = 0; i < decision->share_count; i++) {
        const struct request *request = batch_request(view, decision->shares[i].request);
        if (!is_running(request)) {
            return 1; /* its client has gone, and another has its place */
        }
        uint32_t left = request->output_tokens - request->generated_tokens;
        left -= next != NULL; /* the step made up when its last one begins passes it over */
        steps = left < steps ? left : steps;
    }
    /* So many blocks cover the steps whatever the requests' places in their blocks. */
    uint64_t each = kv_cache_available(&view->kv) / decision->share_count;
    while (steps > 1 && each < kv_cache_most_growth(&view->kv, steps)) {
        steps /= 2;
    }
    return steps > 1 ? (uint32_t)steps : 1;
}

void batch_repeat(struct batch_view *view, struct decision *decision, struct decision *next,
                  uint32_t more)
{
    if (view->policy != NULL) {
        view->policy->repeat(view, decision, next, more);
        return;
    }
    for (uint32_t i = 0; i < decision->share_count && more > 0; i++) {
        struct request *request = batch_request(view, decision->shares[i].request);
        const struct kv_wish wish = {
            .computed = request->computed_tokens,
            .tokens = more,
            .known = request->computed_tokens + more - request->expected_tokens,
            .look_ahead = view->limits.look_ahead,
            .most = view->limits.model_tokens,
        };
        bool grown = kv_cache_grow(&view->kv, request, &wish);
        assert(grown && "steps alike are no more than the blocks last");
        (void)grown;
        request->computed_tokens += more;
        request->generated_tokens += more;
    }
    for (uint32_t i = 0; next != NULL && i < next->share_count; i++) {
        next->shares[i].computed += more;
        next->decode_context += more;
    }
}
