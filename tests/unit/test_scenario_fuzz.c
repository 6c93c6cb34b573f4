/* SPDX-License-Identifier: MIT
 * Shipped scenarios and data files, damaged at random from a fixed seed: loading must always end,
 * either with a scenario or with at least one error, and never touch memory that is not its own
 * (the sanitize preset watches). Hand-written mistakes are those that somebody thought of. */
#include "diagnosed.h"

#include "sim/scenario/load.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 32 * 1024, ROUNDS = 600 };

static uint64_t state = 0x9e3779b97f4a7c15ULL;

/* xorshift64: the same damage on every machine. */
static uint64_t next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static const char *const tokens[] = {
    "{",    "}",     "[",          "]",       ": ",     ",",         "\n",   "\n  ",     "- ",
    "'",    "\"",    "#",          "&a ",     "*a",     "!!int ",    "|\n",  "? ",       "---\n",
    "use:", "value", "source: x",  "preset:", "kind:",  "0",         "-1",   "1e308",    "1e-308",
    "_",    " GB/s", " us",        " tokens", "null",   "~",         "\xff", "\xc3\xa9", "\\0",
    "[]",   "{}",    "{use: gtt}", "gpu:",    "turns:", "schema: 1", "\t",   "%",        "@",
};

/* One piece of damage to text[0..size); the new size. */
static size_t damage(char *text, size_t size)
{
    size_t at = (size_t)next(size + 1), length = 1 + (size_t)next(20);
    const char *token = tokens[next(sizeof tokens / sizeof *tokens)];
    size_t token_length = strlen(token);
    switch (next(5)) {
    case 0: /* a bit */
        if (at < size) {
            text[at] = (char)((unsigned char)text[at] ^ (1U << next(8)));
        }
        return size;
    case 1: /* bytes lost */
        length = length > size - at ? size - at : length;
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    case 2: /* bytes doubled */
        length = length > size - at ? size - at : length;
        if (size + length > MOST_BYTES) {
            return size;
        }
        memmove(text + at + length, text + at, size - at);
        return size + length;
    case 3: /* a word of the language where it does not belong */
        if (size + token_length > MOST_BYTES) {
            return size;
        }
        memmove(text + at + token_length, text + at, size - at);
        memcpy(text + at, token, token_length);
        return size + token_length;
    default: /* the end lost, rarely */
        return next(10) == 0 ? at : size;
    }
}

static size_t read_file(const char *path, char *text)
{
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    size_t size = fread(text, 1, MOST_BYTES, stream);
    fclose(stream);
    ck_assert_uint_gt(size, 0);
    return size;
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(text, 1, size, stream), size);
    fclose(stream);
}

struct target {
    const char *key; /* of a data file; NULL: a scenario */
    const char *path;
};

static bool load(const struct target *target, struct arena *arena, const char *path,
                 struct diagnostics *diagnostics)
{
    union {
        struct llm llm;
        struct gpu gpu;
        struct cluster cluster;
        struct software software;
    } object;
    memset(&object, 0, sizeof object);
    return target->key == NULL
               ? scenario_load(arena, path, NULL, 0, diagnostics) != NULL
               : data_file_load(arena, target->key, path, &object, diagnostics) != NULL;
}

/* How many of the rounds still loaded. */
static unsigned fuzz(const struct target *target, const char *text, size_t size)
{
    static char damaged[MOST_BYTES];
    char directory[] = "/tmp/cpsim-fuzz-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    char path[sizeof directory + 16];
    snprintf(path, sizeof path, "%s/x.yaml", directory);
    unsigned loaded = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(damaged, text, size);
        size_t damaged_size = size;
        for (uint64_t pieces = 1 + next(4); pieces > 0; pieces--) {
            damaged_size = damage(damaged, damaged_size);
        }
        write_file(path, damaged, damaged_size);
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        bool whole = load(target, arena, path, diagnostics);
        char *complaints = diagnosed(diagnostics);
        ck_assert_msg(whole == (diagnostics_error_count(diagnostics) == 0), "round %d: %s, but: %s",
                      round, whole ? "loaded" : "refused", complaints);
        loaded += whole;
        free(complaints);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    unlink(path);
    rmdir(directory);
    return loaded;
}

START_TEST(damaged_files_never_crash_the_loader)
{
    static const struct target targets[] = {
        {.path = CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml"},
        {.key = "model", .path = CPSIM_SOURCE_DIR "/models/llm/llama3-405b.yaml"},
        {.key = "cluster", .path = CPSIM_SOURCE_DIR "/platforms/clusters/gtt.yaml"},
        {.key = "gpu", .path = CPSIM_SOURCE_DIR "/platforms/gpus/h100-sxm.yaml"},
        {.key = "software.collectives",
         .path = CPSIM_SOURCE_DIR "/platforms/collectives/nccl-hopper.yaml"},
        {.key = "software", .path = CPSIM_SOURCE_DIR "/platforms/software/pytorch-nccl.yaml"},
    };
    static char text[MOST_BYTES];
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        size_t size = read_file(targets[i].path, text);
        unsigned loaded = fuzz(&targets[i], text, size);
        /* Damage that always, or never, shows would test little. */
        ck_assert_msg(loaded > 0 && loaded < ROUNDS, "%s: %u of %d rounds loaded", targets[i].path,
                      loaded, ROUNDS);
    }
}
END_TEST

/* The same for a scenario that says everything itself, so that every table is reached at once. */
START_TEST(damaged_inline_scenarios_never_crash_the_loader)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", NULL, 0, diagnostics);
    ck_assert_ptr_nonnull(scenario);
    static const struct target whole = {.path = "inline"};
    const char *yaml = scenario_yaml(arena, scenario);
    size_t size = strlen(yaml);
    ck_assert_uint_lt(size, MOST_BYTES);
    unsigned loaded = fuzz(&whole, yaml, size);
    ck_assert_msg(loaded > 0 && loaded < ROUNDS, "%u of %d rounds loaded", loaded, ROUNDS);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(scenario_fuzz, damaged_files_never_crash_the_loader,
          damaged_inline_scenarios_never_crash_the_loader)
