/* SPDX-License-Identifier: MIT
 * The scheduler of SGLang, decision for decision: prompts first, by what running requests are
 * thought to need still; when that was too little, some are retracted. */
#include "sim/serving/batching/sglang.h"

#include "sim/serving/batching/policy.h"

#include <assert.h>
#include <string.h>

enum { FIRST_ENTRIES = 64 };

struct sglang *sglang_of(const struct batch_view *view)
{
    return view->state;
}

struct sglang_entry *sglang_entry_of(const struct batch_view *view, uint32_t request)
{
    return &sglang_of(view)->entries[batch_request(view, request)->holder];
}

uint32_t *sglang_scratch(struct sglang *sglang, size_t count)
{
    if (count > sglang->scratch_capacity) {
        sglang->scratch_capacity = (uint32_t)(2 * count);
        sglang->scratch = ARENA_ARRAY(sglang->arena, uint32_t, sglang->scratch_capacity);
    }
    return sglang->scratch;
}

/* --- memory --- */

uint64_t sglang_room(const struct sglang *sglang)
{
    return sglang->free_tokens + sglang->tree.evictable;
}

/* What others see of the KV cache: what nobody holds. */
static void show_room(struct batch_view *view)
{
    view->kv.free = sglang_room(sglang_of(view)) / sglang_of(view)->settings.page_tokens;
}

/* Until so many are gone, not until so many are free (rule 28). */
void sglang_make_room(struct sglang *sglang, uint64_t tokens)
{
    if (sglang->free_tokens < tokens && sglang->settings.radix) {
        sglang->free_tokens += radix_evict(&sglang->tree, tokens);
    }
}

void sglang_take(struct batch_view *view, uint32_t id, uint32_t end)
{
    struct sglang *sglang = sglang_of(view);
    struct sglang_entry *entry = sglang_entry_of(view, id);
    uint64_t tokens = sglang_paged(sglang, end) - sglang_paged(sglang, entry->committed);
    assert(tokens <= sglang->free_tokens && "who takes slots has seen that they are free");
    sglang->free_tokens -= tokens;
    entry->committed = end;
    batch_request(view, id)->computed_tokens = end;
}

void sglang_give(struct batch_view *view, uint32_t id, uint32_t end)
{
    struct sglang *sglang = sglang_of(view);
    struct sglang_entry *entry = sglang_entry_of(view, id);
    sglang->free_tokens += sglang_paged(sglang, entry->committed) - sglang_paged(sglang, end);
    entry->committed = end;
    batch_request(view, id)->computed_tokens = end;
}

/* Pages of a text that have come into the tree go on to the tier below. */
static void write_through(struct batch_view *view, uint32_t id, uint32_t from, uint32_t to)
{
    const struct request *request = batch_request(view, id);
    uint32_t page = sglang_of(view)->settings.page_tokens;
    for (uint32_t i = from / page; view->kv.sink.put != NULL && i < to / page; i++) {
        view->kv.sink.put(view->kv.sink.data,
                          request_is_own(request) ? 0 : kv_cache_label_at(&view->kv, request, i));
    }
}

void sglang_release(struct batch_view *view, uint32_t id, bool keep)
{
    struct sglang *sglang = sglang_of(view);
    struct sglang_entry *entry = sglang_entry_of(view, id);
    uint32_t page = sglang->settings.page_tokens;
    uint32_t whole = entry->committed / page * page, there = whole;
    if (sglang->settings.radix && keep) {
        there = radix_insert(&sglang->tree, id, entry->committed);
        write_through(view, id, there, entry->committed);
    }
    sglang->free_tokens += there - entry->cached;                          /* twice there */
    sglang->free_tokens += sglang_paged(sglang, entry->committed) - whole; /* no whole page */
    radix_let_go(&sglang->tree, entry->node);
    sglang->seats_taken -= entry->seated;
    *entry = (struct sglang_entry){.entry = entry->entry, .stops = entry->stops};
}

