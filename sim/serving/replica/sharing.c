/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/sharing.h"

#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/host_memory.h"
#include "sim/serving/replica/router.h"

#include <math.h>

enum { SEAT_WAKE = 1, SEAT_TURN = 2 };

const struct sharing_policy sharing_apart = {.swaps = false};
const struct sharing_policy sharing_resident = {.swaps = false};

const struct sharing_policy *const sharing_policies[SHARING_KIND_COUNT] = {SHARINGS(ROW_OBJECT)};

static enum standing standing_of(const struct seat_member *member)
{
    return member->server->scaling.standing;
}

/* --- turns --- */

bool seat_has_work(const struct server *server)
{
    const struct batch_view *view = &server->view;
    return server->seat != NULL && view->running_count + view->waiting.count + view->incoming > 0;
}

void seat_enter(struct server *server)
{
    struct gpu_seat *seat = server->seat;
    if (seat == NULL || seat->holder == server || !seat_has_work(server)) {
        return;
    }
    if (seat->holder == NULL) {
        seat->holder = server;
        return;
    }
    seat->waiting[seat->waiting_count++] = server->seat_place;
    struct lane *lane = &seat->holder->lanes[0]; /* a run of its steps ends with this one */
    signal_wake(&lane->signal, SERVER_WAKE);
    signal_wake(&lane->signal, SERVER_LEAVE);
    while (seat->holder != server) {
        signal_wait(&seat->members[server->seat_place].turn, SEAT_TURN);
    }
}

void seat_leave(struct server *server)
{
    struct gpu_seat *seat = server->seat;
    if (seat == NULL || seat->holder != server) {
        return;
    }
    seat->holder = NULL;
    if (seat->waiting_count > 0) {
        struct seat_member *next = &seat->members[seat->waiting[0]];
        seat->waiting_count--;
        for (uint32_t i = 0; i < seat->waiting_count; i++) {
            seat->waiting[i] = seat->waiting[i + 1];
        }
        seat->holder = next->server;
        signal_wake(&next->turn, SEAT_TURN);
    }
}

bool seat_is_asked_for(const struct server *server)
{
    return server->seat != NULL && server->seat->waiting_count > 0;
}

/* --- who is there --- */

uint64_t seat_load(const struct gpu_seat *seat)
{
    uint64_t load = 0;
    for (uint32_t i = 0; i < seat->count; i++) {
        load += seat->members[i].server->outstanding + seat->members[i].held.count;
    }
    return load;
}

void seat_count(struct server *server, int32_t change)
{
    struct seat_member *own = &server->seat->members[server->seat_place];
    if (change < 0 && server->outstanding == 0) {
        own->idle_since_seconds = engine_clock();
    }
    own->rests = own->rests && server->outstanding == 0;
}

void seat_rest(struct server *server)
{
    struct gpu_seat *seat = server->seat;
    if (seat == NULL || !seat->policy->swaps || server->outstanding > 0 ||
        seat->members[server->seat_place].rests) {
        return;
    }
    seat->members[server->seat_place].rests = true;
    signal_wake(&seat->signal, SEAT_WAKE);
}

static bool fits_beside(const struct gpu_seat *seat, const struct seat_member *wanted)
{
    double bytes = wanted->gpu_bytes;
    for (uint32_t i = 0; i < seat->count; i++) {
        const struct seat_member *member = &seat->members[i];
        bytes += member != wanted && standing_of(member) != STANDING_OFF ? member->gpu_bytes : 0.0;
    }
    return bytes <= seat->capacity_bytes * (1.0 + 1e-9);
}

/* The one that has been asked for for the longest, but for `but`; NULL: nobody is. */
static struct seat_member *wanted_of(struct gpu_seat *seat, const struct seat_member *but)
{
    struct seat_member *first = NULL;
    for (uint32_t i = 0; i < seat->count; i++) {
        struct seat_member *member = &seat->members[i];
        if (member != but && standing_of(member) == STANDING_OFF && member->held.count > 0 &&
            (first == NULL || member->asked_seconds < first->asked_seconds)) {
            first = member;
        }
    }
    return first;
}

/* Of those that have nothing to do, and have not for long enough, the one that was used the longest
 * ago; NULL: none may go yet, and the first may at `*when` (INFINITY: none by itself). */
