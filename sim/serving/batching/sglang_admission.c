/* SPDX-License-Identifier: MIT
 * Whom SGLang lets in (PrefillAdder). */
#include "sim/serving/batching/sglang.h"

/* Why a turn takes no more. */
enum verdict { GOES_ON, NO_TOKENS, ENDS };

/* When a request of the look-ahead ends, and what that frees. */
struct outlook {
    double to_come;
    uint32_t held;
};

struct adder {
    struct batch_view *view;
    struct sglang *sglang;
    struct decision *decision;
    double needed;        /* by all that run and were taken */
    int64_t needed_now;   /* by this turn */
    int64_t input, chunk; /* what the turn may still take; chunk: if prompts are cut */
    bool cuts;
    uint32_t taken;
    uint32_t half_done; /* whose prompt was cut in this turn; REQUEST_NONE: nobody's */
    struct outlook *outlooks;
    uint32_t outlook_count;
};

static double left_of(const struct adder *adder)
{
    return (double)sglang_room(adder->sglang) - adder->needed;
}

static int64_t left_now(const struct adder *adder)
{
    return (int64_t)sglang_room(adder->sglang) - adder->needed_now;
}

static double running_need(const struct adder *adder, const struct request *request)
{
    return sglang_to_come(adder->sglang, request) * adder->sglang->ratio;
}

static void charge(struct adder *adder, uint32_t tokens, uint32_t answer)
{
    int64_t paged = (int64_t)sglang_paged(adder->sglang, tokens);
    int64_t page = adder->sglang->settings.page_tokens;
    adder->needed += (double)(paged + answer + page);
    adder->needed_now += paged + page;
    adder->input -= paged;
    adder->chunk -= paged;
}

static enum verdict verdict_of(const struct adder *adder)
{
    if (left_of(adder) <= 0.0 || left_now(adder) <= 0) {
        return NO_TOKENS;
    }
    return adder->input <= 0 || (adder->cuts && adder->chunk <= 0) ? ENDS : GOES_ON;
}

static uint32_t clipped(const struct adder *adder, uint32_t tokens)
{
    uint32_t most = adder->sglang->settings.clip_tokens;
    return tokens < most ? tokens : most;
}

static void add_part(struct adder *adder, uint32_t id)
{
    struct request *request = batch_request(adder->view, id);
    const struct sglang_entry *entry = sglang_entry_of(adder->view, id);
    struct decision *decision = adder->decision;
    bool samples = entry->prefix + entry->extend >= request_target(request);
    decision->shares[decision->share_count++] = (struct share){.request = id,
                                                               .tokens = entry->extend,
                                                               .computed = entry->prefix,
                                                               .was_in_prompt = true,
                                                               .samples = samples};
    decision->tokens += entry->extend;
    adder->taken++;
}

/* --- the next part of the prompt that is half done --- */

static void add_half_done(struct adder *adder)
{
    struct sglang *sglang = adder->sglang;
    uint32_t id = sglang->chunked;
    const struct request *request = batch_request(adder->view, id);
    struct sglang_entry *entry = sglang_entry_of(adder->view, id);
    uint32_t missing = request_target(request) - entry->prefix;
    int64_t most = (int64_t)left_of(adder);
    most = most < adder->chunk ? most : adder->chunk;
    most = most <= 0 ? adder->chunk : most;
    bool cut = (int64_t)missing > most;
    entry->extend = cut ? (uint32_t)most : missing;
    add_part(adder, id);
    charge(adder, entry->extend, cut ? 0 : clipped(adder, request->limit_tokens));
    if (!cut) {
        sglang->chunked = REQUEST_NONE;
    }
}

/* --- those who ignore the end token, without a cache of prefixes (rule 13) --- */

static bool outlook_of(const struct adder *adder, uint32_t id, struct outlook *outlook)
{
    const struct request *request = batch_request(adder->view, id);
    double ratio = request->ignores_end ? 1.0 : adder->sglang->ratio;
    *outlook =
        (struct outlook){.to_come = request->limit_tokens * ratio - request->generated_tokens,
                         .held = request_target(request)};
    return outlook->to_come > 0.0;
}

static void sort_outlooks(struct outlook *outlooks, uint32_t count) /* stable; nearly sorted */
{
    for (uint32_t i = 1; i < count; i++) {
        struct outlook moved = outlooks[i];
        uint32_t place = i;
        for (; place > 0 && outlooks[place - 1].to_come > moved.to_come; place--) {
            outlooks[place] = outlooks[place - 1];
        }
        outlooks[place] = moved;
    }
}

