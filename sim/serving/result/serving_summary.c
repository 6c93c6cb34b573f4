/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/serving_summary.h"

#include "sim/base/quantity.h"
#include "sim/scenario/notes.h"
#include "sim/serving/load/request_trace.h"
#include "sim/serving/result/figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const enum latency which[] = {LATENCY_TTFT, LATENCY_TPOT, LATENCY_ITL, LATENCY_E2E};

/* That no request came after the warm-up; NULL: some did, or none was answered. */
static const char *nothing_note(const struct serving_metrics *metrics, struct arena *arena)
{
    const struct serving_run *run = metrics->run;
    if (metrics->measured > 0 || metrics->completed == 0) {
        return NULL;
    }
    return arena_printf(arena,
                        "nothing was measured: all requests came within the warm-up of %s, the "
                        "last after %s; expected more of them (workload.requests) or a shorter "
                        "workload.warm_up",
                        quantity_seconds(run->serving->warm_up_seconds).text,
                        quantity_seconds(run->source.last_arrival_seconds).text);
}

const char *serving_length_note(const struct serving_metrics *metrics, struct arena *arena)
{
    const char *nothing = nothing_note(metrics, arena);
    if (nothing != NULL) {
        return nothing;
    }
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        const struct latency_summary *summary = &metrics->latencies[which[i]];
        if (summary->count > 0 && !summary->p99_interval.known) {
            return arena_printf(arena,
                                "the run is too short for p99: its 95 %% interval is not known, of "
                                "%s requests; it takes %s",
                                quantity_count(summary->count).text,
                                quantity_count(steady_values_needed(0.99)).text);
        }
    }
    return NULL;
}

const char *serving_context_note(const struct serving_metrics *metrics, struct arena *arena)
{
    const struct fleet *fleet = &metrics->run->fleet;
    const struct pool *pool = &fleet->pools[fleet->pool_count - 1];
    if (metrics->full_length_requests <= 0.0 || metrics->full_length_requests >= 1.0 ||
        pool->scenario->serving.service.policy != BATCHING_VLLM) {
        return NULL;
    }
    return arena_printf(arena,
                        "vLLM starts with --max-model-len of at most %" PRIu64
                        " here (model.context), and is taken to be started so",
                        pool_longest_request(pool));
}

const char *serving_shape_note(const struct serving_metrics *metrics, struct arena *arena)
{
    const struct fleet *fleet = &metrics->run->fleet;
    const char *note = NULL;
    for (uint32_t i = 0; i < fleet->pool_count && note == NULL; i++) {
        const struct pool *pool = &fleet->pools[i];
        const struct layout *layout = &pool->scenario->layout;
        note = gpu_shape_note(arena, pool->replica.gpu, metrics->max_keys / layout->context,
                              metrics->max_sequences[i] / layout_attention_data(layout));
    }
    return note;
}

/* "72.1-77.0 ms", "753 ms-1.13 s", "-" where it is not known. */
static void print_interval(const struct steady_interval *interval, FILE *stream)
{
    char cell[64] = "-";
    if (interval->known) {
        struct quantity_text low = quantity_seconds(interval->low);
        struct quantity_text high = quantity_seconds(interval->high);
        const char *unit = strrchr(low.text, ' '), *other = strrchr(high.text, ' ');
        bool same = unit != NULL && other != NULL && strcmp(unit, other) == 0;
        int length = same ? (int)(unit - low.text) : (int)strlen(low.text);
        snprintf(cell, sizeof cell, "%.*s-%s", length, low.text, high.text);
    }
    fprintf(stream, " %15s", cell);
}

