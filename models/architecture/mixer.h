/* SPDX-License-Identifier: MIT
 * The half of a layer in which tokens see each other: attention of one kind or another, or a state
 * that passes over them. A kind is a struct of sizes, a row of mixer_kinds[] that says what it is
 * made of and what it keeps of a token (mixer_NAME.c), and a row in models/layers of what it does.
 * Pure. Elements unless a name says bytes. */
#ifndef CPSIM_MODELS_ARCHITECTURE_MIXER_H
#define CPSIM_MODELS_ARCHITECTURE_MIXER_H

#include "models/architecture/weights.h"

enum mixer_kind {
    MIXER_GQA,         /* MHA, GQA, MQA; all of the context or a window of it */
    MIXER_NONE,        /* a feed-forward block alone (Nemotron-H) */
    MIXER_LATENT,      /* multi-head latent attention (arXiv 2405.04434), sparse with an indexer */
    MIXER_COMPRESSED,  /* keys compressed 4 or 128 to 1, a window beside them (DeepSeek-V4) */
    MIXER_DELTA,       /* gated delta net (arXiv 2412.06464), Kimi delta attention (2510.26692) */
    MIXER_STATE_SPACE, /* Mamba (arXiv 2312.00752), Mamba-2 (2405.21060) */
    MIXER_LINEAR,      /* lightning attention (MiniMax-01, arXiv 2501.08313; Ling 2.5) */
    MIXER_RECURRENT,   /* RG-LRU (Griffin, arXiv 2402.19427) */
    MIXER_CONVOLUTION, /* gated short convolution (LFM2) */
    MIXER_KIND_COUNT
};

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

struct latent {
    uint32_t query_heads;
    uint32_t query_rank; /* 0: queries are projected at once */
    uint32_t kv_rank;    /* what is cached of keys and values together ... */
    uint32_t rope_size;  /* ... and of the keys' part with a position, one for all heads */
    uint32_t nope_size;  /* of a query's and key's part without */
    uint32_t value_head_size;
    uint32_t window;        /* tokens that a query sees, of those before it; 0: all */
    bool bias;              /* of down and out projections */
    bool sinks;             /* a learned logit a head */
    bool gated_output;      /* as many gate columns as value columns */
    bool head_gate;         /* a gate a head */
    bool rope_norm;         /* a norm of the keys' part with a position */
    struct indexer indexer; /* whose queries come from the query rank */
};

struct compressed {
    uint32_t query_heads, head_size, rope_size; /* one KV head, keys and values the same */
    uint32_t query_rank;
    uint32_t out_groups, out_rank; /* grouped low-rank output */
    uint32_t ratio;                /* tokens of one compressed entry; 0: the window alone */
    uint32_t window;               /* latest tokens, uncompressed */
    struct indexer indexer;        /* over the compressed entries */
};

struct delta {
    uint32_t key_heads, value_heads, key_size, value_size;
    uint32_t convolution; /* taps of the short convolution */
    bool channel_decay;   /* a decay a channel of the keys (Kimi); otherwise one a head */
    uint32_t decay_rank;  /* of the product that makes it; 0: a full one */
    uint32_t gate_rank;   /* of the output gate (Kimi); 0: a full one */
};

struct state_space {
    uint32_t heads, head_size; /* the inner width is their product; Mamba: head_size 1 */
    uint32_t state_size, groups, convolution;
    uint32_t step_rank;                    /* Mamba's dt_rank; 0: Mamba-2 */
    bool bias, out_bias, convolution_bias; /* of the projections in and out; of the convolution */
    bool norm; /* Mamba-2: of the gated output; Mamba: of step, B and C (Jamba) */
};

struct linear_attention {
    uint32_t heads, head_size;
};

struct recurrent {
    uint32_t width, heads, convolution;
};

struct convolution {
    uint32_t width, taps;
    bool bias;
};

struct mixer {
    enum mixer_kind kind;
    bool borrowed; /* its weights are an earlier layer's (Zamba2's shared blocks) */
    union {
        struct gqa gqa;
        struct latent latent;
        struct compressed compressed;
        struct delta delta;
        struct state_space state_space;
        struct linear_attention linear;
        struct recurrent recurrent;
        struct convolution convolution;
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
    const char *name; /* "gqa": what a model file calls it */
    const char *doc;
    void (*weights)(const struct mixer *mixer, uint32_t hidden, struct weight_list *list);
    struct mixer_cache (*cache)(const struct mixer *mixer);
    /* Useful FLOPs of one sequence's new tokens beyond those of weights: pairs of queries and
     * keys, or the state's update. */
    double (*flops)(const struct mixer *mixer, double new_tokens, double cached_tokens);
};

/* Pairs of a query and a key it sees, of one sequence. With a window no query sees more than
 * `window` keys: those of the first queries, which see fewer, are a triangle. */
double gqa_pairs(const struct gqa *gqa, double new_tokens, double cached_tokens);

/* One a kind, in the enum's order. */
extern const struct mixer_row *const mixer_rows[MIXER_KIND_COUNT];

#endif
