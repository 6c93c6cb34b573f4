/* SPDX-License-Identifier: MIT
 * Where requests come from: one actor that makes them when they are due (arrivals, the next turns
 * of conversations, the next requests of a closed loop) and hands them to the router. */
#ifndef CPSIM_SIM_SERVING_LOAD_SOURCE_H
#define CPSIM_SIM_SERVING_LOAD_SOURCE_H

#include "sim/engine/actor.h"
#include "sim/serving/load/arrivals.h"
#include "sim/serving/load/lengths.h"
#include "sim/serving/load/request.h"

enum { CLASS_SHARED = UINT16_MAX };

/* What happens to a request at a time. */
enum due_kind {
    DUE_ROUTE,
    DUE_TIMEOUT,     /* its client waits no longer for the whole answer, ... */
    DUE_FIRST_TOKEN, /* ... for its first token, ... */
    DUE_CANCEL,      /* ... or closes the connection */
    DUE_MAX_WAIT     /* it has been in the queue for as long as one may */
};

struct due {
    double seconds;
    uint64_t order; /* of two at one time, who was made first */
    uint32_t request;
    uint32_t kind; /* enum due_kind */
};

/* Arrivals of one description: the workload's, which classes share, or a class's own. */
struct request_stream {
    const struct request_class *caller; /* whose arrivals they are */
    const struct arrival_policy *policy;
    struct request_trace trace;
    struct arrival_state arrivals;
    uint64_t left;       /* requests that it may still make */
    double next_seconds; /* of its next arrival, if `drawn`; INFINITY: none comes by itself */
    bool drawn;
    uint16_t own_class; /* of all of them; CLASS_SHARED: drawn, or the file's */
};

/* What is drawn for requests of a class. */
struct class_source {
    const struct request_class *says;
    struct request_stream *stream;
    struct length_source prompts, outputs;
    struct random_stream turns, thinking, cancelling, choosing;
    double *adapter_shares; /* [adapters.count]: summed up to 1; NULL: nobody asks for one */
};

struct source {
    const struct scenario *scenario;
    struct arena *arena;
    struct requests *requests;
    void (*happens)(void *receiver, uint32_t request, enum due_kind kind); /* what is due */
    void *receiver;
    uint32_t alarms;                /* among what is due, other than DUE_ROUTE */
    struct request_stream *streams; /* [stream_count] */
    size_t stream_count;
    struct class_source *classes; /* [class_count] */
    size_t class_count;
    double *shares; /* [class_count]: of the shared stream, summed up to 1; those before too */
    struct random_stream choosing; /* the class of a request of the shared stream */
    struct due *heap;              /* [heap_count of heap_capacity], the earliest first */
    uint32_t heap_count, heap_capacity;
    uint64_t orders;
    uint32_t coming; /* the next arrival, among what is due */
    uint32_t sessions;
    bool stirred;   /* what is due first has changed */
    bool exhausted; /* nothing comes by itself any more */
    bool closed;    /* the run is over, whatever is due */
    double last_arrival_seconds;
    double end_seconds; /* when the last request had ended */
    struct actor_signal signal;
};

/* Reads what files there are, unless `given` (NULL: it is not) has the requests; fills `requests`'
 * capacity, not its array. False with diagnostics. */
bool source_create(struct source *source, const struct scenario *scenario,
                   const struct request_trace *given, struct arena *arena,
                   struct requests *requests, struct diagnostics *diagnostics);
/* `happens` gets each request, with `receiver`, when something is due. */
void source_start(struct source *source, struct engine *engine,
                  void (*happens)(void *receiver, uint32_t request, enum due_kind kind),
                  void *receiver);

/* A request has ended: what its client or session does next. */
void source_follow(struct source *source, uint32_t request);
/* The request shall be routed (again) at a time. */
void source_schedule(struct source *source, uint32_t request, double seconds);
/* What follows its end: whether its client asks again by itself. */
bool source_follows(const struct source *source);
/* Requests of traces that ask for no token. */
uint64_t source_dropped(const struct source *source);
/* The next arrival, without a place among the requests of the run: for those who look ahead.
 * INFINITY: none comes by itself any more. */
double source_draw(struct source *source, struct request *request);
/* The same for anything else, which no run waits for once all requests are over. */
void source_alarm(struct source *source, uint32_t request, double seconds, enum due_kind kind);
/* After either, when the caller is ready for others to run: lets the source see it. */
void source_wake(struct source *source);

#endif
