/* SPDX-License-Identifier: MIT
 * A fixture of vLLM's scheduler. What the outside world did (who came, who left, how many drafts
 * were accepted) is taken from it; everything else is decided and compared. */
#include "fixture_tree.h"

#include "sim/serving/batching/policy.h"

enum { SHOWN_BLOCKS = 1 << 20 };

struct replay {
    struct arena *arena;
    const struct node *fixture, *settings, *asked; /* asked: the requests */
    struct batch_view view;
    uint32_t count;               /* requests */
    struct decision decisions[2]; /* of this step, and of the one before */
    const struct node *in_flight; /* the step of the one before; NULL: none */
    uint32_t batches;             /* in flight: 1 or 2 */
};

/* --- set-up --- */

static bool drops_last(const char *method)
{
    return strncmp(method, "eagle", 5) == 0 || strcmp(method, "mtp") == 0;
}

static struct kv_layout read_layout(const struct node *settings)
{
    const struct node *groups = node_get(settings, "groups");
    uint32_t block = (uint32_t)fixture_count(settings, "block_size", 16);
    struct kv_layout layout = {
        .group_count = (uint32_t)fixture_length(groups),
        .label_tokens = (uint32_t)fixture_count(settings, "hash_block_size", block),
        .alignment_tokens = (uint32_t)fixture_count(settings, "cache_alignment_tokens", block),
        .keeps_prefixes = fixture_flag(settings, "enable_prefix_caching"),
        .drops_last = drops_last(fixture_text(settings, "speculative_method")),
    };
    if (layout.group_count == 0 || layout.group_count > KV_GROUPS_MOST) {
        fixture_fault(settings, "1 to 16 groups are expected");
    }
    for (uint32_t g = 0; g < layout.group_count; g++) {
        const struct node *group = fixture_item(groups, g);
        layout.groups[g] = (struct kv_group){
            .block_tokens = (uint32_t)fixture_count(group, "block_size", block),
            .window_tokens = (uint32_t)fixture_count(group, "sliding_window", 0),
            .reserved_blocks = (uint32_t)fixture_count(group, "admission_cap_blocks", 0),
        };
    }
    return layout;
}

static struct batch_limits read_limits(const struct replay *replay)
{
    const struct node *settings = replay->settings;
    bool ahead = strcmp(fixture_text(replay->fixture, "scheduler"), "AsyncScheduler") == 0;
    return (struct batch_limits){
        .step_tokens = (uint64_t)fixture_count(settings, "token_budget_per_step", 0),
        .sequences = (uint32_t)fixture_count(settings, "max_num_seqs", 0),
        .model_tokens = (uint32_t)fixture_count(settings, "max_model_len", 0),
        .chunk_tokens = (uint32_t)fixture_count(settings, "long_prefill_token_threshold", 0),
        .spare_blocks = (uint32_t)fixture_count(settings, "watermark_blocks", 0),
        .look_ahead = (uint32_t)fixture_count(settings, "lookahead_tokens", 0),
        .draft_tokens = (uint32_t)fixture_count(settings, "speculative_tokens", 0),
        .whole_prompts = !fixture_flag(settings, "enable_chunked_prefill"),
        .reserves_prompt = fixture_flag(settings, "scheduler_reserve_full_isl"),
        .by_priority = strcmp(fixture_text(settings, "policy"), "priority") == 0,
        .ahead = ahead,
    };
}

/* [first, count] ranges, one after the other. */
static void read_labels(struct replay *replay, const struct node *ranges, struct request *request)
{
    uint32_t count = 0;
    for (size_t i = 0; i < fixture_length(ranges); i++) {
        count += (uint32_t)fixture_number(fixture_item(fixture_item(ranges, i), 1));
    }
    uint32_t *labels = ARENA_ARRAY(replay->arena, uint32_t, count + 1U);
    request->content = CONTENT_LABELS;
    request->hashes = labels;
    for (size_t i = 0; i < fixture_length(ranges); i++) {
        const struct node *range = fixture_item(ranges, i);
        int64_t first = fixture_number(fixture_item(range, 0));
        for (int64_t k = 0; k < fixture_number(fixture_item(range, 1)); k++) {
            labels[request->hash_count++] = (uint32_t)(first + k);
        }
    }
}

static void prepare(struct replay *replay)
{
    replay->count = (uint32_t)fixture_length(replay->asked);
    struct request *requests = replay_requests(replay->arena, replay->asked);
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct node *asked = fixture_item(replay->asked, i);
        const struct node *labels = fixture_maybe(asked, "block_labels");
        if (labels != NULL) {
            read_labels(replay, labels, &requests[i]);
        }
    }
    struct batch_limits limits = read_limits(replay);
    struct kv_layout layout = read_layout(replay->settings);
    uint64_t blocks = (uint64_t)fixture_count(replay->settings, "num_blocks", 0);
    batch_view_create(&replay->view, replay->arena, requests, &limits, blocks, &layout);
    decision_create(&replay->decisions[0], replay->arena, &limits);
    decision_create(&replay->decisions[1], replay->arena, &limits);
    replay->batches = (uint32_t)fixture_count(replay->settings, "batches_in_flight", 1);
}

