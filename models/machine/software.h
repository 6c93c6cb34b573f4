/* SPDX-License-Identifier: MIT
 * A software stack: what the program that drives the GPUs adds to the kernels. The values come from
 * platforms/software/ *.yaml, each with its source. */
#ifndef CPSIM_MODELS_MACHINE_SOFTWARE_H
#define CPSIM_MODELS_MACHINE_SOFTWARE_H

#include "models/machine/adapters.h"
#include "models/machine/collective_library.h"
#include "models/machine/experts_exchange.h"
#include "models/machine/kernel_library.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What RECOMPUTE_SELECTIVE computes again. */
enum selective_recompute {
    SELECTIVE_ATTENTION, /* attention (Megatron-LM) */
    SELECTIVE_PRODUCTS   /* every second product, norms and activations (torchtitan) */
};

/* How an engine's scheduler estimates what running answers still need: SGLang's. All 0: none. */
struct need_estimate {
    double ratio, least; /* of the tokens that are still allowed; `least`: of `ratio` */
    double decay_steps;  /* decodes from the one to the other */
    uint32_t retract_tokens, clip_tokens, shared_tokens;
};

/* Which workloads a stack can run. */
enum software_use { SOFTWARE_ANY, SOFTWARE_INFERENCE, SOFTWARE_TRAINING };

/* What not every engine can do, of what a scenario may ask of one. */
enum engine_feature {
    FEATURE_CONTEXT,        /* context ranks share a sequence: ring attention */
    FEATURE_PIPELINE,       /* stages share the layers */
    FEATURE_EXPERT,         /* experts are dealt out to ranks */
    FEATURE_ATTENTION_DATA, /* ranks with requests of their own share experts */
    FEATURE_POOLS,          /* prefill and decode on replicas of their own */
    FEATURE_SWAP,           /* who is preempted has his cache copied to the host */
    FEATURE_SPECULATION,    /* tokens are guessed, and verified together */
    FEATURE_ADAPTERS,       /* requests bring low-rank adapters of their own */
    FEATURE_TIERS,          /* the prefix cache goes on in the host's memory and beyond */
    FEATURE_COUNT
};

