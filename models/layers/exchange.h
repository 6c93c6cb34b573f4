/* SPDX-License-Identifier: MIT
 * How a layer's tokens travel to experts on other ranks and back: a row a kind, a file a row
 * (exchange_NAME.c). Pure. */
#ifndef CPSIM_MODELS_LAYERS_EXCHANGE_H
#define CPSIM_MODELS_LAYERS_EXCHANGE_H

#include "models/layout/replica.h"

/* What is sent, of one rank. */
struct exchange_call {
    struct experts experts; /* that tokens really go to */
    double tokens;          /* of the rank */
    double all_tokens;      /* of all ranks of the group */
    double elements;        /* of a token */
    bool combine;           /* back; otherwise to the experts */
    bool training;          /* both ways in the activations' format */
    bool graph;
};

/* Which tokens are there after a dispatch. */
enum exchange_arrival {
    ARRIVAL_ALL_TOKENS, /* everybody's, once */
    ARRIVAL_ROWS,       /* a row for each expert here, by rank that it came from */
    ARRIVAL_TOKENS,     /* each that has an expert here, once */
    ARRIVAL_SORTED      /* a row for each expert here, by expert; sums are made on the way back */
};

struct exchange_row {
    enum exchange_arrival arrival;
    bool whole_experts; /* it sends to ranks that have an expert whole */
    /* The operator on the communication stream. */
    struct step_operator (*operator)(const struct replica *replica,
                                     const struct exchange_call *call);
};

extern const struct exchange_row *const exchange_rows[EXCHANGE_KIND_COUNT];
#define EXCHANGE(member, object, name, sentence) extern const struct exchange_row object;
EXCHANGES(EXCHANGE)
#undef EXCHANGE

/* The row of a replica's exchange; NULL: experts are shared with nobody who has other tokens. */
const struct exchange_row *replica_exchange(const struct replica *replica);

/* Tokens of `all_tokens` that arrive at one rank, each counted once. */
double exchange_arriving_tokens(const struct replica *replica, struct experts experts,
                                double all_tokens);

/* One operator of the exchange. */
struct step_operator exchange_operator(const struct replica *replica,
                                       const struct exchange_call *call);

/* --- for rows --- */

struct step_operator exchange_collective(const struct replica *replica,
                                         const struct exchange_call *call, enum group group,
                                         enum collective_kind kind, double bytes);
/* Bytes of a token's elements on the way. */
double exchange_token_bytes(const struct replica *replica, const struct exchange_call *call);
/* The fullest rank's rows over the mean. */
double exchange_imbalance(const struct replica *replica, const struct exchange_call *call);

#endif
