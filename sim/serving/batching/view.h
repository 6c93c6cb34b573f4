/* SPDX-License-Identifier: MIT
 * What a batching policy sees of a replica: who waits, who runs, the KV cache and the limits. It
 * answers with a decision: who gets how many tokens in the next step, and who had to give way. It
 * changes what it sees through the functions here alone, and knows neither servers nor the clock.
 * All batches of a replica that are under way share one view. */
#ifndef CPSIM_SIM_SERVING_BATCHING_VIEW_H
#define CPSIM_SIM_SERVING_BATCHING_VIEW_H

#include "sim/serving/cache/kv_cache.h"
#include "sim/serving/load/request.h"

struct batch_limits {
    uint64_t step_tokens;  /* of a step, prompts, answers and drafts together */
    uint32_t sequences;    /* that run at once */
    uint32_t model_tokens; /* of a sequence */
    uint32_t chunk_tokens; /* of one request in a step; 0: no such limit */
    uint32_t spare_blocks; /* that an admission leaves free while others run */
    uint32_t look_ahead;   /* slots that a drafter wants beyond the tokens of a step */
    uint32_t draft_tokens; /* guessed after a step that samples */
    uint32_t adapters;     /* different ones of a step; 0: nobody asks for any */
    bool whole_prompts;    /* a prompt is computed in one step or not at all */
    bool reserves_prompt;  /* who is let in finds room for all that is known of it */
    bool by_priority;      /* else who came first is first */
    bool ahead;            /* a step is made up before the last one's tokens are known */
    bool prompts_only;     /* answers are another replica's work */
    bool swaps;            /* who gives way goes to the host's memory */
    bool looks_again;      /* who waits may be let in before somebody ends */
};

/* Slots beyond the end of an answer that guesses may take: those of a step that is made up before
 * the last one's are known to be wrong, too. */
static inline uint32_t batch_slack(const struct batch_limits *limits)
{
    return limits->draft_tokens * (1U + limits->ahead) + limits->look_ahead;
}

/* What requests of a class are to keep; 0: nothing. */
struct batch_target {
    double ttft_seconds, tpot_seconds;
};

struct step_shape; /* step_cost.h */

/* What the replica does for its policy. */
struct batch_hooks {
    void *data;
    /* What a step of that shape, one sequence at least, takes the replica as it is now. */
    double (*step_seconds)(void *data, const struct step_shape *shape);
    /* Room for `room` tokens of a request that waits while another replica has its KV cache: takes
     * it off the queue and sends for the cache. False when there is no room. */
    bool (*fetch)(void *data, uint32_t request, uint64_t room);
    /* Tokens behind the first `cached` of a request that tiers below the cache have; NULL: there
     * are none. And brings so many to the blocks that it holds for them: batch_loaded() when they
     * have come. */
    uint32_t (*look_up)(void *data, uint32_t request, uint32_t cached);
    void (*load)(void *data, uint32_t request, uint32_t cached, uint32_t tokens);
    bool by_layer; /* load() only counts: they come within the step (decision.loaded_tokens) */
};

struct batching_policy;

