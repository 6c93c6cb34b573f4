/* SPDX-License-Identifier: MIT */
#include "sim/compare/calls.h"

#include "sim/compare/shapes.h"

#include <string.h>

struct group_shape row_group(struct measurement *row, const char *column, uint32_t ranks,
                             uint32_t nodes)
{
    const struct cluster *cluster = row->machine.cluster;
    uint32_t gpus = cluster->gpus_per_node;
    if (nodes == 0) {
        nodes = ranks / gpus + (ranks % gpus != 0);
    }
    struct group_shape group = {.ranks = ranks, .ranks_per_node = ranks / nodes};
    if (ranks % nodes != 0) {
        measurement_complain(row, column, "%u ranks are not alike on %u nodes", ranks, nodes);
        group.ranks_per_node = ranks;
    } else if (group.ranks_per_node > gpus) {
        measurement_complain(row, column, "%u ranks a node, but a node of %s has %u GPUs",
                             group.ranks_per_node, cluster->name, gpus);
    }
    return group;
}

struct collective_call row_call(struct measurement *row, struct group_shape group,
                                bool member_bytes)
{
    static const struct measurement_choice kinds[] = {{"all_reduce", COLLECTIVE_ALL_REDUCE},
                                                      {"all_gather", COLLECTIVE_ALL_GATHER},
                                                      {"reduce_scatter", COLLECTIVE_REDUCE_SCATTER},
                                                      {"all_to_all", COLLECTIVE_ALL_TO_ALL},
                                                      {"alltoall", COLLECTIVE_ALL_TO_ALL},
                                                      {"sendrecv_ring", COLLECTIVE_SEND_RECV},
                                                      {"send", COLLECTIVE_SEND},
                                                      {NULL, 0}};
    enum collective_kind kind = (enum collective_kind)measurement_choice(row, "collective", kinds);
    bool shares = kind == COLLECTIVE_ALL_GATHER || kind == COLLECTIVE_REDUCE_SCATTER;
    return (struct collective_call){
        .kind = kind,
        .group = group,
        .bytes =
            measurement_number(row, "bytes", 1, 1e13) * (shares && member_bytes ? group.ranks : 1),
        .graph = true,
    };
}

double row_call_microseconds(struct measurement *row, const struct collective_call *call)
{
    const struct machine *machine = &row->machine;
    measurement_extrapolates(row, collective_extrapolation(&machine->software->library, call));
    struct collective_plan plan = collective_plan(machine->cluster, machine->software, call);
    return 1e6 * collective_seconds(machine->cluster, &plan);
}

const char *call_class(const struct measurement *row, const struct collective_call *call)
{
    const struct machine *machine = &row->machine;
    static const char *const names[COLLECTIVE_KIND_COUNT] = {
        [COLLECTIVE_ALL_REDUCE] = "all-reduce in a node",
        [COLLECTIVE_ALL_GATHER] = "all-gather in a node",
        [COLLECTIVE_REDUCE_SCATTER] = "reduce-scatter in a node",
        [COLLECTIVE_ALL_TO_ALL] = "all-to-all in a node",
        [COLLECTIVE_SEND_RECV] = "send and receive in a node",
        [COLLECTIVE_SEND] = "send in a node",
        [COLLECTIVE_DISPATCH] = "tokens to experts in a node",
        [COLLECTIVE_COMBINE] = "tokens from experts in a node",
    };
    uint32_t nodes = call->group.ranks / call->group.ranks_per_node;
    if (nodes > 2) {
        return "collectives on more nodes";
    }
    if (nodes == 2) {
        return "collectives on two nodes";
    }
    bool custom = call->kind == COLLECTIVE_ALL_REDUCE &&
                  call->bytes <= machine->software->library.custom.largest_bytes;
    return custom ? "custom all-reduce in a node" : names[call->kind];
}