static void look_ahead_of_all(struct adder *adder, uint32_t id)
{
    const struct batch_view *view = adder->view;
    uint32_t count = 0;
    count += outlook_of(adder, id, &adder->outlooks[count]);
    for (uint32_t i = 0; i < view->running_count; i++) {
        count += outlook_of(adder, view->running[i], &adder->outlooks[count]);
    }
    for (uint32_t i = 0; i < adder->taken; i++) {
        count += outlook_of(adder, adder->decision->shares[i].request, &adder->outlooks[count]);
    }
    sort_outlooks(adder->outlooks, count);
    adder->outlook_count = count;
}

/* Who is last of all is put before the one that was. */
static void look_ahead_of(struct adder *adder, uint32_t id)
{
    struct outlook outlook;
    if (!outlook_of(adder, id, &outlook)) {
        return;
    }
    uint32_t place = 0;
    while (place + 1 < adder->outlook_count && outlook.to_come > adder->outlooks[place].to_come) {
        place++;
    }
    for (uint32_t i = adder->outlook_count; i > place; i--) {
        adder->outlooks[i] = adder->outlooks[i - 1];
    }
    adder->outlooks[place] = outlook;
    adder->outlook_count++;
}

static bool has_outlook(const struct adder *adder, uint32_t extend)
{
    double now = (double)(left_now(adder) - (int64_t)sglang_paged(adder->sglang, extend));
    double freed = 0.0;
    for (uint32_t i = 0; i < adder->outlook_count; i++) {
        double count = adder->outlook_count - i;
        if (now + freed - adder->outlooks[i].to_come * count <= count) {
            return false;
        }
        freed += adder->outlooks[i].held;
    }
    return true;
}

static enum verdict add_endless(struct adder *adder, uint32_t id)
{
    const struct request *request = batch_request(adder->view, id);
    struct sglang_entry *entry = sglang_entry_of(adder->view, id);
    double paged = (double)sglang_paged(adder->sglang, entry->extend);
    if (paged > (double)left_now(adder) || paged > left_of(adder)) {
        return NO_TOKENS;
    }
    if (adder->outlook_count == 0) {
        look_ahead_of_all(adder, id);
    } else {
        look_ahead_of(adder, id);
    }
    if (!has_outlook(adder, entry->extend)) {
        return NO_TOKENS;
    }
    bool whole = !adder->cuts || (int64_t)entry->extend <= adder->chunk;
    if (!whole && adder->chunk <= 0) {
        return ENDS;
    }
    if (!whole) {
        entry->extend = (uint32_t)adder->chunk;
        adder->half_done = id;
    }
    add_part(adder, id);
    charge(adder, entry->extend, whole ? clipped(adder, request->limit_tokens) : 0);
    return verdict_of(adder);
}

/* --- all others (rules 7 to 12) --- */

/* The part that fits in the chunk, in whole pages; 0: none. */
static uint32_t cut_of(const struct adder *adder, const struct sglang_entry *entry)
{
    int64_t page = adder->sglang->settings.page_tokens;
    int64_t tokens = adder->chunk > 0 ? adder->chunk / page * page : 0;
    int64_t end = tokens > 0 ? (entry->prefix + tokens) / page * page : 0;
    return end > entry->prefix ? (uint32_t)(end - entry->prefix) : 0;
}

static enum verdict add_held(struct adder *adder, uint32_t id, double total)
{
    const struct request *request = batch_request(adder->view, id);
    struct sglang_entry *entry = sglang_entry_of(adder->view, id);
    if (total >= left_of(adder)) {
        return NO_TOKENS; /* what it would hit is not to be had any more */
    }
    int64_t paged = (int64_t)sglang_paged(adder->sglang, entry->extend);
    bool whole = !adder->cuts || paged <= adder->chunk;
    if (!whole) {
        uint32_t part = cut_of(adder, entry);
        if (part == 0) {
            return ENDS;
        }
        entry->extend = part;
        adder->half_done = id;
    }
    add_part(adder, id);
    charge(adder, entry->extend, whole ? clipped(adder, request->limit_tokens) : 0);
    return GOES_ON;
}

/* Tokens behind the cached ones that a tier has (HiRadixCache.init_load_back()). */
static uint32_t view_below(const struct batch_view *view, uint32_t id, uint32_t cached)
{
    return view->hooks.look_up == NULL ? 0 : view->hooks.look_up(view->hooks.data, id, cached);
}