struct batch_view {
    struct batch_limits limits;
    const struct batching_policy *policy; /* one with a state of its own; NULL: any other */
    void *state;                          /* ... that it knows */
    struct request *requests;             /* of the run, by number */
    struct request_queue waiting;
    uint32_t *running; /* [sequences], in the order of admission */
    uint32_t running_count;
    struct kv_cache kv;
    struct request_queue landed; /* their caches have come; they decode from the next step on */
    uint32_t incoming;           /* whose KV cache is on its way, or has landed */
    uint64_t promised_blocks;    /* that those still need whose cache came from a tier */
    bool is_decoder;             /* a replica whose requests all come with their KV cache */
    bool hold_prompts; /* no prompts in the next step, unless nobody decodes (data-parallel ranks
                          that prefill together) */
    bool saturated;    /* the last step that did not hold back left requests waiting */
    bool gone;         /* somebody who runs has ended or gone elsewhere */
    uint32_t given_up; /* whose client had gone and whose half done prompt ended with this decision;
                          REQUEST_NONE: nobody's */
    uint32_t *adapter_marks;            /* [by adapter]: the decision that last counted it ... */
    uint32_t *adapter_coming;           /* [by adapter]: of `incoming`; NULL: no adapters */
    uint32_t adapter_total;             /* there are */
    uint32_t adapter_round;             /* ... of which this is the number ... */
    uint32_t adapter_count;             /* ... and that has so many of those who run */
    struct request_queue passed;        /* over in this decision: their adapter is one too many */
    const struct batch_target *targets; /* [target_count]: by class of requests */
    uint32_t target_count;
    double now_seconds;
    double answer_seconds;   /* from a step's end until clients have its tokens */
    double begin_seconds;    /* at which the step that is decided on begins at the earliest */
    uint64_t ended;          /* answers, so far ... */
    double ended_tokens;     /* ... and their tokens */
    uint64_t pending_tokens; /* of all requests it has */
    uint64_t preemptions;    /* so far */
    struct batch_hooks hooks;
};

/* What a request gets in a step. */
struct share {
    uint32_t request;
    uint32_t tokens;    /* computed in the step */
    uint32_t computed;  /* before it */
    uint32_t drafts;    /* of `tokens`, guesses that are verified */
    bool was_in_prompt; /* before it: more of a prompt was to be scheduled */
    bool samples;       /* its next token comes of it */
    bool decodes;       /* it is an answer's next token: no prompt, nothing computed again */
};

/* The next step. No share: nothing can be done now. */
struct decision {
    struct share *shares; /* [share_count], those that ran already, then those let in */
    uint32_t share_count, admitted_count;
    uint32_t *preempted; /* [preempted_count], in the order in which they gave way */
    uint32_t preempted_count;
    uint64_t tokens;         /* of all shares */
    uint32_t decode_count;   /* shares that are an answer\'s next token ... */
    uint64_t decode_context; /* ... and their computed tokens */
    uint64_t swapped_tokens; /* moved to the host's memory and back, before the step */
    uint64_t loaded_tokens;  /* that a tier has and that come within it, layer by layer */
    uint32_t adapters;       /* different ones of its shares, and ... */
    uint64_t adapter_tokens; /* ... tokens that have one */
};

void batch_view_create(struct batch_view *view, struct arena *arena, struct request *requests,
                       const struct batch_limits *limits, uint64_t pages,
                       const struct kv_layout *layout);
/* There are so many adapters, of which a step has limits.adapters at most. */
void batch_view_adapters(struct batch_view *view, struct arena *arena, uint32_t adapters);
void decision_create(struct decision *decision, struct arena *arena,
                     const struct batch_limits *limits);

void decision_clear(struct decision *decision); /* nothing is decided */

static inline struct request *batch_request(const struct batch_view *view, uint32_t id)
{
    return &view->requests[id];
}

/* --- for the replica --- */

/* A request joins the queue. */
void batch_enqueue(struct batch_view *view, uint32_t id);

/* Asks the policy for the next step; what it decided counts as under way from now on. */
void batch_decide(struct batch_view *view, const struct batching_policy *policy,
                  struct decision *decision);

/* Hands in what a share's step gave, one after the other in their order: `accepted` of its drafts.
 * Returns how many tokens the request got (0: a part of a prompt, or it is gone meanwhile); it has
 * ended if its state is REQUEST_DONE, and then holds nothing any more. */
uint32_t batch_hand_in(struct batch_view *view, const struct share *share, uint32_t accepted);

/* The same for the shares from place `from` on, as long as each gives the next token, not the last,
 * of one that decodes without drafts and had its last token at `last_seconds`: nearly all. Their
 * tokens come `now`. Returns how many they are. */
uint32_t batch_hand_in_alike(struct batch_view *view, const struct decision *decision,
                             uint32_t from, double last_seconds, double now);

