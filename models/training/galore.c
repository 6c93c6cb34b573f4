/* SPDX-License-Identifier: MIT */
#include "models/training/galore.h"

#include "models/layers/half.h"

#include <math.h>

uint32_t galore_matrices(const struct training *training, const struct layer_kind *kind,
                         struct galore_matrix matrices[GALORE_MAX_MATRICES])
{
    const struct replica *replica = &training->replica;
    uint32_t rank = training->galore.rank, count = 0;
    struct weight_list list;
    layer_kind_weights(kind, replica->llm->hidden, &list);
    for (uint32_t i = 0; rank > 0 && i < list.count; i++) {
        const struct weight *weight = &list.items[i];
        uint32_t ranks = half_weight_ranks(replica, weight);
        bool whole = weight->product && weight->class != WEIGHT_PLAIN && !weight->borrowed;
        for (uint32_t j = 0; whole && j < WEIGHT_MAX_PIECES && weight->pieces[j].columns > 0; j++) {
            uint64_t columns = weight_piece_columns(weight, j, ranks);
            uint64_t depth = weight_depth(weight, ranks);
            struct galore_matrix matrix = {
                .small = columns < depth ? columns : depth,
                .large = columns < depth ? depth : columns,
                .count = half_weight_copies(replica, weight),
                .of_experts = weight->experts.count > 0 && layout_experts(replica->layout) > 1,
            };
            if (matrix.small > rank) {
                matrices[count++] = matrix;
            }
        }
    }
    return count;
}

struct galore_sizes galore_part(const struct training *training, uint32_t part, bool of_experts)
{
    const struct stack *stack = &training->replica.llm->stack;
    struct galore_sizes sizes = {0};
    for (uint32_t kind = 0; training->galore.rank > 0 && kind < stack->kind_count; kind++) {
        struct galore_matrix matrices[GALORE_MAX_MATRICES];
        uint32_t count = galore_matrices(training, &stack->kinds[kind], matrices);
        double layers = training_part_kind_layers(training, part, kind);
        for (uint32_t i = 0; i < count; i++) {
            double m = (double)matrices[i].small, n = (double)matrices[i].large;
            double all = matrices[i].of_experts == of_experts ? layers * matrices[i].count : 0.0;
            sizes.parameters += all * m * n;
            sizes.moments += all * training->galore.rank * n;
            sizes.directions += all * training->galore.rank * m;
            sizes.svd_flops += all * (6.0 * n * m * m + 20.0 * m * m * m);
        }
    }
    return sizes;
}

double galore_svd_seconds(const struct training *training)
{
    struct pipeline pipeline = training_pipeline(training);
    double rate = training->replica.software->training.svd_flops_per_second, most = 0.0;
    for (uint32_t stage = 0; training->galore.rank > 0 && stage < pipeline.stages; stage++) {
        double all = 0.0, of_experts = 0.0;
        for (uint32_t chunk = 0; chunk < pipeline.chunks; chunk++) {
            uint32_t part = pipeline_part(training->schedule, &pipeline, stage, chunk);
            double experts = galore_part(training, part, true).svd_flops;
            all += galore_part(training, part, false).svd_flops + experts;
            of_experts += experts;
        }
        bool shared = training->sharding != SHARDING_NONE;
        most = fmax(most, shared ? training_sharded(training, all, of_experts) : all);
    }
    return most > 0.0 ? most / rate : 0.0;
}
