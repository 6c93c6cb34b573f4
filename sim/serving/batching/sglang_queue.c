/* SPDX-License-Identifier: MIT
 * In which order SGLang tries those who wait (SchedulePolicy; rules 21 to 24). Sorts are stable,
 * and the queue is left so: it is nearly sorted when it is sorted again. */
#include "sim/serving/batching/sglang.h"

enum { LPM_QUEUE = 128 }; /* a longer queue is left as it is (schedule_policy.py) */

/* Whether `a` is tried before `b`. */
typedef bool precedes(const struct batch_view *view, uint32_t a, uint32_t b);

static int by_priority(const struct batch_view *view, uint32_t a, uint32_t b)
{
    int32_t of_a = batch_request(view, a)->priority, of_b = batch_request(view, b)->priority;
    int sign = sglang_of(view)->settings.low_first ? 1 : -1;
    return of_a < of_b ? -sign : of_a > of_b ? sign : 0;
}

static bool came_before(const struct batch_view *view, uint32_t a, uint32_t b)
{
    int priority = by_priority(view, a, b);
    return priority < 0 ||
           (priority == 0 && sglang_entry_of(view, a)->entry < sglang_entry_of(view, b)->entry);
}

static bool is_longer(const struct batch_view *view, uint32_t a, uint32_t b)
{
    int priority = sglang_of(view)->settings.by_priority ? by_priority(view, a, b) : 0;
    return priority < 0 || (priority == 0 && batch_request(view, a)->limit_tokens >
                                                 batch_request(view, b)->limit_tokens);
}

static uint32_t read_queue(const struct batch_view *view, uint32_t *ids)
{
    uint32_t count = 0;
    for (uint32_t id = view->waiting.first; id != REQUEST_NONE; id = view->requests[id].next) {
        ids[count++] = id;
    }
    return count;
}

static void write_queue(struct batch_view *view, const uint32_t *ids, uint32_t count)
{
    view->waiting = (struct request_queue){.first = REQUEST_NONE, .last = REQUEST_NONE, .count = 0};
    for (uint32_t i = 0; i < count; i++) {
        queue_push(&view->waiting, view->requests, ids[i]);
    }
}

static void sort_by(struct batch_view *view, precedes *before)
{
    uint32_t *ids = sglang_scratch(sglang_of(view), view->waiting.count);
    uint32_t count = read_queue(view, ids);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t id = ids[i], place = i;
        for (; place > 0 && before(view, id, ids[place - 1]); place--) {
            ids[place] = ids[place - 1];
        }
        ids[place] = id;
    }
    write_queue(view, ids, count);
}

/* --- the longest cached prefix first --- */

/* Whether it begins as one before it in the queue that is not cached either, and is to be computed
 * first. `firsts` [count]: such ones. */
static bool waits_for_another(const struct batch_view *view, uint32_t id, const uint32_t *firsts,
                              uint32_t count)
{
    const struct request *request = batch_request(view, id);
    uint32_t shared = sglang_of(view)->settings.shared_tokens;
    for (uint32_t i = 0; i < count; i++) {
        const struct request *other = batch_request(view, firsts[i]);
        if (request_target(request) >= shared && request_target(other) >= shared &&
            text_common(request, other, 0, shared) == shared) {
            return true;
        }
    }
    return false;
}

static void sort_by_prefix(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    uint32_t *ids = sglang_scratch(sglang, 3 * (size_t)LPM_QUEUE);
    uint32_t *rank = ids + LPM_QUEUE, *firsts = rank + LPM_QUEUE, first_count = 0;
    uint32_t count = read_queue(view, ids);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = ids[i], known = request_target(batch_request(view, id));
        struct radix_hit hit = radix_match(&sglang->tree, id, known);
        uint32_t tokens = hit.tokens < known ? hit.tokens : known - 1, of = UINT32_MAX - tokens - 1;
        if (hit.tokens <= sglang->settings.shared_tokens) {
            if (waits_for_another(view, id, firsts, first_count)) {
                of = UINT32_MAX;
            } else {
                firsts[first_count++] = id;
            }
        }
        uint32_t place = i;
        for (; place > 0 && of < rank[place - 1]; place--) {
            ids[place] = ids[place - 1];
            rank[place] = rank[place - 1];
        }
        ids[place] = id;
        rank[place] = of;
    }
    write_queue(view, ids, count);
}