/* How sure each percentile is. */
static void print_intervals(const struct serving_metrics *metrics, struct ink ink, FILE *stream)
{
    fprintf(stream, "%s%-14s %15s %15s %15s %15s%s\n", ink.dim, "95 % intervals", "p50", "p90",
            "p95", "p99", ink.plain);
    /* Of several models together the gaps are not kept in the order in which they came. */
    bool together = metrics->run->scenario->tenant_count > 1;
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *summary = &metrics->latencies[i];
        if (summary->count > 0 && !(together && i == LATENCY_ITL)) {
            fprintf(stream, "%-14s", latency_name((enum latency)i));
            print_interval(&summary->p50_interval, stream);
            print_interval(&summary->p90_interval, stream);
            print_interval(&summary->p95_interval, stream);
            print_interval(&summary->p99_interval, stream);
            fputc('\n', stream);
        }
    }
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        const struct latency_summary *summary = &metrics->latencies[which[i]];
        bool unordered = together && which[i] == LATENCY_ITL;
        if (summary->count > 0 && !summary->p99_interval.known && !unordered) {
            fprintf(stream, "95 %% intervals  p99 of %s: not known, of %s values; it takes %s\n",
                    latency_name(which[i]), quantity_count(summary->count).text,
                    quantity_count(steady_values_needed(0.99)).text);
            return;
        }
    }
}

static void print_latencies(const struct serving_metrics *metrics, struct ink ink, FILE *stream)
{
    fprintf(stream, "%s%-9s %10s %10s %10s %10s %10s %10s%s\n", ink.dim, "latency", "mean", "p50",
            "p90", "p95", "p99", "max", ink.plain);
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *summary = &metrics->latencies[i];
        if (summary->count == 0) {
            continue;
        }
        const double values[] = {summary->mean, summary->p50, summary->p90,
                                 summary->p95,  summary->p99, summary->max};
        fprintf(stream, "%-9s", latency_name((enum latency)i));
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            fprintf(stream, " %10s", quantity_seconds(values[j]).text);
        }
        fputc('\n', stream);
    }
    fputc('\n', stream);
    print_intervals(metrics, ink, stream);
    if (metrics->run->fold != NULL) {
        fprintf(stream,
                "sketched        quantiles to 0.05 %%: a run of more than a million requests "
                "keeps none\n");
    }
    struct arena *arena = arena_create();
    const char *note = serving_shape_note(metrics, arena);
    if (note != NULL) {
        fprintf(stream, "extrapolated    %s\n", note);
    }
    arena_destroy(arena);
    fputc('\n', stream);
}

/* "faults          2 node, 1 gpu" */
static void print_fault_kinds(const struct serving_run *run, FILE *stream)
{
    const char *before = "faults          ";
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (run->faults.counts[kind] > 0) {
            fprintf(stream, "%s%s %s", before, quantity_count(run->faults.counts[kind]).text,
                    fault_name((enum fault_kind)kind));
            before = ", ";
        }
    }
}

static void print_requests(const struct serving_run *run, const struct serving_metrics *metrics,
                           FILE *stream)
{
    fprintf(stream, "requests        %s arrived, %s completed",
            quantity_count(metrics->requests).text, quantity_count(metrics->completed).text);
    if (metrics->measured < metrics->completed) {
        fprintf(stream, " (%s measured, after %s of warm-up)",
                quantity_count(metrics->measured).text,
                quantity_seconds(run->serving->warm_up_seconds).text);
    }
    struct arena *arena = arena_create();
    const char *nothing = nothing_note(metrics, arena);
    if (nothing != NULL) {
        fprintf(stream, "; %s", nothing);
    }
    arena_destroy(arena);
    if (metrics->rejected > 0) {
        fprintf(stream, ", %s rejected: too long for the KV cache or the model",
                quantity_count(metrics->rejected).text);
    }
    if (metrics->dropped > 0) {
        fprintf(stream, ", %s of the trace dropped: %s", quantity_count(metrics->dropped).text,
                request_trace_dropped(run->serving->every.arrivals.format));
    }
    fputc('\n', stream);
    if (serving_may_leave(run->serving)) {
        fprintf(stream,
                "given up        %s refused, %s timed out, %s cancelled; %s output tokens for "
                "nobody\n",
                quantity_count(metrics->refused).text, quantity_count(metrics->timed_out).text,
                quantity_count(metrics->cancelled).text,
                quantity_count(metrics->wasted_tokens).text);
    }
    if (metrics->faults > 0) {
        print_fault_kinds(run, stream);
        fprintf(stream, "; replicas down for %s, %s requests begun again, %s lost\n",
                quantity_duration(metrics->down_seconds).text,
                quantity_count(metrics->retries).text, quantity_count(metrics->lost).text);
    }
}

