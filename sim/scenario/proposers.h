/* SPDX-License-Identifier: MIT
 * Who guesses the tokens that a step verifies. A kind is a file proposer_NAME.c with a row, a
 * member of enum proposer_kind, a row of the table in proposers.c and one of its keys in
 * speculation_table.c. */
#ifndef CPSIM_SIM_SCENARIO_PROPOSERS_H
#define CPSIM_SIM_SCENARIO_PROPOSERS_H

#include "sim/config/field.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/scenario.h"

struct proposer {
    const char *name;
    /* Makes the model that guesses of the scenario's; NULL: the scenario says it, or none does. */
    void (*draft)(const struct llm *llm, const struct speculation *says, struct llm *draft);
    /* Whether the model can have it; complains otherwise. NULL: any can. */
    void (*check)(const struct checker *checker, const char *path);
    bool own_ends;    /* it has an embedding and a head of its own */
    bool is_inside;   /* its layers are the model's: no weights and no cache of its own */
    bool looks_ahead; /* it wants slots in the KV cache for what it guesses */
    bool drops_last;  /* of a hit in the prefix cache, the last block is computed again */
    bool synchronous; /* the next step waits for it: nothing is scheduled ahead */
};

extern const struct proposer proposer_model, proposer_eagle, proposer_mtp, proposer_ngram,
    proposer_tree, proposer_streams;

const struct proposer *proposer_of(const struct service *service); /* NULL: nobody guesses */

/* Before the tree is read: what of the drafting model is not its own to say. */
void speculation_expand(struct node *root);
/* After: the model that guesses is whole. */
void speculation_finish(const struct field_context *context, struct node *root,
                        struct scenario *scenario);
void speculation_check(const struct checker *checker);

/* Of one GPU: weights of who guesses, and, in such a layout, what its cache takes a token. */
double speculation_weight_bytes(const struct scenario *scenario);
double speculation_token_bytes(const struct scenario *scenario, const struct layout *layout);

#endif
