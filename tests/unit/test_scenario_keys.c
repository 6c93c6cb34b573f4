/* SPDX-License-Identifier: MIT
 * Every key of every shipped scenario with a value that cannot be read, and with 0: loading ends
 * with a scenario or with an error. Checks of several values together must not count with one that
 * was refused. Keys of the machine and the model are tried in one scenario of each kind of
 * workload; CPSIM_TEST_ALL_KEYS=1 tries all everywhere (a minute). */
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

/* Whether a key is of the machine or the model, which many scenarios share. */
static bool is_shared(const char *key)
{
    static const char *const shared[] = {"gpu", "cluster", "model", "software", "pools"};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        size_t length = strlen(shared[i]);
        if (strncmp(key, shared[i], length) == 0 && (key[length] == '.' || key[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static size_t try_keys(struct arena *arena, const char *path, const struct node *node,
                       const char *key, bool everywhere)
{
    if (!everywhere && is_shared(key)) {
        return 0;
    }
    size_t tried = 0;
    const char *dot = key[0] == '\0' ? "" : ".";
    if (key[0] != '\0') {
        try_value(path, key, "no such thing");
        try_value(path, key, "0");
        tried++;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == NODE_MAPPING) {
            tried += try_keys(arena, path, node->entries[i].value,
                              arena_printf(arena, "%s%s%s", key, dot, node->entries[i].key),
                              everywhere);
        } else if (i < 2) { /* others of a list are like its first two */
            tried += try_keys(arena, path, node->items[i],
                              arena_printf(arena, "%s%s%zu", key, dot, i), everywhere);
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
    bool all = getenv("CPSIM_TEST_ALL_KEYS") != NULL;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        struct resolved_scenario resolved;
        ck_assert_msg(scenario_resolve(arena, path, NULL, 0, diagnostics, &resolved), "%s", path);
        bool shared = strstr(path, "/one-gpu.yaml") != NULL ||
                      strstr(path, "/serving-deepseek-v3.yaml") != NULL ||
                      strstr(path, "/train-two-gpus.yaml") != NULL;
        size_t tried = try_keys(arena, path, resolved.tree, "", all || shared);
        ck_assert_uint_gt(tried, 20);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    globfree(&found);
}
END_TEST

RUN_TESTS(scenario_keys, a_refused_value_is_not_counted_with)
