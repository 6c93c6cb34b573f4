/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/theory.h"

#include "models/laws/load_law.h"
#include "sim/serving/replica/loop.h"
#include "sim/serving/result/fold.h"

#include <math.h>

const char *seat_limit_name(enum seat_limit limit)
{
    static const char *const names[] = {[SEATS_SEQUENCES] = "max-sequences",
                                        [SEATS_KV_ROOM] = "kv-room",
                                        [SEATS_STEP_TOKENS] = "step-tokens",
                                        [SEATS_CLIENTS] = "clients",
                                        [SEATS_NOTHING] = "none"};
    return names[limit];
}

const char *step_bound_name(enum step_bound bound)
{
    static const char *const names[] = {[STEP_BOUND_BANDWIDTH] = "bandwidth",
                                        [STEP_BOUND_COMPUTE] = "compute",
                                        [STEP_BOUND_COMMUNICATION] = "communication",
                                        [STEP_BOUND_HOST] = "host"};
    return names[bound];
}

/* --- what is asked for --- */

/* Means over the requests that were answered. */
struct demand {
    double count;
    double prompt_tokens, prompt_pairs; /* computed; of them a query with a key */
    double decodes;                     /* steps after the prompt's last */
    double context;                     /* tokens of a sequence that decodes, over its steps */
    double full_length;                 /* likewise, what it has in the end */
};

static struct demand demand_of(const struct request_tally *tally, double tokens_per_step)
{
    struct demand demand = {.count = (double)tally->completed};
    if (demand.count > 0.0) {
        demand.context = tally->contexts / fmax(tally->decodes, 1.0);
        demand.full_length = tally->lengths / fmax(tally->decodes, 1.0);
        demand.prompt_tokens = tally->computed_tokens / demand.count;
        demand.prompt_pairs = tally->computed_pairs / demand.count;
        demand.decodes = tally->decodes / tokens_per_step / demand.count;
    }
    return demand;
}

/* --- one server --- */

/* A server of a pool, and what requests ask of it. */
struct theory_server {
    const struct pool *pool;
    const struct service *service;
    struct lane *lane;
    struct step_costs *const *costs; /* [lanes] */
    double lanes, ranks;
    struct demand demand;
    bool apart;  /* prompts have steps of their own */
    bool looped; /* an engine's loop keeps two steps in flight */
    double draft_tokens;
};

static bool prompts_apart(const struct service *service)
{
    return service->policy == BATCHING_PREFILL_FIRST ||
           (service->policy == BATCHING_SGLANG && !service->mixed_chunk);
}

static struct theory_server server_of(const struct pool *pool, const struct demand *demand)
{
    struct server *server = &pool->servers[0];
    return (struct theory_server){
        .pool = pool,
        .service = &pool->scenario->serving.service,
        .lane = &server->lanes[0],
        .costs = server->stage_costs,
        .lanes = server->lane_count,
        .ranks = pool_ranks(pool),
        .demand = *demand,
        .apart = prompts_apart(&pool->scenario->serving.service),
        .looped = server->view.limits.ahead && server->group == NULL,
        .draft_tokens = server->view.limits.draft_tokens,
    };
}

/* Sums over the steps in which one request passes. */
struct pass {
    double steps, seconds;
    double bytes, flops, communication_seconds, host_seconds;
};

/* Adds `times` of a step, that of the slowest stage. */
static void add_step(const struct theory_server *server, const struct step_shape *shape,
                     double times, struct pass *pass)
{
    struct step_cost cost = {0};
    for (uint32_t i = 0; i < (uint32_t)server->lanes; i++) {
        struct step_cost stage = step_cost(server->costs[i], shape);
        cost = stage.seconds > cost.seconds ? stage : cost;
    }
    double seconds = cost.seconds;
    if (server->looped) {
        struct step_shape all = *shape;
        double limit = server->pool->scenario->gpu.power_limit_watts;
        bool rested = cost.rested_watts < limit && cost.rested_seconds > 0.0;
        all.decodes += shape->prompts;
        seconds =
            loop_pace(server->lane, &all, rested ? cost.rested_seconds : cost.gpu_seconds, &cost);
        pass->host_seconds += times * (seconds - cost.gpu_seconds);
    } else {
        pass->host_seconds += times * cost.host_seconds;
    }
    pass->steps += times;
    pass->seconds += times * seconds;
    pass->bytes += times * cost.bytes;
    pass->flops += times * cost.parts.flops;
    pass->communication_seconds += times * cost.parts.communication_seconds;
}