/* --- what is compared --- */

static bool same_count(const struct node *step, const char *what, int64_t found)
{
    int64_t expected = fixture_number(node_get(step, what));
    return expected == found ||
           replay_differs(what, "%lld expected, %lld found", (long long)expected, (long long)found);
}

static bool same_shares(const struct replay *replay, const struct node *step,
                        const struct decision *decision)
{
    const struct node *expected = node_get(step, "scheduled");
    const struct node *drafts = fixture_maybe(step, "drafts");
    for (size_t i = 0; i < fixture_length(expected) || i < decision->share_count; i++) {
        const struct node *want = i < fixture_length(expected) ? fixture_item(expected, i) : NULL;
        if (want == NULL || i >= decision->share_count) {
            return replay_differs("scheduled", "%zu requests expected, %u found",
                                  fixture_length(expected), decision->share_count);
        }
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
        const struct node *draft = drafts == NULL ? NULL : fixture_maybe(drafts, name);
        int64_t guessed = draft == NULL ? 0 : fixture_number(fixture_item(draft, 0));
        if (guessed != have->drafts) {
            return replay_differs("drafts", "%s: %lld expected, %u found", name, (long long)guessed,
                                  have->drafts);
        }
    }
    return true;
}

/* Those let in: for the first time, or again; and what each found in the cache. */
static bool same_admitted(const struct replay *replay, const struct node *step,
                          const struct decision *decision)
{
    uint32_t fresh[1024], again[1024], fresh_count = 0, again_count = 0;
    const struct node *hits = fixture_maybe(step, "prefix_hit_tokens");
    uint32_t first = decision->share_count - decision->admitted_count;
    for (uint32_t i = first; i < decision->share_count && i < first + 1024; i++) {
        const struct share *share = &decision->shares[i];
        if (replay->view.requests[share->request].preemptions > 0) {
            again[again_count++] = share->request;
        } else {
            fresh[fresh_count++] = share->request;
        }
        const struct node *hit =
            hits == NULL ? NULL : fixture_maybe(hits, replay_name(replay->asked, share->request));
        if (hit != NULL && fixture_number(hit) != share->computed) {
            return replay_differs("prefix_hit_tokens", "%s: %s expected, %u found",
                                  replay_name(replay->asked, share->request), hit->text,
                                  share->computed);
        }
    }
    return replay_same_names(replay->asked, step, "admitted", fresh, fresh_count) &&
           replay_same_names(replay->asked, step, "resumed", again, again_count);
}

static bool same_queue(const struct replay *replay, const struct node *step)
{
    const struct batch_view *view = &replay->view;
    uint32_t *waiting = ARENA_ARRAY(replay->arena, uint32_t, replay->count + 1U);
    uint32_t count = 0;
    for (uint32_t id = view->waiting.count > 0 ? view->waiting.first : REQUEST_NONE;
         id != REQUEST_NONE; id = view->requests[id].next) {
        waiting[count++] = id;
    }
    return replay_same_names(replay->asked, step, "running_ids", view->running,
                             view->running_count) &&
           replay_same_names(replay->asked, step, "waiting_ids", waiting, count) &&
           same_count(step, "running", view->running_count) && same_count(step, "waiting", count);
}

static bool same_held(const struct replay *replay, const struct node *step)
{
    const struct node *held = fixture_maybe(step, "held_blocks");
    for (size_t i = 0; held != NULL && i < held->count; i++) {
        const char *name = held->entries[i].key;
        const struct request *request = &replay->view.requests[replay_id(replay->asked, name)];
        for (uint32_t g = 0; g < fixture_length(held->entries[i].value); g++) {
            int64_t want = fixture_number(fixture_item(held->entries[i].value, g));
            uint32_t have = kv_cache_holds(&replay->view.kv, request, g);
            if (want != have) {
                return replay_differs("held_blocks", "%s, group %u: %lld expected, %u found", name,
                                      g, (long long)want, have);
            }
        }
    }
    return true;
}

/* In the order in which they will be taken, with their labels. */
static bool same_free_queue(const struct replay *replay, const struct node *step)
{
    const struct node *queue = fixture_maybe(step, "free_queue_end");
    const struct kv_cache *kv = &replay->view.kv;
    uint32_t block = 0;
    for (size_t i = 0; i < fixture_length(queue); i++) {
        block = kv_cache_taken(kv, i);
        int64_t number = fixture_number(fixture_item(fixture_item(queue, i), 0));
        int64_t label = fixture_number(fixture_item(fixture_item(queue, i), 1));
        bool named = label == 0 && kv->naming[block] == KV_UNNAMED;
        for (uint32_t g = 0; g < kv->layout.group_count && label != 0; g++) {
            named = named || kv->names[block].label == kv_cache_label_of((uint64_t)label, g);
        }
        if (number != block || !named) {
            return replay_differs("free_queue_end",
                                  "place %zu: block %lld, label %lld expected, "
                                  "block %u found%s",
                                  i, (long long)number, (long long)label, block,
                                  number == block ? " with another label" : "");
        }
    }
    return true;
}