/* What a target is, after "within". */
static void print_targets(const struct request_class *of, FILE *stream)
{
    if (of->slo_ttft_seconds > 0.0) {
        fprintf(stream, " TTFT %s", quantity_seconds(of->slo_ttft_seconds).text);
    }
    if (of->slo_tpot_seconds > 0.0) {
        fprintf(stream, " TPOT %s", quantity_seconds(of->slo_tpot_seconds).text);
    }
}

static bool has_targets(const struct request_class *of)
{
    return of->slo_ttft_seconds > 0.0 || of->slo_tpot_seconds > 0.0;
}

static void print_classes(const struct serving_run *run, const struct serving_metrics *metrics,
                          struct ink ink, FILE *stream)
{
    if (metrics->class_count == 0) {
        return;
    }
    fprintf(stream, "%s%-16s %8s %9s %9s %9s %9s %9s%s\n", ink.dim, "class", "measured", "TTFT p50",
            "p99", "TPOT p50", "p99", "E2E p99", ink.plain);
    for (size_t i = 0; i < metrics->class_count; i++) {
        const struct serving_metrics *of = &metrics->classes[i];
        const struct latency_summary *latencies = of->latencies;
        const double values[] = {latencies[LATENCY_TTFT].p50, latencies[LATENCY_TTFT].p99,
                                 latencies[LATENCY_TPOT].p50, latencies[LATENCY_TPOT].p99,
                                 latencies[LATENCY_E2E].p99};
        const struct request_class *says = serving_class(run->serving, i);
        fprintf(stream, "%-16.16s %8s", says->name, quantity_count(of->measured).text);
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            bool none = j == 2 || j == 3 ? latencies[LATENCY_TPOT].count == 0 : of->measured == 0;
            fprintf(stream, " %9s", none ? "-" : quantity_seconds(values[j]).text);
        }
        fputc('\n', stream);
    }
    for (size_t i = 0; i < metrics->class_count; i++) {
        const struct request_class *says = serving_class(run->serving, i);
        if (has_targets(says)) {
            fprintf(stream, "%-16.16s %s within", says->name,
                    quantity_percent(metrics->classes[i].good_share).text);
            print_targets(says, stream);
            fprintf(stream, ": %s requests/s\n", quantity_number(metrics->classes[i].goodput).text);
        }
    }
    fputc('\n', stream);
}

/* Clients of a closed loop whose requests are all alike end together and ask together. */
static bool keeps_step(const struct serving *serving)
{
    const struct request_class *of = serving_class(serving, 0);
    const struct request_class *caller = serving_caller(serving, of);
    return serving_class_count(serving) == 1 && caller->arrival == ARRIVAL_CLOSED_LOOP &&
           caller->arrivals.clients > 1 && !class_reads_requests(caller) &&
           of->session_turns <= 0.0 && of->prompt_kind == LENGTH_FIXED &&
           of->output_kind == LENGTH_FIXED;
}

static bool anyone_has_targets(const struct serving *serving)
{
    bool has = false;
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        has = has || has_targets(serving_class(serving, i));
    }
    return has;
}

static void print_rates(const struct serving_run *run, const struct serving_metrics *metrics,
                        FILE *stream)
{
    const struct serving *serving = run->serving;
    fprintf(stream, "throughput      %s requests/s, %s prompt + %s output tokens/s",
            quantity_number(metrics->requests_per_second).text,
            quantity_number(metrics->input_tokens_per_second).text,
            quantity_number(metrics->output_tokens_per_second).text);
    double per_gpu =
        figure_value(&serving_tables[SERVING_ALL], metrics, "output_tokens_per_second_per_gpu");
    fprintf(stream, " (%s output tokens/s a GPU)\n", quantity_number(per_gpu).text);
    const struct scenario *scenario = run->scenario;
    bool targets = anyone_has_targets(serving);
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        targets = targets || anyone_has_targets(&scenario->tenants[i].scenario->serving);
    }
    if (targets) {
        fprintf(stream, "goodput         %s requests/s: %s within",
                quantity_number(metrics->goodput).text, quantity_percent(metrics->good_share).text);
        if (scenario->tenant_count > 0) {
            fputs(" their model's targets", stream);
        } else if (serving->class_count > 0) {
            fputs(" their class's targets", stream);
        } else {
            print_targets(serving_class(serving, 0), stream);
        }
        fputc('\n', stream);
    }
    if (keeps_step(serving)) {
        fprintf(stream, "clients         in step: all prompts and answers are alike, so they come "
                        "together and wait for each "
                        "other; benchmarks draw their "
                        "lengths (kind: uniform)\n");
    }
    if (!metrics->sustained) {
        fprintf(stream,
                "load            NOT SUSTAINED: the service fills as long as requests come (%s in "
                "it at first, %s at last); %s requests/s arrived; lower the rate, or raise "
                "layout.data\n",
                quantity_number(metrics->in_service_early).text,
                quantity_number(metrics->in_service_late).text,
                quantity_number(metrics->offered_per_second).text);
    }
}