/* `seats` sequences of which each leaves its place to another: steps in which one request passes.
 * steps 0: there is no such batch. */
static struct pass pass_of(const struct theory_server *server, double seats, double empty_steps)
{
    const struct demand *demand = &server->demand;
    const struct fluid_batch batch = {
        .seats = seats / server->lanes,
        .decodes = demand->decodes,
        .prompt_tokens = demand->prompt_tokens,
        .step_tokens = (double)server->service->max_batched_tokens,
        .decode_tokens = server->apart ? 0.0 : 1.0 + server->draft_tokens,
        .empty_steps = empty_steps,
        .ranks = server->ranks,
    };
    struct fluid_mix mix = fluid_mix(&batch);
    struct pass pass = {0};
    if (mix.steps <= 0.0) {
        return pass;
    }
    struct step_shape decode = {.decodes = (uint32_t)fmax(1.0, round(mix.decoding)),
                                .decode_context = demand->context};
    double prompts = mix.prompt_tokens / fmax(demand->prompt_tokens, 1.0);
    struct step_shape prompt = {.prompts = (uint32_t)fmax(1.0, round(prompts)),
                                .prompt_tokens = (uint64_t)fmax(1.0, round(mix.prompt_tokens)),
                                .prompt_pairs = demand->prompt_pairs * prompts};
    bool decodes = mix.decoding > 0.0;
    if (decodes && !server->apart) {
        prompt.decodes = decode.decodes;
        prompt.decode_context = decode.decode_context;
    }
    if (server->ranks > 1.0 && mix.waited_steps > 0.0) {
        prompt.shared_tokens =
            server->ranks *
            (prompt.decodes + mix.prompt_tokens * mix.prompt_steps / mix.waited_steps);
    }
    if (mix.waited_steps > 0.0) {
        add_step(server, &prompt, mix.waited_steps, &pass);
    }
    if (decodes) {
        add_step(server, &decode, mix.steps - (server->apart ? 0.0 : mix.waited_steps), &pass);
    }
    return pass;
}

/* --- the fluid limit --- */

struct limit {
    double per_second; /* requests of one server; 0: none */
    double seats;
    enum seat_limit by;
    struct pass pass;
};

static double empty_steps(const struct theory_server *server)
{
    return server->looped ? 1.0 : 0.0; /* the next step is made up before a seat is free */
}

/* Seats that memory and the service's own limits leave. */
static double seats_of(const struct theory_server *server, double clients, enum seat_limit *by)
{
    const struct service *service = server->service;
    double block = service->block_tokens;
    double held =
        service->policy == BATCHING_NO_EVICT ? server->demand.full_length : server->demand.context;
    double pages = (double)kv_layout_held(&server->pool->kv_layout, (uint64_t)(held + 0.5 * block));
    double room = (double)server->pool->kv_pages / fmax(pages, 1.0);
    double seats = service->max_sequences;
    *by = SEATS_SEQUENCES;
    if (room < seats) {
        seats = fmax(room, 1.0);
        *by = SEATS_KV_ROOM;
    }
    if (clients > 0.0 && clients < seats) {
        seats = clients;
        *by = SEATS_CLIENTS;
    }
    return seats;
}

/* Numbers of sequences that are tried: two to an octave. */
static double next_seats(double seats)
{
    double octave = exp2(floor(log2(seats)));
    return seats < 1.5 * octave ? (octave < 2.0 ? 2.0 * octave : 1.5 * octave) : 2.0 * octave;
}

static struct limit limit_of(const struct theory_server *server, double clients)
{
    struct limit best = {0};
    enum seat_limit by = SEATS_SEQUENCES;
    double most = seats_of(server, clients, &by), last = 0.0;
    for (double seats = 1.0;; seats = fmin(next_seats(seats), most)) {
        struct pass pass = pass_of(server, seats, empty_steps(server));
        if (pass.steps <= 0.0) {
            best.by = best.seats >= last ? SEATS_STEP_TOKENS : best.by;
            break;
        }
        if (1.0 / pass.seconds >= best.per_second) {
            best = (struct limit){.per_second = 1.0 / pass.seconds, .seats = seats, .pass = pass};
            best.by = seats >= most ? by : SEATS_NOTHING;
        }
        last = seats;
        if (seats >= most) {
            break;
        }
    }
    return best;
}

