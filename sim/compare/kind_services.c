/* SPDX-License-Identifier: MIT
 * Whole services as their clients measured them: an engine and its version, a model, a layout, a
 * closed loop of clients; mean TTFT and TPOT. Each row is a run of the service, as long as its
 * client asks. */
#include "sim/base/child.h"
#include "sim/compare/service_row.h"
#include "sim/compare/service_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {"backend", "model_path",  "isl",     "osl",     "tp_size",
                                      "gpu",     "concurrency", "ttft_ms", "tpot_ms", NULL};

/* False when the service cannot be run, and then the row says why. */
static bool run(struct measurement *row, const struct service_row *service,
                const struct service_layout *layout, struct service_latencies *latencies)
{
    const char *text = service_row_yaml(row->scratch, service, layout);
    if (!service_run(row->scratch, text, latencies, row->diagnostics)) {
        measurement_unanswered(row, "%.300s", diagnostics_first(row->diagnostics));
        return false;
    }
    if (latencies->ttft_seconds <= 0.0 || latencies->tpot_seconds <= 0.0) {
        measurement_unanswered(row, "no request was answered with more than a token");
        return false;
    }
    return true;
}

static const char *class_of(const struct measurement *row, const char *figure)
{
    const char *model = measurement_text(row, "model_path");
    const char *slash = strrchr(model, '/');
    return arena_printf(row->arena, "%s %s %s %s %s", measurement_text(row, "backend"),
                        slash == NULL ? model : slash + 1, measurement_text(row, "gpu"),
                        measurement_text(row, "client"), figure);
}

static bool same(const struct service_layout *a, const struct service_layout *b)
{
    return a->tensor == b->tensor && a->pipeline == b->pipeline &&
           a->attention_data == b->attention_data && a->expert == b->expert;
}

/* What a process of its own needs to run the service laid out as its first pool. */
struct prompts_run {
    struct measurement *row;
    const struct service_row *service;
};

/* In that process: its answer, or its complaint, goes where the parent listens. */
static int run_prompts(void *context)
{
    const struct prompts_run *own = context;
    struct service_latencies latencies;
    if (!run(own->row, own->service, &own->service->prompts, &latencies)) {
        fprintf(stderr, "%s", own->row->unanswered);
        return 1;
    }
    fprintf(stderr, "%.17g", latencies.ttft_seconds);
    return 0;
}

/* Replicas of a scenario are laid out alike. Two pools that are not are two services: of one laid
 * out as the first pool, TTFT; of one laid out as the second, TPOT. */
static bool run_pools(struct measurement *row, const struct service_row *service,
                      struct service_latencies *latencies)
{
    if (same(&service->prompts, &service->answers)) {
        return run(row, service, &service->answers, latencies);
    }
    struct prompts_run prompts = {.row = row, .service = service};
    struct child_limits none = {.seconds = 0};
    struct child_end end = {.said = ""};
    if (!child_run(row->scratch, none, run_prompts, &prompts, &end) || end.signal != 0 ||
        end.status != 0) {
        measurement_unanswered(row, "prompts: %.300s", end.said);
        return false;
    }
    if (!run(row, service, &service->answers, latencies)) {
        return false;
    }
    latencies->ttft_seconds = strtod(end.said, NULL);
    measurement_note(row, "pools with layouts of their own, as two services");
    return true;
}

static void predict(struct measurement *row)
{
    struct service_row service;
    struct service_latencies latencies;
    if (!service_row_read(row, &service)) {
        return;
    }
    /* Pools whose ranks share experts by requests of their own: each pool as a whole service. */
    if (service.pools &&
        (service.prompts.attention_data > 1 || service.answers.attention_data > 1)) {
        measurement_note(row, "pools with attention_data, as whole services");
        service.mixed = true;
    }
    bool done = service.pools ? run_pools(row, &service, &latencies)
                              : run(row, &service, &service.answers, &latencies);
    if (done) {
        measurement_compare(row, class_of(row, "TTFT"), "ttft_ms", 1e3 * latencies.ttft_seconds);
        measurement_compare(row, class_of(row, "TPOT"), "tpot_ms", 1e3 * latencies.tpot_seconds);
    }
}

const struct measurement_kind kind_services = {
    .name = "services",
    .doc = "whole services under closed loops of clients: mean TTFT and TPOT, each row a run",
    .columns = columns,
    .without_gpu = true,
    .runs = true,
    .predict = predict,
};
