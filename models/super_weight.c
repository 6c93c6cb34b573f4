/* SPDX-License-Identifier: MIT */
#include "models/super_weight.h"

#include <math.h>
#include <string.h>

#define PAPER "arXiv 2411.07191, Table 2"
#define CODE "the paper's code, mengxiayu/LLMSuperWeight, outliers/functional"

const struct super_weight super_weights[] = {
    {"llama-7b", 2, 3968, 7003, PAPER},   {"llama-13b", 2, 2231, 2278, PAPER},
    {"llama-13b", 2, 2231, 6939, PAPER},  {"llama-30b", 3, 5633, 12817, PAPER},
    {"llama-30b", 3, 5633, 17439, PAPER}, {"llama-30b", 10, 5633, 14386, PAPER},
    {"llama2-7b", 1, 2533, 7890, PAPER},  {"llama2-13b", 3, 4743, 7678, PAPER},
    {"mistral-7b", 1, 2070, 7310, PAPER}, {"olmo-1b", 1, 1764, 1710, PAPER},
    {"olmo-1b", 1, 1764, 8041, PAPER},    {"olmo-7b", 1, 269, 7467, PAPER},
    {"olmo-7b", 2, 269, 8275, PAPER},     {"olmo-7b", 7, 269, 453, PAPER},
    {"olmo-7b", 24, 269, 2300, PAPER},    {"phi3-mini", 2, 525, 808, PAPER},
    {"phi3-mini", 2, 1693, 808, PAPER},   {"phi3-mini", 2, 1113, 808, PAPER},
    {"phi3-mini", 4, 525, 2723, PAPER},   {"phi3-mini", 4, 1113, 2723, PAPER},
    {"phi3-mini", 4, 1693, 2723, PAPER},  {"llama3-8b", 1, 788, 2427, CODE},
    {"llama3-8b", 1, 1384, 2427, CODE},   {"llama3-8b", 1, 4062, 2427, CODE},
};
const size_t super_weight_count = sizeof super_weights / sizeof *super_weights;

size_t super_weights_of(const char *model)
{
    size_t count = 0;
    for (size_t i = 0; i < super_weight_count; i++) {
        count += strcmp(super_weights[i].model, model) == 0;
    }
    return count;
}

double super_weight_bytes(const char *model)
{
    return (double)super_weights_of(model) * (2.0 + 4.0 + 4.0);
}

/* --- accuracy by block size: the data of the paper's figure 7 and Table 6 --- */

static const double unknown = -1.0;

/* In growing order of elements, a model's rows together. */
static const struct accuracy_point {
    const char *model;
    double elements, rounded, kept;
} points[] = {
    {"llama-7b", 64.0, 69.59, unknown},     {"llama-7b", 4096.0, 66.19, unknown},
    {"llama-7b", 16384.0, 66.21, 66.21},    {"llama-7b", 65536.0, 63.41, 63.41},
    {"llama-7b", 262144.0, 50.51, 57.85},   {"llama-7b", 1048576.0, 27.55, 45.40},
    {"llama-13b", 64.0, 72.09, unknown},    {"llama-13b", 4096.0, 71.86, unknown},
    {"llama-30b", 64.0, 74.93, unknown},    {"llama-30b", 4096.0, 73.88, unknown},
    {"mistral-7b", 16384.0, 70.29, 72.26},  {"mistral-7b", 65536.0, 64.46, 65.37},
    {"mistral-7b", 262144.0, 36.88, 45.28}, {"mistral-7b", 1048576.0, 28.13, 33.82},
};

static const struct {
    const char *model;
    double accuracy;
} originals[] = {
    {"llama-7b", 70.12}, {"llama-13b", 72.39}, {"llama-30b", 75.27}, {"mistral-7b", 74.05}};

static double original_accuracy(const char *model)
{
    for (size_t i = 0; i < sizeof originals / sizeof *originals; i++) {
        if (strcmp(originals[i].model, model) == 0) {
            return originals[i].accuracy;
        }
    }
    return unknown;
}

struct super_weight_accuracy super_weight_int4(const char *model, double block_elements)
{
    struct super_weight_accuracy accuracy = {.original = original_accuracy(model)};
    for (size_t i = 0; i + 1 < sizeof points / sizeof *points; i++) {
        const struct accuracy_point *low = &points[i], *high = &points[i + 1];
        if (strcmp(low->model, model) != 0 || strcmp(high->model, model) != 0 ||
            block_elements < low->elements || block_elements > high->elements) {
            continue;
        }
        double share = log(block_elements / low->elements) / log(high->elements / low->elements);
        accuracy.known = true;
        accuracy.rounded = low->rounded + share * (high->rounded - low->rounded);
        accuracy.kept_known = low->kept >= 0.0 && high->kept >= 0.0;
        if (accuracy.kept_known) {
            accuracy.kept = low->kept + share * (high->kept - low->kept);
        }
    }
    return accuracy;
}