static enum step_bound bound_of(const struct theory_server *server, const struct pass *pass)
{
    const struct scenario *scenario = server->pool->scenario;
    const struct gpu *gpu = &scenario->gpu;
    const struct precision *precision = &scenario->precision;
    const struct number numbers[] = {precision->attention_weights, precision->ffn_weights};
    double peak = 0.0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        enum format compute = precision_product(gpu, numbers[i], precision->activations).compute;
        peak = fmax(peak, gpu->dense_flops_per_second[compute]);
    }
    const double seconds[] = {
        [STEP_BOUND_BANDWIDTH] = pass->bytes / gpu->memory_bytes_per_second,
        [STEP_BOUND_COMPUTE] = pass->flops / peak,
        [STEP_BOUND_COMMUNICATION] = pass->communication_seconds,
        [STEP_BOUND_HOST] = pass->host_seconds,
    };
    enum step_bound most = STEP_BOUND_BANDWIDTH;
    for (int i = 0; i < (int)(sizeof seconds / sizeof *seconds); i++) {
        most = seconds[i] > seconds[most] ? (enum step_bound)i : most;
    }
    return most;
}

/* --- the laws of a single server --- */

/* Requests that come by themselves, each on its own. */
static bool independent(const struct serving *serving)
{
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        const struct request_class *of = serving_class(serving, i);
        if (of->session_turns > 0.0 || serving_caller(serving, of)->arrival != ARRIVAL_POISSON) {
            return false;
        }
    }
    return true;
}

/* Completions a second while 1, 2, ... are there; between the numbers that are tried a request
 * stays as much longer as there are more. */
static double shared_number(const struct theory_server *server, const struct limit *limit,
                            double rate, struct arena *arena)
{
    size_t count = (size_t)fmax(1.0, floor(limit->seats));
    double *rates = ARENA_ARRAY(arena, double, count);
    double from = 1.0, stay = pass_of(server, 1.0, 0.0).seconds;
    rates[0] = 1.0 / stay;
    while (from < (double)count) {
        double to = fmin(next_seats(from), (double)count);
        double stays = to * pass_of(server, to, 0.5 + empty_steps(server)).seconds;
        for (double n = from + 1.0; n <= to; n += 1.0) {
            double between = stay + (stays - stay) * (n - from) / (to - from);
            rates[(size_t)n - 1] = n / between;
        }
        from = to;
        stay = stays;
    }
    return load_shared_number(rate, rates, count);
}

/* One at a time: the moments of what each takes alone. */
static double single_wait(const struct theory_server *server, const struct serving_run *run,
                          double rate)
{
    double sum = 0.0, squares = 0.0, count = 0.0;
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (request->state == REQUEST_DONE) {
            double prompt = request->prompt_tokens, decodes = request->output_tokens - 1.0;
            double cached = request->cached_tokens, computed = fmax(1.0, prompt - cached);
            double parts = ceil(computed / (double)server->service->max_batched_tokens);
            const struct step_shape of_prompt = {.prompts = 1,
                                                 .prompt_tokens = (uint64_t)ceil(computed / parts),
                                                 .prompt_pairs =
                                                     computed * (cached + 0.5 * computed) / parts};
            const struct step_shape of_answer = {.decodes = 1,
                                                 .decode_context = prompt + 0.5 * decodes};
            struct pass pass = {0};
            add_step(server, &of_prompt, parts, &pass);
            add_step(server, &of_answer, decodes, &pass);
            double seconds = pass.seconds;
            sum += seconds;
            squares += seconds * seconds;
            count += 1.0;
        }
    }
    return load_wait_seconds(rate, sum / count, squares / count);
}

/* --- Little --- */

