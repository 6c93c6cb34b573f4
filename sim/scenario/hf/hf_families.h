/* SPDX-License-Identifier: MIT
 * The families of models that a config.json may name, a row each, and the parts that their layers
 * are put together from. Internal to sim/scenario/hf. */
#ifndef CPSIM_SIM_SCENARIO_HF_FAMILIES_H
#define CPSIM_SIM_SCENARIO_HF_FAMILIES_H

#include "sim/scenario/hf/hf_reader.h"

/* What a family's layers have whatever its file says. */
enum hf_trait {
    HF_UNGATED = 1 << 0,       /* up and down alone */
    HF_QKV_BIAS = 1 << 1,      /* query, key and value projections */
    HF_OUT_BIAS = 1 << 2,      /* the projection out */
    HF_FFN_BIAS = 1 << 3,      /* the feed-forward block */
    HF_OUT_UNBIASED = 1 << 4,  /* attention_bias leaves the projection out alone */
    HF_LAYER_NORM = 1 << 5,    /* norms with a bias */
    HF_PLAIN_NORM = 1 << 6,    /* norms without weights */
    HF_FOUR_NORMS = 1 << 7,    /* after each half too */
    HF_PARALLEL = 1 << 8,      /* halves share a norm and are added together */
    HF_QK_HEAD = 1 << 9,       /* norms of queries and keys, weights of a head */
    HF_QK_HEADS = 1 << 10,     /* weights of all heads */
    HF_ALL_SLIDE = 1 << 11,    /* sliding_window is every layer's */
    HF_SHARED_GATE = 1 << 12,  /* the shared expert's output is weighted */
    HF_ROUTER_BIAS = 1 << 13,  /* a weight an expert is a parameter */
    HF_SINKS = 1 << 14,        /* a logit a head */
    HF_GATED_OUTPUT = 1 << 15, /* of attention */
    HF_HEAD_GATE = 1 << 16,
    HF_HEAD_BIAS = 1 << 17,  /* the output head's */
    HF_POSITIONS = 1 << 18,  /* a table of learned positions */
    HF_PLAIN_ROPE = 1 << 19, /* no rotary embedding */
    HF_EMBEDDING_NORM = 1 << 20,
    HF_DENSE = 1 << 23,         /* it has no experts */
    HF_UNTIED = 1 << 21,        /* whatever tie_word_embeddings says */
    HF_HEAD_USE_BIAS = 1 << 22, /* the output head's bias is that of use_bias */
};

struct hf_family {
    const char *type;     /* model_type */
    const char *defaults; /* of its class where config.json files are silent: "key=value ..." */
    unsigned traits;
    uint32_t full_every; /* of layers that slide, each so many sees all; 0: layer_types alone */
    /* Fills the keys of reader->layer; NULL: hf_standard_layer. */
    void (*layer)(struct hf_reader *reader, struct llm_keys *keys);
    /* Fills reader->llm; NULL: what hf_config does for all. */
    void (*model)(struct hf_reader *reader);
};

extern const struct hf_family hf_families[];
extern const size_t hf_family_count;
/* By model_type, or its name without "_text"; NULL: unknown. */
const struct hf_family *hf_family_find(const char *type);
/* Why a family cannot be read, naming the mechanism (hf_refused.c); NULL: no reason is known. */
const char *hf_refusal(const char *type);

/* Parts (hf_parts.c). */
void hf_standard_layer(struct hf_reader *reader, struct llm_keys *keys);
void hf_attention(struct hf_reader *reader, struct llm_keys *keys);
void hf_own_sizes(struct hf_reader *reader, struct llm_keys *keys);
void hf_window(struct hf_reader *reader, struct llm_keys *keys);
void hf_dense(struct hf_reader *reader, struct llm_keys *keys);
void hf_experts(struct hf_reader *reader, struct llm_keys *keys);
/* Experts where the file says that this layer has them, a dense block elsewhere. */
void hf_ffn(struct hf_reader *reader, struct llm_keys *keys);
void hf_norms(struct hf_reader *reader, struct llm_keys *keys);
/* "sliding_attention", of layer_types or a key like it; NULL: not said. */
const char *hf_layer_type(struct hf_reader *reader);
bool hf_type_is(struct hf_reader *reader, const char *types);
bool hf_is_sparse(struct hf_reader *reader);
void hf_latent(struct hf_reader *reader, struct llm_keys *keys);
void hf_gated_delta(struct hf_reader *reader, struct llm_keys *keys);
void hf_kimi_delta(struct hf_reader *reader, struct llm_keys *keys);
void hf_mamba(struct hf_reader *reader, struct llm_keys *keys);
void hf_mamba2(struct hf_reader *reader, struct llm_keys *keys);

/* Families' own (hf_latent.c, hf_hybrid.c, hf_gemma.c, hf_classic.c, hf_mixture.c). */
typedef void hf_layer_reader(struct hf_reader *reader, struct llm_keys *keys);
hf_layer_reader hf_deepseek_layer, hf_deepseek_v4_layer, hf_longcat_layer, hf_bailing_layer,
    hf_kimi_linear_layer, hf_glm5_next_layer, hf_minicpm3_layer;
hf_layer_reader hf_qwen3_next_layer, hf_olmo_hybrid_layer, hf_granite_hybrid_layer, hf_bamba_layer,
    hf_falcon_h1_layer, hf_jamba_layer, hf_nemotron_h_layer, hf_zamba2_layer, hf_mamba_layer,
    hf_mamba2_layer, hf_falcon_mamba_layer, hf_lfm2_layer, hf_recurrent_gemma_layer,
    hf_minimax_layer;
hf_layer_reader hf_gemma3n_layer, hf_gemma4_layer;
hf_layer_reader hf_falcon_layer, hf_mpt_layer, hf_gpt_bigcode_layer, hf_opt_layer, hf_bitnet_layer,
    hf_stablelm_layer, hf_chatglm_layer, hf_qwen1_layer, hf_apertus_layer, hf_gpt_neox_layer,
    hf_persimmon_layer, hf_internlm_layer, hf_internlm3_layer, hf_hyperclovax_layer,
    hf_granite_swa_layer, hf_smollm3_layer, hf_phi_layer;
hf_layer_reader hf_llama4_layer, hf_dbrx_layer, hf_jetmoe_layer, hf_arctic_layer, hf_mimo_layer,
    hf_minimax_m3_layer, hf_step3_layer, hf_step35_layer, hf_laguna_layer, hf_hunyuan_layer,
    hf_cohere_moe_layer, hf_grok_layer, hf_axk1_layer, hf_exaone_moe_layer;
hf_layer_reader hf_lara_layer, hf_gpt_neo_layer;
/* Of a scalar, and of the item for the layer of a list in a mapping. */
uint32_t hf_node_count(const struct node *node);
bool hf_item_flag(struct hf_reader *reader, const char *names);
void hf_deepseek_v4_model(struct hf_reader *reader);
void hf_gemma3n_model(struct hf_reader *reader);
void hf_gemma4_model(struct hf_reader *reader);
void hf_opt_model(struct hf_reader *reader);
void hf_longcat_model(struct hf_reader *reader);

#endif