/* --- a step --- */

/* Hands in a step's result: its drafts were accepted as its line says. */
static bool hand_in(struct replay *replay, const struct node *of, const struct decision *decision,
                    const struct node *step)
{
    uint32_t *ended = ARENA_ARRAY(replay->arena, uint32_t, decision->share_count + 1U);
    uint32_t count = 0;
    const struct node *drafts = of == NULL ? NULL : fixture_maybe(of, "drafts");
    for (uint32_t i = 0; i < decision->share_count; i++) {
        const struct share *share = &decision->shares[i];
        const struct node *draft =
            drafts == NULL ? NULL
                           : fixture_maybe(drafts, replay_name(replay->asked, share->request));
        const struct node *accepted = draft == NULL ? NULL : fixture_item(draft, 1);
        bool sampled = accepted != NULL && strcmp(accepted->text, "null") != 0;
        bool gone = replay->view.requests[share->request].state == REQUEST_DONE;
        batch_hand_in(&replay->view, share, sampled ? (uint32_t)fixture_number(accepted) : 0);
        if (!gone && replay->view.requests[share->request].state == REQUEST_DONE) {
            ended[count++] = share->request;
        }
    }
    batch_sweep(&replay->view);
    return replay_same_names(replay->asked, step, "finished", ended, count);
}

static void arrive(struct replay *replay, const struct node *step)
{
    const struct node *aborted = fixture_maybe(step, "aborted");
    for (size_t i = 0; i < fixture_length(aborted); i++) {
        batch_remove(&replay->view, replay_id(replay->asked, fixture_item(aborted, i)->text));
    }
    const struct node *arrived = fixture_maybe(step, "arrived");
    for (size_t i = 0; i < fixture_length(arrived); i++) {
        batch_enqueue(&replay->view, replay_id(replay->asked, fixture_item(arrived, i)->text));
    }
    const struct node *throttle = fixture_maybe(replay->settings, "throttle");
    size_t length = fixture_length(throttle);
    size_t number = (size_t)fixture_count(step, "step", 0);
    replay->view.hold_prompts =
        length > 0 && fixture_number(fixture_item(throttle, number % length)) != 0;
}

static bool play_step(struct replay *replay, const struct node *step)
{
    struct decision before = replay->decisions[1];
    replay->decisions[1] = replay->decisions[0];
    replay->decisions[0] = before;
    struct decision *decision = &replay->decisions[0];
    arrive(replay, step);
    batch_decide(&replay->view, &policy_vllm, decision);
    if (!same_shares(replay, step, decision) ||
        !replay_same_names(replay->asked, step, "preempted", decision->preempted,
                           decision->preempted_count) ||
        !same_admitted(replay, step, decision) || !same_queue(replay, step) ||
        !same_count(step, "free_blocks", (int64_t)kv_cache_available(&replay->view.kv)) ||
        !same_held(replay, step)) {
        return false;
    }
    const struct node *handed = replay->batches > 1 ? replay->in_flight : step;
    replay->in_flight = step;
    if (replay->batches > 1 &&
        fixture_count(step, "updates_step", -1) != fixture_count(handed, "step", -1)) {
        return replay_differs("updates_step", "another step's result is handed in");
    }
    if (handed == NULL) {
        return true;
    }
    return hand_in(replay, handed, &replay->decisions[replay->batches > 1], step) &&
           same_count(step, "free_blocks_end", (int64_t)kv_cache_available(&replay->view.kv)) &&
           same_free_queue(replay, step);
}

/* At the end: who got fewer tokens than it asked for got so many. */
static bool same_outputs(const struct replay *replay)
{
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct node *asked = fixture_item(replay->asked, i);
        const struct request *request = &replay->view.requests[i];
        int64_t got = fixture_count(asked, "output_tokens_got", request->output_tokens);
        if (request->state == REQUEST_DONE && got != request->generated_tokens) {
            return replay_differs("output_tokens_got", "%s: %lld expected, %u found",
                                  replay_name(replay->asked, i), (long long)got,
                                  request->generated_tokens);
        }
    }
    return true;
}

bool replay_vllm(struct arena *arena, const struct node *fixture, int64_t *step)
{
    struct replay *replay = ARENA_NEW(arena, struct replay);
    *replay = (struct replay){.arena = arena,
                              .fixture = fixture,
                              .settings = node_get(fixture, "settings"),
                              .asked = node_get(fixture, "requests")};
    if (replay->settings == NULL || replay->asked == NULL) {
        fixture_fault(fixture, "a fixture has settings and requests");
    }
    prepare(replay);
    const struct node *steps = node_get(fixture, "steps");
    for (size_t i = 0; i < fixture_length(steps); i++) {
        const struct node *line = fixture_item(steps, i);
        int64_t number = fixture_number(node_get(line, "step"));
        replay->in_flight = number > *step + 1 ? NULL : replay->in_flight; /* all was handed in */
        *step = number;
        if (!play_step(replay, line)) {
            return false;
        }
    }
    return same_outputs(replay);
}
