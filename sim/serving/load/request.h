/* SPDX-License-Identifier: MIT
 * Requests: one struct each in one array that is made before the run, named by their place in it,
 * so that nothing is allocated while events pass. A run that does not keep those that are over
 * gives their places to others (requests_free). */
#ifndef CPSIM_SIM_SERVING_LOAD_REQUEST_H
#define CPSIM_SIM_SERVING_LOAD_REQUEST_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_NONE UINT32_MAX

enum request_state {
    REQUEST_COMING, /* on its way to a replica */
    REQUEST_WAITING,
    REQUEST_RUNNING,
    REQUEST_MOVING, /* its KV cache is, or a part of it that a tier had */
    REQUEST_DONE,
    REQUEST_REJECTED,  /* too long for a replica's KV cache, or the model */
    REQUEST_LOST,      /* with a replica that failed */
    REQUEST_REFUSED,   /* it waited too long, or too many did */
    REQUEST_TIMED_OUT, /* its client waited too long */
    REQUEST_CANCELLED  /* its client wanted no more of it */
};

/* What its tokens are, for the prefix cache: nobody else's; those of a conversation (the same words
 * at the same place in every turn); blocks of the prompt whose hashes a trace gives; or blocks of
 * prompt and answer whose labels are given; or runs of tokens whose numbers count up. */
enum content_kind { CONTENT_OWN, CONTENT_SESSION, CONTENT_HASHES, CONTENT_LABELS, CONTENT_RUNS };

struct request {
    /* What every step looks at, in one line of the processor's cache. */
    double last_token_seconds;
    uint32_t prompt_tokens; /* what came before in its session included */
    uint32_t output_tokens;
    uint32_t computed_tokens; /* in the KV cache, those of steps under way included */
    uint32_t generated_tokens;
    uint32_t expected_tokens; /* of steps under way, counted as known (scheduling ahead) */
    uint32_t pending_tokens;  /* known and not computed, of a prompt or what is computed again */
    uint32_t draft_tokens;    /* guessed, to be verified in its next step */
    uint32_t holder;          /* its place in the KV cache; 0: it holds nothing */
    bool in_prompt;           /* what is to be computed before it goes on is not all scheduled */
    uint8_t state;            /* enum request_state */
    uint8_t content;          /* enum content_kind */
    bool ignores_end;         /* its answer goes on to its limit, and its scheduler knows that */
    uint16_t preemptions, retries;
    int32_t priority; /* a lower one is served first, where the scheduler looks at it */
    uint32_t number;  /* among all requests */

    double arrival_seconds;   /* its client sends it */
    double queued_seconds;    /* a replica has it */
    double scheduled_seconds; /* first in a batch; negative: not yet */
    double first_token_seconds;
    const uint32_t *hashes; /* of CONTENT_HASHES, one a block of the trace, of CONTENT_LABELS, one a
                               label of the cache, or of CONTENT_RUNS, where a run ends and its
                               first token, by turns: [hash_count] */
    uint32_t hash_count;
    uint32_t hash_tokens;    /* of CONTENT_HASHES: tokens of a block that a hash names */
    uint32_t shared_tokens;  /* at its beginning, those of all requests of its class */
    uint32_t session;        /* of CONTENT_SESSION; or the client of a closed loop */
    uint32_t turn;           /* of its session, from 1 */
    uint32_t limit_tokens;   /* its client allows for its answer, where a scheduler asks */
    uint32_t swapped_tokens; /* in the memory of the host */
    uint32_t safe_tokens;    /* of its cache, that outlived a GPU and are to be recovered */
    uint32_t cached_tokens;  /* of the prompt, found in the prefix cache when first scheduled */
    uint32_t host_tokens;    /* of them, in the host's memory ... */
    uint32_t remote_tokens;  /* ... and in the store */
    float load_seconds;      /* that they took to come */
    uint32_t next;           /* in the queue it is in */
    uint32_t replica;        /* that has it */
    uint32_t home;           /* disaggregated: the replica that prefilled it ... */
    uint32_t home_epoch;     /* ... and how often that had failed */
    float streamed_seconds;  /* its KV cache has moved for so long beside its prefill */
    float room_seconds;      /* it waited, prefilled, for room on the replica that decodes */
    float move_seconds;      /* its KV cache was on its way there */
    uint16_t class_index;    /* among the workload's classes */
    uint16_t adapter;        /* that it asks for, from 1; 0: none */
    uint8_t leaving;         /* the state in which it shall end as soon as it can; 0: none */
    bool held;               /* it waited because a step had as many adapters as it may */
    bool retired;            /* its place is free when no alarm is left */
    uint16_t alarms;         /* that are still to come (source.h) */
};

/* Whether it is over, one way or another. */
static inline bool request_is_over(const struct request *request)
{
    return request->state >= REQUEST_DONE;
}

/* Whether all its tokens are nobody else's. */
static inline bool request_is_own(const struct request *request)
{
    return request->content == CONTENT_OWN && request->shared_tokens == 0;
}

/* Tokens that are known: it needs all their keys and values before it can go on. */
static inline uint32_t request_target(const struct request *request)
{
    return request->prompt_tokens + request->generated_tokens;
}

/* All requests of a run, in room that is made before it begins. */
struct requests {
    struct request *all;      /* [places of capacity] */
    uint32_t count, capacity; /* made so far; that there may be */
    uint32_t finished;        /* done, rejected or lost */
    bool reuses;              /* a place is taken again, so `all` has not all of them; else a
                                 request's place is its number */
    uint32_t places;          /* that were ever taken */
    uint32_t spare;           /* the first that may be taken again; REQUEST_NONE: none */
};

/* The place of a new request, which is zero but for its number; there must be room. */
uint32_t requests_take(struct requests *requests);

/* One that is over, of a run that reuses places: nobody names it any more, but perhaps alarms. */
void requests_free(struct requests *requests, uint32_t id);

/* One of its alarms has come. */
void requests_alarmed(struct requests *requests, uint32_t id);

/* A first-in first-out queue through struct request's `next`. Start from
 * {.first = REQUEST_NONE, .last = REQUEST_NONE}. */
struct request_queue {
    uint32_t first, last, count;
};

void queue_push(struct request_queue *queue, struct request *requests, uint32_t id);
void queue_push_front(struct request_queue *queue, struct request *requests, uint32_t id);
uint32_t queue_pop(struct request_queue *queue, struct request *requests); /* REQUEST_NONE: empty */

/* First of all, but for those who hold something too and were sent before. */
void queue_return(struct request_queue *queue, struct request *requests, uint32_t id);

/* By priority; of equals, who was sent first. */
void queue_insert(struct request_queue *queue, struct request *requests, uint32_t id);
void queue_remove(struct request_queue *queue, struct request *requests,
                  uint32_t id); /* is there */

/* Whether `a` is served before `b` where priorities count. */
static inline bool request_precedes(const struct request *a, const struct request *b)
{
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    return a->arrival_seconds < b->arrival_seconds ||
           (a->arrival_seconds <= b->arrival_seconds && a->number < b->number);
}

#endif