/* After the last share: who has ended, or has gone elsewhere, leaves those that run. */
void batch_sweep(struct batch_view *view);

/* Its client has gone: it leaves wherever it is, and holds nothing. With a policy that has it go on
 * to its next token it is not over yet. */
void batch_remove(struct batch_view *view, uint32_t id);

/* Tokens of a request that it would find cached. */
uint32_t batch_cached(struct batch_view *view, const struct request *request);

/* Its machine has failed: what a policy keeps of its own is gone, and view->running are those to
 * drop. */
void batch_fail(struct batch_view *view);

/* What a tier had of its KV cache is there: it waits for a step, before those who hold nothing. */
void batch_loaded(struct batch_view *view, uint32_t id);

/* One whose KV cache is there runs from now on. */
void batch_join(struct batch_view *view, uint32_t id);

/* How many steps like this one can follow each other before somebody ends or a block may be
 * missing, at most `most`; 1 unless all that run decode. `next`: the step made up ahead, NULL:
 * none.
 */
uint32_t batch_repeats(const struct batch_view *view, const struct decision *decision,
                       const struct decision *next, uint32_t most);

/* `more` further steps like this one, which batch_repeats() allows, are under way. */
void batch_repeat(struct batch_view *view, struct decision *decision, struct decision *next,
                  uint32_t more);

/* --- for policies --- */

/* Tokens of a request that are known and not computed: what routers go by. */
void batch_set_pending(struct batch_view *view, struct request *request, uint32_t tokens);

/* Tokens that the step has left. */
static inline uint64_t batch_budget(const struct batch_view *view, const struct decision *decision)
{
    return decision->tokens < view->limits.step_tokens ? view->limits.step_tokens - decision->tokens
                                                       : 0;
}

/* Those that run go on, in the order of admission, until the step has `budget` tokens: who decodes,
 * who is in a prompt, as asked for. Each gets what is known of it and not yet scheduled, and is
 * passed over when that is nothing: it waits for tokens under way, or its end is sure. Who finds no
 * room makes others give way, the last first, or the least important; false when one had to itself.
 */
bool batch_continue(struct batch_view *view, struct decision *decision, bool decodes, bool prompts,
                    uint64_t budget);

/* The one at that place of `running` goes on with `most` tokens. As batch_continue(). */
bool batch_continue_one(struct batch_view *view, struct decision *decision, uint32_t place,
                        uint64_t most);

/* Whether the first of the queue comes whole or not at all, as the limits say. One that is longer
 * than a step is cut all the same. */
static inline bool batch_comes_whole(const struct batch_view *view)
{
    const struct request *first = batch_request(view, view->waiting.first);
    return view->limits.whole_prompts && request_target(first) <= view->limits.step_tokens;
}

/* Lets the first of the queue in with as much of its prompt as `most` allows (all or nothing when
 * `whole`), and room for its answer too when `whole_answer`. False when it must wait. */
bool batch_admit(struct batch_view *view, struct decision *decision, uint64_t most, bool whole,
                 bool whole_answer);

/* Whether somebody waits whose adapter a step can have; those before him step aside until the
 * decision is made (vLLM's scheduler: it skips them, and puts them back in front). */
bool batch_fits_adapter(struct batch_view *view);

/* Counts the adapters of those who run anew, and of one more. */
void batch_count_adapters(struct batch_view *view);
void batch_count_adapter(struct batch_view *view, uint32_t request);

/* Its cache is on its way (1), or has come or is lost (-1): its adapter counts meanwhile. */
void batch_expect_adapter(struct batch_view *view, uint32_t request, int change);

/* Whether the queue has somebody and the replica a seat. */
static inline bool batch_has_seat(struct batch_view *view)
{
    return view->waiting.count > 0 &&
           view->running_count + view->incoming < view->limits.sequences &&
           (view->limits.adapters == 0 || batch_fits_adapter(view));
}

#endif
