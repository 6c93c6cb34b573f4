/* SPDX-License-Identifier: MIT
 * Everybody's tokens to everybody, then the sums of what each rank's experts made of them, a share
 * to each (vLLM, all2all_manager AgRsAll2AllManager; its default). Tensor ranks have the same
 * tokens, so only ranks with other requests take part. */
#include "models/layers/exchange.h"

static struct step_operator make(const struct replica *replica, const struct exchange_call *call)
{
    struct exchange_call plain = *call;
    plain.training = true; /* as the activations, both ways */
    enum group group = replica->splits_tokens ? GROUP_EXPERT : GROUP_ATTENTION;
    return exchange_collective(replica, call, group,
                               call->combine ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_GATHER,
                               call->all_tokens * exchange_token_bytes(replica, &plain));
}

const struct exchange_row exchange_all_gather_row = {
    .arrival = ARRIVAL_ALL_TOKENS,
    .operator= make,
};
