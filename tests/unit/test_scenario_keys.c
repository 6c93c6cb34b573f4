/* SPDX-License-Identifier: MIT
 * Every key of the shipped scenarios with a value that cannot be read, and with 0: loading ends
 * with a scenario or with an error. Checks of several values together must not count with one that
 * was refused. A key that no scenario says itself is tried once for each kind of workload. */
#include "diagnosed.h"

#include "sim/config/yaml_tree.h"
#include "sim/scenario/load.h"

#include <glob.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static char trying[1024];

/* What was tried when the program died of it. */
static void say_last_words(int signal_number)
{
    ssize_t written = write(STDERR_FILENO, trying, strlen(trying));
    signal(signal_number, SIG_DFL);
    raise(written < 0 ? SIGABRT : signal_number);
}

static void try_value(const char *path, const char *key, const char *value)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct override override = {.text = arena_printf(arena, "%s=%s", key, value)};
    snprintf(trying, sizeof trying, "died of: cpsim check %s --set '%s'\n", path, override.text);
    bool loaded = scenario_load(arena, path, &override, 1, diagnostics) != NULL;
    ck_assert_msg(loaded == (diagnostics_error_count(diagnostics) == 0),
                  "%s, --set %s: %s, and %zu errors", path, override.text,
                  loaded ? "loaded" : "refused", diagnostics_error_count(diagnostics));
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

/* Whether a key has been tried with a workload of this kind: then not again, unless the scenario
 * itself says it, or sizes come of it. */
static bool is_new(const char *key, enum workload_kind kind, const struct node *node)
{
    enum { MOST = 8192 };
    static struct {
        char *key;
        enum workload_kind kind;
    } tried[MOST];
    static size_t count;
    static const char *const sizes[] = {"layout.", "precision.", "memory."};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strncmp(key, sizes[i], strlen(sizes[i])) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (tried[i].kind == kind && strcmp(tried[i].key, key) == 0) {
            return node->origin == ORIGIN_SCENARIO;
        }
    }
    ck_assert_uint_lt(count, MOST);
    tried[count].key = strdup(key);
    tried[count++].kind = kind;
    return true;
}

static size_t try_keys(struct arena *arena, const char *path, enum workload_kind kind,
                       const struct node *node, const char *key)
{
    size_t tried = 0;
    const char *dot = key[0] == '\0' ? "" : ".";
    if (key[0] != '\0' && is_new(key, kind, node)) {
        try_value(path, key, "no such thing");
        try_value(path, key, "0");
        tried++;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == NODE_MAPPING) {
            tried += try_keys(arena, path, kind, node->entries[i].value,
                              arena_printf(arena, "%s%s%s", key, dot, node->entries[i].key));
        } else if (i < 2) { /* others of a list are like its first two */
            tried += try_keys(arena, path, kind, node->items[i],
                              arena_printf(arena, "%s%s%zu", key, dot, i));
        }
    }
    return tried;
}

START_TEST(a_refused_value_is_not_counted_with)
{
    signal(SIGABRT, say_last_words);
    signal(SIGSEGV, say_last_words);
    signal(SIGFPE, say_last_words);
    glob_t found;
    ck_assert_int_eq(glob(CPSIM_SOURCE_DIR "/scenarios/*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        struct resolved_scenario resolved;
        ck_assert_msg(scenario_resolve(arena, path, NULL, 0, diagnostics, &resolved), "%s", path);
        size_t tried = try_keys(arena, path, resolved.scenario->workload, resolved.tree, "");
        ck_assert_uint_gt(tried, 20);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    globfree(&found);
}
END_TEST

/* Loads of experts that were measured, where a part of the experts is cut over several GPUs: parts
 * share a node, are one a node, or fill several; and where the layout is no layout. */
START_TEST(experts_cut_over_gpus_are_placed)
{
    static const struct {
        const char *layout;
        bool fits;
    } rows[] = {
        {"layout={tensor: 2, attention_data: 32, expert: 64}", true},
        {"layout={tensor: 2, attention_data: 32, expert: 8}", true},
        {"layout={tensor: 2, attention_data: 32, expert: 4}", true},
        {"layout={tensor: 2, attention_data: 32, expert: 2}", true},
        {"layout={tensor: 4, attention_data: 6, expert: 8}", true},
        {"layout={attention_data: 320, expert: 32}", false},
        {"layout={tensor: 2, attention_data: 6, expert: 4}", false},
    };
    static const char *const placements[] = {"dealt", "eplb", "grace"};
    signal(SIGFPE, say_last_words);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof placements / sizeof *placements; j++) {
            struct arena *arena = arena_create();
            struct diagnostics *diagnostics = diagnostics_create();
            const struct override overrides[] = {
                {.text = "software.exchange=all-gather"},
                {.text = "cluster.nodes=8"},
                {.text = "routing.redundant=0"},
                {.text = arena_printf(arena, "routing.placement=%s", placements[j])},
                {.text = rows[i].layout},
            };
            snprintf(trying, sizeof trying, "died of: %s, %s\n", rows[i].layout, placements[j]);
            const struct scenario *scenario =
                scenario_load(arena, CPSIM_SOURCE_DIR "/scenarios/experts-grouped.yaml", overrides,
                              sizeof overrides / sizeof *overrides, diagnostics);
            char *complaints = diagnosed(diagnostics);
            ck_assert_msg((scenario != NULL) == rows[i].fits, "%s: %s", rows[i].layout, complaints);
            free(complaints);
            diagnostics_destroy(diagnostics);
            arena_destroy(arena);
        }
    }
}
END_TEST

RUN_TESTS(scenario_keys, a_refused_value_is_not_counted_with, experts_cut_over_gpus_are_placed)
