/* SPDX-License-Identifier: MIT */
#include "models/scaling_law.h"

#include <math.h>

const struct scaling_law scaling_laws[SCALING_LAW_COUNT] = {
    {.name = "hoffmann",
     .doc = "Chinchilla, approach 3 (arXiv 2203.15556, equation 10).",
     .irreducible = 1.69,
     .model_scale = 406.4,
     .model_exponent = 0.34,
     .data_scale = 410.7,
     .data_exponent = 0.28},
    {.name = "besiroglu",
     .doc = "Chinchilla's runs fitted again (arXiv 2404.10102, table 1).",
     .irreducible = 1.8169,
     .model_scale = 482.01,
     .model_exponent = 0.3478,
     .data_scale = 2085.43,
     .data_exponent = 0.3658},
    {.name = "kaplan",
     .doc = "Kaplan et al.'s L(N, D) (arXiv 2001.08361, equation 1.5 with the constants of 1.1 and "
            "1.2).",
     .model_scale = 8.8e13,
     .model_exponent = 0.076,
     .data_scale = 5.4e13,
     .data_exponent = 0.095,
     .joint_exponent = 1.0},
};

double scaling_loss(const struct scaling_law *law, double parameters, double tokens)
{
    if (law->joint_exponent > 0.0) {
        double model = pow(law->model_scale / parameters, law->model_exponent / law->data_exponent);
        return pow(model + law->data_scale / tokens, law->data_exponent);
    }
    return law->irreducible + law->model_scale / pow(parameters, law->model_exponent) +
           law->data_scale / pow(tokens, law->data_exponent);
}

double scaling_tokens_to_loss(const struct scaling_law *law, double parameters, double loss)
{
    if (law->joint_exponent > 0.0) {
        double left = pow(loss, 1.0 / law->data_exponent) -
                      pow(law->model_scale / parameters, law->model_exponent / law->data_exponent);
        return left > 0.0 ? law->data_scale / left : (double)INFINITY;
    }
    double left = loss - law->irreducible - law->model_scale / pow(parameters, law->model_exponent);
    return left > 0.0 ? pow(law->data_scale / left, 1.0 / law->data_exponent) : (double)INFINITY;
}

/* The loss along 6 N D = flops has one minimum; a golden section of ln N finds it. */
struct scaling_optimum scaling_optimum(const struct scaling_law *law, double flops)
{
    enum { SECTIONS = 120 };
    const double golden = 0.6180339887498949, least = 1e3;
    double low = log(least), high = log(flops / 6.0 / least);
    for (int i = 0; i < SECTIONS; i++) {
        double left = high - golden * (high - low), right = low + golden * (high - low);
        double at_left = scaling_loss(law, exp(left), flops / 6.0 / exp(left));
        double at_right = scaling_loss(law, exp(right), flops / 6.0 / exp(right));
        if (at_left < at_right) {
            high = right;
        } else {
            low = left;
        }
    }
    double parameters = exp(0.5 * (low + high));
    double tokens = flops / 6.0 / parameters;
    return (struct scaling_optimum){
        .parameters = parameters, .tokens = tokens, .loss = scaling_loss(law, parameters, tokens)};
}

double kaplan_loss_of_model(double parameters)
{
    return pow(8.8e13 / parameters, 0.076);
}

double kaplan_loss_of_data(double tokens)
{
    return pow(5.4e13 / tokens, 0.095);
}

double kaplan_loss_of_compute(double petaflop_s_days)
{
    return pow(3.1e8 / petaflop_s_days, 0.050);
}
