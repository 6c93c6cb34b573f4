/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/step_weave.h"

#include "models/passes/token_weave.h"

#include <math.h>

enum { MAX_SLICES = 2 }; /* of a batch: prompts and answers */

/* The first `rows` tokens of a batch, or about so many (whole sequences of several), and the rest.
 * False when one of them would have none. */
static bool split(const struct batch *batch, uint64_t rows,
                  struct batch_slice slices[2][MAX_SLICES], struct batch groups[2])
{
    for (int group = 0; group < 2; group++) {
        groups[group] = *batch;
        groups[group].slices = slices[group];
        groups[group].slice_count = 0;
        groups[group].shared_tokens = batch->shared_tokens / 2;
    }
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        struct batch_slice first = batch->slices[i], second = first;
        uint64_t all = first.sequences * first.new_tokens;
        if (first.sequences > 1) {
            uint64_t taken = rows / first.new_tokens;
            first.sequences = (uint32_t)(taken < first.sequences ? taken : first.sequences);
            second.sequences -= first.sequences;
        } else {
            first.new_tokens = rows < all ? rows : all;
            second.new_tokens -= first.new_tokens;
            second.cached_tokens += first.new_tokens;
        }
        uint64_t used = first.sequences * first.new_tokens;
        rows -= used < rows ? used : rows;
        if (used > 0) {
            slices[0][groups[0].slice_count++] = first;
        }
        if (used < all) {
            slices[1][groups[1].slice_count++] = second;
        }
    }
    return groups[0].slice_count > 0 && groups[1].slice_count > 0;
}

/* A group's kernels, and its sums with their norms in one kernel: each rank norms its part. */
static struct weave_group weave_group_of(const struct replica *replica,
                                         const struct step_cost *cost)
{
    double tensor = replica->layout->tensor;
    return (struct weave_group){
        .kernels_seconds =
            cost->seconds - cost->host_seconds - cost->sum_seconds - cost->norm_seconds,
        .exchange_seconds = cost->sum_seconds + cost->norm_seconds / tensor,
    };
}

/* What was measured of kernels beside all-reduces, with the fused kernel's SMs: of a stage's four
 * kernels in the mean, beside its exchange. They run in the waves of a product of the group's
 * `tokens` with as many columns as the model is wide, and the blocks that an SM held ran late. */
static struct weave_loss weave_loss_of(const struct replica *replica,
                                       const struct weave_group groups[2], double tokens,
                                       double stages)
{
    enum { STAGE_KERNELS = 4 }; /* products, attention or activation, and what stands between */
    struct overlap_constants constants = replica->software->library.overlap;
    constants.node_multiprocessors = replica->software->library.custom.fused_multiprocessors;
    double kernels = groups[0].kernels_seconds + groups[1].kernels_seconds;
    double exchanges = groups[0].exchange_seconds + groups[1].exchange_seconds;
    struct overlap_kernel kernel = {.seconds = kernels / (2.0 * stages * STAGE_KERNELS)};
    kernel.wave_seconds =
        overlap_gemm_wave_seconds(&constants, (uint64_t)ceil(tokens), replica->llm->hidden,
                                  kernel.seconds, replica->gpu->streaming_multiprocessors);
    struct overlap_collective moved = {.seconds = exchanges / (2.0 * stages)};
    struct overlap_factors factors =
        overlap_slowdown(&constants, replica->gpu->streaming_multiprocessors, &kernel, &moved);
    return (struct weave_loss){.kernels_share = 1.0 - 1.0 / factors.kernel,
                               .exchange_factor = factors.collective};
}

/* The whole step without its sums' and norms' exposed time but what a weave leaves of them. */
static struct step_cost woven(const struct step_cost *whole, double kernels, double seconds)
{
    struct step_cost cost = *whole;
    double by_hand = cost.seconds - cost.gpu_seconds, before = whole->seconds;
    cost.seconds = whole->host_seconds + seconds;
    cost.gpu_seconds = cost.seconds - by_hand;
    cost.rested_seconds += cost.seconds - before;
    cost.parts.memory_kernel_seconds -= cost.norm_seconds;
    cost.parts.communication_seconds += seconds - kernels - cost.sum_seconds;
    return cost;
}

static uint64_t batch_tokens(const struct batch *batch)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        tokens += batch->slices[i].sequences * batch->slices[i].new_tokens;
    }
    return tokens;
}

struct step_cost step_weave(const struct replica *replica, const struct batch *batch,
                            enum ring_variant variant, step_weave_price *price, void *context)
{
    enum { TILE_ROWS = 128, SPLITS = 4 };
    struct step_cost whole = price(context, batch, variant);
    struct weave_group all = weave_group_of(replica, &whole);
    double best = all.kernels_seconds + all.exchange_seconds, kernels = all.kernels_seconds;
    uint64_t tokens = batch_tokens(batch), tiles = tokens / TILE_ROWS;
    for (uint64_t i = 0; i < SPLITS; i++) { /* from a tile below the middle on */
        struct batch_slice slices[2][MAX_SLICES];
        struct batch groups[2];
        uint64_t first = tiles / 2 + i;
        if (first < 2 || !split(batch, (first - 1) * TILE_ROWS, slices, groups)) {
            continue;
        }
        struct weave_group woven_groups[2];
        for (int group = 0; group < 2; group++) {
            struct step_cost cost = price(context, &groups[group], variant);
            woven_groups[group] = weave_group_of(replica, &cost);
        }
        double stages = 2.0 * replica->llm->stack.layers / replica->layout->pipeline;
        double seconds =
            token_weave_seconds(woven_groups, stages,
                                weave_loss_of(replica, woven_groups, 0.5 * (double)tokens, stages));
        if (seconds < best) {
            best = seconds;
            kernels = woven_groups[0].kernels_seconds + woven_groups[1].kernels_seconds;
        }
    }
    struct step_cost cost = woven(&whole, all.kernels_seconds, best);
    cost.parts.gemm_seconds += kernels - all.kernels_seconds; /* waves that the split leaves half
                                                                 full */
    cost.parts.communication_seconds -= kernels - all.kernels_seconds;
    return cost;
}
