/* SPDX-License-Identifier: MIT
 * Who holds a training step up, from its trace alone: cpsim trace blame FILE. It knows no scenario:
 * only when passes began and how long they lasted, as a profile of a real job would say. */
#ifndef CPSIM_SIM_TRACE_TRACE_BLAME_H
#define CPSIM_SIM_TRACE_TRACE_BLAME_H

#include "sim/trace/trace_read.h"

#include <stdio.h>

/* Prints, in so many columns, a row a stage and a sentence: the stage, or its network card, that
 * the others wait for, or that there is none. false and a diagnostic: the trace is none of a
 * training step. */
bool trace_blame(struct trace_reader *reader, const char *path, size_t columns, FILE *stream,
                 struct diagnostics *diagnostics);

#endif
