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
