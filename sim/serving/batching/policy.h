/* SPDX-License-Identifier: MIT
 * How a replica makes its batches: a table of functions. A new policy is a file and a row of
 * BATCHING_POLICIES in sim/scenario/serving.h. It sees a view (view.h) and answers with a decision.
 */
#ifndef CPSIM_SIM_SERVING_BATCHING_POLICY_H
#define CPSIM_SIM_SERVING_BATCHING_POLICY_H

#include "sim/scenario/serving.h"
#include "sim/serving/batching/view.h"

struct batching_policy {
    void (*decide)(struct batch_view *view, struct decision *decision);

    /* Those of a policy with a state and a KV cache of its own (view->state); the others' are those
     * of view.c. */
    void (*enqueue)(struct batch_view *view, uint32_t request); /* at its queue's end */
    uint32_t (*hand_in)(struct batch_view *view, const struct share *share, uint32_t accepted);
    /* As batch_repeats() and batch_repeat(), of steps in which all decode. */
    uint32_t (*repeats)(const struct batch_view *view, const struct decision *decision,
                        const struct decision *next, uint32_t most);
    void (*repeat)(struct batch_view *view, struct decision *decision, struct decision *next,
                   uint32_t more);
    /* Its machine fails: view->running are then those that were let in, and nobody holds anything.
     */
    void (*fail)(struct batch_view *view);
    /* batch_remove(): its client has gone. */
    void (*remove)(struct batch_view *view, uint32_t request);
    /* Tokens of a request that it would find cached. */
    uint32_t (*cached)(const struct batch_view *view, const struct request *request);
};

#define BATCHING_POLICY(member, object, name, sentence) extern const struct batching_policy object;
BATCHING_POLICIES(BATCHING_POLICY)
#undef BATCHING_POLICY
extern const struct batching_policy *const batching_policies[BATCHING_KIND_COUNT];

#endif
