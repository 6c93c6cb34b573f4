/* SPDX-License-Identifier: MIT
 * The half of a layer in which tokens see each other: attention of one kind or another, or a state
 * that passes over them. A kind is a row of MIXERS, its sizes, a row of mixer_rows[] that says what
 * it is made of and what it keeps of a token (mixer_NAME.c), and a row in models/layers of what it
 * does. Pure. Elements unless a name says bytes. */
#ifndef CPSIM_MODELS_ARCHITECTURE_MIXER_H
#define CPSIM_MODELS_ARCHITECTURE_MIXER_H

#include "models/architecture/weights.h"
#include "models/numeric/rows.h"

/* All that names a kind of mixer is made from this list: the enum, its name and sentence in a model
 * file, the rows mixer_NAME and mixer_NAME_passes. One with a mapping of sizes of its own in a
 * model file is in MIXERS_OF_SIZES; its sizes, SIZES_OF_NAME, make its struct and its keys: NEED a
 * number from 1 on, one that MAY be left out (0), a FLAG; tokens likewise. */
/* clang-format off */
#define MIXERS(ROW)                                                                                \
    ROW(MIXER_GQA, gqa, "gqa", "multi-head, grouped-query or multi-query attention")               \
    ROW(MIXER_NONE, none, "none", "a feed-forward block alone")                                    \
    MIXERS_OF_SIZES(ROW)
#define MIXERS_OF_SIZES(ROW)                                                                       \
    ROW(MIXER_LATENT, latent, "latent", "multi-head latent attention, MLA (arXiv 2405.04434)")     \
    ROW(MIXER_COMPRESSED, compressed, "compressed",                                                \
        "keys compressed 4 or 128 to 1, a window beside (DeepSeek-V4)")                            \
    ROW(MIXER_DELTA, delta, "delta", "gated delta rule (arXiv 2412.06464), Kimi delta attention")  \
    ROW(MIXER_STATE_SPACE, state_space, "state_space",                                             \
        "Mamba (arXiv 2312.00752), Mamba-2 (2405.21060)")                                          \
    ROW(MIXER_LINEAR, linear, "linear", "lightning attention (arXiv 2501.08313)")                  \
    ROW(MIXER_RECURRENT, recurrent, "recurrent",                                                   \
        "gated linear recurrence (Griffin, arXiv 2402.19427)")                                     \
    ROW(MIXER_CONVOLUTION, convolution, "convolution", "gated short convolution (LFM2)")
/* clang-format on */
enum mixer_kind { MIXERS(ROW_MEMBER) MIXER_KIND_COUNT };

/* Weights of a norm of queries and keys. */
enum query_key_norm {
    QK_NORM_NONE,
    QK_NORM_HEAD,  /* one for all heads: head_size each */
    QK_NORM_HEADS, /* one a head: all columns */
};

/* Which earlier tokens a query sees. */
enum attention_reach {
    REACH_ALL,
    REACH_WINDOW, /* the last `window` */
    REACH_CHUNK   /* those since the last multiple of `window` (Llama 4) */
};

/* Chooses the tokens that attention reads (DeepSeek sparse attention): scores over a cache of its
 * own, the top few kept. */
struct indexer {
    uint32_t heads, head_size, top_k; /* heads 0: none */
    uint32_t block; /* keys that are chosen together, by the best of them (MiniMax-M3); 0: one */
    uint32_t pool;  /* keys that one of its keys is made of (GLM-5-Next); 0: one */
};

struct gqa {
    uint32_t query_heads, kv_heads, head_size;
    uint32_t value_head_size; /* head_size unless it differs */
    enum attention_reach reach;
    uint32_t window; /* tokens; with REACH_ALL 0 */
    enum query_key_norm norm;
    bool norm_bias;                     /* it is a LayerNorm with a bias (Persimmon) */
    bool output_norm;                   /* of all heads' outputs before the projection (BitNet) */
    bool sinks;                         /* a learned logit a head (gpt-oss) */
    bool query_bias, kv_bias, out_bias; /* of the projections */
    struct experts experts;             /* count > 0: of query and output projections, kv_heads wide
                                           each; query_heads is kv_heads x per_token (JetMoE) */
    uint32_t adapter_rank;              /* of a low-rank addition to each of query, key and value, a
                                           layer's own where the rest is borrowed (Zamba2); 0: none */
    bool gated_output;                  /* as many gate columns as query columns (Qwen3-Next) */
    bool gate_bias;                     /* of the gate, beside the query's */
    bool head_gate;                     /* a gate a head (Step3.5, others) */
    bool keys_are_values;               /* stored once (Gemma 4's global layers) */
    bool borrows_cache;     /* reads an earlier layer's, has no key or value of its own */
    bool plain_position;    /* no rotary embedding: learned, ALiBi, or none */
    uint32_t input;         /* elements of its input; 0: hidden (Zamba2: twice it) */
    struct indexer indexer; /* MiniMax-M3's sparse attention */
};

