/* SPDX-License-Identifier: MIT */
#include "sim/clients/client_comparison.h"

#include <string.h>

/* Longest prompts of the classes; the last has the rest. */
static const uint32_t prompt_classes[] = {256, 1024, 4096, 16384, UINT32_MAX};
enum { PROMPT_CLASSES = sizeof prompt_classes / sizeof *prompt_classes };

double client_error(double measured, double predicted)
{
    return predicted / measured - 1.0;
}

static size_t class_of(uint32_t prompt_tokens)
{
    size_t class = 0;
    while (prompt_tokens > prompt_classes[class]) {
        class ++;
    }
    return class;
}

static const char *class_name(struct arena *arena, size_t class)
{
    return class + 1 == PROMPT_CLASSES
               ? "prompts longer than that"
               : arena_printf(arena, "prompts up to %u tokens", prompt_classes[class]);
}

struct columns {
    double *measured[CLIENT_TIME_COUNT], *predicted[CLIENT_TIME_COUNT];
    size_t counts[CLIENT_TIME_COUNT];
};

static void add_pair(struct columns *columns, enum client_time time, double measured,
                     double predicted)
{
    size_t place = columns->counts[time]++;
    columns->measured[time][place] = measured;
    columns->predicted[time][place] = predicted;
}

/* Requests that both answered. */
static void gather(const struct compared_case *compared, size_t class, struct columns *columns)
{
    const struct client_case *one = compared->one;
    memset(columns->counts, 0, sizeof columns->counts);
    for (size_t i = 0; i < one->count; i++) {
        const struct client_request *request = &one->requests[i];
        double ttft = compared->replay.ttft_seconds[i], e2e = compared->replay.e2e_seconds[i];
        if (class_of(request->prompt_tokens) != class || ttft < 0.0) {
            continue;
        }
        add_pair(columns, CLIENT_TTFT, request->ttft_seconds, ttft);
        add_pair(columns, CLIENT_E2E, request->e2e_seconds, e2e);
        if (request->output_tokens > 1) {
            double gaps = request->output_tokens - 1;
            add_pair(columns, CLIENT_TPOT, (request->e2e_seconds - request->ttft_seconds) / gaps,
                     (e2e - ttft) / gaps);
        }
    }
}

static void make_classes(struct arena *arena, struct compared_case *compared)
{
    struct columns columns;
    for (int time = 0; time < CLIENT_TIME_COUNT; time++) {
        columns.measured[time] = ARENA_ARRAY(arena, double, compared->one->count + 1);
        columns.predicted[time] = ARENA_ARRAY(arena, double, compared->one->count + 1);
    }
    compared->classes = ARENA_ARRAY(arena, struct client_class, PROMPT_CLASSES);
    for (size_t class = 0; class < PROMPT_CLASSES; class ++) {
        gather(compared, class, &columns);
        if (columns.counts[CLIENT_TTFT] == 0) {
            continue;
        }
        struct client_class *found = &compared->classes[compared->class_count++];
        found->name = class_name(arena, class);
        found->count = columns.counts[CLIENT_TTFT];
        for (int time = 0; time < CLIENT_TIME_COUNT; time++) {
            if (columns.counts[time] > 0) {
                client_summarise(columns.measured[time], columns.counts[time],
                                 found->measured.seconds[time]);
                client_summarise(columns.predicted[time], columns.counts[time],
                                 found->predicted.seconds[time]);
            }
        }
    }
}

/* --- which cases --- */

struct chooser {
    const struct scenario *scenario;
    size_t chosen, of_other_model, of_other_ranks;
    const char *other_model;
    uint32_t other_tensor;
};

static bool chooses(struct chooser *chooser, const struct client_case *one)
{
    const char *name = chooser->scenario->llm.name;
    if (one->model[0] != '\0' && name != NULL && strcmp(one->model, name) != 0) {
        chooser->of_other_model++;
        chooser->other_model = one->model;
        return false;
    }
    if (one->tensor > 0 && one->tensor != chooser->scenario->layout.tensor) {
        chooser->of_other_ranks++;
        chooser->other_tensor = one->tensor;
        return false;
    }
    chooser->chosen++;
    return true;
}

static void tell_of_others(const struct chooser *chooser, const char *path,
                           struct diagnostics *diagnostics)
{
    enum severity severity = chooser->chosen == 0 ? SEVERITY_ERROR : SEVERITY_NOTE;
    struct mark mark = {.file = path};
    if (chooser->of_other_model > 0) {
        diagnostics_add(diagnostics, severity, mark,
                        "%zu case%s passed over: of another model, such as '%.60s'; the scenario's "
                        "is '%.60s'",
                        chooser->of_other_model, chooser->of_other_model == 1 ? "" : "s",
                        chooser->other_model, chooser->scenario->llm.name);
    }
    if (chooser->of_other_ranks > 0) {
        diagnostics_add(diagnostics, severity, mark,
                        "%zu case%s passed over: on %u tensor ranks; the scenario's layout.tensor "
                        "is %u",
                        chooser->of_other_ranks, chooser->of_other_ranks == 1 ? "" : "s",
                        chooser->other_tensor, chooser->scenario->layout.tensor);
    }
}

static const char *case_name(struct arena *arena, const struct client_file *file,
                             const struct client_case *one)
{
    const char *slash = strrchr(file->path, '/');
    const char *name = slash == NULL ? file->path : slash + 1;
    return one->name[0] == '\0' ? arena_strdup(arena, name)
                                : arena_printf(arena, "%s, %s", name, one->name);
}

static void compare_case(struct arena *arena, const struct scenario *scenario,
                         const struct client_file *file, const struct client_case *one,
                         struct replay_prices *prices, struct client_comparison *comparison,
                         struct diagnostics *diagnostics)
{
    struct compared_case *compared = &comparison->cases[comparison->count];
    *compared =
        (struct compared_case){.file = file, .one = one, .name = case_name(arena, file, one)};
    if (one->unknown_prefixes) {
        diagnostics_add(diagnostics, SEVERITY_WARNING, (struct mark){.file = compared->name},
                        "passed over: its prompts share beginnings, and how long these are it does "
                        "not say; add a column prefix_tokens");
        return;
    }
    if (replay_run(arena, scenario, one, prices, &compared->replay, diagnostics)) {
        make_classes(arena, compared);
        comparison->count++;
    }
}

bool client_comparison_run(struct arena *arena, const struct scenario *scenario,
                           const char *const *files, size_t file_count,
                           struct client_comparison *comparison, struct diagnostics *diagnostics)
{
    size_t before = diagnostics_error_count(diagnostics), room = 0;
    struct client_file *read = ARENA_ARRAY(arena, struct client_file, file_count + 1);
    for (size_t i = 0; i < file_count; i++) {
        if (client_file_read(arena, files[i], &read[i], diagnostics)) {
            room += read[i].case_count;
        }
    }
    *comparison =
        (struct client_comparison){.cases = ARENA_ARRAY(arena, struct compared_case, room + 1)};
    if (diagnostics_error_count(diagnostics) > before) {
        return false;
    }
    struct replay_prices *prices = replay_prices_create(arena);
    for (size_t i = 0; i < file_count; i++) {
        struct chooser chooser = {.scenario = scenario};
        for (size_t j = 0; j < read[i].case_count; j++) {
            if (chooses(&chooser, &read[i].cases[j])) {
                compare_case(arena, scenario, &read[i], &read[i].cases[j], prices, comparison,
                             diagnostics);
            }
        }
        tell_of_others(&chooser, files[i], diagnostics);
    }
    replay_prices_destroy(prices);
    return diagnostics_error_count(diagnostics) == before;
}
