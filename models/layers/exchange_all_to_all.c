/* SPDX-License-Identifier: MIT
 * NCCL's all-to-all: a row for each expert of a token to the expert's rank and back
 * (Megatron-Core's alltoall dispatcher, moe/token_dispatcher.py). Tensor ranks each send their part
 * of the tokens. A member sends what the fullest rank gets. */
#include "models/layers/exchange.h"

static struct step_operator make(const struct replica *replica, const struct exchange_call *call)
{
    struct exchange_call plain = *call;
    plain.training = true;
    double rows = call->tokens * call->experts.per_token * exchange_imbalance(replica, call);
    return exchange_collective(replica, call, GROUP_EXPERT, COLLECTIVE_ALL_TO_ALL,
                               rows * exchange_token_bytes(replica, &plain));
}

const struct exchange_row exchange_all_to_all_row = {
    .arrival = ARRIVAL_ROWS,
    .whole_experts = true,
    .operator= make,
};