static void count_in_service(const struct serving_run *run, struct load_theory *theory)
{
    double from = run->serving->warm_up_seconds, to = run->source.last_arrival_seconds;
    if (to <= from) {
        return;
    }
    if (run->fold != NULL) {
        theory->in_service = levels_mean(&run->fold->answered, from, to);
        theory->little_number = run->fold->answered_seconds / (to - from);
        return;
    }
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (request->state != REQUEST_DONE) {
            continue;
        }
        double begin = request->arrival_seconds, end = request->last_token_seconds;
        theory->in_service += fmax(0.0, fmin(end, to) - fmax(begin, from));
        theory->little_number += begin >= from ? end - begin : 0.0;
    }
    theory->in_service /= to - from;
    theory->little_number /= to - from;
}

/* --- all of it --- */

static const char *silence(const struct serving_run *run, const struct demand *demand)
{
    const struct service *service = &run->serving->service;
    if (demand->count <= 0.0) {
        return "nobody was answered";
    }
    if (service->policy == BATCHING_STATIC) {
        return "batches are filled and emptied, no seat is taken again";
    }
    if (service->adapters.max_adapters > 0) {
        return "adapters of a step are drawn by chance";
    }
    if (service->finetuning.policy != FINETUNING_NONE) {
        return "adapters are trained in its steps";
    }
    if (service->switching.policy != SWITCHING_NONE) {
        return "replicas move between phases";
    }
    if (run->fleet.sharing.seats != NULL) {
        return "its GPUs are other models' too";
    }
    if (service->scaling.target > 0.0) {
        return "replicas come and go";
    }
    if (run->serving->fault_count > 0 || run->serving->random_faults.mean_between_seconds > 0.0) {
        return "faults change what there is";
    }
    return NULL;
}

struct load_theory load_theory(const struct serving_run *run, const struct request_tally *tally,
                               double offered_per_second, double tokens_per_step)
{
    const struct fleet *fleet = &run->fleet;
    struct demand demand = demand_of(tally, fmax(1.0, tokens_per_step));
    struct load_theory theory = {
        .silent = silence(run, &demand), .shared_number = -1.0, .wait_seconds = -1.0};
    count_in_service(run, &theory);
    if (theory.silent != NULL) {
        return theory;
    }
    const struct request_class *caller =
        serving_caller(run->serving, serving_class(run->serving, 0));
    double clients = caller->arrival == ARRIVAL_CLOSED_LOOP ? caller->arrivals.clients : 0.0;
    struct limit limits[POOL_COUNT] = {0};
    struct theory_server servers[POOL_COUNT];
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        const struct pool *pool = &fleet->pools[i];
        struct demand own = demand;
        if (fleet->pool_count > 1 && i == POOL_PREFILL) {
            own.decodes = 0.0;
            own.context = own.full_length = own.prompt_tokens;
        } else if (fleet->pool_count > 1) {
            own.prompt_tokens = own.prompt_pairs = 0.0;
        }
        servers[i] = server_of(pool, &own);
        limits[i] = limit_of(&servers[i], clients / pool->server_count);
        if (limits[i].pass.steps <= 0.0) {
            theory.silent = "not one sequence fits into a step";
            return theory;
        }
        double all = limits[i].per_second * pool->server_count;
        if (fleet->pool_count > 1 && i == POOL_DECODE && demand.decodes <= 0.0) {
            continue; /* nothing comes to it */
        }
        if (i == 0 || all < theory.capacity_per_second) {
            theory.capacity_per_second = all;
            theory.capacity_sequences = limits[i].seats;
            theory.capacity_step_seconds = limits[i].pass.seconds / limits[i].pass.steps;
            theory.seats = limits[i].by;
            theory.bound = bound_of(&servers[i], &limits[i].pass);
            theory.of_prefill = fleet->pool_count > 1 && i == POOL_PREFILL;
        }
    }
    bool open = !source_follows(&run->source);
    theory.load = open ? offered_per_second / theory.capacity_per_second : 0.0;
    if (fleet->server_count == 1 && servers[0].lanes <= 1.0 && independent(run->serving)) {
        bool alone = run->serving->service.max_sequences == 1;
        if (alone && run->fold == NULL) { /* else the moments of what each takes are not known */
            theory.wait_seconds = single_wait(&servers[0], run, offered_per_second);
        } else if (!alone) {
            theory.shared_number =
                shared_number(&servers[0], &limits[0], offered_per_second, run->arena);
            theory.shared_seconds =
                theory.shared_number / offered_per_second + run->scenario->software.request_seconds;
        }
    }
    return theory;
}
