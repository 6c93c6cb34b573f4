/* SPDX-License-Identifier: MIT
 * The kernels that an engine calls where they are not those that a GPU file's constants stand for
 * (cuDNN's attention, PyTorch's grouped products): FlashAttention-3, Triton, CUTLASS,
 * TensorRT-LLM's own. The values come from platforms/kernels/ *.yaml, each file with its source; a
 * kernel that a file leaves out (efficiency 0) is the GPU file's. */
#ifndef CPSIM_MODELS_MACHINE_KERNEL_LIBRARY_H
#define CPSIM_MODELS_MACHINE_KERNEL_LIBRARY_H

#include "models/machine/gpu_generation.h"
#include "models/machine/mixer_kernels.h"

#include <stdbool.h>
#include <stdint.h>

/* Attention over keys and values of 16 bits or more, or of fewer; the same with heads above 256. */
enum keys_width { KEYS_WIDE, KEYS_NARROW, KEYS_LARGE, KEYS_LARGE_NARROW, KEYS_WIDTH_COUNT };

/* Attention of many new tokens: a block of queries stays on an SM and walks its keys. */
struct prefill_kernel {
    double efficiency;     /* of the matrix units' peak, a block's products; 0: no such kernel */
    double softmax_cycles; /* of 128 scores a key, beside its products */
    double start_seconds;  /* launch, fill and drain */
    double block_seconds;  /* between two blocks on one SM, at boost clock */
    double around_passes;  /* over queries, keys and values in 16 bits, of the kernels around it:
                              rotation, quantisation, the way into the cache */
    double narrow_cycles;  /* of a block for one key of 128 elements, to turn what is kept narrow */
    double narrow_growth;  /* of that with the head size: its exponent */
    double tile_bytes;     /* keys of one tile, and as many values: with a window whole tiles are
                              walked */
    double tail_share;     /* longest blocks first: how much later the last ends than all on the
                              average; 0: blocks go in order */
    double odd_seconds;    /* of kernels that pad head sizes other than powers of two */
    uint32_t block_queries, small_head_queries; /* of a block; of heads up to 64 */
    uint32_t most_tile_keys;                    /* of a tile; 0: as many as tile_bytes hold */
    bool packs_heads;                           /* query heads that share keys lie in one block */
    bool computes_narrow;                       /* both products in 8 bits */
};

/* Attention of one new token a sequence, or a few: keys are read once. */
struct decode_kernel {
    double memory_efficiency; /* of the memory's peak; 0: no such kernel */
    double start_seconds, split_seconds;
    double tile_seconds;                 /* of each wave of heads over the SMs */
    double sm_bytes_per_clock;           /* that one SM takes in */
    double narrow_cycles, narrow_growth; /* as in prefill */
    double ramp_seconds, ramp_bytes;     /* lost until the full rate is reached; half of it at so
                                            many bytes */
    double odd_seconds;
    double full_share;  /* of the SMs, from which on sequences stay whole */
    uint32_t part_keys; /* the fewest of a part ... */
    uint32_t most_parts;
};

/* Which kernel a library takes for a product of up to so many tokens and columns and of at least
 * such a depth, by a table of its own and not by trying. */
struct product_rule {
    uint64_t most_tokens, most_columns, least_depth; /* 0: any */
    struct tile_list tile;                           /* one: rows by columns */
    bool turned; /* the tile's columns lie along the tokens, else its rows do */
};

/* A product of operands with scales. Its tiles are the library's own. */
struct product_kernel {
    double efficiency; /* of the matrix units' peak, inside a tile; 0: no such kernel */
    double start_seconds;
    double sm_memory_bytes_per_second; /* GPU memory to one SM: how much is under way at a time is
                                          the kernel's; 0: as the GPU file's */
    struct tile_family family;
    const struct product_rule *rules; /* [rule_count], the first that fits; where none does, the
                                         fastest of the family */
    size_t rule_count;
};

/* The two products of a mixture of experts with what lies around them. */
enum experts_operands {
    EXPERTS_16_BIT,
    EXPERTS_TENSOR_SCALES, /* 8 bits, a scale a tensor or row */
    EXPERTS_BLOCK_SCALES,
    EXPERTS_NARROW_WEIGHTS, /* 16 bits by weights of fewer */
    EXPERTS_OPERANDS_COUNT
};

struct experts_kernel {
    struct tile_list tiles; /* rows of one expert by columns of its weights; the fastest is taken */
    double efficiency;      /* of the matrix units' peak, inside a tile; 0: no such kernel */
    double tile_bytes_per_clock; /* L2 to one SM when all load; few SMs take in more, up to the
                                    GPU file's own */
    double tile_seconds;         /* between two tiles on one SM, at boost clock */
    double memory_efficiency;    /* of the memory's peak */
    double start_seconds;        /* launch, fill and drain of one product, and its share of the
                                    kernels around both */
    double hidden_seconds;    /* of the start as it was measured, alone: what an engine's CUDA graph
                                 hides behind the kernel before */
    double ranks_seconds;     /* more where experts lie on several ranks: maps of which are here */
    double output_passes;     /* over a product's output in 16 bits, of the kernels around it */
    double dequantise_cycles; /* of an SM for a weight on its way */
    bool all_experts;         /* their weights are read whether a token chose them or not */
    bool all_rows;            /* the kernels around it go over rows of experts on other ranks too */
};

struct experts_kernels {
    struct experts_kernel kernels[EXPERTS_OPERANDS_COUNT];
    /* Where tuning was for certain numbers of experts by their width alone, and which: others run
     * with `untuned`. None: everything is tuned. */
    struct tile_list tuned;
    struct experts_kernel untuned;
};

struct kernel_library {
    const char *name; /* NULL: none, all kernels are the GPU file's */
    struct prefill_kernel prefill[KEYS_WIDTH_COUNT];
    struct decode_kernel decode[KEYS_WIDTH_COUNT];
    struct product_kernel products[SCALING_COUNT];
    struct experts_kernels experts; /* all experts on one rank, or each cut among ranks */
    struct experts_kernels spread; /* experts whole on several ranks; where it has none: as above */
    struct mixer_kernels mixers;
};

#endif