/* Its text so far is the tree's, and whatever of it was there already is used in its place. */
static void keep_so_far(struct batch_view *view, uint32_t id, uint32_t tokens)
{
    struct sglang *sglang = sglang_of(view);
    struct sglang_entry *entry = sglang_entry_of(view, id);
    entry->prefix = tokens;
    if (!sglang->settings.radix) {
        return;
    }
    uint32_t there = radix_insert(&sglang->tree, id, tokens);
    write_through(view, id, there, tokens);
    sglang->free_tokens += there - entry->cached;
    struct radix_hit hit = radix_match(&sglang->tree, id, tokens);
    radix_let_go(&sglang->tree, entry->node);
    radix_hold(&sglang->tree, hit.node);
    entry->cached = hit.tokens;
    entry->node = hit.node;
}

/* --- the queue --- */

static void more_entries(struct sglang *sglang)
{
    uint32_t old = sglang->entry_capacity, capacity = old == 0 ? FIRST_ENTRIES : 2 * old;
    struct sglang_entry *entries = ARENA_ARRAY(sglang->arena, struct sglang_entry, capacity);
    if (old > 0) {
        memcpy(entries, sglang->entries, old * sizeof *entries);
    }
    sglang->spare_entry = old == 0 ? 1 : old;
    for (uint32_t i = sglang->spare_entry; i < capacity; i++) {
        entries[i].next = i + 1 < capacity ? i + 1 : 0;
    }
    sglang->entries = entries;
    sglang->entry_capacity = capacity;
}

/* Of one sequence: what the drafter's branches take, in whole pages, of several each one that is
 * half full besides, or the tokens that are verified if they are more
 * (ScheduleBatch.new_tokens_required_next_decode()). */
static uint64_t tokens_of_guesses(const struct sglang *sglang)
{
    const struct sglang_settings *says = &sglang->settings;
    uint64_t verified = sglang_paged(sglang, 1ULL + says->draft_tokens);
    uint32_t half_full = says->branches > 1 && says->page_tokens > 1 ? says->page_tokens : 0;
    uint64_t guessed = says->branches * sglang_paged(sglang, says->guess_steps + half_full);
    return verified > guessed ? verified : guessed;
}

/* What its answer may be at most (rule 14). */
static void limit_answer(const struct batch_view *view, struct request *request)
{
    const struct sglang *sglang = sglang_of(view);
    uint64_t pool = sglang->settings.pool_tokens, context = view->limits.model_tokens;
    uint64_t longest = (pool < context ? pool : context) - 1, prompt = request->prompt_tokens;
    uint64_t paged = sglang_paged(sglang, prompt) + sglang->settings.page_tokens + 1;
    paged += sglang->settings.draft_tokens > 0 ? tokens_of_guesses(sglang) : 0;
    uint64_t by_length = longest > prompt + 1 ? longest - prompt - 1 : 0;
    uint64_t by_pool = pool > paged ? pool - paged : 0;
    uint64_t most = by_length < by_pool ? by_length : by_pool;
    if (request->limit_tokens == 0) { /* nobody says: as long as it is, and it is known */
        request->limit_tokens = request->output_tokens;
        request->ignores_end = true;
    }
    request->limit_tokens = request->limit_tokens < most ? request->limit_tokens : (uint32_t)most;
    if (prompt + 5 >= longest) { /* it passes as one token, and ends */
        request->prompt_tokens = 1;
        request->content = CONTENT_OWN;
        request->shared_tokens = 0;
        sglang->entries[request->holder].stops = true;
    } else if (request->output_tokens > request->limit_tokens) {
        request->output_tokens = request->limit_tokens;
    }
}

void sglang_push(struct batch_view *view, uint32_t id)
{
    struct sglang *sglang = sglang_of(view);
    sglang_entry_of(view, id)->entry = ++sglang->entries_so_far;
    queue_push(&view->waiting, view->requests, id);
}

