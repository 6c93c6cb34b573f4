/* SPDX-License-Identifier: MIT */
#include "models/architecture/mixer_rows.h"

static void none_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    (void)mixer, (void)hidden, (void)list;
}

static struct mixer_cache none_cache(const struct mixer *mixer)
{
    (void)mixer;
    return (struct mixer_cache){.tokens_per_entry = 1.0};
}

static double none_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    (void)mixer, (void)new_tokens, (void)cached_tokens;
    return 0.0;
}

const struct mixer_row mixer_none = {.name = "none",
                                     .doc = "No mixing: a feed-forward block alone.",
                                     .weights = none_weights,
                                     .cache = none_cache,
                                     .flops = none_flops};

const struct mixer_row *const mixer_rows[MIXER_KIND_COUNT] = {
    [MIXER_NONE] = &mixer_none,
    [MIXER_GQA] = &mixer_gqa,
};
