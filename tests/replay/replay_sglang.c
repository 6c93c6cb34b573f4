/* SPDX-License-Identifier: MIT
 * A fixture of SGLang's scheduler: who came and who was asked to end is taken from it; everything
 * else is decided and compared. */
#include "fixture_tree.h"

#include "sim/serving/batching/policy.h"
#include "sim/serving/batching/sglang.h"

struct replay {
    struct arena *arena;
    const struct node *settings, *asked; /* asked: the requests */
    struct batch_view view;
    struct sglang *sglang;
    uint32_t count;               /* requests */
    struct decision decisions[2]; /* of this turn, and of the one before */
    bool overlap;
    bool *done, *ends_early; /* [count] */
    uint32_t *ended;         /* [count], scratch */
};

/* --- set-up --- */

static enum sglang_order order_of(const char *policy)
{
    return strcmp(policy, "lpm") == 0          ? SGLANG_LPM
           : strcmp(policy, "dfs-weight") == 0 ? SGLANG_DFS_WEIGHT
           : strcmp(policy, "lof") == 0        ? SGLANG_LOF
                                               : SGLANG_FCFS;
}

static struct sglang_settings read_settings(const struct node *settings)
{
    int64_t chunk = fixture_count(settings, "chunked_prefill_size", -1);
    return (struct sglang_settings){
        .order = order_of(fixture_text(settings, "schedule_policy")),
        .chunk_tokens = chunk > 0 ? (uint32_t)chunk : 0,
        .prefill_tokens = (uint64_t)fixture_count(settings, "max_prefill_tokens", 0),
        .pool_tokens = (uint64_t)fixture_count(settings, "max_total_num_tokens", 0),
        .page_tokens = (uint32_t)fixture_count(settings, "page_size", 1),
        .first_ratio = fixture_real(node_get(settings, "new_token_ratio_init")),
        .least_ratio = fixture_real(node_get(settings, "new_token_ratio_min")),
        .ratio_decay = fixture_real(node_get(settings, "new_token_ratio_decay")),
        .retract_tokens = (uint32_t)fixture_count(settings, "retract_decode_steps", 0),
        .clip_tokens = (uint32_t)fixture_count(settings, "clip_max_new_tokens", 0),
        .shared_tokens = (uint32_t)fixture_count(settings, "in_batch_prefix_check_threshold", 0),
        .preempt_threshold =
            (int32_t)fixture_count(settings, "priority_scheduling_preemption_threshold", 0),
        .radix = !fixture_flag(settings, "disable_radix_cache"),
        .mixed = fixture_flag(settings, "enable_mixed_chunk"),
        .by_priority = fixture_flag(settings, "enable_priority_scheduling"),
        .low_first = fixture_flag(settings, "schedule_low_priority_values_first"),
        .preempts = fixture_flag(settings, "priority_preemption"),
    };
}

/* Runs [first, count] of prompt and answer, as where each ends and its first token. */
static void read_text(struct replay *replay, const struct node *asked, struct request *request)
{
    const struct node *parts[] = {fixture_maybe(asked, "prompt_runs"),
                                  fixture_maybe(asked, "output_runs")};
    size_t runs = fixture_length(parts[0]) + fixture_length(parts[1]);
    if (runs == 0) {
        return;
    }
    uint32_t *text = ARENA_ARRAY(replay->arena, uint32_t, 2 * runs), end = 0;
    request->content = CONTENT_RUNS;
    request->hashes = text;
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < fixture_length(parts[part]); i++) {
            const struct node *run = fixture_item(parts[part], i);
            end += (uint32_t)fixture_number(fixture_item(run, 1));
            text[request->hash_count++] = end;
            text[request->hash_count++] = (uint32_t)fixture_number(fixture_item(run, 0));
        }
    }
}

