/* SPDX-License-Identifier: MIT
 * In which formats a measured service kept its weights and cache. */
#include "sim/base/text.h"
#include "sim/compare/service_row.h"
#include "sim/compare/service_words.h"
#include "sim/scenario/hub.h"

#include <string.h>

static const struct service_format *known(struct measurement *row, const char *word)
{
    const struct service_format *format = service_format(word);
    if (format == NULL) {
        measurement_unanswered(row,
                               "products in '%.60s' are not known; expected bf16, fp8, fp8_block, "
                               "int8, w8a8, int4, nvfp4, mxfp4 or what engines call them",
                               word);
    }
    return format;
}

/* What the row says; where it says nothing, the model's name. */
static const char *word_of(const struct measurement *row, const char *of_name)
{
    const char *word = measurement_text(row, "gemm_quant_mode");
    word = word[0] != '\0' ? word : measurement_text(row, "precision");
    word = word[0] != '\0' ? word : of_name;
    return word[0] != '\0' ? word : "bf16";
}

/* YAML of `precision`, the KV cache's format with it. */
static const char *yaml_of(struct arena *arena, const struct service_format *products,
                           const struct service_format *experts, bool has_experts,
                           const char *cache)
{
    struct text text = {.arena = arena};
    if (products->preset != NULL && products == experts) {
        text_print(&text, "{preset: %s, ", products->preset);
    } else {
        text_print(&text, "{attention_weights: %s, ffn_weights: %s, ",
                   has_experts ? products->attention : products->experts,
                   has_experts ? experts->experts : products->experts);
    }
    text_print(&text, "kv_cache: %s}", cache);
    return text.bytes;
}

/* A model that is published in narrow weights is served in them; the row's word then says no more,
 * unless the name is of a checkpoint in a format of its own. Qwen's FP8 checkpoints have scales of
 * blocks, whatever a table calls them. */
bool service_precision(struct measurement *row, const char *of_name, struct service_row *service)
{
    const char *name = measurement_text(row, "model_path"), *word = word_of(row, of_name);
    const struct service_format *blocks = service_format("fp8_block");
    const struct service_format *renamed = of_name[0] == '\0' ? NULL : service_format(of_name);
    bool own = data_file_has(row->scratch, service->model, "precision");
    const struct service_format *said = service_format(
        measurement_has(row, "moe_quant_mode") ? measurement_text(row, "moe_quant_mode") : word);
    if (own && of_name[0] == '\0' && said != NULL && said->narrow &&
        !data_file_says(row->scratch, service->model, "precision", "mxfp4 int4 fp4 w4a16")) {
        renamed = said; /* narrower than what is published: made of it */
    }
    bool qwen = strncmp(name, "Qwen/", 5) == 0 && strcmp(of_name, "FP8") == 0;
    bool narrow_cache = strcmp(service->engine, "trtllm") == 0 && strncmp(word, "fp8", 3) == 0;
    const char *cache = narrow_cache && !qwen ? "{format: fp8, scaling: tensor}" : "{format: bf16}";
    if (own && (renamed == NULL || !renamed->narrow)) {
        service->precision = arena_printf(row->scratch, "{kv_cache: %s}", cache);
        return true;
    }
    const struct service_format *products = own ? renamed : known(row, word);
    if (products == NULL) {
        return false;
    }
    if (qwen && strncmp(products->attention, "{format: fp8", 12) == 0) {
        products = blocks;
    }
    const struct service_format *experts = products;
    if (service->has_experts && !own && products != blocks &&
        measurement_has(row, "moe_quant_mode")) {
        experts = known(row, measurement_text(row, "moe_quant_mode"));
    }
    if (experts == NULL) {
        return false;
    }
    service->precision = yaml_of(row->scratch, products, experts, service->has_experts, cache);
    return true;
}
