/* SPDX-License-Identifier: MIT
 * Whole services as their clients measured them: an engine and its version, a model, a layout, a
 * closed loop of clients; mean TTFT and TPOT. Each row is a run of the service, as long as its
 * client asks. */
#include "sim/compare/service_row.h"
#include "sim/compare/service_run.h"

#include <string.h>

static const char *const columns[] = {"backend", "model_path",  "isl",     "osl",     "tp_size",
                                      "gpu",     "concurrency", "ttft_ms", "tpot_ms", NULL};

/* False when the service cannot be run, and then the row says why. It did run: what is refused for
 * want of memory or for a model's context is asked once more with as much as there is. */
static bool run(struct measurement *row, struct service_row *service,
                struct service_latencies *latencies)
{
    const char *text = service_row_yaml(row->scratch, service);
    if (!service_run(row->scratch, text, latencies, row->diagnostics)) {
        const char *first = diagnostics_first(row->diagnostics);
        struct diagnostics *unheard = diagnostics_create();
        service->roomy = true;
        text = service_row_yaml(row->scratch, service);
        bool answered = service_run(row->scratch, text, latencies, unheard);
        diagnostics_destroy(unheard);
        if (!answered) {
            measurement_unanswered(row, "%.300s", first);
            return false;
        }
        measurement_note(row, "with memory.fraction and model.context raised, for %.120s", first);
    }
    if (latencies->ttft_seconds <= 0.0) {
        measurement_unanswered(row, "no request was answered");
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

/* Answers of one token have no TPOT. */
static void predict(struct measurement *row)
{
    struct service_row service;
    struct service_latencies latencies;
    if (!service_row_read(row, &service) || !run(row, &service, &latencies)) {
        return;
    }
    measurement_compare(row, class_of(row, "TTFT"), "ttft_ms", 1e3 * latencies.ttft_seconds);
    if (latencies.tpot_seconds > 0.0) {
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