static void prepare(struct replay *replay)
{
    const struct node *settings = replay->settings;
    replay->count = (uint32_t)fixture_length(replay->asked);
    struct request *requests = replay_requests(replay->arena, replay->asked);
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct node *asked = fixture_item(replay->asked, i);
        requests[i].limit_tokens = (uint32_t)fixture_count(asked, "max_new_tokens", 0);
        requests[i].ignores_end = fixture_flag(asked, "ignore_eos");
        read_text(replay, asked, &requests[i]);
    }
    replay->overlap = fixture_flag(settings, "overlap_schedule");
    struct batch_limits limits = {
        .sequences = (uint32_t)fixture_count(settings, "max_running_requests", 0),
        .model_tokens = (uint32_t)fixture_count(settings, "context_length", 0),
        .ahead = replay->overlap,
    };
    struct sglang_settings own = read_settings(settings);
    struct kv_layout layout = kv_layout_plain(own.page_tokens, false);
    batch_view_create(&replay->view, replay->arena, requests, &limits,
                      own.pool_tokens / own.page_tokens, &layout);
    sglang_create(&replay->view, replay->arena, &own);
    replay->sglang = sglang_of(&replay->view);
    decision_create(&replay->decisions[0], replay->arena, &limits);
    decision_create(&replay->decisions[1], replay->arena, &limits);
    replay->done = ARENA_ARRAY(replay->arena, bool, replay->count + 1U);
    replay->ends_early = ARENA_ARRAY(replay->arena, bool, replay->count + 1U);
    replay->ended = ARENA_ARRAY(replay->arena, uint32_t, replay->count + 1U);
}

/* --- what is compared --- */

static bool same_count(const struct node *step, const char *what, uint64_t found)
{
    const struct node *expected = fixture_maybe(step, what);
    return expected == NULL || fixture_number(expected) == (int64_t)found ||
           replay_differs(what, "%s expected, %llu found", expected->text,
                          (unsigned long long)found);
}

static bool same_shares(const struct replay *replay, const struct node *step,
                        const struct decision *decision)
{
    const struct node *expected = fixture_maybe(step, "scheduled");
    for (size_t i = 0; i < fixture_length(expected) || i < decision->share_count; i++) {
        if (i >= fixture_length(expected) || i >= decision->share_count) {
            return replay_differs("scheduled", "%zu requests expected, %u found",
                                  fixture_length(expected), decision->share_count);
        }
        const struct node *want = fixture_item(expected, i);
        const struct share *have = &decision->shares[i];
        const char *name = fixture_item(want, 0)->text,
                   *found = replay_name(replay->asked, have->request);
        int64_t tokens = fixture_number(fixture_item(want, 1));
        int64_t computed = fixture_number(fixture_item(want, 2));
        if (strcmp(name, found) != 0 || tokens != have->tokens || computed != have->computed) {
            return replay_differs(
                "scheduled",
                "place %zu: %s, %lld tokens after %lld expected, %s, %u after %u found", i, name,
                (long long)tokens, (long long)computed, found, have->tokens, have->computed);
        }
    }
    return true;
}

static const char *kind_of(const struct decision *decision)
{
    return decision->share_count == 0                        ? "idle"
           : decision->decode_count == 0                     ? "prefill"
           : decision->decode_count == decision->share_count ? "decode"
                                                             : "mixed";
}

/* Those let in, for the first time or again, and what each found in the cache. */
static bool same_admitted(const struct replay *replay, const struct node *step,
                          const struct decision *decision)
{
    uint32_t *fresh = replay->ended, fresh_count = 0, again_count = 0;
    uint32_t *again = ARENA_ARRAY(replay->arena, uint32_t, decision->share_count + 1U);
    const struct node *hits = fixture_maybe(step, "prefix_hit_tokens");
    uint32_t end = decision->share_count - decision->decode_count;
    for (uint32_t i = end - decision->admitted_count; i < end; i++) {
        const struct share *share = &decision->shares[i];
        if (replay->view.requests[share->request].preemptions > 0) {
            again[again_count++] = share->request;
        } else {
            fresh[fresh_count++] = share->request;
        }
        const struct node *hit =
            hits == NULL ? NULL : fixture_maybe(hits, replay_name(replay->asked, share->request));
        if ((hit == NULL ? 0 : fixture_number(hit)) != share->computed) {
            return replay_differs("prefix_hit_tokens", "%s: %s expected, %u found",
                                  replay_name(replay->asked, share->request),
                                  hit == NULL ? "0" : hit->text, share->computed);
        }
    }
    return replay_same_names(replay->asked, step, "admitted", fresh, fresh_count) &&
           replay_same_names(replay->asked, step, "resumed", again, again_count);
}