/* What laws say beside what was played (theory.h). */
static void print_theory(const struct serving_metrics *metrics, FILE *stream)
{
    static const char *const limits[] = {
        [SEATS_SEQUENCES] = ", as max_sequences allows",
        [SEATS_KV_ROOM] = ", all that the KV cache holds",
        [SEATS_STEP_TOKENS] = ", whose prompts fill every step",
        [SEATS_CLIENTS] = ", one a client",
        [SEATS_NOTHING] = "",
    };
    static const char *const bounds[] = {
        [STEP_BOUND_BANDWIDTH] = "memory bandwidth",
        [STEP_BOUND_COMPUTE] = "compute",
        [STEP_BOUND_COMMUNICATION] = "communication",
        [STEP_BOUND_HOST] = "the host",
    };
    const struct load_theory *theory = &metrics->theory;
    if (theory->silent != NULL) {
        fprintf(stream, "theory          says nothing: %s\n", theory->silent);
        return;
    }
    fprintf(stream,
            "theory          capacity %s requests/s%s in the fluid limit: %.4g sequences%s%s, "
            "steps of %s near the limit of %s",
            quantity_number(theory->capacity_per_second).text,
            theory->of_prefill ? ", of replicas that prefill," : "", theory->capacity_sequences,
            metrics->run->fleet.server_count > 1 ? " each" : "", limits[theory->seats],
            quantity_seconds(theory->capacity_step_seconds).text, bounds[theory->bound]);
    if (theory->load > 0.0) {
        fprintf(stream, "; %s of it came", quantity_percent(theory->load).text);
    }
    fputc('\n', stream);
    if (theory->in_service > 0.0) {
        fprintf(stream, "in service      %s requests on average, %s by Little's law",
                quantity_number(theory->in_service).text,
                quantity_number(theory->little_number).text);
        if (theory->shared_number >= 0.0 && isfinite(theory->shared_number)) {
            fprintf(stream, "; %s where all share a server (E2E %s)",
                    quantity_number(theory->shared_number).text,
                    quantity_seconds(theory->shared_seconds).text);
        }
        if (theory->wait_seconds >= 0.0 && isfinite(theory->wait_seconds)) {
            fprintf(stream, "; the queue's mean by Pollaczek and Khinchine is %s",
                    quantity_seconds(theory->wait_seconds).text);
        }
        fputc('\n', stream);
    }
}

/* Otherwise "of FLOPs" has to say of whose peak. */
static bool computes_in_bf16(const struct scenario *scenario)
{
    const struct precision *precision = &scenario->precision;
    const struct number *const numbers[] = {&precision->attention_weights, &precision->ffn_weights};
    const double *peaks = scenario->gpu.dense_flops_per_second;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct product_formats product =
            precision_product(&scenario->gpu, *numbers[i], precision->activations);
        if (peaks[product.compute] > peaks[FORMAT_BF16]) {
            return false;
        }
    }
    return true;
}