/* What a training framework adds. */
struct training_software {
    bool fused_kernels;                   /* memory-bound neighbours are joined */
    bool fp32_gradients;                  /* gradients of weights are added up in fp32 as the
                                             product makes them */
    double attention_backward_efficiency; /* as attention_efficiency, of the backward pass */
    double ring_attention_efficiency;     /* the same of a part of a ring, beside the others */
    double row_scaled_efficiency; /* as matmul_efficiency, of fp8 products with row scales */
    double memory_passes;         /* bytes that memory-bound kernels move over those counted
                                     here: what is not fused as well as was counted */
    double norm_forward_bytes_per_element; /* read and written by residual sum and norm */
    double norm_backward_bytes_per_element;
    /* Read and written by rotary embedding and activation where a framework runs several kernels
     * for them; 0: the GPU file's rates of one kernel. */
    double rope_forward_bytes_per_element, rope_backward_bytes_per_element;
    double activation_forward_bytes_per_element, activation_backward_bytes_per_element;
    /* Likewise of kernels that clamp gate and up, an element of them, and that add the biases of
     * experts' outputs, an element of those; 0: inside the activation, the product. */
    double clamp_forward_bytes_per_element, clamp_backward_bytes_per_element;
    double expert_bias_forward_bytes_per_element, expert_bias_backward_bytes_per_element;
    double cast_bytes_per_element;     /* read and written to turn a bf16 tensor into fp8 for all
                                          products that take it, with one scale a tensor ... */
    double row_cast_bytes_per_element; /* ... and with one a row */
    double gather_bytes_per_parameter; /* what data-parallel ranks send each other */
    double reduce_bytes_per_parameter;
    double loss_forward_bytes_per_logit; /* read and written by the loss and its gradient */
    double loss_backward_bytes_per_logit;
    double loss_kept_bytes_per_logit;           /* at once, when most are */
    double narrow_gradient_bytes_per_parameter; /* read and written to add what a product made to a
                                                   gradient kept in 8 bits */
    double optimizer_bytes_per_parameter;       /* read and written in an update */
    double reserved_bytes;                      /* of a GPU by the allocator, beside tensors */
    double outside_bytes; /* of a GPU, of which the allocator knows nothing: the driver's context,
                             buffers of the collective library */
    double state_bytes_per_parameter; /* kept: master copy and moments */
    double narrow_weight_bytes; /* kept of a weight that products take in 8 bits, copies included;
                                   0: parameter_bytes */
    double gradient_bytes_per_parameter; /* kept */
    double parameter_bytes; /* kept, of the weight itself; 0: the activations' format */
    bool products_apart;    /* query, key and value, gate and up are products of their own, and the
                               gradients of their input are summed by kernels of their own */
    /* Read and written, a parameter, by kernels of their own: */
    double accumulate_bytes_per_parameter;  /* a micro-batch's gradient added to those before */
    double gather_copy_bytes_per_parameter; /* around an all-gather of a layer's parameters ... */
    double shard_copy_bytes_per_parameter;  /* of it, a parameter of the rank's own share */
    double reduce_copy_bytes_per_parameter; /* ... and around the reduction of its gradients */
    double weight_cast_bytes_per_parameter; /* by each pass, to cast weights or their gradients */
    bool root_group; /* embedding, last norm and head are sharded as one: gathered before the first
                        layer, reduced after the last */
    /* What a bucket of gradients holds: bytes, or parameters (at least, and for every rank that
     * reduces). All 0: a layer. */
    double bucket_bytes, bucket_parameters, bucket_parameters_per_rank;
    /* The host: kernels that it launches for a layer (0: the operators counted here), and its time
     * beside them. */
    double forward_kernels, backward_kernels;
    double sharded_layer_seconds; /* a layer's pass, parameters sharded (FSDP's hooks) */
    double tensor_kernel_seconds; /* a kernel, tensors split over ranks (DTensor's dispatch) */
    double split_layer_seconds;   /* a layer's backward pass in two (zero-bubble schedules) */
    bool gradients_dropped;  /* none is kept from step to step: the first micro-batch's backward
                                pass makes them as activations go */
    bool reserved_gradients; /* what the allocator held for gradients serves nothing else */
    bool whole_gradients; /* in pipelines, sharded gradients add up whole until the last micro-batch
                           */
    bool gathered_inputs; /* products keep their gathered input, not the shard it came from */
    bool gathers_apart;   /* gate and up gather it each for themselves, and keep it twice */
    double expert_padding_rows; /* that fill up each expert's rows */
    bool ordered_messages; /* of stages of multi-stage schedules, one after the other as listed */
    bool full_rounds;      /* 1F1B wants a micro-batch for every stage (PyTorch) */
    bool equal_parts;      /* layers over stages x parts must divide (Megatron-Core) */
    bool norm_pieces;      /* a norm is several kernels: a copy in fp32 and it scaled are kept */
    bool written_scores;   /* attention writes its scores out and keeps them */
    bool listed_biased;    /* RECOMPUTE_OPERATORS: products with a bias, and of batches, are on the
                              list too */
    bool autocast; /* fp32 weights are kept a second time in the products' format, the residual in
                      fp32, and every product's input as that product's cast left it */
    bool whole_logits;      /* split over tensor ranks, logits are gathered and every rank takes the
                               whole loss */
    bool pipeline_outputs;  /* the last stage keeps every micro-batch's logits until the step's
                               end, and joins them there (torch.distributed.pipelining) */
    double product_tensors; /* of the feed-forward block's inner width, kept for its backward
                               pass; 0: gate, up and their product */
    double experts_output_tensors; /* of rows of experts, as wide as the residual, kept beside the
                                      products' inputs: their outputs before they are weighted */
    double optimizer_copies;       /* in fp32, of its share of parameters, in an update */
    double bucket_copies;          /* of all gradients: buckets, where replicas reduce whole ones */
    double stage_pass_seconds;     /* a micro-batch's pass of a stage, in pipelines */
    enum selective_recompute selective;
    double svd_flops_per_second; /* of singular value decompositions, one after the other */
    double step_seconds;         /* host work of a step that nothing hides */
    double layer_seconds; /* small kernels and gaps of a layer's forward pass that no operator
                             stands for; as much again twice in its backward pass */
};

