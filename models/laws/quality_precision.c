/* SPDX-License-Identifier: MIT */
#include "models/laws/quality_precision.h"

#include <math.h>

/* A class of products: its share of the parameters, bits of weights and of inputs. */
struct part {
    double share, weight_bits, input_bits;
};

enum { PARTS = 3 }; /* attention, feed-forward, edge layers */

static struct part part_of(double share, struct number number, enum format activations)
{
    return (struct part){.share = share,
                         .weight_bits = format_bits(number.format),
                         .input_bits = format_bits(precision_inputs(number, activations))};
}

static void split(const struct llm *llm, const struct precision *precision,
                  struct part parts[PARTS])
{
    double of_attention = llm_attention_weights(llm) / llm_product_weights(llm);
    double high = fmin(1.0, 2.0 * precision->edge_layers_high / llm->stack.layers);
    const struct number plain = {.format = precision->activations};
    enum format activations = precision->activations;
    parts[0] = part_of((1.0 - high) * of_attention, precision->attention_weights, activations);
    parts[1] = part_of((1.0 - high) * (1.0 - of_attention), precision->ffn_weights, activations);
    parts[2] = part_of(high, plain, activations);
}

/* The bits that, alike for all, leave as many parameters effective as the parts do. */
static double inputs_alike(const struct part parts[PARTS])
{
    const struct quality_constants *fit = &quality_fitted;
    double lost = 0.0, least = INFINITY, most = 0.0;
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].share > 0.0) {
            lost += parts[i].share * exp(-parts[i].input_bits / fit->gamma[QUALITY_ACTIVATIONS]);
            least = fmin(least, parts[i].input_bits);
            most = fmax(most, parts[i].input_bits);
        }
    }
    return least == most ? most : -fit->gamma[QUALITY_ACTIVATIONS] * log(lost);
}

/* The same of weights that were narrowed afterwards: as large a delta_PTQ. */
static double weights_alike(const struct part parts[PARTS])
{
    double lost = 0.0, least = INFINITY, most = 0.0;
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].share > 0.0) {
            lost += parts[i].share * exp(-parts[i].weight_bits / quality_fitted.post_gamma);
            least = fmin(least, parts[i].weight_bits);
            most = fmax(most, parts[i].weight_bits);
        }
    }
    return least == most ? most : -quality_fitted.post_gamma * log(lost);
}

struct quality_question quality_question_of(const struct llm *llm,
                                            const struct precision *precision,
                                            const struct quality_training *training)
{
    struct part parts[PARTS];
    split(llm, precision, parts);
    double trained = format_bits(training->trained);
    return (struct quality_question){
        .parameters = llm_product_weights(llm),
        .tokens = (double)training->tokens,
        .trained = {{trained, trained, trained}},
        .kept = {{[QUALITY_WEIGHTS] =
                      training->weight_bits > 0.0 ? training->weight_bits : weights_alike(parts),
                  [QUALITY_ACTIVATIONS] = inputs_alike(parts),
                  [QUALITY_KV_CACHE] = format_bits(precision->kv_cache)}},
    };
}

double quality_block_elements(const struct llm *llm, const struct precision *precision)
{
    struct number number = precision->ffn_weights;
    switch (number.scaling) {
    case SCALING_TENSOR:
        return (double)llm->stack.kinds[0].ffn.hidden * llm->hidden;
    case SCALING_ROW:
        return llm->hidden;
    case SCALING_BLOCK:
        return number.block;
    case SCALING_NONE:
    case SCALING_COUNT:
        break;
    }
    return format_own_block(number.format);
}
