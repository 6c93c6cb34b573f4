/* SPDX-License-Identifier: MIT
 * Whole services as their clients measured them: an engine and its version, a model, a layout, a
 * closed loop of clients; mean TTFT and TPOT. Each row is a run of the service, as long as its
 * client asks. */
#include "sim/compare/service_row.h"
#include "sim/compare/service_run.h"
#include "sim/scenario/hub.h"

#include <string.h>

static const char *const columns[] = {"backend", "model_path",  "isl",     "osl",     "tp_size",
                                      "gpu",     "concurrency", "ttft_ms", "tpot_ms", NULL};

/* Asks again; true when it was answered. */
static bool run_again(struct measurement *row, const struct service_row *service,
                      struct service_latencies *latencies)
{
    struct diagnostics *unheard = diagnostics_create();
    const char *text = service_row_yaml(row->scratch, service);
    bool answered =
        service_run(row->scratch, text, latencies, unheard) && latencies->ttft_seconds > 0.0;
    diagnostics_destroy(unheard);
    return answered;
}

/* False when the service cannot be run, and then the row says why. It did run: what is refused for
 * want of memory, for a model's context or for sizes that blocks do not divide is asked again with
 * as much as there is, then with small steps too. */
static bool run(struct measurement *row, struct service_row *service,
                struct service_latencies *latencies)
{
    const char *text = service_row_yaml(row->scratch, service);
    bool played = service_run(row->scratch, text, latencies, row->diagnostics);
    if (played && latencies->ttft_seconds > 0.0) {
        return true;
    }
    const char *why = played ? "a KV cache without room for one request, or an answer that never "
                               "came: no request was answered"
                             : diagnostics_first(row->diagnostics);
    service->small_blocks = strstr(why, ".block: ") != NULL;
    const char *blocks = service->small_blocks ? ", blocks halved" : "";
    service->room = ROOM_WHOLE;
    if (run_again(row, service, latencies)) {
        measurement_note(row, "with memory.fraction and model.context raised%s, for %.120s", blocks,
                         why);
        return true;
    }
    service->room = ROOM_LEAN;
    if (run_again(row, service, latencies)) {
        measurement_note(row,
                         "with all memory, longer contexts and steps of %u tokens%s, for %.120s",
                         SERVICE_LEAN_TOKENS, blocks, why);
        return true;
    }
    measurement_unanswered(row, "%.300s", why);
    return false;
}

static const char *class_of(const struct measurement *row, const char *figure)
{
    const char *model = hub_plain_name(row->scratch, measurement_text(row, "model_path"));
    return arena_printf(row->arena, "%s %s %s %s %s", measurement_text(row, "backend"), model,
                        measurement_text(row, "gpu"), measurement_text(row, "client"), figure);
}

/* Of a closed loop's clients, by Little's law, those whose answers were under way at once: the
 * share of a request's time that is not before its first token. */
static double served_clients(const struct service_row *service, double ttft, double tpot)
{
    double answer = (double)(service->output_tokens - 1) * tpot;
    return answer > 0.0 ? (double)service->clients * answer / (ttft + answer) : 0.0;
}

/* Most clients waited while the service, as it is played, had a place for them: something else
 * capped the batch, or the row is wrong. It counts all the same. */
static void doubt(struct measurement *row, const struct service_row *service,
                  const struct service_latencies *latencies)
{
    if (!measurement_has(row, "ttft_ms") || !measurement_has(row, "tpot_ms")) {
        return;
    }
    double most = 1e12;
    double measured = served_clients(service, measurement_number(row, "ttft_ms", 0.0, most),
                                     measurement_number(row, "tpot_ms", 0.0, most));
    double played = served_clients(service, latencies->ttft_seconds, latencies->tpot_seconds);
    double clients = (double)service->clients;
    if (measured < 0.5 * clients && played > 0.75 * clients) {
        measurement_note(row,
                         "by Little's law %.0f of %.0f clients were served at once, %.0f as it is "
                         "played: something capped the batch, or the row is wrong",
                         measured, clients, played);
    }
}

/* Answers of one token have no TPOT. */
static void predict(struct measurement *row)
{
    struct service_row service;
    struct service_latencies latencies;
    if (!service_row_read(row, &service) || !run(row, &service, &latencies)) {
        return;
    }
    doubt(row, &service, &latencies);
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
