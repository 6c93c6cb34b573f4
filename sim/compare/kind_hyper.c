/* SPDX-License-Identifier: MIT
 * Hyper-connections before and after half a layer. */
#include "models/kernels/hyper_connection.h"
#include "sim/compare/shapes.h"

static const char *const columns[] = {"engine", "op",     "sites",   "streams",
                                      "hidden", "tokens", "time_us", NULL};

static void predict(struct measurement *row)
{
    enum { MOST_SITES = 8 };
    static const struct measurement_choice ops[] = {{"pre", 0}, {"post", 1}, {NULL, 0}};
    struct hyper_shape shape = {
        .post = measurement_choice(row, "op", ops) == 1,
        .tokens = measurement_count(row, "tokens", 1, ROW_MOST),
        .streams = (uint32_t)measurement_count(row, "streams", 1, 64),
        .hidden = (uint32_t)measurement_count(row, "hidden", 1, ROW_MOST),
    };
    size_t sites = measurement_count(row, "sites", 1, MOST_SITES);
    const struct kernel_library *engine = row_engine_kernels(row);
    if (row->wrong) {
        return;
    }
    const struct hyper_kernels *library = &engine->mixers.hyper;
    struct kernel_work works[MOST_SITES];
    for (size_t i = 0; i < sites; i++) {
        works[i] = hyper_connection_work(
            row->machine.gpu, shape.post ? &library->post.wide : &library->pre.wide, &shape);
    }
    row_compare_works(row, works, sites,
                      engine_class(row, "hyper-connections", shape.post ? "after" : "before"));
}

const struct measurement_kind kind_hyper = {
    .name = "hyper-connections",
    .doc = "before (pre) and after (post) half a layer, `sites` times",
    .columns = columns,
    .predict = predict,
};
