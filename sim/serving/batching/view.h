/* SPDX-License-Identifier: MIT
 * What a batching policy sees of a replica: who waits, who runs, the KV cache and the limits. A
 * replica of several lanes has one desk (queue, cache) and a view a lane (whom it has). Policies
 * change them through the functions here alone, and answer with a pick; they know neither servers
 * nor the clock. */
#ifndef CPSIM_SIM_SERVING_BATCHING_VIEW_H
#define CPSIM_SIM_SERVING_BATCHING_VIEW_H

#include "sim/scenario/serving.h"
#include "sim/serving/cache/kv_cache.h"
#include "sim/serving/load/request.h"

enum server_role { SERVER_WHOLE, SERVER_PREFILL, SERVER_DECODE };

struct batch_view;

/* What the replica does for its policy. */
struct batch_hooks {
    void *data;
    /* Room for `room` tokens of a request that waits while another replica has its KV cache: takes
     * it off the queue and sends for the cache. False when there is no room. */
    bool (*fetch)(void *data, uint32_t request, uint64_t room);
    /* So many tokens' KV moves to the host's memory, or back, before the lane's next step. */
    void (*swap)(void *data, const struct batch_view *view, uint32_t tokens);
};

struct batch_desk {
    const struct service *service;
    enum server_role role;
    struct request *requests; /* of the run, by number */
    struct request_queue waiting;
    struct request_queue landed; /* their caches have come; they decode from the next step on */
    uint32_t incoming;           /* whose KV cache is on its way, or has landed */
    struct kv_cache kv;
    uint64_t pending_tokens; /* of prompts that are queued or not yet computed */
    uint64_t preemptions;    /* so far */
    double now_seconds;
    struct batch_hooks hooks;
    struct batch_view *views; /* [view_count], one a lane */
    uint32_t view_count;
};

struct batch_view {
    struct batch_desk *desk;
    uint32_t *decoding, *prefilling; /* [max_sequences], in the order of admission */
    uint32_t decode_count, prefill_count;
    uint64_t context_tokens; /* cached tokens of all that decode */
    double closed_seconds;   /* who came later is not in the next step: it is made up already */
};

/* New tokens of a prompt in a step. */
struct chunk {
    uint32_t request, tokens;
};

/* The next step. Empty: wait for work. */
struct pick {
    uint32_t decode_steps; /* > 0: all that decode take part; with no chunk, so many steps alike
                              may follow each other while nothing arrives and nobody ends */
    uint32_t chunk_count;
    struct chunk *chunks; /* [max_sequences] */
    bool freed;           /* pages that other lanes may wait for */
};

void batch_desk_create(struct batch_desk *desk, struct arena *arena, const struct service *service,
                       enum server_role role, uint32_t lanes);

static inline struct request *batch_request(const struct batch_view *view, uint32_t id)
{
    return &view->desk->requests[id];
}

uint32_t batch_running(const struct batch_desk *desk); /* requests of all its lanes */

/* Whether somebody waits who may be let in now: an engine that schedules ahead made up the next
 * step when the last one began. */
bool batch_has_ready(const struct batch_view *view);

/* Room for the next token of all that decode; who was admitted last gives way when there is none.
 * Returns whether anybody had to. */
bool batch_make_room(struct batch_view *view);

/* Takes the first waiting request in: its cached prefix, and room for `tokens` more of its prompt
 * at most, or for all it may ever need when `whole_answer`. Returns the number of new tokens that
 * can be computed, or 0 when there is no room. */
uint32_t batch_admit(struct batch_view *view, uint64_t tokens, bool whole_answer);

/* The last admitted gives way. */
void batch_preempt_last(struct batch_view *view);

/* One whose KV cache is there decodes from now on. */
void batch_decode(struct batch_view *view, uint32_t request);

/* Appends the next tokens of a prompt to the step. */
void pick_add(struct pick *pick, uint32_t request, uint32_t tokens);

#endif
