/* SPDX-License-Identifier: MIT
 * What crosses links over time, for /link_series: bytes in stretches of time, alike long. Without a
 * length asked for they begin short and double as the run outgrows them, so that it ends with 512
 * to 1,024. Owner: the arena. */
#ifndef CPSIM_SIM_TRACE_LINK_SERIES_H
#define CPSIM_SIM_TRACE_LINK_SERIES_H

#include "sim/base/arena.h"
#include "sim/trace/trace.h"

#include <stddef.h>

struct link_series;

/* `interval_seconds` 0: as said above. Links are numbered from 0, as the caller likes. */
struct link_series *link_series_create(struct arena *arena, size_t link_count,
                                       double interval_seconds);

/* `bytes` cross the link evenly from `from_seconds` to `to_seconds` of the run. */
void link_series_add(struct link_series *series, size_t link, double from_seconds,
                     double to_seconds, double bytes);

/* The same `count` times, each `period_seconds` after the one before; `bytes` is once. Repeats
 * shorter than a stretch are spread evenly over all of them. */
void link_series_add_repeated(struct link_series *series, size_t link, double from_seconds,
                              double to_seconds, double bytes, double period_seconds, double count);

/* Rows of /link_series for row `row` of /links, which is the sum of [count] links, up to the run's
 * end: one a stretch in which anything moved. */
void link_series_write(const struct link_series *series, const size_t *links, size_t count,
                       uint32_t row, double end_seconds, struct trace *trace);

#endif
