/* SPDX-License-Identifier: MIT
 * Plays a serving scenario in a child process, for SimGrid has one engine a process. */
#ifndef CPSIM_TESTS_SERVING_PLAY_H
#define CPSIM_TESTS_SERVING_PLAY_H

#include "sim/serving/load/preview.h"
#include "sim/serving/result/metrics.h"
#include "sim/serving/result/need.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes a table of a scenario into a file of mkstemp()'s name `path`, which the caller removes. */
static inline void write_table(char *path, const char *rows)
{
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, rows, strlen(rows)), (ssize_t)strlen(rows));
    close(descriptor);
}

/* What is left of a run when its process has ended. */
struct played {
    bool ok;
    struct serving_metrics metrics;
    struct serving_metrics classes[4]; /* the first of metrics.classes */
    double end_seconds;
    uint64_t kv_pages;                      /* of a server of the first pool ... */
    uint64_t kv_pages_all;                  /* ... and of all */
    double served_mean, served_square_mean; /* first in a batch to last token, and its square */
    double outstanding_mean;                /* requests in the system, over time */
    uint64_t prompts, answers;              /* tokens of the requests that are done */
    uint64_t computed, decoded;             /* tokens that the servers computed and decoded */
    uint64_t free_pages;                    /* not held when all is over */
    uint64_t over_full;                     /* servers whose cache ever held more than it has */
    uint64_t out_of_order;                  /* requests whose times do not follow each other */
    uint64_t unforeseen;                    /* requests that serving_preview() tells otherwise */
    uint64_t programs;                      /* built to price steps */
    uint32_t places;                        /* that its requests took (struct requests) */
    bool may_leave;                         /* its requests, before their answers end */
    bool missed;                            /* its goal: the figures mean nothing */
    struct serving_need need, room;         /* of limits: what it needed, and what it had */
};

static inline void played_requests(const struct serving_run *run, struct played *played)
{
    double in_system = 0.0, last = 0.0;
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (request->state != REQUEST_DONE) {
            continue;
        }
        double served = request->last_token_seconds - request->scheduled_seconds;
        played->served_mean += served;
        played->served_square_mean += served * served;
        in_system += request->last_token_seconds - request->arrival_seconds;
        last = request->last_token_seconds > last ? request->last_token_seconds : last;
        played->prompts += request->prompt_tokens;
        played->answers += request->output_tokens;
        bool ordered = request->arrival_seconds <= request->scheduled_seconds &&
                       request->scheduled_seconds < request->first_token_seconds &&
                       request->first_token_seconds <= request->last_token_seconds &&
                       request->generated_tokens == request->output_tokens;
        played->out_of_order += !ordered;
    }
    double count = (double)played->metrics.completed;
    if (count <= 0.0) {
        return; /* nobody stayed to the end */
    }
    played->served_mean /= count;
    played->served_square_mean /= count;
    played->outstanding_mean = in_system / last;
}

static inline void played_preview(const struct serving_run *run, struct played *played)
{
    struct serving_preview preview =
        serving_preview(run->scenario, run->arena, run->requests.capacity, run->diagnostics);
    for (uint32_t i = 0; i < preview.count && i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        const struct previewed_request *seen = &preview.requests[i];
        bool same = memcmp(&request->arrival_seconds, &seen->arrival_seconds,
                           sizeof seen->arrival_seconds) == 0 &&
                    request->prompt_tokens == seen->prompt_tokens &&
                    request->output_tokens == seen->output_tokens;
        played->unforeseen += !same;
    }
}

static inline void played_servers(const struct serving_run *run, struct played *played)
{
    for (uint32_t i = 0; i < run->fleet.server_count; i++) {
        const struct server *server = &run->fleet.servers[i];
        played->computed += server->totals.prompt_tokens;
        played->decoded += server->totals.decode_tokens;
        played->free_pages += kv_cache_available(&server->view.kv);
        played->kv_pages_all += server->view.kv.pages;
        played->over_full += server->totals.most_pages > server->view.kv.pages;
    }
}

static inline struct played play_here(const char *path, const char *const *overrides,
                                      const struct serving_options *options)
{
    struct played played = {.ok = false};
    struct override texts[24];
    size_t count = 0;
    for (; overrides[count] != NULL; count++) {
        ck_assert_uint_lt(count, sizeof texts / sizeof *texts);
        texts[count].text = overrides[count];
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, path, texts, count, diagnostics);
    struct serving_run *run = ARENA_NEW(arena, struct serving_run);
    bool wrong_input = false;
    played.ok =
        scenario != NULL && serving_run(scenario, arena, options, run, &wrong_input, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (played.ok) {
        serving_metrics(run, &played.metrics);
        for (size_t i = 0; i < played.metrics.class_count && i < 4; i++) {
            played.classes[i] = played.metrics.classes[i];
        }
        played.end_seconds = run->end_seconds;
        played.kv_pages = run->fleet.pools[0].kv_pages;
        for (uint32_t i = 0; i < run->fleet.pool_count; i++) {
            played.programs += step_costs_built(run->fleet.pools[i].costs->stages[0]);
        }
        played.may_leave = run->fleet.may_leave;
        played.missed = run->watch.missed;
        played.need = serving_need(run, arena);
        played.room = serving_room(scenario);
        played.places = run->requests.places;
        if (run->fold == NULL) {
            played_preview(run, &played);
            played_requests(run, &played);
        }
        played_servers(run, &played);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return played;
}

/* `overrides` ends with NULL; each as for --set. The test fails when the run does. */
static inline struct played play_serving_with(const char *path, const char *const *overrides,
                                              const struct serving_options *options)
{
    int result[2];
    ck_assert_int_eq(pipe(result), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct played played = play_here(path, overrides, options);
        ssize_t written = write(result[1], &played, sizeof played);
        _exit(written == (ssize_t)sizeof played ? 0 : 1);
    }
    struct played played = {.ok = false};
    close(result[1]);
    ck_assert_int_eq(read(result[0], &played, sizeof played), sizeof played);
    close(result[0]);
    waitpid(child, NULL, 0);
    ck_assert_msg(played.ok, "%s could not be played", path);
    return played;
}

static inline struct played play_serving(const char *path, const char *const *overrides)
{
    return play_serving_with(path, overrides, &(struct serving_options){.trace = NULL});
}

#endif
