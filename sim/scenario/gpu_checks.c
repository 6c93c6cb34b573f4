/* SPDX-License-Identifier: MIT */
#include "sim/scenario/gpu_checks.h"

#include "sim/base/quantity.h"

/* The least share of the dense rate that a stated rate may be: no power limit costs as much. */
static const double LEAST_STATED = 0.1;

struct gpu_checker {
    const struct checker *checker;
    const char *key;
    const struct gpu *gpu;
};

static const char *path_of(const struct gpu_checker *check, const char *member)
{
    return arena_printf(check->checker->arena, "%s.%s", check->key, member);
}

static bool are_known(const struct gpu_checker *check, const char *first, const char *second)
{
    return is_known(check->checker, path_of(check, first)) &&
           is_known(check->checker, path_of(check, second));
}

/* Not when a scenario changes one value of a file to ask what if: the other is then the file's. */
static bool is_to_blame(const struct gpu_checker *check, const char *member, const char *other)
{
    struct node *tree = check->checker->tree;
    const struct node *own = node_find(tree, path_of(check, member));
    const struct node *its = node_find(tree, path_of(check, other));
    return own == NULL || its == NULL || own->origin != ORIGIN_DATA || its->origin == ORIGIN_DATA;
}

#define COMPLAIN(check, member, format, ...)                                                       \
    DIAGNOSE_ERROR((check)->checker->diagnostics,                                                  \
                   mark_of((check)->checker, path_of((check), member)), "%s.%s: " format,          \
                   (check)->key, member, __VA_ARGS__)

/* Matrix units do no less in narrower operands. Zeros are formats that they lack. */
static void check_rates(const struct gpu_checker *check)
{
    static const enum format widest_first[] = {FORMAT_BF16, FORMAT_FP8, FORMAT_FP6, FORMAT_FP4};
    const double *rates = check->gpu->dense_flops_per_second;
    enum format wider = FORMAT_UNSET;
    for (size_t i = 0; i < sizeof widest_first / sizeof *widest_first; i++) {
        enum format format = widest_first[i];
        const char *member =
            arena_printf(check->checker->arena, "dense_rate.%s", format_name(format));
        if (!is_known(check->checker, path_of(check, member)) || rates[format] <= 0.0) {
            continue;
        }
        if (wider != FORMAT_UNSET && rates[format] < rates[wider] &&
            is_to_blame(check, member,
                        arena_printf(check->checker->arena, "dense_rate.%s", format_name(wider)))) {
            COMPLAIN(
                check, member,
                "%.4g TFLOP/s is less than the %.4g TFLOP/s of %s, which is wider; 0 says that "
                "the GPU has none",
                rates[format] / 1e12, rates[wider] / 1e12, format_name(wider));
        }
        wider = format;
    }
    double bf16 = rates[FORMAT_BF16], stated = check->gpu->stated_flops_per_second;
    if (is_known(check->checker, path_of(check, "dense_rate.bf16")) && bf16 <= 0.0) {
        COMPLAIN(check, "dense_rate.bf16",
                 "%g; what no other format does is done in bf16, so the GPU needs a rate for it",
                 bf16);
    } else if (are_known(check, "dense_rate.bf16", "stated_rate") && stated > 0.0 &&
               (stated > bf16 || stated < LEAST_STATED * bf16) &&
               is_to_blame(check, "stated_rate", "dense_rate.bf16")) {
        COMPLAIN(check, "stated_rate",
                 "%.4g TFLOP/s is of no GPU whose dense_rate.bf16 is %.4g TFLOP/s; expected that "
                 "rate or less, down to %.0f %% of it",
                 stated / 1e12, bf16 / 1e12, 100.0 * LEAST_STATED);
    }
}

static void check_power(const struct gpu_checker *check)
{
    const struct gpu *gpu = check->gpu;
    double limit = gpu->power_limit_watts, idle = gpu->idle_watts;
    if (!are_known(check, "power_limit", "idle_power")) {
        return;
    }
    if (idle > limit) {
        COMPLAIN(check, "idle_power", "%.4g W is over the power limit of %.4g W", idle, limit);
    } else if (is_known(check->checker, path_of(check, "clock_power")) &&
               idle + gpu->clock_watts > limit) {
        COMPLAIN(check, "clock_power",
                 "%.4g W and idle_power %.4g W are over the power limit of %.4g W, before any work "
                 "is done",
                 gpu->clock_watts, idle, limit);
    }
    double memory = gpu->memory_joules_per_byte * gpu->memory_bytes_per_second;
    if (are_known(check, "memory_joules_per_byte", "memory_rate") && memory > limit) {
        COMPLAIN(check, "memory_joules_per_byte",
                 "%.3g at the memory's rate are %.4g W, over the power limit of %.4g W",
                 gpu->memory_joules_per_byte, memory, limit);
    }
}

static void check_memory(const struct gpu_checker *check)
{
    const struct gpu *gpu = check->gpu;
    if (are_known(check, "l2", "memory") && gpu->l2_bytes > gpu->memory_bytes) {
        COMPLAIN(check, "l2", "%s is more than the memory that it is a cache of, %s",
                 quantity_bytes(gpu->l2_bytes).text, quantity_bytes(gpu->memory_bytes).text);
    }
    if (are_known(check, "l2_rate", "memory_rate") &&
        gpu->l2_bytes_per_second < gpu->memory_bytes_per_second * gpu->memory_efficiency &&
        is_to_blame(check, "l2_rate", "memory_rate")) {
        COMPLAIN(check, "l2_rate",
                 "%.4g GB/s is less than the memory behind it gives, %.4g GB/s of memory_rate x "
                 "memory_efficiency",
                 gpu->l2_bytes_per_second / 1e9,
                 gpu->memory_bytes_per_second * gpu->memory_efficiency / 1e9);
    }
}

void check_gpu(const struct checker *checker, const char *key, const struct gpu *gpu)
{
    struct gpu_checker check = {.checker = checker, .key = key, .gpu = gpu};
    if (node_get(checker->tree, key) == NULL) {
        return;
    }
    check_rates(&check);
    check_power(&check);
    check_memory(&check);
}
