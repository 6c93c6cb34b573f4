/* SPDX-License-Identifier: MIT
 * Modules of attention to what an indexer chose: latent attention's (DeepSeek-V3.2), compressed
 * attention's (DeepSeek-V4), grouped-query attention's (MiniMax-M3). The models' sizes, which the
 * tables have no columns for, come from their config.json. */
#include "sim/compare/module.h"
#include "sim/compare/shapes.h"

#include <string.h>

static const char *const sparse_columns[] = {"engine",   "kernel",     "model",      "phase",
                                             "heads",    "batch",      "new_tokens", "context",
                                             "kv_dtype", "gemm_dtype", "time_us",    NULL};

static void compare_module(struct measurement *row, const struct mixer *mixer, uint32_t hidden,
                           const char *class)
{
    struct module_shape shape = {.mixer = mixer,
                                 .hidden = hidden,
                                 .precision = row_module_precision(row),
                                 .slice = row_module_slice(row)};
    const struct kernel_library *engine = row_engine_kernels(row);
    if (row->wrong) {
        return;
    }
    bool decode = shape.slice.phase == PHASE_DECODE;
    const struct mixer_kernels *kernels = &engine->mixers;
    const struct sparse_kernels *family = mixer->kind == MIXER_LATENT ? &kernels->sparse
                                          : mixer->kind == MIXER_COMPRESSED
                                              ? &kernels->compressed
                                              : &kernels->group_sparse;
    shape.host_seconds =
        decode ? family->decode_rest.host_seconds : family->prefill_rest.host_seconds;
    measurement_compare(row, engine_class(row, class, decode ? "decode" : "prefill"), "time_us",
                        1e6 * module_seconds(row, &shape));
}

static uint32_t module_heads(struct measurement *row)
{
    return (uint32_t)measurement_count(row, "heads", 1, 65536);
}

/* DeepSeek-V3.2's and its kin's. */
static void predict_sparse(struct measurement *row)
{
    struct mixer mixer = {.kind = MIXER_LATENT,
                          .latent = {.query_heads = module_heads(row),
                                     .query_rank = 1536,
                                     .kv_rank = 512,
                                     .rope_size = 64,
                                     .nope_size = 128,
                                     .value_head_size = 128,
                                     .indexer = {.heads = 64, .head_size = 128, .top_k = 2048}}};
    compare_module(row, &mixer, 7168, "sparse attention module");
}

const struct measurement_kind kind_sparse = {
    .name = "sparse-attention",
    .doc = "modules of DeepSeek-V3.2's sparse attention",
    .columns = sparse_columns,
    .software = "vllm",
    .predict = predict_sparse,
};

static const char *const compressed_columns[] = {
    "engine", "what",       "compress", "model",    "phase",      "heads",   "tensor",
    "batch",  "new_tokens", "context",  "kv_dtype", "gemm_dtype", "time_us", NULL};

struct compressed_model {
    const char *name;
    uint32_t hidden, heads, query_rank, groups, top_k;
};

static const struct compressed_model compressed_models[] = {
    {"DeepSeek-V4-Flash", 4096, 64, 1024, 8, 512},
    {"DeepSeek-V4-Pro", 7168, 128, 1536, 16, 1024},
};

static const struct compressed_model *row_model(struct measurement *row)
{
    const char *name = measurement_text(row, "model");
    for (size_t i = 0; i < sizeof compressed_models / sizeof *compressed_models; i++) {
        if (strstr(name, compressed_models[i].name) != NULL) {
            return &compressed_models[i];
        }
    }
    measurement_complain(row, "model", "'%.60s' is none whose sizes are known", name);
    return NULL;
}

/* Keys compressed 4 to 1 and chosen (csa), or 128 to 1 and all read (hca). */
static void predict_entries(struct measurement *row, uint32_t ratio)
{
    const struct compressed_model *model = row_model(row);
    if (model == NULL) {
        return;
    }
    uint32_t heads = module_heads(row);
    bool chosen = ratio <= 4;
    uint32_t groups = model->groups * heads / model->heads;
    struct mixer mixer = {.kind = MIXER_COMPRESSED,
                          .compressed = {.query_heads = heads,
                                         .head_size = 512,
                                         .rope_size = 64,
                                         .query_rank = model->query_rank,
                                         .out_groups = groups > 0 ? groups : 1,
                                         .out_rank = 1024,
                                         .ratio = ratio,
                                         .window = 128}};
    if (chosen) {
        mixer.compressed.indexer =
            (struct indexer){.heads = 64, .head_size = 128, .top_k = model->top_k};
    }
    compare_module(row, &mixer, model->hidden,
                   chosen ? "compressed attention module 4 to 1"
                          : "compressed attention module 128 to 1");
}

/* MiniMax-M3: 64 heads and 4 key-value heads of 128; an indexer with a head a key-value head
 * chooses 16 blocks of 128 tokens. */
static void predict_groups(struct measurement *row)
{
    uint32_t heads = module_heads(row);
    uint32_t kv_heads = heads >= 16 ? heads / 16 : 1;
    struct mixer mixer = {
        .kind = MIXER_GQA,
        .gqa = {.query_heads = heads,
                .kv_heads = kv_heads,
                .head_size = 128,
                .norm = QK_NORM_HEAD,
                .indexer = {.heads = kv_heads, .head_size = 128, .top_k = 2048, .block = 128}}};
    compare_module(row, &mixer, 6144, "grouped sparse attention module");
}

static void predict_compressed(struct measurement *row)
{
    enum { MSA = 1 };
    static const struct measurement_choice kinds[] = {
        {"csa", 4}, {"hca", 128}, {"msa", MSA}, {NULL, 0}};
    int what = measurement_choice(row, "what", kinds);
    if (row->wrong) {
        return;
    }
    if (what == MSA) {
        predict_groups(row);
    } else {
        predict_entries(row, (uint32_t)what);
    }
}

const struct measurement_kind kind_compressed = {
    .name = "compressed-attention",
    .doc = "modules of DeepSeek-V4's and MiniMax-M3's attention",
    .columns = compressed_columns,
    .software = "vllm",
    .predict = predict_compressed,
};
