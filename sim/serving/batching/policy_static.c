/* SPDX-License-Identifier: MIT
 * A batch is filled from those that wait, prefilled as one, and decoded to its last token; only
 * then comes the next (FasterTransformer). Room is reserved for every answer's full length. */
#include "sim/serving/batching/policy.h"

static void decide(struct batch_view *view, struct decision *decision)
{
    batch_continue(view, decision, true, true, UINT64_MAX);
    bool begins = view->running_count == 0;
    while (begins && batch_has_seat(view) && batch_admit(view, decision, UINT32_MAX, false, true)) {
    }
}

const struct batching_policy policy_static = {
    .decide = decide,
};
