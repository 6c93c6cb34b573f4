/* SPDX-License-Identifier: MIT
 * The state of SGLang's scheduler (Scheduler, PrefillAdder, SchedulePolicy and ScheduleBatch of
 * SGLang 0.5.14) beside what every view has. "Rules" are those of
 * tests/validation/schedule_sglang/README.md, which holds what SGLang's own decided.
 *
 * Every call of sglang_turn() is a turn of its event loop: a prefill of those that can be let in,
 * or else a decode of all that run. view->running is its running batch: who ended stays in it until
 * a decode is made up, and who was prefilled in the last turn is not in it yet. */
#ifndef CPSIM_SIM_SERVING_BATCHING_SGLANG_H
#define CPSIM_SIM_SERVING_BATCHING_SGLANG_H

#include "sim/serving/batching/view.h"
#include "sim/serving/cache/radix_tree.h"

enum sglang_order {
    SGLANG_FCFS,       /* as they came */
    SGLANG_LPM,        /* the longest cached prefix first */
    SGLANG_DFS_WEIGHT, /* the tree depth first, the branch that most wait for first */
    SGLANG_LOF         /* the longest answer first */
};

struct sglang_settings {
    enum sglang_order order;
    uint32_t chunk_tokens;   /* of prompts in a turn; 0: prompts are whole */
    uint64_t prefill_tokens; /* after so many a turn takes no more */
    uint64_t pool_tokens;    /* of the KV cache */
    uint32_t page_tokens;
    uint32_t draft_tokens; /* verified beside the next one of each that decodes */
    uint32_t guess_steps;  /* passes of who guesses, and ... */
    uint32_t branches;     /* ... what each follows, which take slots meanwhile */
    double first_ratio, least_ratio, ratio_decay; /* of what running requests may still ask for,
                                                     what is counted as needed */
    uint32_t retract_tokens;     /* that retraction makes room for, a request that stays */
    uint32_t clip_tokens;        /* an answer counts as no longer than this */
    uint32_t shared_tokens;      /* that two in the queue share, and are not cached: one waits */
    int32_t preempt_threshold;   /* who is more important by more than this takes a seat */
    bool radix;                  /* prefixes are kept */
    bool mixed;                  /* who decodes joins prefills */
    bool by_priority, low_first; /* a large number is important, or a small one */
    bool preempts;               /* by priority, for want of a seat */
};

/* What is kept of a request from its arrival to its end: request->holder is its place. */
struct sglang_entry {
    uint32_t node;      /* of the tree, that it holds, or found last */
    uint32_t cached;    /* tokens at its beginning that are the tree's */
    uint32_t prefix;    /* tokens whose KV is there when its next part begins */
    uint32_t extend;    /* tokens of its next part */
    uint32_t loaded;    /* tokens before them that a tier below has, and the same step loads */
    uint32_t committed; /* tokens that have a slot */
    uint64_t entry;     /* when it came into the queue */
    bool seated;        /* it has a place in the table of requests */
    bool stops;         /* asked to end: with its next token */
    uint32_t next;      /* unused: the next such */
};

struct sglang {
    struct sglang_settings settings;
    struct arena *arena;
    struct radix_tree tree;
    uint64_t free_tokens;
    double ratio;
    bool full;            /* nothing more is to be let in (rule 6) */
    uint32_t chunked;     /* whose prompt is half done; REQUEST_NONE: nobody's */
    uint32_t stopped;     /* the same, asked to end */
    uint32_t seats_taken; /* in the table of requests */
    uint64_t entries_so_far;
    struct sglang_entry *entries; /* [entry_capacity]; 0 is nobody's */
    uint32_t entry_capacity, spare_entry;
    uint32_t *last; /* [last_count]: who was prefilled in the last turn, decodes of it included */
    uint32_t last_count, last_chunked;
    bool last_empty;   /* the last turn made up nothing */
    uint32_t *scratch; /* [scratch_capacity] */
    uint32_t scratch_capacity;
    void *outlooks;   /* the look-ahead of an admission */
    uint32_t *thrown; /* [thrown_count]: gave way by priority in this turn */
    uint32_t thrown_count;
};

struct sglang *sglang_of(const struct batch_view *view);
struct sglang_entry *sglang_entry_of(const struct batch_view *view, uint32_t request);

/* The view's scheduler is SGLang's from now on. */
void sglang_create(struct batch_view *view, struct arena *arena,
                   const struct sglang_settings *settings);

/* A turn of its event loop. */
void sglang_turn(struct batch_view *view, struct decision *decision);

/* Its client wants no more of it: who waits is gone at once, others end with a further token. */
void sglang_abort(struct batch_view *view, uint32_t request);

/* --- between its files --- */

/* Room for so many numbers, until the next call. */
uint32_t *sglang_scratch(struct sglang *sglang, size_t count);

/* Tokens that are free or could be. */
uint64_t sglang_room(const struct sglang *sglang);

/* Evicts if fewer than `tokens` are free. */
void sglang_make_room(struct sglang *sglang, uint64_t tokens);

/* Slots for tokens up to `end`. */
void sglang_take(struct batch_view *view, uint32_t request, uint32_t end);

/* Gives back the slots behind `end`. */
void sglang_give(struct batch_view *view, uint32_t request, uint32_t end);

/* Lets go of all that it holds. `keep`: its text stays in the tree. */
void sglang_release(struct batch_view *view, uint32_t request, bool keep);

/* It goes back to the queue's end, and computes all again. */
void sglang_requeue(struct batch_view *view, struct decision *decision, uint32_t request);

void sglang_push(struct batch_view *view, uint32_t request);

/* Puts the queue in the order in which requests are tried (rules 21 to 24). */
void sglang_sort_queue(struct batch_view *view);

/* Lets in who can be, and makes up their prefill; false when there is none (rules 5 to 13). */
bool sglang_admit(struct batch_view *view, struct decision *decision);

/* Tokens that a request may still ask for, as they are counted. */
static inline uint32_t sglang_to_come(const struct sglang *sglang, const struct request *request)
{
    uint32_t left = request->limit_tokens > request->generated_tokens
                        ? request->limit_tokens - request->generated_tokens
                        : 0;
    return left < sglang->settings.clip_tokens ? left : sglang->settings.clip_tokens;
}

static inline uint64_t sglang_paged(const struct sglang *sglang, uint64_t tokens)
{
    uint64_t page = sglang->settings.page_tokens;
    return (tokens + page - 1) / page * page;
}

#endif