static enum verdict add(struct adder *adder, uint32_t id)
{
    struct sglang *sglang = adder->sglang;
    const struct request *request = batch_request(adder->view, id);
    struct sglang_entry *entry = sglang_entry_of(adder->view, id);
    uint32_t known = request_target(request);
    struct radix_hit hit = {0};
    if (sglang->settings.radix) {
        hit = radix_match(&sglang->tree, id, known - 1);
    }
    entry->node = hit.node;
    entry->cached = hit.tokens;
    entry->loaded = view_below(adder->view, id, hit.tokens);
    entry->prefix = hit.tokens + entry->loaded;
    entry->extend = known - entry->prefix;
    if (request->ignores_end && !sglang->settings.radix) {
        return add_endless(adder, id);
    }
    double total = (double)entry->extend + entry->loaded + sglang_to_come(sglang, request) +
                   sglang->settings.page_tokens;
    if (total >= left_of(adder)) {
        return NO_TOKENS;
    }
    if (!adder->cuts && adder->taken > 0 &&
        (int64_t)sglang_paged(sglang, entry->extend) >= adder->input) {
        return ENDS;
    }
    uint32_t taken = adder->taken;
    radix_hold(&sglang->tree, entry->node);
    enum verdict verdict = add_held(adder, id, total);
    if (adder->taken == taken) {
        radix_let_go(&sglang->tree, entry->node);
        return verdict;
    }
    if (entry->loaded > 0) { /* its pages are taken now, and no tokens of the turn */
        adder->needed += entry->loaded;
        adder->needed_now += entry->loaded;
        adder->decision->loaded_tokens += entry->loaded;
        adder->view->hooks.load(adder->view->hooks.data, id, entry->cached, entry->loaded);
    }
    return verdict_of(adder);
}

/* --- preemption by priority, for want of a seat (rule 24) --- */

static int64_t importance(const struct sglang *sglang, const struct request *request)
{
    return sglang->settings.low_first ? -(int64_t)request->priority : request->priority;
}

/* Who gives way before whom: the least important, of equals the last to come. */
static bool gives_way_first(const struct batch_view *view, uint32_t a, uint32_t b)
{
    const struct sglang *sglang = sglang_of(view);
    int64_t of_a = importance(sglang, batch_request(view, a));
    int64_t of_b = importance(sglang, batch_request(view, b));
    return of_a < of_b ||
           (of_a == of_b && sglang_entry_of(view, a)->entry > sglang_entry_of(view, b)->entry);
}

static bool throw_out(struct adder *adder, uint32_t id)
{
    struct batch_view *view = adder->view;
    struct sglang *sglang = adder->sglang;
    const struct request *request = batch_request(view, id);
    uint32_t *able = sglang_scratch(sglang, view->running_count + 1), count = 0, victims = 0;
    for (uint32_t i = 0; i < view->running_count; i++) {
        if (batch_request(view, view->running[i])->state == REQUEST_RUNNING) {
            uint32_t place = count++;
            for (; place > 0 && gives_way_first(view, view->running[i], able[place - 1]); place--) {
                able[place] = able[place - 1];
            }
            able[place] = view->running[i];
        }
    }
    double missing = (double)sglang_entry_of(view, id)->extend +
                     clipped(adder, request->limit_tokens) - left_of(adder);
    while (victims < count) {
        const struct request *victim = batch_request(view, able[victims]);
        if (importance(sglang, request) - importance(sglang, victim) <=
            sglang->settings.preempt_threshold) {
            break;
        }
        missing -= running_need(adder, victim);
        victims++;
        if (missing <= 0.0) {
            break;
        }
    }
    if (victims == 0 || missing > 0.0) {
        return false;
    }
    uint32_t kept = 0, running = view->running_count, gone = 0;
    for (uint32_t i = 0; i < running; i++) {
        uint32_t other = view->running[i];
        bool out = false;
        for (uint32_t k = 0; k < victims; k++) {
            out = out || able[k] == other;
        }
        if (!out) {
            view->running[kept++] = other;
            continue;
        }
        gone++;
        adder->needed -= running_need(adder, batch_request(view, other));
        sglang_release(view, other, false);
        sglang_make_room(sglang, (uint64_t)(running - gone) * sglang->settings.retract_tokens);
    }
    for (uint32_t k = 0; k < victims; k++) {
        sglang->thrown[sglang->thrown_count++] = able[k];
        batch_request(view, able[k])->state = REQUEST_WAITING;
    }
    view->running_count = kept;
    return true;
}

