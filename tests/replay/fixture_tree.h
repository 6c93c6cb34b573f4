/* SPDX-License-Identifier: MIT
 * Reading a scheduling fixture: JSON, which is YAML, with short names for what it holds. A fixture
 * that is not of the form ends the program with a sentence, exit status 2. */
#ifndef CPSIM_TESTS_REPLAY_FIXTURE_TREE_H
#define CPSIM_TESTS_REPLAY_FIXTURE_TREE_H

#include "sim/config/yaml_tree.h"
#include "sim/serving/batching/view.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline _Noreturn void fixture_fault(const struct node *node, const char *what)
{
    fprintf(stderr, "%s:%u: error: %s\n", node != NULL ? node->mark.file : "fixture",
            node != NULL ? (unsigned)node->mark.line : 0U, what);
    exit(2);
}

/* NULL when the key is absent or null. */
static inline const struct node *fixture_maybe(const struct node *mapping, const char *key)
{
    const struct node *node = node_get(mapping, key);
    bool null = node != NULL && node->kind == NODE_SCALAR && !node->quoted &&
                strcmp(node->text, "null") == 0;
    return null ? NULL : node;
}

static inline double fixture_real(const struct node *node)
{
    char *end = NULL;
    double value = node != NULL && node->kind == NODE_SCALAR ? strtod(node->text, &end) : 0.0;
    if (end == NULL || *end != '\0') {
        fixture_fault(node, "a number is expected");
    }
    return value;
}

static inline int64_t fixture_number(const struct node *node)
{
    return (int64_t)fixture_real(node);
}

static inline int64_t fixture_count(const struct node *mapping, const char *key, int64_t fallback)
{
    const struct node *node = fixture_maybe(mapping, key);
    return node == NULL ? fallback : fixture_number(node);
}

static inline bool fixture_flag(const struct node *mapping, const char *key)
{
    const struct node *node = fixture_maybe(mapping, key);
    return node != NULL && node->kind == NODE_SCALAR && strcmp(node->text, "true") == 0;
}

static inline const char *fixture_text(const struct node *mapping, const char *key)
{
    const struct node *node = fixture_maybe(mapping, key);
    return node != NULL && node->kind == NODE_SCALAR ? node->text : "";
}

/* Items of a list that may be absent. */
static inline size_t fixture_length(const struct node *list)
{
    return list != NULL && list->kind == NODE_LIST ? list->count : 0;
}

static inline const struct node *fixture_item(const struct node *list, size_t index)
{
    if (index >= fixture_length(list)) {
        fixture_fault(list, "a longer list is expected");
    }
    return list->items[index];
}

/* --- what a step says beside what was decided --- */

/* What differs first, in words; a line of its own. Returns false, for `return`. */
bool replay_differs(const char *what, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One of each engine: replays the whole of it; false after replay_differs(). `*step` says where. */
bool replay_vllm(struct arena *arena, const struct node *fixture, int64_t *step);
bool replay_sglang(struct arena *arena, const struct node *fixture, int64_t *step);

/* What every engine's fixture says of the requests asked: [fixture_length(asked) + 1]. */
struct request *replay_requests(struct arena *arena, const struct node *asked);

/* The id of request `number` of those asked, and the number of an id that must be there. */
const char *replay_name(const struct node *asked, uint32_t number);
uint32_t replay_id(const struct node *asked, const char *name);

/* Whether the list `what` of a step names the `count` requests of `found`, in order. Only small
 * fixtures have the lists of ids; otherwise a list that is absent is empty. */
bool replay_same_names(const struct node *asked, const struct node *step, const char *what,
                       const uint32_t *found, size_t count);

#endif