/* What an engine takes of a GPU's memory beside weights and KV cache, as its profile run finds it
 * (models/passes/memory.h), and how much of all it may. */
struct engine_memory {
    double share;               /* of what the driver reports; 0: it does not say */
    double free_share;          /* of what weights and activations leave, the cache's; 0: `share` */
    double non_torch_bytes;     /* contexts, libraries, communication on one GPU ... */
    double tensor_bytes;        /* ... more of it where tensor ranks talk ... */
    double multicast_bytes;     /* ... and where the collective library has NVLS */
    double logit_bytes;         /* held at once for each logit of as many sequences as it may run */
    double graph_bytes;         /* its own estimate of its CUDA graphs, counted beforehand */
    double newer_logit_bytes;   /* of families that run in its newer runner, which counts no graphs
                                   beforehand ... */
    const char *newer_families; /* ... blanks between them; NULL: none does */
};

/* What a server sets when nobody says. Tokens 0: it leaves that to the scenario's defaults. */
struct engine_limits {
    uint64_t max_batched_tokens;
    uint32_t max_sequences;
};

struct engine_server {
    bool whole_prompts;
    double large_bytes; /* memory of a GPU from which on ... */
    struct engine_limits large, small;
};

/* Sizes that an engine captures CUDA graphs for: powers of two below `multiple`, its multiples up
 * to `coarse_from`, then those of `coarse_multiple`. A step is filled up to the next one. */
struct graph_sizes {
    uint32_t multiple_tokens; /* 0: there is one for every number of tokens */
    uint32_t coarse_from_tokens, coarse_multiple_tokens;
    uint32_t narrow_experts_tokens; /* the largest of models whose experts' weights have fewer than
                                       8 bits; 0: as of others */
};

/* A serving engine that makes up the next step while the last one runs (asynchronous scheduling): a
 * loop that schedules, launches and takes in outputs, with two steps in flight. */
struct engine_loop {
    double schedule_seconds;          /* of the loop, to make up a step ... */
    double schedule_sequence_seconds; /* ... and more of it for each of its sequences */
    double prepare_seconds;           /* of the worker, from a step to its first kernel ... */
    double sample_seconds;            /* ... and to launch the sampler after its last */
    double take_in_seconds;           /* of the loop, for a step's outputs ... */
    double take_in_sequence_seconds;  /* ... and more of it for each sequence */
    uint32_t worker_ranks; /* from so many GPUs on workers have processes of their own; with fewer
                              the loop launches, and does nothing else meanwhile. 0: always */
    double own_launch;     /* how many times as long a launch by hand takes the loop as it takes a
                              worker that does nothing else ... */
    double own_experts_launch; /* ... and of a layer with experts */
};