static void enqueue(struct batch_view *view, uint32_t id)
{
    struct sglang *sglang = sglang_of(view);
    struct request *request = batch_request(view, id);
    if (sglang->spare_entry == 0) {
        more_entries(sglang);
    }
    request->holder = sglang->spare_entry;
    sglang->spare_entry = sglang->entries[request->holder].next;
    sglang->entries[request->holder] = (struct sglang_entry){0};
    limit_answer(view, request);
    sglang_push(view, id);
}

static void forget(struct batch_view *view, uint32_t id)
{
    struct sglang *sglang = sglang_of(view);
    struct request *request = batch_request(view, id);
    sglang->entries[request->holder] = (struct sglang_entry){.next = sglang->spare_entry};
    sglang->spare_entry = request->holder;
    request->holder = 0;
}

void sglang_requeue(struct batch_view *view, struct decision *decision, uint32_t id)
{
    struct request *request = batch_request(view, id);
    batch_set_pending(view, request, request_target(request));
    request->computed_tokens = 0;
    request->state = REQUEST_WAITING;
    request->preemptions++;
    view->preemptions++;
    decision->preempted[decision->preempted_count++] = id;
    sglang_push(view, id);
}

/* --- ends --- */

static void end(struct batch_view *view, uint32_t id, bool keep)
{
    struct request *request = batch_request(view, id);
    if (request->state == REQUEST_WAITING) {
        queue_remove(&view->waiting, view->requests, id);
    } else {
        sglang_release(view, id, keep);
    }
    forget(view, id);
    batch_set_pending(view, request, 0);
    request->state = REQUEST_DONE;
    show_room(view);
}

void sglang_abort(struct batch_view *view, uint32_t id)
{
    struct sglang *sglang = sglang_of(view);
    const struct request *request = batch_request(view, id);
    if (request->holder == 0) {
        return;
    }
    sglang_entry_of(view, id)->stops = true;
    if (request->state == REQUEST_WAITING) {
        end(view, id, false);
    } else if (id == sglang->chunked) {
        sglang->stopped = id;
    }
}

/* What was guessed wrong has slots no more. */
static uint32_t hand_in(struct batch_view *view, const struct share *share, uint32_t accepted)
{
    struct request *request = batch_request(view, share->request);
    if (request->state != REQUEST_RUNNING) {
        return 0; /* it ended in an earlier step, or gave way meanwhile */
    }
    if (request->pending_tokens > 0) {
        uint32_t pending = request->pending_tokens;
        batch_set_pending(view, request, pending > share->tokens ? pending - share->tokens : 0);
    }
    if (!share->samples) {
        return 0;
    }
    uint32_t left = request->output_tokens - request->generated_tokens;
    uint32_t got = 1 + accepted < left ? 1 + accepted : left > 0 ? left : 1;
    if (share->drafts > 0) {
        sglang_give(view, share->request, share->computed + got);
        show_room(view);
    }
    request->generated_tokens += got;
    if (sglang_entry_of(view, share->request)->stops ||
        request->generated_tokens >= request->output_tokens) {
        end(view, share->request, true);
    } else if (!share->decodes) {
        keep_so_far(view, share->request, share->computed + share->tokens);
        show_room(view);
    }
    return got;
}

/* --- decode --- */

/* Who has ended leaves. */
static void filter(const struct batch_view *view, uint32_t *ids, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (batch_request(view, ids[i])->state == REQUEST_RUNNING) {
            ids[kept++] = ids[i];
        }
    }
    *count = kept;
}

/* A page for each whose last one is full. */
static uint64_t tokens_of_decode(const struct batch_view *view, const uint32_t *ids, uint32_t count)
{
    const struct sglang *sglang = sglang_of(view);
    uint32_t page = sglang->settings.page_tokens;
    uint64_t pages = 0;
    if (sglang->settings.draft_tokens > 0) {
        return count * tokens_of_guesses(sglang);
    }
    for (uint32_t i = 0; i < count; i++) {
        pages += sglang_entry_of(view, ids[i])->committed % page == 0;
    }
    return pages * page;
}