/* --- a turn's prefill --- */

static int64_t seats_left(const struct batch_view *view)
{
    int64_t most = view->limits.sequences;
    int64_t running = view->running_count, taken = sglang_of(view)->seats_taken;
    return most - (running > taken ? running : taken);
}

static void try_queue(struct adder *adder)
{
    struct batch_view *view = adder->view;
    struct sglang *sglang = adder->sglang;
    bool adapters = view->limits.adapters > 0;
    while (view->waiting.count > 0 && (!adapters || batch_fits_adapter(view))) {
        uint32_t id = view->waiting.first;
        if ((int64_t)adder->taken >= seats_left(view)) {
            sglang->full = true;
        }
        if (sglang->full && !(sglang->settings.preempts && throw_out(adder, id))) {
            break;
        }
        uint32_t before = adder->taken;
        enum verdict verdict = add(adder, id);
        if (adder->taken > before) {
            queue_pop(&view->waiting, view->requests);
            if (adapters) {
                batch_count_adapter(view, id);
            }
        }
        if (verdict != GOES_ON) {
            sglang->full = sglang->full || verdict == NO_TOKENS;
            break;
        }
    }
}

/* Slots for the parts: what is needed is evicted for all at once. */
static void take_slots(struct batch_view *view, const struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t page = sglang->settings.page_tokens;
    uint64_t tokens = decision->tokens + decision->loaded_tokens;
    sglang_make_room(sglang, page > 1 ? tokens + (uint64_t)decision->share_count * page : tokens);
    for (uint32_t i = 0; i < decision->share_count; i++) {
        const struct share *share = &decision->shares[i];
        struct request *request = batch_request(view, share->request);
        struct sglang_entry *entry = sglang_entry_of(view, share->request);
        entry->committed = share->computed - entry->loaded;
        entry->loaded = 0;
        sglang_take(view, share->request, share->computed + share->tokens);
        sglang->seats_taken += !entry->seated;
        entry->seated = true;
        if (request->state == REQUEST_WAITING) {
            request->state = REQUEST_RUNNING;
            if (request->scheduled_seconds < 0.0) {
                request->scheduled_seconds = view->now_seconds;
                request->cached_tokens = share->computed;
            }
        }
        request->in_prompt = !share->samples;
    }
}

bool sglang_admit(struct batch_view *view, struct decision *decision)
{
    struct sglang *sglang = sglang_of(view);
    const struct sglang_settings *settings = &sglang->settings;
    sglang->full = sglang->full && !settings->preempts;
    if ((sglang->full || view->waiting.count == 0) && sglang->chunked == REQUEST_NONE) {
        return false;
    }
    if (seats_left(view) <= 0 && sglang->chunked == REQUEST_NONE && !settings->preempts) {
        sglang->full = true;
        return false;
    }
    sglang_sort_queue(view);
    bool mixed = settings->mixed && settings->chunk_tokens > 0;
    int64_t decodes = mixed ? view->running_count : 0;
    struct adder adder = {
        .view = view,
        .sglang = sglang,
        .decision = decision,
        .needed_now = decodes,
        .input = (int64_t)settings->prefill_tokens - decodes,
        .chunk = (int64_t)settings->chunk_tokens - decodes,
        .cuts = settings->chunk_tokens > 0,
        .half_done = REQUEST_NONE,
        .outlooks = (struct outlook *)sglang->outlooks,
    };
    for (uint32_t i = 0; i < view->running_count; i++) {
        adder.needed += running_need(&adder, batch_request(view, view->running[i]));
    }
    adder.needed += (double)decodes;
    if (sglang->chunked != REQUEST_NONE) {
        add_half_done(&adder);
    }
    uint32_t continued = adder.taken;
    if (view->limits.adapters > 0) { /* those of the last prefill are among them by now */
        batch_count_adapters(view);
        for (uint32_t i = 0; i < continued; i++) {
            batch_count_adapter(view, decision->shares[i].request);
        }
    }
    try_queue(&adder);
    decision->admitted_count = adder.taken - continued;
    if (adder.taken == 0) {
        return false;
    }
    for (uint32_t i = 0; i < sglang->thrown_count; i++) {
        sglang_requeue(view, decision, sglang->thrown[i]);
    }
    if (adder.half_done != REQUEST_NONE) {
        sglang->chunked = adder.half_done;
    }
    take_slots(view, decision);
    return true;
}
