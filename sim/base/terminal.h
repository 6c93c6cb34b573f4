/* SPDX-License-Identifier: MIT
 * What a stream can show. */
#ifndef CPSIM_SIM_BASE_TERMINAL_H
#define CPSIM_SIM_BASE_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Whether escape codes may be written to it: a terminal, TERM set and not "dumb", NO_COLOR unset or
 * empty (no-color.org). */
bool terminal_takes_escapes(FILE *stream);

/* Whether a line may be written over with \r, without an escape: as above, whatever NO_COLOR says.
 */
bool terminal_rewrites(FILE *stream);

#endif
