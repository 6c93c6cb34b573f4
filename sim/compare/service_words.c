/* SPDX-License-Identifier: MIT */
#include "sim/compare/service_words.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct word {
    const char *words; /* apart by blanks */
    const char *name;
};

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strcspn(at, " ") == length && strncasecmp(at, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const struct word *words, const char *word)
{
    for (; words->words != NULL; words++) {
        if (has_word(words->words, word)) {
            return words->name;
        }
    }
    return word;
}

const char *service_engine(const char *word)
{
    static const struct word engines[] = {
        {"vllm", "vllm"},
        {"sglang sgl", "sglang"},
        {"trtllm trt-llm trt_llm trt tensorrt-llm tensorrt_llm tensorrt tensorrtllm", "trtllm"},
        {0}};
    enum { DYNAMO = 7 }; /* NVIDIA Dynamo starts one of them */
    bool dynamo = strncasecmp(word, "dynamo-", DYNAMO) == 0 && word[DYNAMO] != '\0';
    return name_of(engines, dynamo ? word + DYNAMO : word);
}

const char *service_cluster(const char *gpu)
{
    static const struct word clusters[] = {{"h100", "dgx-h100"},   {"h200", "hgx-h200"},
                                           {"h20", "hgx-h20"},     {"h800", "h800"},
                                           {"b200", "dgx-b200"},   {"gb200", "gb200-nvl72"},
                                           {"a100", "dgx-a100"},   {"l40s", "l40s-8"},
                                           {"mi300x", "mi300x-8"}, {0}};
    size_t length = strcspn(gpu, "_- "); /* "h100_sxm" */
    for (const struct word *of = clusters; of->words != NULL; of++) {
        if (strlen(of->words) == length && strncasecmp(of->words, gpu, length) == 0) {
            return of->name;
        }
    }
    return NULL;
}

const char *service_client(const char *word)
{
    static const struct word clients[] = {
        {"genai-perf genai_perf aiperf", "aiperf"},
        {"inferencex inferencemax", "inferencemax"},
        {"vllm-bench vllm benchmark_serving bench_serve bench_serving sglang sglang-bench",
         "vllm-bench"},
        {"trtllm-bench trtllm trtllm_bench", "trtllm-bench"},
        {"mlperf loadgen", "mlperf"},
        {0}};
    return word[0] == '\0' ? NULL : name_of(clients, word);
}

const struct service_format *service_format(const char *word)
{
#define BF16 "{format: bf16, scaling: none, block: 0}"
#define FP8_BLOCK "{format: fp8, scaling: block, block: 128}"
#define INT8_ALONE "{format: int8, scaling: row, inputs: bf16}"
    /* Of 4-bit floats Hopper's tensor cores know nothing: weights are widened inside the product.
     * NVFP4 and MXFP4 checkpoints of models with experts leave attention wider. */
    static const struct {
        const char *words;
        struct service_format format;
    } formats[] = {
        {"bf16 bfloat16 float16 fp16 half", {"bf16", BF16, BF16, false}},
        {"fp8 fp8_static fp8_tensor fp8_per_tensor fp8-static fp8-kv modelopt",
         {"fp8-tensor", "{format: fp8, scaling: tensor}", "{format: fp8, scaling: tensor}", false}},
        {"fp8_ootb fp8_row fp8_dynamic fp8-dynamic",
         {"fp8", "{format: fp8, scaling: row}", "{format: fp8, scaling: row}", false}},
        {"fp8_block fp8-block fp8_blockwise", {"fp8-block", FP8_BLOCK, FP8_BLOCK, false}},
        {"int8_wo", {NULL, INT8_ALONE, INT8_ALONE, false}},
        {"sq int8 w8a8 w8a8_int8 quantized.w8a8 gptq-int8",
         {"w8a8", "{format: int8, scaling: row}", "{format: int8, scaling: row}", false}},
        {"int4_wo int4 w4a16 awq gptq gptq-int4 awq-int4 quantized.w4a16 awq_marlin gptq_marlin",
         {"w4a16", "{format: int4, scaling: block, block: 128}",
          "{format: int4, scaling: block, block: 128}", true}},
        {"w4afp8 w4a8_awq",
         {NULL, FP8_BLOCK, "{format: int4, scaling: block, block: 128, inputs: fp8}", true}},
        {"nvfp4 fp4 nvfp4-v2 fp4-v2",
         {NULL, BF16, "{format: fp4, scaling: block, block: 16}", true}},
        {"mxfp4 mxfp4-preview w4a16_mxfp4",
         {NULL, BF16, "{format: mxfp4, scaling: none, block: 0}", true}},
        {"w4a8_mxfp4_mxfp8 w4a8_mxfp4_fp8",
         {NULL, BF16, "{format: mxfp4, scaling: none, block: 0, inputs: fp8}", true}},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (has_word(formats[i].words, word)) {
            return &formats[i].format;
        }
    }
    return NULL;
}
