/* SPDX-License-Identifier: MIT
 * The reference part of docs/trace-format.md, made from the tables. */
#ifndef CPSIM_SIM_TRACE_TRACE_REFERENCE_H
#define CPSIM_SIM_TRACE_TRACE_REFERENCE_H

#include <stdio.h>

/* Markdown: one section a table, one line a column. */
void trace_write_reference(FILE *stream);

#endif