/* Of pools that are each set up in their own way: which of them has too little to do? */
static void print_pools(const struct serving_run *run, const struct serving_metrics *metrics,
                        FILE *stream)
{
    if (run->scenario->pools[0] == NULL) {
        return;
    }
    const struct pool *prefill = &run->fleet.pools[POOL_PREFILL];
    fprintf(
        stream,
        "pools           %s of prefill's time busy, %s of decode's; prefill holds %s of "
        "weights a GPU and %s tokens a replica\n",
        quantity_percent(metrics->pool_busy_share[POOL_PREFILL]).text,
        quantity_percent(metrics->pool_busy_share[POOL_DECODE]).text,
        quantity_bytes(prefill->memory.weight_bytes).text,
        quantity_count(prefill->kv_pages * prefill->scenario->serving.service.block_tokens).text);
}

static void print_machine(const struct serving_run *run, const struct serving_metrics *metrics,
                          FILE *stream)
{
    const struct memory_use *memory = &metrics->memory;
    fprintf(stream, "batches         %.3g requests on average, %s steps, %s busy\n",
            metrics->mean_batch, quantity_count(metrics->steps).text,
            quantity_percent(metrics->busy_share).text);
    fprintf(stream, "KV cache        %s in use on average, %s at most; %s preemptions",
            quantity_percent(metrics->kv_mean_share).text,
            quantity_percent(metrics->kv_max_share).text,
            quantity_count(metrics->preemptions).text);
    if (metrics->hit_share > 0.0) {
        fprintf(stream, "; %s of prompt tokens found there",
                quantity_percent(metrics->hit_share).text);
    }
    fputc('\n', stream);
    if (metrics->drafts > 0) {
        fprintf(stream, "speculation     %s of %s guesses came true, %.3g tokens a step\n",
                quantity_percent(metrics->accepted_share).text,
                quantity_count(metrics->drafts).text, metrics->tokens_per_verification);
    }
    if (metrics->protection_host_share > 0.0) {
        fprintf(stream,
                "protection      a chunk is safe after %s, %s of its bytes go to the host; %s "
                "requests went on after a GPU failed, %s each\n",
                quantity_seconds(metrics->protection_chunk_seconds).text,
                quantity_percent(metrics->protection_host_share).text,
                quantity_count(metrics->recovered).text,
                quantity_seconds(metrics->recovery_seconds).text);
    }
    if (metrics->tier_load_seconds > 0.0) {
        fprintf(stream,
                "tiers           %s of prompt tokens from hosts, %s from the store; loads took %s "
                "on average, %s in all\n",
                quantity_percent(metrics->tier_share[TIER_HOST]).text,
                quantity_percent(metrics->tier_share[TIER_REMOTE]).text,
                quantity_seconds(metrics->tier_load_seconds).text,
                quantity_bytes(metrics->tier_loaded_bytes[TIER_HOST] +
                               metrics->tier_loaded_bytes[TIER_REMOTE])
                    .text);
    }
    if (run->serving->service.scaling.target > 0.0) {
        fprintf(stream, "replicas        %.3g of %u on average, %s cold starts", metrics->replicas,
                run->scenario->layout.data, quantity_count(metrics->cold_starts).text);
        if (metrics->cold_starts > 0) {
            fprintf(stream, " of %s each", quantity_duration(metrics->cold_start_seconds).text);
        }
        fputc('\n', stream);
    }
    if (run->serving->service.finetuning.policy != FINETUNING_NONE) {
        fprintf(stream,
                "fine-tuning     %s tokens/s in %s of the replicas' time; %s of a GPU's memory\n",
                quantity_number(metrics->finetuning_tokens_per_second).text,
                quantity_percent(metrics->finetuning_share).text,
                quantity_bytes(metrics->finetuning_room_bytes).text);
    }
    if (fleet_shares_gpus(&run->fleet)) {
        fprintf(stream, "phases          %.3g of %u replicas prefill on average, %s moves",
                metrics->prefill_replicas, run->scenario->layout.data,
                quantity_count(metrics->phase_moves).text);
        if (metrics->phase_moves > 0) {
            fprintf(stream, " of %s each", quantity_duration(metrics->phase_move_seconds).text);
        }
        fputc('\n', stream);
    }
    if (metrics->adapter_loads > 0) {
        fprintf(stream,
                "adapters        %s loads, %s, that steps waited %s for; %s of requests found "
                "theirs there, %s waited for others to end\n",
                quantity_count(metrics->adapter_loads).text,
                quantity_bytes(metrics->adapter_bytes).text,
                quantity_seconds(metrics->adapter_seconds).text,
                quantity_percent(metrics->adapter_hit_share).text,
                quantity_count(metrics->adapter_waits).text);
    }
    if (metrics->moved_bytes > 0.0) {
        fprintf(stream, "KV moved        %s between replicas",
                quantity_bytes(metrics->moved_bytes).text);
        if (metrics->measured > 0) {
            fprintf(stream, "; on its way %s a request, after %s of waiting for room",
                    quantity_seconds(metrics->move_seconds).text,
                    quantity_seconds(metrics->room_seconds).text);
        }
        fputc('\n', stream);
    }
    if (metrics->swapped_bytes > 0.0) {
        fprintf(stream, "KV swapped      %s to hosts and back\n",
                quantity_bytes(metrics->swapped_bytes).text);
    }
    print_pools(run, metrics, stream);
    fprintf(stream, "memory per GPU  weights %s, KV cache %s (%s tokens a replica)",
            quantity_bytes(memory->weight_bytes).text, quantity_bytes(memory->kv_cache_bytes).text,
            quantity_count(metrics->kv_cache_tokens).text);
    fprintf(stream, ", activations and buffers %s of %s\n",
            quantity_bytes(memory->activation_bytes).text,
            quantity_bytes(run->scenario->gpu.memory_bytes).text);
    if (metrics->full_length_requests > 0.0) {
        fprintf(stream,
                "concurrency     %.3g requests of the model's full %s tokens fill a replica's KV "
                "cache\n",
                metrics->full_length_requests, quantity_count(run->scenario->llm.context).text);
        struct arena *arena = arena_create();
        const char *note = serving_context_note(metrics, arena);
        if (note != NULL) {
            fprintf(stream, "                %s\n", note);
        }
        arena_destroy(arena);
    }
    fprintf(stream, "use of GPUs     %s of %sFLOPs, %s of memory bandwidth, %.3g W a GPU\n",
            quantity_percent(metrics->mfu).text, computes_in_bf16(run->scenario) ? "" : "bf16 ",
            quantity_percent(metrics->memory_share).text, metrics->watts_per_gpu);
    fprintf(stream, "energy          %s, %.3g J an output token\n",
            quantity_joules(metrics->joules).text, metrics->joules_per_token);
    if (metrics->dollars_per_million_tokens > 0.0) {
        fprintf(stream, "cost            %s a million output tokens, at %s a GPU-hour\n",
                quantity_dollars(metrics->dollars_per_million_tokens).text,
                quantity_dollars(run->serving->price_gpu_hour).text);
    }
    fprintf(stream, "total           %s simulated\n", quantity_duration(metrics->end_seconds).text);
}

