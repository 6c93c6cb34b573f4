/* SPDX-License-Identifier: MIT
 * A dictionary of a column's few names: the first name added is 0, the next new one 1. The order is
 * that of arrival, so equal runs give equal codes. Owner of the table and the copies: the arena. */
#ifndef CPSIM_SIM_TRACE_NAME_TABLE_H
#define CPSIM_SIM_TRACE_NAME_TABLE_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* What fits into one HDF5 attribute: 64 KiB of references, 16 bytes a name, less its header. */
enum { NAME_TABLE_CAPACITY = 4000 };

struct name_table;

struct name_table *name_table_create(struct arena *arena);

/* The code of `name`, added if it is new. false when it is new and the table is full. */
bool name_table_code(struct name_table *table, const char *name, uint16_t *code);

uint16_t name_table_count(const struct name_table *table);
const char *const *name_table_names(const struct name_table *table); /* [name_table_count()] */

#endif