static bool same_queues(const struct replay *replay, const struct node *step)
{
    const struct batch_view *view = &replay->view;
    uint32_t *waiting = replay->ended, count = 0;
    for (uint32_t id = view->waiting.first; id != REQUEST_NONE; id = view->requests[id].next) {
        waiting[count++] = id;
    }
    return replay_same_names(replay->asked, step, "running_ids", view->running,
                             view->running_count) &&
           replay_same_names(replay->asked, step, "waiting_ids", waiting, count) &&
           same_count(step, "running", view->running_count) && same_count(step, "waiting", count);
}

static bool same_state(const struct replay *replay, const struct node *step)
{
    const struct sglang *sglang = replay->sglang;
    const char *chunked =
        sglang->chunked == REQUEST_NONE ? "" : replay_name(replay->asked, sglang->chunked);
    if (strcmp(fixture_text(step, "chunked"), chunked) != 0) {
        return replay_differs("chunked", "'%s' expected, '%s' found", fixture_text(step, "chunked"),
                              chunked);
    }
    if (fixture_flag(step, "batch_full") != sglang->full) {
        return replay_differs("batch_full", "%s expected", sglang->full ? "false" : "true");
    }
    double ratio = fixture_real(node_get(step, "new_token_ratio"));
    bool idle = strcmp(fixture_text(step, "kind"), "idle") == 0;
    if (ratio != sglang->ratio && !idle) {
        return replay_differs("new_token_ratio", "%.17g expected, %.17g found", ratio,
                              sglang->ratio);
    }
    return same_count(step, "free_tokens", sglang->free_tokens) &&
           same_count(step, "evictable_tokens", sglang->tree.evictable);
}

/* --- a turn --- */

/* Its prompt was cut to a token, to pass and end. */
static bool is_too_long(const struct replay *replay, uint32_t id)
{
    return replay->view.requests[id].prompt_tokens !=
           fixture_count(fixture_item(replay->asked, id), "prompt_tokens", 0);
}

/* Who has ended since the last call, those asked to or those of themselves, in the order of
 * `decision`, then of their numbers. */
static uint32_t newly_ended(struct replay *replay, const struct decision *decision, bool early)
{
    uint32_t count = 0, shares = decision == NULL ? 0 : decision->share_count;
    for (uint32_t i = 0; i < shares + replay->count; i++) {
        uint32_t id = i < shares ? decision->shares[i].request : i - shares;
        bool asked = replay->ends_early[id] || is_too_long(replay, id);
        if (replay->view.requests[id].state == REQUEST_DONE && !replay->done[id] &&
            asked == early) {
            replay->done[id] = true;
            replay->ended[count++] = id;
        }
    }
    return count;
}

static void arrive(struct replay *replay, const struct node *step)
{
    const struct node *aborted = fixture_maybe(step, "abort_asked");
    for (size_t i = 0; i < fixture_length(aborted); i++) {
        uint32_t id = replay_id(replay->asked, fixture_item(aborted, i)->text);
        replay->ends_early[id] = true;
        sglang_abort(&replay->view, id);
    }
    const struct node *arrived = fixture_maybe(step, "arrived");
    for (size_t i = 0; i < fixture_length(arrived); i++) {
        batch_enqueue(&replay->view, replay_id(replay->asked, fixture_item(arrived, i)->text));
    }
}

