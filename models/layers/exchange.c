/* SPDX-License-Identifier: MIT */
#include "models/layers/exchange.h"

#include "models/architecture/precision.h"

const struct exchange_row *const exchange_rows[EXCHANGE_KIND_COUNT] = {EXCHANGES(ROW_OBJECT)};

const struct exchange_row *replica_exchange(const struct replica *replica)
{
    return replica_shares_experts(replica) ? exchange_rows[replica->exchange] : NULL;
}

double exchange_arriving_tokens(const struct replica *replica, struct experts experts,
                                double all_tokens)
{
    double ranks = layout_experts(replica->layout);
    double nodes = replica_routing(replica).nodes;
    return all_tokens *
           experts_reach(experts, replica_routing(replica), ranks, nodes, false).ranks / ranks;
}

double exchange_token_bytes(const struct replica *replica, const struct exchange_call *call)
{
    double element = format_bytes(replica->precision->activations);
    double narrow = replica->software->exchange.dispatch_bytes;
    bool is_narrow = !call->combine && !call->training && narrow > 0.0;
    return call->elements * (is_narrow ? narrow : element);
}

double exchange_imbalance(const struct replica *replica, const struct exchange_call *call)
{
    struct routing routing = replica_routing(replica);
    double rows = call->all_tokens * call->experts.per_token;
    double ranks = layout_experts(replica->layout);
    double fullest = experts_rows(call->experts, routing, call->all_tokens);
    return rows > 0.0 && fullest * ranks > rows ? fullest * ranks / rows : 1.0;
}

struct step_operator exchange_collective(const struct replica *replica,
                                         const struct exchange_call *call, enum group group,
                                         enum collective_kind kind, double bytes)
{
    return step_collective_operator(call->combine ? "experts combine" : "experts dispatch", group,
                                    (struct collective_call){.kind = kind,
                                                             .group = replica_group(replica, group),
                                                             .bytes = bytes,
                                                             .graph = call->graph});
}

struct step_operator exchange_operator(const struct replica *replica,
                                       const struct exchange_call *call)
{
    return exchange_rows[replica->exchange]->operator(replica, call);
}