/* clang-format off */
/* Multi-head latent attention, sparse with an indexer, whose queries come from the query rank. */
#define SIZES_OF_latent(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                         \
    NEED(latent, query_heads, "Query heads of a layer.")                                           \
    MAY(latent, query_rank,                                                                        \
        "Elements that queries are projected through. Default: none, at once.")                    \
    NEED(latent, kv_rank, "Elements of keys and values together, as they are cached.")             \
    MAY(latent, rope_size,                                                                         \
        "Elements of a key with a position, cached too, one for all heads; as many a "             \
        "query head.")                                                                             \
    NEED(latent, nope_size, "Elements of a query and key head without a position.")                \
    NEED(latent, value_head_size, "Elements of a value's head.")                                   \
    MAY_TOKENS(latent, window, "The latest tokens that a query sees. Default: all.")               \
    FLAG(latent, bias, "Biases of the down and out projections.")                                  \
    FLAG(latent, sinks, "A learned logit a head.")                                                 \
    FLAG(latent, gated_output, "A gate for every element of the heads' results.")                  \
    FLAG(latent, head_gate, "A gate for every head's result.")                                     \
    FLAG(latent, rope_norm, "A norm of the keys' part with a position.")                           \
    INDEXER(latent, indexer,                                                                       \
        "What chooses the tokens that attention reads (DeepSeek sparse attention).")

/* One KV head, keys and values the same; the output is grouped and of a low rank. */
#define SIZES_OF_compressed(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                     \
    NEED(compressed, query_heads, "Query heads; there is one key and value head.")                 \
    NEED(compressed, head_size, "Elements of a head, and of a cached entry.")                      \
    NEED(compressed, rope_size, "Of them, those with a position.")                                 \
    NEED(compressed, query_rank, "Elements that queries are projected through.")                   \
    NEED(compressed, out_groups, "Groups of heads that are projected out apart ...")               \
    NEED(compressed, out_rank, "... to so many elements each.")                                    \
    MAY(compressed, ratio, "Tokens of one compressed entry. Default: none, the window alone.")     \
    NEED_TOKENS(compressed, window, "The latest tokens, kept uncompressed.")                       \
    INDEXER(compressed, indexer, "What chooses the entries that attention reads.")

/* Gated delta net (arXiv 2412.06464), Kimi delta attention (2510.26692). */
#define SIZES_OF_delta(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                          \
    NEED(delta, key_heads, "Query and key heads.")                                                 \
    NEED(delta, value_heads, "Value heads, each with a state.")                                    \
    NEED(delta, key_size, "Elements of a query's and key's head.")                                 \
    NEED(delta, value_size, "Elements of a value's head.")                                         \
    NEED(delta, convolution, "Taps of the convolution of queries, keys, values.")                  \
    FLAG(delta, channel_decay,                                                                     \
        "A decay for every channel of the keys (Kimi). Default: one a head.")                      \
    MAY(delta, decay_rank, "Elements that it is projected through. Default: none.")                \
    MAY(delta, gate_rank, "Elements that the output gate is projected through. Default: none.")