void serving_summary_print(const struct serving_run *run, const struct serving_metrics *metrics,
                           struct ink ink, FILE *stream)
{
    print_latencies(metrics, ink, stream);
    print_classes(run, metrics, ink, stream);
    print_requests(run, metrics, stream);
    print_rates(run, metrics, stream);
    print_theory(metrics, stream);
    print_machine(run, metrics, stream);
}

/* --- several models --- */

static void print_tenant_rows(const struct scenario *scenario, const struct serving_metrics each[],
                              struct ink ink, FILE *stream)
{
    fprintf(stream, "%s%-12s %-14s %8s %9s %9s %9s %9s%s\n", ink.dim, "tenant", "model", "measured",
            "TTFT p50", "p99", "TPOT p50", "p99", ink.plain);
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const struct tenant *tenant = &scenario->tenants[i];
        const struct latency_summary *latencies = each[i].latencies;
        const struct latency_summary *ttft = &latencies[LATENCY_TTFT];
        const struct latency_summary *tpot = &latencies[LATENCY_TPOT];
        const double values[] = {ttft->p50, ttft->p99, tpot->p50, tpot->p99};
        fprintf(stream, "%-12.12s %-14.14s %8s", tenant->name, tenant->scenario->llm.name,
                quantity_count(each[i].measured).text);
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            bool none = j < 2 ? ttft->count == 0 : tpot->count == 0;
            fprintf(stream, " %9s", none ? "-" : quantity_seconds(values[j]).text);
        }
        fputc('\n', stream);
    }
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const struct tenant *tenant = &scenario->tenants[i];
        const struct serving *serving = &tenant->scenario->serving;
        if (anyone_has_targets(serving)) {
            fprintf(stream, "%-15.15s %s within", tenant->name,
                    quantity_percent(each[i].good_share).text);
            if (serving->class_count > 0) {
                fputs(" their class's targets", stream);
            } else {
                print_targets(serving_class(serving, 0), stream);
            }
            fprintf(stream, ": %s requests/s\n", quantity_number(each[i].goodput).text);
        }
    }
    fputc('\n', stream);
}

