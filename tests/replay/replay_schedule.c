/* SPDX-License-Identifier: MIT
 * replay_schedule FILE...: plays what a real engine's scheduler was asked, with the batching policy
 * and the KV cache that simulated services use, and compares every decision. Prints the first step
 * of each fixture that differs; exit status 1 when one does, 2 when a file is no fixture. */
#include "fixture_tree.h"

#include "sim/base/file.h"

#include <inttypes.h>
#include <stdarg.h>

static char difference[4096];

bool replay_differs(const char *what, const char *format, ...)
{
    int used = snprintf(difference, sizeof difference, "%s: ", what);
    va_list values;
    va_start(values, format);
    vsnprintf(difference + used, sizeof difference - (size_t)used, format, values);
    va_end(values);
    return false;
}

struct request *replay_requests(struct arena *arena, const struct node *asked)
{
    uint32_t count = (uint32_t)fixture_length(asked);
    struct request *requests = ARENA_ARRAY(arena, struct request, count + 1U);
    for (uint32_t i = 0; i < count; i++) {
        const struct node *one = fixture_item(asked, i);
        requests[i] = (struct request){
            .number = i,
            .scheduled_seconds = -1.0,
            .prompt_tokens = (uint32_t)fixture_count(one, "prompt_tokens", 0),
            .output_tokens = (uint32_t)fixture_count(one, "output_tokens", 0),
            .priority = (int32_t)fixture_count(one, "priority", 0),
            .next = REQUEST_NONE,
        };
    }
    return requests;
}

const char *replay_name(const struct node *asked, uint32_t number)
{
    return fixture_text(fixture_item(asked, number), "id");
}

uint32_t replay_id(const struct node *asked, const char *name)
{
    for (uint32_t i = 0; i < fixture_length(asked); i++) {
        if (strcmp(replay_name(asked, i), name) == 0) {
            return i;
        }
    }
    fixture_fault(asked, "a step names a request that is not there");
}

bool replay_same_names(const struct node *asked, const struct node *step, const char *what,
                       const uint32_t *found, size_t count)
{
    const struct node *expected = fixture_maybe(step, what);
    if (expected == NULL && strstr(what, "_ids") != NULL) {
        return true;
    }
    for (size_t i = 0; i < fixture_length(expected) || i < count; i++) {
        const char *want =
            i < fixture_length(expected) ? fixture_item(expected, i)->text : "nobody";
        const char *have = i < count ? replay_name(asked, found[i]) : "nobody";
        if (strcmp(want, have) != 0) {
            return replay_differs(what, "place %zu: %s expected, %s found", i, want, have);
        }
    }
    return true;
}

/* True when all is as decided, or the file has no steps. */
static bool replay(const char *path)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    size_t size = 0;
    const char *bytes =
        file_read(arena, path, YAML_MAX_BYTES, "a scheduling fixture", &size, diagnostics);
    const struct node *fixture =
        bytes == NULL ? NULL : yaml_tree_parse(arena, bytes, size, path, ORIGIN_DATA, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (fixture == NULL) {
        exit(2);
    }
    const struct node *steps = node_get(fixture, "steps");
    bool same = true;
    if (steps == NULL) {
        printf("%s: no steps, nothing to replay\n", path);
    } else {
        int64_t step = 0;
        bool sglang = strncmp(fixture_text(fixture, "engine"), "SGLang", 6) == 0;
        same = sglang ? replay_sglang(arena, fixture, &step) : replay_vllm(arena, fixture, &step);
        if (same) {
            printf("%s: %zu steps as decided\n", path, steps->count);
        } else {
            printf("%s: step %" PRId64 " differs: %s\n", path, step, difference);
        }
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return same;
}

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: replay_schedule FILE...\n");
        return 2;
    }
    int different = 0;
    for (int i = 1; i < count; i++) {
        different += !replay(arguments[i]);
    }
    return different > 0 ? 1 : 0;
}