static bool has_room(struct batch_view *view, const uint32_t *ids, uint32_t count)
{
    uint64_t tokens = tokens_of_decode(view, ids, count);
    sglang_make_room(sglang_of(view), tokens);
    return sglang_of(view)->free_tokens >= tokens;
}

static void decode(struct batch_view *view, struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t drafts = sglang->settings.draft_tokens;
    uint64_t most = sglang_paged(sglang, 1ULL + drafts);
    most += drafts > 0 ? sglang->settings.page_tokens : 0;
    sglang_make_room(sglang, view->running_count * most);
    for (uint32_t i = 0; i < view->running_count; i++) {
        uint32_t id = view->running[i], computed = sglang_entry_of(view, id)->committed;
        sglang_take(view, id, computed + 1 + drafts);
        decision->shares[decision->share_count++] = (struct share){.request = id,
                                                                   .tokens = 1 + drafts,
                                                                   .drafts = drafts,
                                                                   .computed = computed,
                                                                   .samples = true,
                                                                   .decodes = true};
        decision->tokens += 1 + drafts;
        decision->decode_count++;
        decision->decode_context += computed;
    }
}

/* Whether `a` stays before `b`: the most output, of equals the shortest prompt (rule 18). */
static bool stays_before(const struct batch_view *view, uint32_t a, uint32_t b)
{
    const struct request *of_a = batch_request(view, a), *of_b = batch_request(view, b);
    return of_a->generated_tokens > of_b->generated_tokens ||
           (of_a->generated_tokens == of_b->generated_tokens &&
            of_a->prompt_tokens < of_b->prompt_tokens);
}

static void retract(struct batch_view *view, struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t *ids = view->running;
    for (uint32_t i = 1; i < view->running_count; i++) {
        uint32_t id = ids[i], place = i;
        for (; place > 0 && stays_before(view, id, ids[place - 1]); place--) {
            ids[place] = ids[place - 1];
        }
        ids[place] = id;
    }
    uint32_t first = decision->preempted_count;
    do {
        uint32_t id = ids[view->running_count - 1];
        if (view->running_count == 1) {
            break; /* alone it has room: its answer is limited so */
        }
        view->running_count--;
        sglang_release(view, id, false);
        sglang_make_room(sglang, (uint64_t)view->running_count * sglang->settings.retract_tokens);
        decision->preempted[decision->preempted_count++] = id;
    } while (!has_room(view, ids, view->running_count));
    uint64_t said = 0, asked = 0;
    for (uint32_t i = 0; i < view->running_count; i++) {
        said += batch_request(view, ids[i])->generated_tokens + sglang->settings.retract_tokens;
        asked += batch_request(view, ids[i])->limit_tokens;
    }
    double ratio = (double)said / (double)(asked + 1);
    sglang->ratio = ratio < 1.0 ? ratio : 1.0;
    uint32_t last = decision->preempted_count;
    decision->preempted_count = first;
    for (uint32_t i = first; i < last; i++) {
        sglang_requeue(view, decision, decision->preempted[i]);
    }
}

static void decay(struct sglang *sglang)
{
    double ratio = sglang->ratio - sglang->settings.ratio_decay;
    sglang->ratio = ratio > sglang->settings.least_ratio ? ratio : sglang->settings.least_ratio;
}

/* A decode of all that run; none when nobody does. */
static void decode_all(struct batch_view *view, struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t before = view->running_count;
    filter(view, view->running, &view->running_count);
    if (view->running_count == 0) {
        sglang->full = sglang->full && before == 0;
        return;
    }
    if (has_room(view, view->running, view->running_count)) {
        decay(sglang);
    } else {
        retract(view, decision);
    }
    sglang->full = sglang->full && view->running_count == before;
    decode(view, decision);
}

/* --- a turn --- */

