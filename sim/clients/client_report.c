/* SPDX-License-Identifier: MIT
 * A comparison of clients' figures, for people, for programs (JSON), and a request a line (CSV).
 * Columns: docs/own-engine.md. */
#include "sim/clients/client_comparison.h"

#include "sim/base/json.h"
#include "sim/compare/errors.h"

#include <math.h>
#include <string.h>

/* One figure of a case: measured and predicted, both positive, or it is none. */
struct pair {
    const char *name; /* "TTFT p50" */
    double measured, predicted;
    bool time; /* seconds; else a rate */
};

enum { MOST_PAIRS = CLIENT_TIME_COUNT * CLIENT_STATISTIC_COUNT + 2 };

static void add_pair(struct pair *pairs, size_t *count, struct pair pair)
{
    if (pair.measured > 0.0 && pair.predicted > 0.0) {
        pairs[(*count)++] = pair;
    }
}

static size_t pairs_of(struct arena *arena, const struct client_figures *measured,
                       const struct client_figures *predicted, struct pair *pairs)
{
    size_t count = 0;
    for (int time = 0; time < CLIENT_TIME_COUNT; time++) {
        for (int i = 0; i < CLIENT_STATISTIC_COUNT; i++) {
            const char *name =
                arena_printf(arena, "%s %s", client_time_name((enum client_time)time),
                             client_statistic_name((enum client_statistic)i));
            add_pair(
                pairs, &count,
                (struct pair){name, measured->seconds[time][i], predicted->seconds[time][i], true});
        }
    }
    add_pair(pairs, &count,
             (struct pair){"requests/s", measured->requests_per_second,
                           predicted->requests_per_second, false});
    add_pair(pairs, &count,
             (struct pair){"output tokens/s", measured->output_tokens_per_second,
                           predicted->output_tokens_per_second, false});
    return count;
}

static const char *load_text(struct arena *arena, const struct compared_case *compared)
{
    if (compared->one->count == 0) {
        return "figures alone, against the scenario's own load";
    }
    const char *when = compared->replay.clients > 0
                           ? arena_printf(arena, "from %u client%s", compared->replay.clients,
                                          compared->replay.clients == 1 ? "" : "s")
                           : "at the times at which they were sent";
    return arena_printf(arena, "%zu requests, %s", compared->one->count, when);
}

/* --- text --- */

static void print_pair(struct text *text, const struct pair *pair)
{
    double scale = pair->time ? 1e3 : 1.0;
    text_print(text, "  %-18s %10.4g %10.4g%s %+7.1f %%\n", pair->name, scale * pair->measured,
               scale * pair->predicted, pair->time ? " ms" : "   ",
               100.0 * client_error(pair->measured, pair->predicted));
}

static void print_classes(struct text *text, const struct compared_case *compared)
{
    if (compared->class_count < 2) {
        return;
    }
    text_print(text, "  %-28s %6s %10s %10s %10s\n", "error of the median by prompt", "count",
               "TTFT", "TPOT", "E2E");
    for (size_t i = 0; i < compared->class_count; i++) {
        const struct client_class *class = &compared->classes[i];
        text_print(text, "  %-28s %6zu", class->name, class->count);
        static const enum client_time times[] = {CLIENT_TTFT, CLIENT_TPOT, CLIENT_E2E};
        for (size_t j = 0; j < sizeof times / sizeof *times; j++) {
            double measured = class->measured.seconds[times[j]][CLIENT_P50];
            double predicted = class->predicted.seconds[times[j]][CLIENT_P50];
            if (measured > 0.0 && predicted > 0.0) {
                text_print(text, " %+8.1f %%", 100.0 * client_error(measured, predicted));
            } else {
                text_print(text, " %10s", "-");
            }
        }
        text_add(text, "\n");
    }
}

static void print_case(struct text *text, const struct compared_case *compared)
{
    struct pair pairs[MOST_PAIRS];
    size_t count = pairs_of(text->arena, &compared->one->figures, &compared->replay.figures, pairs);
    text_print(text, "%s: %s\n", compared->name, load_text(text->arena, compared));
    if (compared->replay.unanswered > 0) {
        text_print(text, "  %zu requests were answered, but not in the simulation\n",
                   compared->replay.unanswered);
    }
    text_print(text, "  %-18s %10s %10s    %9s\n", "", "measured", "predicted", "error");
    for (size_t i = 0; i < count; i++) {
        print_pair(text, &pairs[i]);
    }
    print_classes(text, compared);
    text_add(text, "\n");
}

