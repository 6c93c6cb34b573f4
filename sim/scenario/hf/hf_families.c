/* SPDX-License-Identifier: MIT
 * The families, a row each. Defaults are those of transformers' configuration classes, version
 * 5.24, of keys that config.json files may leave out; of families that are published with code of
 * their own, that code's. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

const struct hf_family hf_families[] = {
    {.type = "llama", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "mistral",
     .defaults = "sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_ALL_SLIDE | HF_DENSE},
    {.type = "ministral",
     .defaults = "sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_ALL_SLIDE | HF_DENSE},
    {.type = "ministral3", .defaults = "head_dim=128 is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "mixtral",
     .defaults = "num_experts_per_tok=2 num_local_experts=8 is_encoder_decoder=false",
     .traits = HF_ALL_SLIDE},
    {.type = "qwen2",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen2_moe",
     .defaults = "sliding_window=4096 max_window_layers=28 decoder_sparse_step=1 "
                 "moe_intermediate_size=1408 shared_expert_intermediate_size=5632 "
                 "num_experts_per_tok=4 num_experts=60 qkv_bias=true is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_SHARED_GATE},
    {.type = "qwen3",
     .defaults = "head_dim=128 sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE},
    {.type = "qwen3_moe",
     .defaults = "sliding_window=4096 decoder_sparse_step=1 moe_intermediate_size=768 "
                 "num_experts_per_tok=8 num_experts=128 is_encoder_decoder=false",
     .traits = HF_QK_HEAD},
    {.type = "qwen3_next",
     .defaults =
         "head_dim=256 linear_conv_kernel_dim=4 linear_key_head_dim=128 linear_value_head_dim=128 "
         "linear_num_key_heads=16 linear_num_value_heads=32 decoder_sparse_step=1 "
         "moe_intermediate_size=512 shared_expert_intermediate_size=512 num_experts_per_tok=10 "
         "num_experts=512 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_GATED_OUTPUT | HF_SHARED_GATE,
     .layer = hf_qwen3_next_layer},
    {.type = "qwen3_5_text",
     .defaults =
         "head_dim=256 linear_conv_kernel_dim=4 linear_key_head_dim=128 linear_value_head_dim=128 "
         "linear_num_key_heads=16 linear_num_value_heads=32 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_GATED_OUTPUT | HF_SHARED_GATE | HF_DENSE,
     .layer = hf_qwen3_next_layer},
    {.type = "qwen3_5_moe_text",
     .defaults = "head_dim=256 linear_conv_kernel_dim=4 linear_key_head_dim=128 "
                 "linear_value_head_dim=128 linear_num_key_heads=16 linear_num_value_heads=32 "
                 "moe_intermediate_size=512 shared_expert_intermediate_size=512 "
                 "num_experts_per_tok=8 num_experts=256 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_GATED_OUTPUT | HF_SHARED_GATE,
     .layer = hf_qwen3_next_layer},
    {.type = "lara_mini",
     .defaults =
         "tie_word_embeddings=true head_dim=128 linear_conv_kernel_dim=4 linear_key_head_dim=128 "
         "linear_value_head_dim=128 linear_num_key_heads=8 linear_num_value_heads=16 "
         "moe_intermediate_size=512 shared_expert_intermediate_size=512 num_experts_per_tok=4 "
         "num_experts=128 sliding_window=512 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_lara_layer},
    {.type = "qwen", .defaults = "tie_word_embeddings=false", .layer = hf_qwen1_layer},
    {.type = "phi",
     .defaults = "qk_layernorm=false is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_PARALLEL |
               HF_HEAD_BIAS | HF_DENSE,
     .layer = hf_phi_layer},
    {.type = "phi3", .defaults = "is_encoder_decoder=false", .traits = HF_ALL_SLIDE | HF_DENSE},
    {.type = "phi4_multimodal",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_ALL_SLIDE | HF_DENSE},
    {.type = "phimoe",
     .defaults = "num_experts_per_tok=2 num_local_experts=16 is_encoder_decoder=false",
     .traits = HF_ALL_SLIDE | HF_LAYER_NORM},
    {.type = "gemma",
     .defaults = "head_dim=256 tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_DENSE},
    {.type = "gemma2",
     .defaults =
         "head_dim=256 tie_word_embeddings=true sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_FOUR_NORMS | HF_DENSE,
     .full_every = 2},
    {.type = "vaultgemma",
     .defaults =
         "head_dim=256 tie_word_embeddings=true sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .full_every = 2},
    {.type = "gemma3_text",
     .defaults =
         "head_dim=256 tie_word_embeddings=true sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_FOUR_NORMS | HF_QK_HEAD | HF_DENSE,
     .full_every = 6},
    {.type = "gemma3n_text",
     .defaults =
         "head_dim=256 tie_word_embeddings=true sliding_window=512 "
         "vocab_size_per_layer_input=262144 hidden_size_per_layer_input=256 altup_num_inputs=4 "
         "num_kv_shared_layers=15 laurel_rank=64 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE,
     .layer = hf_gemma3n_layer,
     .model = hf_gemma3n_model},
    {.type = "gemma4_text",
     .defaults = "head_dim=256 tie_word_embeddings=true sliding_window=512 "
                 "vocab_size_per_layer_input=262144 hidden_size_per_layer_input=256 "
                 "num_kv_shared_layers=0 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_gemma4_layer,
     .model = hf_gemma4_model},
    {.type = "gemma4_unified_text",
     .defaults = "head_dim=256 tie_word_embeddings=true sliding_window=1024 num_kv_shared_layers=0 "
                 "is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE,
     .layer = hf_gemma4_layer,
     .model = hf_gemma4_model},
    {.type = "recurrent_gemma",
     .defaults = "attention_window_size=2048 conv1d_width=4 tie_word_embeddings=true "
                 "is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_recurrent_gemma_layer},
    {.type = "granite", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "granite_swa",
     .defaults = "tie_word_embeddings=true sliding_window=128 is_encoder_decoder=false",
     .traits = HF_SINKS | HF_DENSE,
     .layer = hf_granite_swa_layer},
    {.type = "granitemoe",
     .defaults = "num_local_experts=8 num_experts_per_tok=2 is_encoder_decoder=false"},
    {.type = "granitemoeshared",
     .defaults = "num_local_experts=8 num_experts_per_tok=2 shared_intermediate_size=0 "
                 "is_encoder_decoder=false"},
    {.type = "granitemoe_swa",
     .defaults = "num_local_experts=8 num_experts_per_tok=2 shared_intermediate_size=0 "
                 "sliding_window=128 is_encoder_decoder=false",
     .traits = HF_SINKS,
     .layer = hf_granite_swa_layer},
    {.type = "granitemoehybrid",
     .defaults = "num_local_experts=8 num_experts_per_tok=2 shared_intermediate_size=1024 "
                 "mamba_n_heads=128 mamba_n_groups=1 mamba_d_state=256 mamba_d_conv=4 "
                 "mamba_expand=2 mamba_conv_bias=true is_encoder_decoder=false",
     .layer = hf_granite_hybrid_layer},
    {.type = "olmo", .defaults = "is_encoder_decoder=false", .traits = HF_PLAIN_NORM | HF_DENSE},
    {.type = "olmo2", .defaults = "is_encoder_decoder=false", .traits = HF_QK_HEADS | HF_DENSE},
    {.type = "olmo3",
     .defaults = "sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_QK_HEADS | HF_DENSE,
     .full_every = 4},
    {.type = "olmoe",
     .defaults = "num_experts_per_tok=8 num_experts=64 is_encoder_decoder=false",
     .traits = HF_QK_HEADS},
    {.type = "flex_olmo",
     .defaults = "num_experts_per_tok=5 num_experts=7 is_encoder_decoder=false",
     .traits = HF_QK_HEADS},
    {.type = "olmo_hybrid",
     .defaults = "linear_conv_kernel_dim=4 is_encoder_decoder=false",
     .traits = HF_QK_HEADS | HF_DENSE,
     .layer = hf_olmo_hybrid_layer},
    {.type = "cohere",
     .defaults = "tie_word_embeddings=true use_qk_norm=false is_encoder_decoder=false",
     .traits = HF_PARALLEL | HF_QK_HEADS | HF_DENSE},
    {.type = "cohere2",
     .defaults = "tie_word_embeddings=true sliding_window=4096 is_encoder_decoder=false",
     .traits = HF_PARALLEL | HF_DENSE,
     .full_every = 4},
    {.type = "cohere2_moe",
     .defaults = "head_dim=128 tie_word_embeddings=true sliding_window=4096 num_experts_per_tok=2 "
                 "num_experts=8 num_shared_experts=0 prefix_dense_sliding_window_pattern=1 "
                 "sliding_window_pattern=4 is_encoder_decoder=false",
     .traits = HF_PARALLEL,
     .layer = hf_cohere_moe_layer},
    {.type = "nemotron",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_LAYER_NORM | HF_DENSE},
    {.type = "nemotron_h",
     .defaults = "head_dim=128 ssm_state_size=128 mamba_num_heads=128 mamba_head_dim=64 n_groups=8 "
                 "conv_kernel=4 expand=2 use_conv_bias=true n_routed_experts=8 n_shared_experts=1 "
                 "moe_intermediate_size=7688 moe_shared_expert_intermediate_size=7688 "
                 "num_experts_per_tok=2 num_nextn_predict_layers=0 is_encoder_decoder=false",
     .traits = HF_UNTIED,
     .layer = hf_nemotron_h_layer},
    {.type = "starcoder2",
     .defaults = "use_bias=true tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_ALL_SLIDE | HF_LAYER_NORM | HF_DENSE},
    {.type = "stablelm",
     .defaults = "qk_layernorm=false use_parallel_residual=false is_encoder_decoder=false",
     .traits = HF_LAYER_NORM | HF_DENSE,
     .layer = hf_stablelm_layer},
    {.type = "gpt_neox",
     .defaults = "use_parallel_residual=true attention_bias=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_DENSE,
     .layer = hf_gpt_neox_layer},
    {.type = "gpt2",
     .defaults = "tie_word_embeddings=true is_encoder_decoder=false n_positions=1024",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_POSITIONS |
               HF_PLAIN_ROPE | HF_DENSE},
    {.type = "gptj",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_FFN_BIAS | HF_LAYER_NORM | HF_PARALLEL | HF_HEAD_BIAS | HF_DENSE},
    {.type = "codegen",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_FFN_BIAS | HF_LAYER_NORM | HF_PARALLEL | HF_HEAD_BIAS | HF_DENSE},
    {.type = "gpt_neo",
     .defaults = "num_heads=16 window_size=256 tie_word_embeddings=true is_encoder_decoder=false "
                 "max_position_embeddings=2048",
     .traits = HF_UNGATED | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_POSITIONS |
               HF_PLAIN_ROPE | HF_DENSE,
     .layer = hf_gpt_neo_layer},
    {.type = "gpt_bigcode",
     .defaults =
         "multi_query=true tie_word_embeddings=true is_encoder_decoder=false n_positions=1024",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_POSITIONS |
               HF_PLAIN_ROPE | HF_DENSE,
     .layer = hf_gpt_bigcode_layer},
    {.type = "bloom",
     .defaults = "tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM |
               HF_PLAIN_ROPE | HF_EMBEDDING_NORM | HF_DENSE},
    {.type = "falcon",
     .defaults =
         "multi_query=true parallel_attn=true tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_DENSE,
     .layer = hf_falcon_layer},
    {.type = "mpt",
     .defaults = "expansion_ratio=4 no_bias=true tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_DENSE,
     .layer = hf_mpt_layer},
    {.type = "RefinedWeb",
     .defaults =
         "multi_query=true parallel_attn=true tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_DENSE,
     .layer = hf_falcon_layer},
    {.type = "RefinedWebModel",
     .defaults =
         "multi_query=true parallel_attn=true tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_DENSE,
     .layer = hf_falcon_layer},
    {.type = "opt",
     .defaults = "do_layer_norm_before=true enable_bias=true layer_norm_elementwise_affine=true "
                 "tie_word_embeddings=true is_encoder_decoder=false max_position_embeddings=2048",
     .traits = HF_UNGATED | HF_LAYER_NORM | HF_PLAIN_ROPE | HF_DENSE,
     .layer = hf_opt_layer,
     .model = hf_opt_model},
    {.type = "persimmon",
     .defaults = "qk_layernorm=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QKV_BIAS | HF_OUT_BIAS | HF_FFN_BIAS | HF_LAYER_NORM | HF_DENSE,
     .layer = hf_persimmon_layer},
    {.type = "jais2",
     .defaults = "attention_bias=true mlp_bias=true is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_LAYER_NORM | HF_DENSE},
    {.type = "apertus",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QK_HEAD | HF_DENSE,
     .layer = hf_apertus_layer},
    {.type = "apertus1p5_text",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_QK_HEAD | HF_DENSE,
     .layer = hf_apertus_layer},
    {.type = "arcee", .defaults = "is_encoder_decoder=false", .traits = HF_UNGATED | HF_DENSE},
    {.type = "bitnet",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_bitnet_layer},
    {.type = "helium",
     .defaults = "head_dim=128 is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED | HF_DENSE},
    {.type = "cwm",
     .defaults = "head_dim=128 sliding_window=8192 is_encoder_decoder=false",
     .traits = HF_DENSE},
    {.type = "seed_oss",
     .defaults =
         "attention_bias=true attention_out_bias=false head_dim=128 is_encoder_decoder=false",
     .traits = HF_DENSE},
    {.type = "exaone4",
     .defaults = "sliding_window=4096 sliding_window_pattern=4 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE,
     .full_every = 4},
    {.type = "exaone_moe",
     .defaults = "sliding_window=4096 sliding_window_pattern=4 first_k_dense_replace=1 "
                 "moe_intermediate_size=1024 num_experts=64 num_experts_per_tok=8 "
                 "num_shared_experts=1 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .full_every = 4,
     .layer = hf_exaone_moe_layer},
    {.type = "exaone", .defaults = "tie_word_embeddings=false", .traits = HF_DENSE},
    {.type = "smollm3",
     .defaults = "no_rope_layer_interval=4 tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_smollm3_layer},
    {.type = "ernie4_5",
     .defaults = "tie_word_embeddings=true head_dim=128 is_encoder_decoder=false",
     .traits = HF_DENSE},
    {.type = "ernie4_5_moe",
     .defaults = "tie_word_embeddings=true moe_intermediate_size=1536 moe_k=6 moe_num_experts=64 "
                 "moe_num_shared_experts=2 moe_layer_start_index=1 moe_layer_end_index=-1 "
                 "moe_layer_interval=1 is_encoder_decoder=false",
     .traits = HF_ROUTER_BIAS | HF_HEAD_USE_BIAS},
    {.type = "ernie4_5_vl_moe_text",
     .defaults = "tie_word_embeddings=true moe_intermediate_size=1536 moe_k=6 moe_num_experts=64 "
                 "moe_num_shared_experts=2 moe_layer_start_index=1 moe_layer_end_index=-1 "
                 "moe_layer_interval=1 is_encoder_decoder=false",
     .traits = HF_ROUTER_BIAS},
    {.type = "glm",
     .defaults = "head_dim=128 attention_bias=true is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED | HF_DENSE},
    {.type = "glm4",
     .defaults = "head_dim=128 attention_bias=true is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED | HF_FOUR_NORMS | HF_DENSE},
    {.type = "glm4v_text",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_FOUR_NORMS | HF_DENSE},
    {.type = "glm_ocr_text",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED | HF_FOUR_NORMS | HF_DENSE},
    {.type = "glm4_moe",
     .defaults =
         "moe_intermediate_size=1408 num_experts_per_tok=8 n_shared_experts=1 n_routed_experts=128 "
         "first_k_dense_replace=1 use_qk_norm=false num_mtp_layers=1 is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED},
    {.type = "glm4v_moe_text",
     .defaults =
         "attention_bias=true moe_intermediate_size=1408 num_experts_per_tok=8 n_shared_experts=1 "
         "n_routed_experts=128 first_k_dense_replace=1 is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED},
    {.type = "solar_open",
     .defaults = "moe_intermediate_size=1280 num_experts_per_tok=8 n_shared_experts=1 "
                 "n_routed_experts=128 head_dim=128 is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED},
    {.type = "dots1",
     .defaults = "moe_intermediate_size=1408 first_k_dense_replace=0 sliding_window=4096 "
                 "max_window_layers=62 is_encoder_decoder=false",
     .traits = HF_QK_HEAD},
    {.type = "hunyuan_v1_dense",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE},
    {.type = "hunyuan_v1_moe",
     .defaults = "num_experts=1 moe_topk=1 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_hunyuan_layer},
    {.type = "hunyuan",
     .defaults = "num_experts=1 moe_topk=1 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_hunyuan_layer},
    {.type = "hy_v3",
     .defaults = "head_dim=128 num_experts=192 num_experts_per_tok=8 num_shared_experts=1 "
                 "moe_intermediate_size=1536 is_encoder_decoder=false first_k_dense_replace=1",
     .traits = HF_QK_HEAD},
    {.type = "gpt_oss",
     .defaults = "num_local_experts=128 head_dim=64 sliding_window=128 num_experts_per_tok=4 "
                 "attention_bias=true is_encoder_decoder=false",
     .traits = HF_SINKS | HF_ROUTER_BIAS | HF_FFN_BIAS,
     .full_every = 2},
    {.type = "llama4_text",
     .defaults = "intermediate_size_mlp=16384 head_dim=128 num_experts_per_tok=1 "
                 "num_local_experts=16 interleave_moe_layer_step=1 use_qk_norm=true "
                 "no_rope_layer_interval=4 attention_chunk_size=8192 is_encoder_decoder=false",
     .layer = hf_llama4_layer},
    {.type = "minimax_m2",
     .defaults =
         "head_dim=128 num_experts_per_tok=8 num_local_experts=256 is_encoder_decoder=false",
     .traits = HF_QK_HEADS},
    {.type = "minimax",
     .defaults = "num_experts_per_tok=2 num_local_experts=8 is_encoder_decoder=false",
     .layer = hf_minimax_layer},
    {.type = "minimax_text_01", .defaults = "tie_word_embeddings=false", .layer = hf_minimax_layer},
    {.type = "minimax_m1", .defaults = "tie_word_embeddings=false", .layer = hf_minimax_layer},
    {.type = "minimax_m3_vl_text",
     .defaults =
         "head_dim=128 num_experts_per_tok=4 num_local_experts=128 dense_intermediate_size=12288 "
         "shared_intermediate_size=3072 index_n_heads=4 index_head_dim=128 index_block_size=128 "
         "index_topk_blocks=16 index_local_blocks=1 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_minimax_m3_layer},
    {.type = "minimax_m3",
     .defaults =
         "head_dim=128 num_experts_per_tok=4 num_local_experts=128 dense_intermediate_size=12288 "
         "shared_intermediate_size=3072 index_n_heads=4 index_head_dim=128 index_block_size=128 "
         "index_topk_blocks=16 index_local_blocks=1 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_minimax_m3_layer},
    {.type = "mellum",
     .defaults = "sliding_window=1024 moe_intermediate_size=896 num_experts_per_tok=8 "
                 "num_experts=64 head_dim=128 is_encoder_decoder=false",
     .traits = HF_QK_HEAD},
    {.type = "laguna",
     .defaults =
         "sliding_window=512 moe_intermediate_size=512 shared_expert_intermediate_size=512 "
         "num_experts_per_tok=8 num_experts=256 head_dim=128 gating=true is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_ROUTER_BIAS,
     .layer = hf_laguna_layer},
    {.type = "kolibri1",
     .defaults =
         "sliding_window=513 moe_intermediate_size=512 num_experts_per_tok=6 num_experts=384 "
         "head_dim=128 shared_expert_intermediate_size=512 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_FOUR_NORMS},
    {.type = "flint",
     .defaults = "sliding_window=513 decoder_sparse_step=1 moe_intermediate_size=512 "
                 "shared_expert_intermediate_size=1024 num_experts_per_tok=6 num_experts=256 "
                 "head_dim=128 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_SINKS},
    {.type = "afmoe",
     .defaults = "moe_intermediate_size=1408 num_dense_layers=1 head_dim=128 num_experts=64 "
                 "num_experts_per_tok=6 num_shared_experts=2 global_attn_every_n_layers=4 "
                 "sliding_window=1024 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_GATED_OUTPUT | HF_FOUR_NORMS | HF_ROUTER_BIAS,
     .full_every = 4},
    {.type = "mimo_v2_flash",
     .defaults = "moe_intermediate_size=2048 num_experts_per_tok=8 n_routed_experts=256 "
                 "head_dim=192 v_head_dim=128 sliding_window=129 is_encoder_decoder=false",
     .traits = HF_OUT_UNBIASED,
     .layer = hf_mimo_layer},
    {.type = "mimo", .defaults = "tie_word_embeddings=false", .traits = HF_QKV_BIAS},
    {.type = "step3p5",
     .defaults =
         "head_dim=128 num_experts_per_tok=8 num_local_experts=128 moe_intermediate_size=1280 "
         "n_routed_experts=288 share_expert_dim=1280 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_step35_layer},
    {.type = "step3p5_text",
     .defaults =
         "head_dim=128 num_experts_per_tok=8 num_local_experts=128 moe_intermediate_size=1280 "
         "n_routed_experts=288 share_expert_dim=1280 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_step35_layer},
    {.type = "step3p7_text",
     .defaults =
         "head_dim=128 num_experts_per_tok=8 num_local_experts=128 moe_intermediate_size=1280 "
         "n_routed_experts=288 share_expert_dim=1280 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_step35_layer},
    {.type = "step3_text", .layer = hf_step3_layer},
    {.type = "arctic",
     .defaults = "tie_word_embeddings=false moe_layer_frequency=2 num_experts_per_tok=1",
     .layer = hf_arctic_layer},
    {.type = "dbrx", .defaults = "is_encoder_decoder=false", .layer = hf_dbrx_layer},
    {.type = "jetmoe",
     .defaults = "kv_channels=128 num_local_experts=8 num_experts_per_tok=2 "
                 "tie_word_embeddings=true is_encoder_decoder=false",
     .layer = hf_jetmoe_layer},
    {.type = "grok-1",
     .defaults = "tie_word_embeddings=false num_experts_per_tok=2",
     .traits = HF_FOUR_NORMS,
     .layer = hf_grok_layer},
    {.type = "aria_text",
     .defaults = "moe_num_experts=8 moe_topk=2 moe_num_shared_experts=2 is_encoder_decoder=false"},
    {.type = "deepseek_v2",
     .defaults = "first_k_dense_replace=0 kv_lora_rank=512 q_lora_rank=1536 n_routed_experts=64 "
                 "n_shared_experts=2 qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128 "
                 "moe_intermediate_size=1407 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "deepseek_v3",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=256 kv_lora_rank=512 "
         "q_lora_rank=1536 qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 "
         "num_experts_per_tok=8 first_k_dense_replace=3 num_mtp_layers=1 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "deepseek_v32",
     .defaults = "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=256 "
                 "kv_lora_rank=512 q_lora_rank=1536 qk_rope_head_dim=64 v_head_dim=128 "
                 "qk_nope_head_dim=128 num_experts_per_tok=8 index_topk=2048 index_head_dim=128 "
                 "index_n_heads=64 head_dim=64 first_k_dense_replace=3 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "kimi_k2",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=256 kv_lora_rank=512 "
         "q_lora_rank=1536 qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 "
         "num_experts_per_tok=8 first_k_dense_replace=3 num_mtp_layers=1 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "deepseek",
     .defaults = "tie_word_embeddings=false first_k_dense_replace=0 moe_layer_freq=1"},
    {.type = "glm_moe_dsa",
     .defaults = "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=256 "
                 "kv_lora_rank=512 q_lora_rank=2048 qk_rope_head_dim=64 v_head_dim=256 "
                 "qk_nope_head_dim=192 num_experts_per_tok=8 index_topk=2048 index_head_dim=128 "
                 "index_n_heads=32 head_dim=64 first_k_dense_replace=3 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "glm4_moe_lite",
     .defaults =
         "moe_intermediate_size=1536 n_shared_experts=1 n_routed_experts=64 kv_lora_rank=512 "
         "q_lora_rank=768 qk_rope_head_dim=64 v_head_dim=256 qk_nope_head_dim=192 "
         "num_experts_per_tok=4 is_encoder_decoder=false first_k_dense_replace=1",
     .layer = hf_deepseek_layer},
    {.type = "youtu",
     .defaults = "kv_lora_rank=512 q_lora_rank=1536 qk_rope_head_dim=64 v_head_dim=128 "
                 "qk_nope_head_dim=128 tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_deepseek_layer},
    {.type = "mistral4",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=128 kv_lora_rank=256 "
         "q_lora_rank=1024 qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=64 "
         "num_experts_per_tok=4 first_k_dense_replace=0 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "sarvam_mla",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=128 kv_lora_rank=512 "
         "qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 num_experts_per_tok=8 "
         "first_k_dense_replace=1 num_mtp_layers=0 is_encoder_decoder=false",
     .layer = hf_deepseek_layer},
    {.type = "sarvam_moe",
     .defaults = "moe_intermediate_size=1024 num_experts_per_tok=6 n_shared_experts=1 "
                 "n_routed_experts=128 first_k_dense_replace=1 use_qk_norm=true num_mtp_layers=0 "
                 "head_dim=64 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_OUT_UNBIASED},
    {.type = "axk1",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=192 kv_lora_rank=512 "
         "q_lora_rank=1536 qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 "
         "num_experts_per_tok=8 is_encoder_decoder=false first_k_dense_replace=1",
     .layer = hf_axk1_layer},
    {.type = "minicpm3",
     .defaults = "tie_word_embeddings=true kv_lora_rank=256 q_lora_rank=768 qk_nope_head_dim=64 "
                 "qk_rope_head_dim=32 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_minicpm3_layer},
    {.type = "longcat_flash",
     .defaults = "q_lora_rank=1536 kv_lora_rank=512 qk_nope_head_dim=128 qk_rope_head_dim=64 "
                 "head_dim=64 v_head_dim=128 moe_topk=12 n_routed_experts=512 zero_expert_num=256 "
                 "expert_ffn_hidden_size=2048 is_encoder_decoder=false",
     .layer = hf_longcat_layer,
     .model = hf_longcat_model},
    {.type = "deepseek_v4",
     .defaults = "moe_intermediate_size=2048 head_dim=512 q_lora_rank=1024 num_experts_per_tok=6 "
                 "n_routed_experts=256 n_shared_experts=1 hc_mult=4 sliding_window=128 o_groups=8 "
                 "o_lora_rank=1024 index_n_heads=64 index_head_dim=128 index_topk=512 "
                 "num_nextn_predict_layers=1 is_encoder_decoder=false",
     .layer = hf_deepseek_v4_layer,
     .model = hf_deepseek_v4_model},
    {.type = "kimi_linear",
     .defaults = "moe_intermediate_size=1024 n_shared_experts=1 kv_lora_rank=512 "
                 "qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 num_experts_per_tok=8 "
                 "num_local_experts=256 linear_head_dim=128 linear_num_heads=32 "
                 "linear_conv_kernel_dim=4 is_encoder_decoder=false first_k_dense_replace=1",
     .traits = HF_UNTIED,
     .layer = hf_kimi_linear_layer},
    {.type = "bailing_hybrid",
     .defaults = "moe_intermediate_size=768 n_shared_experts=1 kv_lora_rank=512 "
                 "qk_rope_head_dim=64 v_head_dim=128 qk_nope_head_dim=128 num_experts_per_tok=8 "
                 "first_k_dense_replace=2 num_mtp_layers=1 num_local_experts=512 head_dim=128 "
                 "short_conv_kernel_size=4 layer_group_size=6 is_encoder_decoder=false",
     .traits = HF_HEAD_GATE | HF_UNTIED,
     .layer = hf_bailing_layer},
    {.type = "bailing_moe",
     .defaults = "tie_word_embeddings=false norm_head=false use_qkv_bias=false"},
    {.type = "bailing_moe_v2",
     .defaults = "tie_word_embeddings=false use_qkv_bias=false",
     .traits = HF_QK_HEAD},
    {.type = "glm5_next_text",
     .defaults =
         "moe_intermediate_size=2048 n_shared_experts=1 n_routed_experts=288 kv_lora_rank=512 "
         "q_lora_rank=1536 qk_rope_head_dim=0 v_head_dim=256 qk_nope_head_dim=256 "
         "num_experts_per_tok=8 index_topk=2048 index_head_dim=128 index_n_heads=32 head_dim=0 "
         "linear_head_dim=128 linear_num_heads=64 linear_conv_kernel_dim=4 hc_mult=4 "
         "index_kpool=16 is_encoder_decoder=false first_k_dense_replace=3",
     .layer = hf_glm5_next_layer},
    {.type = "mamba",
     .defaults = "state_size=16 expand=2 conv_kernel=4 use_conv_bias=true tie_word_embeddings=true "
                 "is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_mamba_layer},
    {.type = "falcon_mamba",
     .defaults = "state_size=16 expand=2 conv_kernel=4 use_conv_bias=true tie_word_embeddings=true "
                 "is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_falcon_mamba_layer},
    {.type = "mamba2",
     .defaults = "num_heads=128 head_dim=64 state_size=128 expand=2 conv_kernel=4 n_groups=8 "
                 "use_conv_bias=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_mamba2_layer},
    {.type = "jamba",
     .defaults = "num_experts_per_tok=2 num_experts=16 expert_layer_period=2 expert_layer_offset=1 "
                 "attn_layer_period=8 attn_layer_offset=4 mamba_d_state=16 mamba_d_conv=4 "
                 "mamba_expand=2 mamba_conv_bias=true is_encoder_decoder=false",
     .layer = hf_jamba_layer},
    {.type = "bamba",
     .defaults = "mamba_n_heads=128 mamba_n_groups=1 mamba_d_state=256 mamba_d_conv=4 "
                 "mamba_expand=2 mamba_conv_bias=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_bamba_layer},
    {.type = "falcon_h1",
     .defaults =
         "mamba_d_ssm=1024 mamba_n_heads=128 mamba_n_groups=1 mamba_d_state=256 mamba_d_conv=4 "
         "mamba_expand=2 mamba_conv_bias=true projectors_bias=false is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_falcon_h1_layer},
    {.type = "zamba2",
     .defaults = "mamba_d_state=64 mamba_d_conv=4 mamba_expand=2 mamba_ngroups=1 n_mamba_heads=8 "
                 "use_conv_bias=true add_bias_linear=false num_mem_blocks=1 "
                 "use_shared_attention_adapter=false adapter_rank=128 use_mem_rope=false "
                 "tie_word_embeddings=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_zamba2_layer},
    {.type = "lfm2",
     .defaults =
         "tie_word_embeddings=true conv_L_cache=3 block_multiple_of=256 block_ffn_dim_multiplier=1 "
         "block_auto_adjust_ff_dim=true is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE,
     .layer = hf_lfm2_layer},
    {.type = "lfm2_moe",
     .defaults = "moe_intermediate_size=1792 tie_word_embeddings=true conv_L_cache=3 "
                 "num_dense_layers=2 num_experts_per_tok=4 num_experts=32 is_encoder_decoder=false",
     .traits = HF_QK_HEAD,
     .layer = hf_lfm2_layer},
    {.type = "baichuan", .defaults = "tie_word_embeddings=false"},
    {.type = "chatglm", .defaults = "tie_word_embeddings=false", .layer = hf_chatglm_layer},
    {.type = "internlm2", .defaults = "tie_word_embeddings=false"},
    {.type = "internlm",
     .defaults = "tie_word_embeddings=false attention_bias=true use_bias=true",
     .layer = hf_internlm_layer},
    {.type = "internlm3",
     .defaults = "head_dim=128 is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_internlm3_layer},
    {.type = "minicpm", .defaults = "tie_word_embeddings=true"},
    {.type = "orion", .defaults = "tie_word_embeddings=false", .traits = HF_LAYER_NORM},
    {.type = "xverse", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "Yi", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "aquila", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "skywork", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "iquestcoder", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "solar", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "telechat", .defaults = "is_encoder_decoder=false", .traits = HF_DENSE},
    {.type = "hyperclovax",
     .defaults = "use_post_norm=true is_encoder_decoder=false",
     .traits = HF_DENSE,
     .layer = hf_hyperclovax_layer},
    {.type = "nanochat",
     .defaults = "is_encoder_decoder=false",
     .traits = HF_UNGATED | HF_PLAIN_NORM | HF_DENSE},
    {.type = "qwen2_vl",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen2_vl_text",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen2_5_vl",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen2_5_vl_text",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen2_5_omni_text",
     .defaults = "sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QKV_BIAS | HF_DENSE},
    {.type = "qwen3_vl_text",
     .defaults = "head_dim=128 sliding_window=4096 max_window_layers=28 is_encoder_decoder=false",
     .traits = HF_QK_HEAD | HF_DENSE},
    {.type = "qwen3_vl_moe_text",
     .defaults = "sliding_window=4096 decoder_sparse_step=1 moe_intermediate_size=768 "
                 "num_experts_per_tok=8 num_experts=128 is_encoder_decoder=false",
     .traits = HF_QK_HEAD},
    {.type = "qwen3_omni_moe_text",
     .defaults = "sliding_window=4096 decoder_sparse_step=1 moe_intermediate_size=768 "
                 "num_experts_per_tok=8 num_experts=128 is_encoder_decoder=false",
     .traits = HF_QK_HEAD},
    {.type = "phi3_v", .defaults = "is_encoder_decoder=false", .traits = HF_ALL_SLIDE | HF_DENSE},
};

const size_t hf_family_count = sizeof hf_families / sizeof *hf_families;

/* Whether a name is a row's, or that of a model whose text part the row is ("gemma4" of
 * "gemma4_text"). */
static bool is_called(const struct hf_family *family, const char *type, const char *ending)
{
    size_t length = strlen(type);
    return strncmp(family->type, type, length) == 0 && strcmp(family->type + length, ending) == 0;
}

const struct hf_family *hf_family_find(const char *type)
{
    static const char *const endings[] = {"", "_text"};
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        for (size_t i = 0; i < hf_family_count; i++) {
            if (is_called(&hf_families[i], type, endings[k])) {
                return &hf_families[i];
            }
        }
    }
    return NULL;
}