/* Those of the last prefill who are not done join who runs (rule 2). */
static void merge_last(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t before = sglang->last_count, kept = 0;
    for (uint32_t i = 0; i < before; i++) {
        uint32_t id = sglang->last[i];
        if (batch_request(view, id)->state == REQUEST_RUNNING && id != sglang->chunked &&
            id != sglang->last_chunked) {
            sglang->last[kept++] = id;
        }
    }
    sglang->last_count = 0;
    sglang->full = sglang->full && kept == before;
    if (kept > 0 && view->running_count == 0) {
        sglang->full = false;
    }
    memcpy(&view->running[view->running_count], sglang->last, kept * sizeof *sglang->last);
    view->running_count += kept;
}

static void keep_half_done(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t id = sglang->chunked;
    if (id != REQUEST_NONE && id == sglang->stopped) {
        end(view, id, false);
        view->given_up = id;
        sglang->chunked = REQUEST_NONE;
    } else if (id != REQUEST_NONE) {
        const struct sglang_entry *entry = sglang_entry_of(view, id);
        keep_so_far(view, id, entry->prefix + entry->extend);
    }
    sglang->stopped = REQUEST_NONE;
}

/* The decodes of a mixed turn, behind its prompts; it has a look at no ratio and retracts nobody
 * (rule 16). Where SGLang ends for want of room, we retract. */
static void mix(struct batch_view *view, struct decision *decision)
{
    filter(view, view->running, &view->running_count);
    if (view->running_count > 0 && !has_room(view, view->running, view->running_count)) {
        retract(view, decision);
    }
    decode(view, decision);
    view->running_count = 0;
}

void sglang_turn(struct batch_view *view, struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    sglang->thrown_count = 0;
    keep_half_done(view);
    merge_last(view);
    sglang->last_chunked = REQUEST_NONE;
    bool was_empty = sglang->last_empty || !view->limits.ahead;
    if (sglang_admit(view, decision)) {
        if (sglang->settings.mixed && sglang->settings.chunk_tokens > 0 &&
            view->running_count > 0) {
            mix(view, decision);
        }
        for (uint32_t i = 0; i < decision->share_count; i++) {
            sglang->last[sglang->last_count++] = decision->shares[i].request;
        }
        sglang->last_chunked = sglang->chunked;
    } else {
        decode_all(view, decision);
    }
    sglang->last_empty = decision->share_count == 0;
    if (sglang->last_empty && was_empty && view->waiting.count == 0 && view->running_count == 0 &&
        sglang->chunked == REQUEST_NONE) {
        sglang->ratio = sglang->settings.first_ratio;
    }
    show_room(view);
}

/* A turn in which nothing is made up may only find out that there are seats again (rule 4). */
static void decide(struct batch_view *view, struct decision *decision)
{
    const struct sglang *sglang = sglang_of(view);
    bool under_way = view->limits.ahead && !sglang->last_empty;
    sglang_turn(view, decision);
    for (int i = 0; i < 2 && !under_way && decision->share_count == 0 && view->waiting.count > 0;
         i++) {
        sglang_turn(view, decision);
    }
}

/* --- steps alike --- */

static bool is_steady(const struct decision *decision, uint32_t running)
{
    return decision->preempted_count == 0 && decision->share_count > 0 &&
           decision->share_count == running && decision->decode_count == running &&
           decision->tokens == running;
}