static struct seat_member *unused_of(struct gpu_seat *seat, double *when)
{
    struct seat_member *first = NULL;
    for (uint32_t i = 0; i < seat->count; i++) {
        struct seat_member *member = &seat->members[i];
        const struct server *server = member->server;
        bool there = standing_of(member) == STANDING_UP || standing_of(member) == STANDING_LEAVING;
        if (!there || server->outstanding > 0 || server->updating > 0) {
            continue;
        }
        double may_go = member->idle_since_seconds + seat->policy->idle_seconds(seat->says);
        *when = fmin(*when, may_go);
        if (may_go <= engine_clock() &&
            (first == NULL || member->idle_since_seconds < first->idle_since_seconds)) {
            first = member;
        }
    }
    return first;
}

/* Those that have stayed for long enough take nothing new, the first that came first, as many as
 * have to go. */
static void drain(struct gpu_seat *seat, const struct seat_member *wanted, double *when)
{
    double bytes = wanted->gpu_bytes;
    for (uint32_t i = 0; i < seat->count; i++) {
        bytes += standing_of(&seat->members[i]) == STANDING_UP ? seat->members[i].gpu_bytes : 0.0;
    }
    while (bytes > seat->capacity_bytes * (1.0 + 1e-9)) {
        struct seat_member *first = NULL;
        for (uint32_t i = 0; i < seat->count; i++) {
            struct seat_member *member = &seat->members[i];
            if (standing_of(member) == STANDING_UP &&
                (first == NULL || member->came_seconds < first->came_seconds)) {
                first = member;
            }
        }
        double until = first == NULL ? (double)INFINITY
                                     : first->came_seconds + seat->policy->stay_seconds(seat->says);
        if (first == NULL || until > engine_clock()) {
            *when = fmin(*when, until);
            return;
        }
        scaling_set_standing(first->server, STANDING_LEAVING);
        bytes -= first->gpu_bytes;
    }
}

/* --- swaps --- */

/* A GPU's bytes that go, or come: weights, and the prefix cache that is kept. */
static double moved_bytes(const struct gpu_seat *seat, const struct seat_member *member)
{
    const struct pool *pool = member->server->pool;
    double pages = seat->says->cache == SHARING_CACHE_HOST
                       ? (double)kv_cache_named(&member->server->view.kv)
                       : 0.0;
    return pool->memory.weight_bytes + pages * pool->kv_page_bytes;
}

/* Over the links of its GPUs and their sockets' memory, which others may use too. */
static void move(const struct seat_member *member, enum host_way way, double bytes)
{
    const struct server *server = member->server;
    const struct host_copy copy = {
        .way = way, .gpus = server->pool->gpus_per_server, .bytes = bytes};
    server->fleet->sharing.bytes += bytes * copy.gpus;
    actor_sleep(host_memory_copy(server, &copy));
}

static void put_out(struct gpu_seat *seat, struct seat_member *member)
{
    bool keeps = seat->says->cache == SHARING_CACHE_HOST;
    double cache_bytes = moved_bytes(seat, member) - member->server->pool->memory.weight_bytes;
    double bytes = seat->says->offload ? moved_bytes(seat, member) : cache_bytes;
    scaling_close(member->server, keeps);
    if (bytes > 0.0) {
        move(member, HOST_OUT, bytes);
    }
}

static void submit_held(struct seat_member *member)
{
    struct server *server = member->server;
    struct request *requests = server->fleet->requests->all;
    while (member->held.count > 0) {
        uint32_t id = queue_pop(&member->held, requests);
        requests[id].replica = server->index;
        server_submit(server, id);
    }
}

/* Those that wait for it are its first requests. */
static void take_in(struct gpu_seat *seat, struct seat_member *member, double begin_seconds)
{
    struct server *server = member->server;
    struct fleet *fleet = server->fleet;
    scaling_hold(server);
    actor_sleep(seat->says->switch_seconds);
    move(member, HOST_IN, moved_bytes(seat, member));
    fleet->sharing.swaps++;
    fleet->sharing.swap_seconds += engine_clock() - begin_seconds;
    member->came_seconds = member->idle_since_seconds = engine_clock();
    submit_held(member); /* before it begins: all may be in its first batch */
    scaling_stand_up(server);
}

/* Another has gone instead, and nobody waits any more: who was about to go stays. Whether there was
 * one; others may have run then. */
static bool call_back(struct gpu_seat *seat)
{
    bool any = false;
    for (uint32_t i = 0; i < seat->count; i++) {
        struct seat_member *member = &seat->members[i];
        if (standing_of(member) == STANDING_LEAVING) {
            scaling_set_standing(member->server, STANDING_UP);
            submit_held(member);
            any = true;
        }
    }
    return any;
}