/* The size of errors over all cases, of what one looks at first. */
static void print_summary(struct text *text, const struct client_comparison *comparison)
{
    static const struct {
        enum client_time time;
        enum client_statistic statistic;
    } figures[] = {{CLIENT_TTFT, CLIENT_P50}, {CLIENT_TTFT, CLIENT_P99}, {CLIENT_TPOT, CLIENT_P50},
                   {CLIENT_ITL, CLIENT_P50},  {CLIENT_E2E, CLIENT_P50},  {CLIENT_E2E, CLIENT_P99}};
    if (comparison->count < 2) {
        return;
    }
    double *errors = ARENA_ARRAY(text->arena, double, comparison->count);
    text_print(text, "%-18s %5s %8s %8s %8s\n", "all cases", "count", "median", "worst", "bias");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        size_t count = 0;
        for (size_t j = 0; j < comparison->count; j++) {
            const struct compared_case *compared = &comparison->cases[j];
            double measured = compared->one->figures.seconds[figures[i].time][figures[i].statistic];
            double predicted =
                compared->replay.figures.seconds[figures[i].time][figures[i].statistic];
            if (measured > 0.0 && predicted > 0.0) {
                errors[count++] = client_error(measured, predicted);
            }
        }
        if (count > 0) {
            struct error_summary summary = errors_summarise(errors, count);
            text_print(text, "%-5s%-13s %5zu %6.1f %% %6.1f %% %+6.1f %%\n",
                       client_time_name(figures[i].time),
                       client_statistic_name(figures[i].statistic), summary.count,
                       100.0 * summary.median, 100.0 * summary.worst, 100.0 * summary.bias);
        }
    }
}

void client_comparison_print(struct text *text, const struct client_comparison *comparison)
{
    text_add(text, "");
    for (size_t i = 0; i < comparison->count; i++) {
        print_case(text, &comparison->cases[i]);
    }
    print_summary(text, comparison);
}

/* --- for programs --- */

static void write_pairs(struct json *json, struct arena *arena,
                        const struct client_figures *measured,
                        const struct client_figures *predicted)
{
    struct pair pairs[MOST_PAIRS];
    size_t count = pairs_of(arena, measured, predicted, pairs);
    json_open(json, "figures", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        json_string(json, "name", pairs[i].name);
        json_string(json, "unit", pairs[i].time ? "s" : "1/s");
        json_number(json, "measured", pairs[i].measured);
        json_number(json, "predicted", pairs[i].predicted);
        json_number(json, "error", client_error(pairs[i].measured, pairs[i].predicted));
        json_close(json, '}');
    }
    json_close(json, ']');
}

void client_comparison_print_json(const struct client_comparison *comparison, FILE *stream)
{
    struct json json = {.stream = stream};
    struct arena *arena = arena_create();
    json_open(&json, NULL, '{');
    json_open(&json, "cases", '[');
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared_case *compared = &comparison->cases[i];
        json_open(&json, NULL, '{');
        json_string(&json, "file", compared->file->path);
        json_string(&json, "format", compared->file->format);
        json_string(&json, "case", compared->one->name);
        json_count(&json, "requests", compared->one->count);
        json_count(&json, "failed", compared->one->failed);
        json_count(&json, "unanswered", compared->replay.unanswered);
        json_count(&json, "clients", compared->replay.clients);
        write_pairs(&json, arena, &compared->one->figures, &compared->replay.figures);
        json_open(&json, "classes", '[');
        for (size_t j = 0; j < compared->class_count; j++) {
            const struct client_class *class = &compared->classes[j];
            json_open(&json, NULL, '{');
            json_string(&json, "class", class->name);
            json_count(&json, "count", class->count);
            write_pairs(&json, arena, &class->measured, &class->predicted);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    arena_destroy(arena);
}

void client_comparison_print_csv(struct text *text, const struct client_comparison *comparison)
{
    text_add(text, "case,index,sent_s,prompt_tokens,output_tokens,ttft_s,predicted_ttft_s,e2e_s,"
                   "predicted_e2e_s\n");
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared_case *compared = &comparison->cases[i];
        for (size_t j = 0; j < compared->one->count; j++) {
            const struct client_request *request = &compared->one->requests[j];
            bool answered = compared->replay.ttft_seconds[j] >= 0.0;
            text_print(text, "\"%s\",%zu,%.6f,%u,%u,%.6f,", compared->name, j,
                       fmax(0.0, request->sent_seconds), request->prompt_tokens,
                       request->output_tokens, request->ttft_seconds);
            if (answered) {
                text_print(text, "%.6f,%.6f,%.6f\n", compared->replay.ttft_seconds[j],
                           request->e2e_seconds, compared->replay.e2e_seconds[j]);
            } else {
                text_print(text, ",%.6f,\n", request->e2e_seconds);
            }
        }
    }
}
