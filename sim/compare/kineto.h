/* SPDX-License-Identifier: MIT
 * A trace of PyTorch's profiler (Kineto's Chrome trace, made with record_shapes=True): the products
 * and attention in it as tables of the kinds that predict them, a row a shape, its time the median
 * of its calls. A kernel belongs to the operator that launched it ("External id"). */
#ifndef CPSIM_SIM_COMPARE_KINETO_H
#define CPSIM_SIM_COMPARE_KINETO_H

#include "sim/base/csv.h"

enum { KINETO_MOST_TABLES = 2 };

bool kineto_is_one(const char *text);

struct kineto_tables {
    const struct csv **tables; /* [count], at most KINETO_MOST_TABLES */
    size_t count;
};

/* `text` is changed. A note says what share of the kernels' time the tables have, and which kernels
 * take the rest. False after an error. */
bool kineto_read(struct arena *arena, const char *path, char *text, size_t size,
                 struct kineto_tables *tables, struct diagnostics *diagnostics);

#endif
