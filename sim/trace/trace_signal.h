/* SPDX-License-Identifier: MIT
 * Ctrl-C (SIGINT) and SIGTERM while a trace is being written: the first ends the run at its next
 * row, with what there is in FILE.part; a second kills as ever. Off until it is asked for:
 * processes of a sweep have handlers of their own. */
#ifndef CPSIM_SIM_TRACE_TRACE_SIGNAL_H
#define CPSIM_SIM_TRACE_TRACE_SIGNAL_H

void trace_signal_await(void);

/* The signal that has come, 0: none. */
int trace_signal_seen(void);

#endif
