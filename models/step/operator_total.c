/* SPDX-License-Identifier: MIT */
#include "models/step/operator_total.h"

#include <assert.h>
#include <string.h>

const char *operator_kind_name(enum operator_kind kind)
{
    static const char *const names[OPERATOR_KIND_COUNT] = {
        [OPERATOR_GEMM] = "gemm",
        [OPERATOR_ATTENTION] = "attention",
        [OPERATOR_MEMORY] = "memory",
        [OPERATOR_KERNEL] = "kernel",
        [OPERATOR_COLLECTIVE] = "collective",
        [OPERATOR_HOST] = "host",
    };
    assert(kind < OPERATOR_KIND_COUNT && "not a kind of operator");
    return names[kind];
}

static bool is_of(const struct operator_total *total, const struct step_segment *segment,
                  const struct step_operator *op)
{
    return total->part == segment->part && total->layer_kind == segment->kind &&
           total->first_layer == segment->layer && strcmp(total->name, op->name) == 0;
}

static struct operator_total *total_of(struct operator_totals *totals,
                                       const struct step_segment *segment,
                                       const struct step_operator *op)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        if (is_of(&totals->totals[i], segment, op)) {
            return &totals->totals[i];
        }
    }
    assert(totals->count < totals->capacity && "more names of operators than were planned");
    struct operator_total *total = &totals->totals[totals->count++];
    *total = (struct operator_total){
        .segment = segment->name,
        .name = op->name,
        .part = segment->part,
        .layer_kind = segment->kind,
        .first_layer = segment->layer,
        .distinct = segment->distinct,
        .kind = op->kind,
        .bound = op->cost.bound,
        .format = op->kind == OPERATOR_GEMM ? op->gemm.format : FORMAT_BF16,
        .fabric = op->kind == OPERATOR_COLLECTIVE &&
                  op->collective.call.group.ranks > op->collective.call.group.ranks_per_node,
        .algorithm = op->kind == OPERATOR_COLLECTIVE ? op->plan.algorithm : NULL,
        .repeat = segment->repeat,
    };
    return total;
}

struct addition {
    struct operator_totals *totals;
    const struct step_segment *segment;
};

static void add_exposed(void *context, const struct step_operator *op, double seconds)
{
    const struct addition *addition = context;
    if (op != NULL) {
        total_of(addition->totals, addition->segment, op)->exposed_seconds += seconds;
    }
}

void operator_totals_add(struct operator_totals *totals, const struct step_segment *segment,
                         const struct span *spans, double end_seconds)
{
    struct addition addition = {.totals = totals, .segment = segment};
    breakdown_walk(segment, spans, end_seconds, add_exposed, &addition);
    totals->step_seconds += segment->repeat * end_seconds;
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        struct operator_total *total = total_of(totals, segment, op);
        total->calls++;
        total->seconds += spans[i].end_seconds - spans[i].start_seconds;
        total->flops += op->cost.flops;
        total->bytes += op->cost.bytes;
        struct traffic sent = operator_traffic(op);
        total->bytes += sent.node_bytes + sent.fabric_bytes;
        total->fabric_bytes += sent.fabric_bytes;
    }
}