/* --- the tree depth first --- */

struct walk {
    const struct batch_view *view;
    const struct radix_tree *tree;
    uint32_t *weights; /* [nodes]: who waits for the node or what is below it */
    uint32_t *stack;   /* [stack_count]: children under way */
    uint32_t stack_count;
    const uint32_t *ids; /* [count]: the queue as it was */
    uint32_t count;
    uint32_t *sorted; /* [sorted_count]: as it will be */
    uint32_t sorted_count;
};

static void visit(struct walk *walk, uint32_t node)
{
    uint32_t first = walk->stack_count;
    const struct radix_node *nodes = walk->tree->nodes;
    for (uint32_t child = nodes[node].first_child; child != RADIX_NONE; child = nodes[child].next) {
        if (walk->weights[child] > 0) {
            uint32_t place = walk->stack_count++;
            for (; place > first && walk->weights[child] > walk->weights[walk->stack[place - 1]];
                 place--) {
                walk->stack[place] = walk->stack[place - 1];
            }
            walk->stack[place] = child;
        }
    }
    for (uint32_t i = first; i < walk->stack_count; i++) {
        uint32_t last = walk->stack_count;
        visit(walk, walk->stack[i]);
        walk->stack_count = last;
    }
    for (uint32_t i = 0; i < walk->count; i++) {
        if (sglang_entry_of(walk->view, walk->ids[i])->node == node) {
            walk->sorted[walk->sorted_count++] = walk->ids[i];
        }
    }
}

static void sort_by_branch(struct batch_view *view)
{
    struct sglang *sglang = sglang_of(view);
    const struct radix_tree *tree = &sglang->tree;
    uint32_t waiting = view->waiting.count;
    /* Looking up may split a node for each who waits. */
    size_t nodes = (size_t)tree->node_count + waiting;
    uint32_t *ids = sglang_scratch(sglang, 2 * (size_t)waiting + 2 * nodes);
    struct walk walk = {.view = view,
                        .tree = tree,
                        .ids = ids,
                        .count = read_queue(view, ids),
                        .sorted = ids + waiting,
                        .weights = ids + 2 * (size_t)waiting,
                        .stack = ids + 2 * (size_t)waiting + nodes};
    for (uint32_t i = 0; i < waiting; i++) {
        uint32_t known = request_target(batch_request(view, ids[i]));
        sglang_entry_of(view, ids[i])->node = radix_match(&sglang->tree, ids[i], known).node;
    }
    for (size_t i = 0; i < nodes; i++) {
        walk.weights[i] = 0;
    }
    for (uint32_t i = 0; i < waiting; i++) {
        uint32_t node = sglang_entry_of(view, ids[i])->node;
        walk.weights[RADIX_ROOT] += node == RADIX_ROOT;
        for (; node != RADIX_ROOT; node = tree->nodes[node].parent) {
            walk.weights[node]++;
        }
    }
    visit(&walk, RADIX_ROOT);
    write_queue(view, walk.sorted, walk.sorted_count);
}

void sglang_sort_queue(struct batch_view *view)
{
    const struct sglang_settings *settings = &sglang_of(view)->settings;
    switch (settings->radix || settings->order == SGLANG_LOF ? settings->order : SGLANG_FCFS) {
    case SGLANG_FCFS:
        if (settings->by_priority) {
            sort_by(view, came_before);
        }
        break;
    case SGLANG_LOF:
        sort_by(view, is_longer);
        break;
    case SGLANG_LPM:
        if (view->waiting.count <= LPM_QUEUE) {
            sort_by_prefix(view);
        }
        break;
    case SGLANG_DFS_WEIGHT:
        sort_by_branch(view);
        break;
    }
}