static uint32_t repeats(const struct batch_view *view, const struct decision *decision,
                        const struct decision *next, uint32_t most)
{
    const struct sglang *sglang = sglang_of(view);
    uint64_t page = sglang->settings.page_tokens, count = view->running_count;
    bool tried = view->waiting.count > 0 && (!sglang->full || sglang->settings.preempts);
    if (!is_steady(decision, view->running_count) ||
        (next != NULL && !is_steady(next, view->running_count)) || tried ||
        sglang->chunked != REQUEST_NONE) {
        return 1;
    }
    uint64_t steps = most;
    for (uint32_t i = 0; i < decision->share_count; i++) {
        const struct request *request = batch_request(view, decision->shares[i].request);
        uint32_t left = request->output_tokens > request->generated_tokens + (next != NULL)
                            ? request->output_tokens - request->generated_tokens - (next != NULL)
                            : 1;
        left = sglang_entry_of(view, decision->shares[i].request)->stops ? 1 : left;
        steps = left < steps ? left : steps;
    }
    /* Without evicting: a decode asks for a page each, wherever their ends are in their pages. */
    while (steps > 1 && count * (sglang_paged(sglang, steps) + page) > sglang->free_tokens) {
        steps /= 2;
    }
    return steps > 1 ? (uint32_t)steps : 1;
}

static void repeat(struct batch_view *view, struct decision *decision, struct decision *next,
                   uint32_t more)
{
    struct sglang *sglang = sglang_of(view);
    for (uint32_t i = 0; i < decision->share_count && more > 0; i++) {
        uint32_t id = decision->shares[i].request;
        sglang_take(view, id, sglang_entry_of(view, id)->committed + more);
        batch_request(view, id)->generated_tokens += more;
    }
    for (uint32_t i = 0; i < more; i++) {
        decay(sglang);
    }
    for (uint32_t i = 0; next != NULL && i < next->share_count; i++) {
        next->shares[i].computed += more;
        next->decode_context += more;
    }
    show_room(view);
}

/* --- a machine that fails --- */

static void start_anew(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    sglang->free_tokens = sglang->settings.pool_tokens;
    sglang->ratio = sglang->settings.first_ratio;
    sglang->full = false;
    sglang->chunked = sglang->stopped = sglang->last_chunked = REQUEST_NONE;
    sglang->seats_taken = sglang->last_count = sglang->thrown_count = 0;
    sglang->last_empty = true;
    radix_clear(&sglang->tree);
    show_room(view);
}

static void fail(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    filter(view, view->running, &view->running_count);
    filter(view, sglang->last, &sglang->last_count);
    for (uint32_t i = 0; i < sglang->last_count; i++) {
        view->running[view->running_count++] = sglang->last[i];
    }
    for (uint32_t i = 0; i < view->running_count; i++) {
        forget(view, view->running[i]);
    }
    for (uint32_t id = view->waiting.first; id != REQUEST_NONE; id = view->requests[id].next) {
        forget(view, id);
    }
    start_anew(view);
}

static uint32_t cached(const struct batch_view *view, const struct request *request)
{
    const struct sglang *sglang = sglang_of(view);
    return sglang->settings.radix ? radix_peek(&sglang->tree, request, request_target(request) - 1)
                                  : 0;
}

void sglang_create(struct batch_view *view, struct arena *arena,
                   const struct sglang_settings *settings)
{
    struct sglang *sglang = ARENA_NEW(arena, struct sglang);
    size_t most = 2 * (size_t)view->limits.sequences + 4;
    *sglang = (struct sglang){
        .settings = *settings,
        .arena = arena,
        .free_tokens = settings->pool_tokens,
        .ratio = settings->first_ratio,
        .chunked = REQUEST_NONE,
        .stopped = REQUEST_NONE,
        .last_chunked = REQUEST_NONE,
        .last_empty = true,
        .last = ARENA_ARRAY(arena, uint32_t, most),
        .thrown = ARENA_ARRAY(arena, uint32_t, most),
        .outlooks = arena_array(arena, 2 * most, 2 * sizeof(double)),
    };
    view->running = ARENA_ARRAY(arena, uint32_t, most);
    view->policy = &policy_sglang;
    view->state = sglang;
    radix_create(&sglang->tree, arena, view->requests, settings->page_tokens);
    show_room(view);
}

const struct batching_policy policy_sglang = {
    .decide = decide,
    .enqueue = enqueue,
    .hand_in = hand_in,
    .repeats = repeats,
    .repeat = repeat,
    .fail = fail,
    .remove = sglang_abort,
    .cached = cached,
};
