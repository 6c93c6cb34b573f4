/* SPDX-License-Identifier: MIT
 * What theory says of a service under load, in closed form: how long one waits for a single server,
 * how many share one whose rate depends on how many do, and what batching carries in the limit of
 * much work. Pure. Seconds, requests, tokens. */
#ifndef CPSIM_MODELS_LAWS_LOAD_LAW_H
#define CPSIM_MODELS_LAWS_LOAD_LAW_H

#include <stddef.h>

/* Pollaczek and Khinchine: the mean wait of a single server that takes `mean` seconds a request,
 * `square_mean` the mean of their squares, where `rate` requests come a second, independent of each
 * other (M/G/1). INFINITY at a load of 1 and more. */
double load_wait_seconds(double rate, double mean_seconds, double square_mean_seconds);

/* Requests in a server that all of them share, where `rate` come a second, independent of each
 * other, and it completes rates[n - 1] a second while n are there (rates[count - 1] of more): the
 * product form of Cohen's generalised processor sharing ("The multiple phase service network with
 * generalized processor sharing", Acta Informatica 12, 1979), which goes by the mean length of
 * requests alone, however they spread: p(n) = p(n - 1) rate / rates[n - 1]. M/G/1-PS where the
 * rates are one. INFINITY where the last rate is no higher than `rate`. `count` from 1. */
double load_shared_number(double rate, const double *rates, size_t count);

/* A batch in the fluid limit (Ao, Luo, Simchi-Levi and Wang, arXiv 2504.11320, whose iterations are
 * linear; ours cost what a step program does): requests wait at all times, and each seat that one
 * leaves another takes. */
struct fluid_batch {
    double seats;         /* sequences at once */
    double decodes;       /* steps that a request decodes in; 0: others do, or none */
    double prompt_tokens; /* new ones of a request; 0: others compute its prompt */
    double step_tokens;   /* of a step at most, answers and prompts */
    double decode_tokens; /* of a sequence that decodes, in a step */
    double empty_steps;   /* that a seat is nobody's between two requests */
    double ranks;         /* that begin their steps together, each with such a batch */
};

struct fluid_mix {
    double steps;         /* of the batch for one request to pass: 1 / steps end in each */
    double decoding;      /* sequences that decode in a step, on average */
    double prompt_steps;  /* of `steps`, with a prompt of this rank ... */
    double prompt_tokens; /* ... of so many tokens */
    double waited_steps;  /* of `steps`, with a prompt on some of the ranks */
};

/* Seats are left at random: of q prompts a step on average, a share 1 - exp(-q) of steps has some,
 * or more where those would not fit into their tokens. `steps` 0: prompts fill more than all steps,
 * so that fewer seats do as well. */
struct fluid_mix fluid_mix(const struct fluid_batch *batch);

#endif