static void seat_main(void *data)
{
    struct gpu_seat *seat = data;
    for (;;) {
        struct seat_member *wanted = wanted_of(seat, NULL);
        double begin = engine_clock();
        while (wanted != NULL && !fits_beside(seat, wanted)) {
            double when = (double)INFINITY;
            struct seat_member *goes = unused_of(seat, &when);
            if (goes != NULL) {
                put_out(seat, goes);
                continue;
            }
            drain(seat, wanted, &when);
            if (isfinite(when)) {
                signal_wait_until(&seat->signal, SEAT_WAKE, fmax(0.0, when - engine_clock()));
            } else {
                signal_wait(&seat->signal, SEAT_WAKE);
            }
            begin = engine_clock();
        }
        bool others_ran = wanted_of(seat, wanted) == NULL && call_back(seat);
        if (wanted != NULL) {
            take_in(seat, wanted, begin);
        } else if (!others_ran) {
            signal_wait(&seat->signal, SEAT_WAKE);
        }
    }
}

/* --- requests --- */

/* The seat at which a model waits already, else the one with fewest requests. */
static struct gpu_seat *calmest_seat(struct fleet *fleet)
{
    struct gpu_seat *best = NULL;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct gpu_seat *seat = fleet->servers[i].seat;
        const struct seat_member *own = &seat->members[fleet->servers[i].seat_place];
        if (own->held.count > 0 || standing_of(own) == STANDING_STARTING) {
            return seat;
        }
        uint64_t load = seat_load(seat);
        if (load < least) {
            best = seat;
            least = load;
        }
    }
    return best;
}

bool sharing_holds(struct fleet *fleet, uint32_t id)
{
    if (fleet->sharing.seats == NULL || !fleet->sharing.seats[0].policy->swaps ||
        scaling_count(&fleet->pools[0], STANDING_UP) > 0) {
        return false;
    }
    struct gpu_seat *seat = calmest_seat(fleet);
    struct seat_member *own = &seat->members[fleet->servers[0].seat_place];
    fleet->requests->all[id].queued_seconds = engine_clock();
    own->asked_seconds = own->held.count == 0 ? engine_clock() : own->asked_seconds;
    queue_push(&own->held, fleet->requests->all, id);
    signal_wake(&seat->signal, SEAT_WAKE);
    return true;
}

/* --- the run --- */

static void join(struct gpu_seat *seat, struct server *server, uint32_t place)
{
    const struct memory_use *memory = &server->pool->memory;
    struct seat_member *own = &seat->members[place];
    *own = (struct seat_member){
        .server = server,
        .gpu_bytes = memory->weight_bytes + memory->kv_cache_bytes + memory->activation_bytes,
        .held = {.first = REQUEST_NONE, .last = REQUEST_NONE},
    };
    server->seat_place = place;
    scaling_shut(server);
    if (fits_beside(seat, own)) {
        server->scaling.standing = STANDING_UP;
        router_down(server, -1);
    }
    server->seat = seat;
}

void sharing_create(struct fleet *const *fleets, uint32_t count, const struct gpu_sharing *says)
{
    struct fleet *first = fleets[0];
    struct gpu_seat *seats = ARENA_ARRAY(first->arena, struct gpu_seat, first->server_count);
    for (uint32_t i = 0; i < first->server_count; i++) {
        struct gpu_seat *seat = &seats[i];
        *seat = (struct gpu_seat){
            .says = says,
            .policy = sharing_policies[says->policy],
            .capacity_bytes = first->scenario->gpu.memory_bytes,
            .members = ARENA_ARRAY(first->arena, struct seat_member, count),
            .waiting = ARENA_ARRAY(first->arena, uint32_t, count),
        };
        for (uint32_t j = 0; j < count; j++) {
            seat->count = j + 1;
            join(seat, &fleets[j]->servers[i], j);
        }
    }
    for (uint32_t j = 0; j < count; j++) {
        fleets[j]->sharing.seats = seats;
    }
}

void sharing_start(struct fleet *first)
{
    struct gpu_seat *seats = first->sharing.seats;
    for (uint32_t i = 0; seats != NULL && i < first->server_count; i++) {
        signal_init(&seats[i].signal);
        for (uint32_t j = 0; j < seats[i].count; j++) {
            signal_init(&seats[i].members[j].turn);
        }
        if (seats[i].policy->swaps) {
            actor_start(first->engine, first->servers[i].first_gpu, seat_main, &seats[i], true);
        }
    }
}

void sharing_destroy(struct fleet *first)
{
    struct gpu_seat *seats = first->sharing.seats;
    for (uint32_t i = 0; seats != NULL && i < first->server_count; i++) {
        signal_destroy(&seats[i].signal);
        for (uint32_t j = 0; j < seats[i].count; j++) {
            signal_destroy(&seats[i].members[j].turn);
        }
    }
}
