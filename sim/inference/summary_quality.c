/* SPDX-License-Identifier: MIT */
#include "sim/inference/summary_quality.h"

#include "sim/base/quantity.h"

#include <math.h>

/* As the paper's models are: every product of a layer. */
static bool is_int4(const struct scenario *scenario)
{
    return scenario->precision.ffn_weights.format == FORMAT_INT4 &&
           scenario->precision.attention_weights.format == FORMAT_INT4;
}

static struct int4_accuracy accuracy_of(const struct scenario *scenario)
{
    return int4_accuracy_at(&scenario->llm.int4,
                            quality_block_elements(&scenario->llm, &scenario->precision));
}

static bool over_trained(const struct scenario *scenario, const struct quality_answer *quality)
{
    return (double)scenario->quality.tokens > quality->critical_tokens;
}

static void print_over_trained(const struct scenario *scenario, double critical_tokens,
                               FILE *stream)
{
    const struct precision *precision = &scenario->precision;
    bool alike = precision->attention_weights.format == precision->ffn_weights.format;
    fprintf(
        stream,
        "                over-trained for %s: beyond %.3g training tokens (D_crit) more data made "
        "it worse\n",
        alike ? format_name(precision->ffn_weights.format) : "its weights' bits", critical_tokens);
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
    struct int4_accuracy accuracy = accuracy_of(scenario);
    if (is_int4(scenario) && accuracy.known) {
        fprintf(stream, "                zero-shot accuracy %.1f %% in int4 by rounding, ",
                accuracy.rounded);
        if (accuracy.kept_known) {
            fprintf(stream, "%.1f %% with super weights kept, ", accuracy.kept);
        }
        fprintf(stream, "%.1f %% in fp16\n", scenario->llm.int4.original);
    }
}

void summary_print_quality(const struct scenario *scenario,
                           const struct conversation_result *result, FILE *stream)
{
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
    if (over_trained(scenario, quality)) {
        print_over_trained(scenario, quality->critical_tokens, stream);
    }
    fputs(
        quality->extrapolates
            ? "                extrapolated: the law (arXiv 2411.04330) was fitted on up to 1.7 "
              "billion parameters,\n                26 billion tokens and 3 bits or more; its "
              "authors claim trends, not values, elsewhere\n"
            : "                by the law of arXiv 2411.04330, inside the range it was fitted on\n",
        stream);
    print_super_weights(scenario, stream);
}

void summary_write_quality(const struct scenario *scenario,
                           const struct conversation_result *result, struct json *json)
{
    const struct quality_answer *quality = &result->quality;
    if (!result->quality_asked) {
        return;
    }
    json_open(json, "quality", '{');
    json_number(json, "loss_nats_per_token", quality->loss);
    json_number(json, "training_loss_nats_per_token", quality->training_penalty);
    json_number(json, "quantisation_loss_nats_per_token", quality->post_penalty);
    json_number(json, "effective_parameters", quality->effective_parameters);
    json_number(json, "critical_tokens", quality->critical_tokens);
    json_boolean(json, "over_trained", over_trained(scenario, quality));
    json_boolean(json, "extrapolated", quality->extrapolates);
    json_count(json, "super_weights", llm_super_weights(&scenario->llm));
    json_number(json, "super_weight_bytes", super_weights_bytes(llm_super_weights(&scenario->llm)));
    struct int4_accuracy accuracy = accuracy_of(scenario);
    bool known = is_int4(scenario) && accuracy.known;
    json_number(json, "int4_accuracy_percent", known ? accuracy.rounded : (double)NAN);
    json_number(json, "int4_accuracy_kept_percent",
                known && accuracy.kept_known ? accuracy.kept : (double)NAN);
    json_close(json, '}');
}
