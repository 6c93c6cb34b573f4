/* SPDX-License-Identifier: MIT */
#include "sim/inference/summary_quality.h"

#include "sim/base/quantity.h"
#include "sim/inference/quality_figures.h"

static void print_over_trained(const struct scenario *scenario, double critical_tokens,
                               FILE *stream)
{
    const struct precision *precision = &scenario->precision;
    bool alike = precision->attention_weights.format == precision->ffn_weights.format;
    fprintf(
        stream,
        "                over-trained for %s: beyond %s training tokens (D_crit) more data made it "
        "worse\n",
        alike ? format_name(precision->ffn_weights.format) : "its weights' bits",
        quantity_large(critical_tokens).text);
}

static void print_super_weights(const struct scenario *scenario, FILE *stream)
{
    size_t count = llm_super_weights(&scenario->llm);
    if (count > 0) {
        fprintf(stream,
                "super weights   %zu in %s (arXiv 2411.07191); keeping them in 16 bits costs %s\n",
                count, scenario->llm.name,
                quantity_bytes(super_weights_bytes(llm_super_weights(&scenario->llm))).text);
    }
    struct int4_accuracy accuracy;
    if (quality_int4_accuracy(scenario, &accuracy)) {
        fprintf(stream, "                zero-shot accuracy %.1f %% in int4 by rounding, ",
                accuracy.rounded);
        if (accuracy.kept_known) {
            fprintf(stream, "%.1f %% with super weights kept, ", accuracy.kept);
        }
        fprintf(stream, "%.1f %% in fp16\n", scenario->llm.int4.original);
    }
}

void summary_print_quality(const struct conversation_result *result, FILE *stream)
{
    const struct scenario *scenario = result->scenario;
    const struct quality_answer *quality = &result->quality;
    if (!result->quality_asked) {
        return;
    }
    if (quality->diverges) {
        fputs("quality         no parameter stays effective in so few bits: it would not train "
              "(arXiv 2411.04330)\n",
              stream);
    } else {
        fprintf(stream, "quality         loss %.4f nats a token", quality->loss);
        fprintf(stream, ", %.4f of it by precision: as %.4g of %.4g billion parameters\n",
                quality->training_penalty + quality->post_penalty,
                quality->effective_parameters / 1e9, llm_product_weights(&scenario->llm) / 1e9);
    }
    if (result->over_trained) {
        print_over_trained(scenario, quality->critical_tokens, stream);
    }
    fputs(
        quality->extrapolates
            ? "                extrapolated: the law (arXiv 2411.04330) was fitted on up to 1.7 "
              "billion parameters, 26 billion tokens and 3 bits or more; its authors claim "
              "trends, not values, elsewhere\n"
            : "                by the law of arXiv 2411.04330, inside the range it was fitted on\n",
        stream);
    print_super_weights(scenario, stream);
}