static void print_extrapolated(const struct scenario *scenario, const struct serving_metrics each[],
                               FILE *stream)
{
    struct arena *arena = arena_create();
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const char *note = serving_shape_note(&each[i], arena);
        if (note != NULL) {
            fprintf(stream, "extrapolated    %s: %s\n", scenario->tenants[i].name, note);
        }
    }
    arena_destroy(arena);
}

static void print_sharing(const struct scenario *scenario, const struct serving_metrics *together,
                          FILE *stream)
{
    static const char *const words[] = {
        [SHARING_APART] = "none: each model has GPUs of its own",
        [SHARING_RESIDENT] = "resident: all models are on the same GPUs, whose steps go in turns",
        [SHARING_SWAP] = "swap",
        [SHARING_SWAP_DRAIN] = "swap-drain",
    };
    fprintf(stream, "sharing         %s", words[scenario->sharing.policy]);
    if (scenario->sharing.policy == SHARING_SWAP ||
        scenario->sharing.policy == SHARING_SWAP_DRAIN) {
        fprintf(stream, ": %s swaps of weights", quantity_count(together->weight_swaps).text);
        if (together->weight_swaps > 0) {
            fprintf(stream, " of %s each, %s over host links",
                    quantity_seconds(together->weight_swap_seconds).text,
                    quantity_bytes(together->weight_swapped_bytes).text);
        }
    }
    fputc('\n', stream);
}

void tenants_summary_print(const struct scenario *scenario, const struct serving_run runs[],
                           const struct serving_metrics each[],
                           const struct serving_metrics *together, struct ink ink, FILE *stream)
{
    print_tenant_rows(scenario, each, ink, stream);
    print_latencies(together, ink, stream);
    print_extrapolated(scenario, each, stream);
    print_requests(together->run, together, stream);
    print_rates(together->run, together, stream);
    print_sharing(scenario, together, stream);
    fprintf(stream, "batches         %.3g requests on average, %s steps, %s busy\n",
            together->mean_batch, quantity_count(together->steps).text,
            quantity_percent(together->busy_share).text);
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const struct memory_use *memory = &each[i].memory;
        fprintf(stream, "%-15s %s: weights %s, KV cache %s (%s tokens a replica, %s used at most)",
                i == 0 ? "memory per GPU" : "", scenario->tenants[i].name,
                quantity_bytes(memory->weight_bytes).text,
                quantity_bytes(memory->kv_cache_bytes).text,
                quantity_count(each[i].kv_cache_tokens).text,
                quantity_percent(each[i].kv_max_share).text);
        fprintf(stream, ", activations and buffers %s of %s\n",
                quantity_bytes(memory->activation_bytes).text,
                quantity_bytes(runs[i].scenario->gpu.memory_bytes).text);
    }
    fprintf(stream, "use of GPUs     %s of bf16 FLOPs, %s of memory bandwidth, %.3g W a GPU\n",
            quantity_percent(together->mfu).text, quantity_percent(together->memory_share).text,
            together->watts_per_gpu);
    fprintf(stream, "energy          %s, %.3g J an output token\n",
            quantity_joules(together->joules).text, together->joules_per_token);
    if (together->dollars_per_million_tokens > 0.0) {
        fprintf(stream, "cost            %s a million output tokens, at %s a GPU-hour\n",
                quantity_dollars(together->dollars_per_million_tokens).text,
                quantity_dollars(scenario->serving.price_gpu_hour).text);
    }
    fprintf(stream, "total           %s simulated\n",
            quantity_duration(together->end_seconds).text);
}
