/* SPDX-License-Identifier: MIT
 * The choices of a training set-up. */
#ifndef CPSIM_MODELS_LAYERS_TRAINING_CHOICES_H
#define CPSIM_MODELS_LAYERS_TRAINING_CHOICES_H

#include <stdint.h>

/* What the backward pass computes again in place of keeping it. */
enum recompute {
    RECOMPUTE_NONE,
    RECOMPUTE_SELECTIVE, /* what the software stack calls so: struct training_software */
    RECOMPUTE_ATTENTION, /* the core attention, from query, key and value (Megatron-LM) */
    RECOMPUTE_OPERATORS, /* what torchtitan's list of operators does not have: every second product,
                            norms, activations */
    RECOMPUTE_CHEAP,     /* norms, activations and a latent's up-projections (DeepSeek-V3, arXiv
                            2412.19437, sections 3.2.3 and 3.3.1; Megatron-Core's modules layernorm,
                            moe_act and mla_up_proj) */
    RECOMPUTE_FULL       /* the whole layer, from its input */
};

/* What the data-parallel ranks (context ranks among them: they hold the same weights) share. */
enum sharding {
    SHARDING_NONE,  /* nothing: gradients are all-reduced */
    SHARDING_ZERO1, /* the optimizer: gradients reduce-scattered, parameters all-gathered, once a
                       step */
    SHARDING_FSDP   /* parameters and gradients too. Without a pipeline, layers are gathered for
                       every pass; with one, once a step (weights stay, as Llama 3 and torchtitan
                       do) */
};

/* How context ranks exchange keys and values. */
enum context_exchange {
    CONTEXT_ALL_GATHER, /* of keys and values before attention, exposed (Llama 3) */
    CONTEXT_RING        /* pass-KV, a hop under each part of attention (arXiv 2310.01889) */
};

/* What lies in the host's memory, shares; fetched and put back over the GPU's link to it, under the
 * passes that need it. */
struct offload {
    double states; /* the optimizer's, and its master weights */
    double activations, parameters;
};

/* A model of modules, of which a site trains one path (models/training/outer_step.h). */
struct paths {
    uint32_t levels;  /* at each of which a path takes one module; 0: none, all train all */
    uint32_t modules; /* of a level */
    double own;       /* share of a path's parameters that no other has */
};

/* Low-rank states of the optimizer (models/training/galore.h). */
struct galore {
    uint32_t rank;   /* directions of a gradient that moments are kept of; 0: all of them */
    uint32_t period; /* steps after which directions are found anew */
};

#endif