/* Mamba: head_size 1. Where it has a step_rank, Mamba; otherwise Mamba-2. */
#define SIZES_OF_state_space(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                    \
    NEED(state_space, heads, "Heads; the inner width is heads x head_size.")                       \
    NEED(state_space, head_size, "Elements of a head; 1 in Mamba.")                                \
    NEED(state_space, state_size, "Elements of the state for each inner element.")                 \
    NEED(state_space, convolution, "Taps of the convolution.")                                     \
    MAY(state_space, groups, "Mamba-2: groups of heads that share B and C.")                       \
    MAY(state_space, step_rank,                                                                    \
        "Mamba: elements that the step is projected through. Default: none, Mamba-2.")             \
    FLAG(state_space, bias, "A bias of the projection in.")                                        \
    FLAG(state_space, out_bias, "A bias of the projection out.")                                   \
    FLAG(state_space, convolution_bias, "A bias of the convolution.")                              \
    FLAG(state_space, norm,                                                                        \
        "A norm: in Mamba-2 of the gated output, in Mamba of step, B and C (Jamba).")

/* Lightning attention (MiniMax-01, arXiv 2501.08313; Ling 2.5). */
#define SIZES_OF_linear(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                         \
    NEED(linear, heads, "Heads, each with a state.")                                               \
    NEED(linear, head_size, "Elements of a head; its state has the square.")

/* RG-LRU (Griffin, arXiv 2402.19427). */
#define SIZES_OF_recurrent(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                      \
    NEED(recurrent, width, "Elements of the state.")                                               \
    NEED(recurrent, heads, "Blocks of the gates' products.")                                       \
    NEED(recurrent, convolution, "Taps of the convolution.")

/* LFM2. */
#define SIZES_OF_convolution(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER)                    \
    NEED(convolution, width, "Channels.")                                                          \
    NEED(convolution, taps, "Taps of the convolution.")                                            \
    FLAG(convolution, bias, "Biases of convolution and projections.")

/* clang-format on */

#define SIZE_MEMBER(type, member, sentence) uint32_t member;
#define FLAG_MEMBER(type, member, sentence) bool member;
#define INDEXER_MEMBER(type, member, sentence) struct indexer member;
#define SIZES_STRUCT(kind, stem, name, sentence)                                                   \
    struct stem {                                                                                  \
        SIZES_OF_##stem(SIZE_MEMBER, SIZE_MEMBER, FLAG_MEMBER, SIZE_MEMBER, SIZE_MEMBER,           \
                        INDEXER_MEMBER)                                                            \
    };
MIXERS_OF_SIZES(SIZES_STRUCT)

/* `struct linear linear;` of each: members of a union, or of what a model file says. */
#define MIXER_SIZES(kind, stem, name, sentence) struct stem stem;

struct mixer {
    enum mixer_kind kind;
    bool borrowed; /* its weights are an earlier layer's (Zamba2's shared blocks) */
    union {
        struct gqa gqa;
        MIXERS_OF_SIZES(MIXER_SIZES)
    };
};

/* What a layer keeps of a sequence from step to step. A cache in pages grows by the token until
 * `window` tokens (0: without end); a state costs the same at any length. */
struct mixer_cache {
    /* Elements of one token kept in the cache's format, cut over tensor ranks by whole `heads`;
     * each head's part is `rows` rows (key and value: 2; 0: 1) with a scale of their own where the
     * format has one. heads 0: no cut, every rank holds all (latent). */
    double token_elements;
    uint32_t heads, rows;
    double token_elements_of_indexer; /* beside it, whole on every rank, in the indexer's format */
    double tokens_per_entry;          /* 1; compressed: its ratio */
    uint32_t window;
    /* Of a sequence: */
    double convolution_elements, state_elements; /* cut over ranks; the state is kept in fp32 */
    double convolution_channels; /* that convolution_elements keep taps - 1 inputs of */
    double window_elements;      /* compressed: of the uncompressed window, in the cache's format */
};

struct mixer_row {
    void (*weights)(const struct mixer *mixer, uint32_t hidden, struct weight_list *list);
    struct mixer_cache (*cache)(const struct mixer *mixer);
    /* Useful FLOPs of one sequence's new tokens beyond those of weights: pairs of queries and
     * keys, or the state's update. */
    double (*flops)(const struct mixer *mixer, double new_tokens, double cached_tokens);
};

/* Pairs of a query and a key it sees, of one sequence. With a window no query sees more than
 * `window` keys: those of the first queries, which see fewer, are a triangle. */
double gqa_pairs(const struct gqa *gqa, double new_tokens, double cached_tokens);

extern const struct mixer_row *const mixer_rows[MIXER_KIND_COUNT];
const char *mixer_kind_name(enum mixer_kind kind); /* "gqa": what a model file calls it */

#endif