static bool same_ends(struct replay *replay, const struct node *step, const struct decision *handed)
{
    for (uint32_t i = 0; handed != NULL && i < handed->share_count; i++) {
        batch_hand_in(&replay->view, &handed->shares[i], 0);
    }
    uint32_t count = newly_ended(replay, handed, false);
    if (!replay_same_names(replay->asked, step, "finished", replay->ended, count)) {
        return false;
    }
    count = newly_ended(replay, handed, true);
    return replay_same_names(replay->asked, step, "aborted", replay->ended, count) &&
           same_count(step, "free_tokens_end", replay->sglang->free_tokens) &&
           same_count(step, "evictable_tokens_end", replay->sglang->tree.evictable);
}

static bool play_step(struct replay *replay, const struct node *step)
{
    struct decision before = replay->decisions[1];
    replay->decisions[1] = replay->decisions[0];
    replay->decisions[0] = before;
    struct decision *decision = &replay->decisions[0];
    arrive(replay, step);
    decision_clear(decision);
    sglang_turn(&replay->view, decision);
    bool decodes = decision->share_count == 0 || decision->decode_count == decision->share_count;
    const char *kind = kind_of(decision);
    if (strcmp(kind, fixture_text(step, "kind")) != 0) {
        return replay_differs("kind", "%s expected, %s found", fixture_text(step, "kind"), kind);
    }
    if (!same_shares(replay, step, decision) ||
        !replay_same_names(replay->asked, step, "retracted", decision->preempted,
                           decodes ? decision->preempted_count : 0) ||
        !replay_same_names(replay->asked, step, "preempted", decision->preempted,
                           decodes ? 0 : decision->preempted_count) ||
        !same_admitted(replay, step, decision) || !same_queues(replay, step) ||
        !same_state(replay, step)) {
        return false;
    }
    const struct decision *handed = replay->overlap ? &replay->decisions[1] : decision;
    if (!same_ends(replay, step, handed)) {
        return false;
    }
    const struct node *ratio = fixture_maybe(step, "new_token_ratio_end");
    return ratio == NULL || fixture_real(ratio) == replay->sglang->ratio ||
           replay_differs("new_token_ratio_end", "%s expected, %.17g found", ratio->text,
                          replay->sglang->ratio);
}

/* At the end: how many tokens each got, and what its limit was. */
static bool same_outputs(const struct replay *replay)
{
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct node *asked = fixture_item(replay->asked, i);
        const struct request *request = &replay->view.requests[i];
        int64_t got = fixture_count(asked, "output_tokens_got", request->output_tokens);
        int64_t limit = fixture_count(asked, "max_new_tokens_in_effect", request->limit_tokens);
        if (request->state == REQUEST_DONE &&
            (got != request->generated_tokens || limit != request->limit_tokens)) {
            return replay_differs("output_tokens_got", "%s: %lld of %lld expected, %u of %u found",
                                  replay_name(replay->asked, i), (long long)got, (long long)limit,
                                  request->generated_tokens, request->limit_tokens);
        }
    }
    return true;
}

bool replay_sglang(struct arena *arena, const struct node *fixture, int64_t *step)
{
    struct replay *replay = ARENA_NEW(arena, struct replay);
    *replay = (struct replay){.arena = arena,
                              .settings = node_get(fixture, "settings"),
                              .asked = node_get(fixture, "requests")};
    if (replay->settings == NULL || replay->asked == NULL) {
        fixture_fault(fixture, "a fixture has settings and requests");
    }
    prepare(replay);
    const struct node *steps = node_get(fixture, "steps");
    int64_t next = 0;
    for (size_t i = 0; i < fixture_length(steps); i++) {
        const struct node *line = fixture_item(steps, i);
        *step = fixture_number(node_get(line, "step"));
        if (*step != next++) {
            fixture_fault(line, "each turn of the event loop is expected");
        }
        if (!play_step(replay, line)) {
            return false;
        }
    }
    return same_outputs(replay);
}
