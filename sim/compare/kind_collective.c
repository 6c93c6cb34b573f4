/* SPDX-License-Identifier: MIT
 * Collectives: from PyTorch (a `mode`), from nccl-tests (a number of nodes), and as the
 * repository's own table has them (models/collectives/collective.h's names and bytes). */
#include "sim/compare/calls.h"

#include <string.h>

enum { MOST_RANKS = 1 << 20 };

static const char *const pytorch_columns[] = {"collective", "ranks",   "bytes",
                                              "mode",       "time_us", NULL};

/* Ranks fill nodes when the table doesn't say how many there are. */
static struct group_shape group_of(struct measurement *row)
{
    uint32_t ranks = (uint32_t)measurement_count(row, "ranks", 2, MOST_RANKS);
    uint32_t nodes = measurement_has(row, "nodes")
                         ? (uint32_t)measurement_count(row, "nodes", 1, MOST_RANKS)
                         : 0;
    return row_group(row, "ranks", ranks, nodes);
}

static void predict_pytorch(struct measurement *row)
{
    static const struct measurement_choice modes[] = {{"graph", 1}, {"eager", 0}, {NULL, 0}};
    struct collective_call call = row_call(row, group_of(row), true);
    call.graph = measurement_choice(row, "mode", modes) == 1;
    if (row->wrong) {
        return;
    }
    measurement_compare(row, call_class(row, &call), "time_us", row_call_microseconds(row, &call));
}

const struct measurement_kind kind_collective = {
    .name = "collective",
    .doc = "a PyTorch collective in a CUDA graph or eager; bytes of one member's input",
    .columns = pytorch_columns,
    .without_gpu = true,
    .cluster = true,
    .software = "pytorch-nccl",
    .predict = predict_pytorch,
};

static const char *const tests_columns[] = {"collective", "ranks",   "nodes",
                                            "bytes",      "time_us", NULL};

static void predict_tests(struct measurement *row)
{
    struct collective_call call = row_call(row, group_of(row), false);
    call.integer = measurement_is(row, "dtype", "int8");
    if (row->wrong) {
        return;
    }
    measurement_compare(row, call_class(row, &call), "time_us", row_call_microseconds(row, &call));
}

const struct measurement_kind kind_collective_tests = {
    .name = "collective-tests",
    .doc = "nccl-tests: calls in a row from C; bytes as they print them",
    .columns = tests_columns,
    .without_gpu = true,
    .cluster = true,
    .software = "nccl-tests",
    .predict = predict_tests,
};

static const char *const table_columns[] = {
    "kind", "ranks", "ranks_per_node", "launch", "bytes", "microseconds", NULL};

static void predict_table(struct measurement *row)
{
    static const struct measurement_choice launches[] = {{"graph", 1}, {"eager", 0}, {NULL, 0}};
    struct measurement_choice kinds[COLLECTIVE_DISPATCH + 1] = {{NULL, 0}};
    for (int kind = 0; kind < COLLECTIVE_DISPATCH; kind++) {
        kinds[kind] =
            (struct measurement_choice){collective_kind_name((enum collective_kind)kind), kind};
    }
    uint32_t ranks = (uint32_t)measurement_count(row, "ranks", 2, MOST_RANKS);
    uint32_t in_node = (uint32_t)measurement_count(row, "ranks_per_node", 1, MOST_RANKS);
    if (in_node > ranks || ranks % in_node != 0) {
        measurement_complain(row, "ranks_per_node", "%u does not divide %u ranks", in_node, ranks);
        return;
    }
    struct collective_call call = {
        .kind = (enum collective_kind)measurement_choice(row, "kind", kinds),
        .group = row_group(row, "ranks", ranks, ranks / in_node),
        .bytes = measurement_number(row, "bytes", 1, 1e13),
        .graph = measurement_choice(row, "launch", launches) == 1,
        .integer = measurement_is(row, "integer", "yes"),
    };
    if (row->wrong) {
        return;
    }
    if (measurement_is(row, "algorithm", "nvls-tree")) { /* NCCL_ALGO=NVLSTree */
        struct software *software = ARENA_NEW(row->scratch, struct software);
        *software = *row->machine.software;
        software->library.tree = false;
        row->machine.software = software;
    }
    double microseconds = row_call_microseconds(row, &call);
    measurement_compare(row, call_class(row, &call), "microseconds", microseconds);
}

const struct measurement_kind kind_collective_table = {
    .name = "collective-table",
    .doc = "collectives with their launch; a row names its cluster and software",
    .columns = table_columns,
    .without_gpu = true,
    .cluster = true,
    .software = "nccl-tests",
    .predict = predict_table,
};