struct software {
    const char *name;
    enum software_use runs;
    enum engine_feature *features; /* [feature_count]; 0 of them: it can do all */
    size_t feature_count;
    /* SM clocks of the GPU file's kernels over those of this stack's own; 1: the same. A stalled
     * kernel takes longer, not more energy. */
    double matmul_efficiency, attention_efficiency;
    double scaled_matmul_efficiency; /* more of it, of 8-bit products with scales */
    double paged_efficiency; /* rate at which decode reads a cache in pages, over that of one in a
                                piece */
    double mixed_decode_efficiency; /* of decode attention in a step with prompts beyond the CUDA
                                       graphs, over that of a step without: one kernel does both */
    bool packs_query_heads; /* attention puts the query heads of a key-value head into one tile */
    bool masks_ragged_keys; /* attention masks every block of keys when the last is not full */
    bool fused_kernels;     /* memory-bound kernels joined with their neighbours, as compilers and
                               serving engines do; a norm or an activation then writes the
                               input of a product with one scale a tensor as it wants it */
    bool shared_experts_beside; /* they run while tokens travel to the others, on a stream of their
                                   own */
    bool fuses_row_scales;      /* such a kernel finds the scale of each of its rows too */
    bool separate_quantisation; /* no kernel writes the next one's fp8 input, fused or not */
    bool prefill_graph, decode_graph; /* launched from CUDA graphs */
    uint32_t piecewise_tokens;        /* the largest graph: steps with prompts of up to so many new
                                         tokens are launched from one for each layer's parts,
                                         attention between them by hand, and steps that decode more
                                         sequences from none; 0: no such graphs, and no such limit
                                       */
    double piecewise_layer_seconds;   /* host work of such a layer: no layer ends sooner */
    double prefill_layer_seconds;     /* the same of a layer with prompts and no graph ... */
    double experts_layer_seconds;     /* ... of one with experts of 8 bits or more ... */
    double narrow_experts_layer_seconds; /* ... and of one with experts of fewer */
    double latent_layer_seconds;         /* more of it, launched by hand: of latent attention ... */
    double shared_experts_layer_seconds; /* ... and of experts with a shared block beside them */
    struct graph_sizes graphs;
    uint32_t policy;               /* enum batching_kind of a service that says none */
    struct need_estimate estimate; /* ... that SGLang's goes by */
    bool schedules_ahead;          /* the next step is made up while the last one runs */
    struct engine_loop loop;       /* of such an engine */
    double append_token_seconds;   /* for each token, of the kernel that writes keys and values into
                                      the cache, at least */
    double hand_layer_seconds;     /* gaps of a layer with prompts that is launched by hand, which
                                      no operator stands for */
    double eager_launch_seconds;   /* host time between two eager launches: a floor */
    double ring_step_seconds;      /* an eager ring attention's host work a step and layer that
                                      nothing hides */
    double cached_prefill_seconds; /* a layer's host work when a prefill has cached tokens */
    double decode_layer_seconds;   /* a decode layer's kernels and gaps that no operator of the
                                      step program stands for ... */
    double latent_decode_layer_seconds; /* ... and more of them round latent attention */
    /* Kernels and gaps of a block of experts that no operator stands for; and more of them for an
     * element of a token's output, where no kernel bound by memory adds up its experts. */
    double experts_seconds, experts_element_seconds;
    double decode_ring_seconds;     /* the same of a decode layer's ring attention */
    double step_seconds;            /* host work before every forward pass */
    double step_sequence_seconds;   /* more of it for every sequence in the batch */
    double request_seconds;         /* from client to scheduler, before any queue: HTTP, tokens; in
                                       TTFT and end-to-end times */
    double answer_sequence_seconds; /* the way back of a step's tokens, for each sequence that has
                                       some: streams of their own */
    double handover_seconds;        /* more of it where prompts and answers are computed apart */
    struct engine_memory memory;
    struct engine_server server;
    struct adapter_software adapters;
    double buffer_bytes;       /* of a GPU's memory, besides weights, KV and activations */
    uint32_t decode_kv_splits; /* Flash Decoding's splits of a sequence's keys; 0: by shape */
    struct collective_library library; /* the one it calls */
    struct kernel_library kernels;     /* its own kernels, before the GPU file's */
    struct experts_exchange exchange;  /* between ranks that share experts */
    struct launch_constants launch[LAUNCH_COUNT];
    struct training_software training;
};

static inline bool software_has(const struct software *software, enum engine_feature feature)
{
    bool has = software->feature_count == 0;
    for (size_t i = 0; i < software->feature_count; i++) {
        has |= software->features[i] == feature;
    }
    return has;
}

/* What the engine sets on a GPU of that memory. */
static inline const struct engine_limits *software_limits(const struct software *software,
                                                          double memory_bytes)
{
    const struct engine_server *server = &software->server;
    return memory_bytes >= server->large_bytes ? &server->large : &server->small;
}

#endif
