/* SPDX-License-Identifier: MIT
 * Diagnostics as the text that a user would see, to compare word for word. */
#ifndef CPSIM_TESTS_UNIT_DIAGNOSED_H
#define CPSIM_TESTS_UNIT_DIAGNOSED_H

#include "run_tests.h"

#include "sim/base/diagnostics.h"

#include <stdio.h>

/* The whole of what diagnostics_print() writes. The caller frees it. */
static inline char *diagnosed(const struct diagnostics *diagnostics)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(stream);
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    return text;
}

#endif
