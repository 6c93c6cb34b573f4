/* SPDX-License-Identifier: MIT
 * check_trace FILE: the trace's checker alone, for the tests that hand it broken files. */
#include "sim/trace/trace_check.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: check_trace FILE\n");
        return 2;
    }
    struct diagnostics *diagnostics = diagnostics_create();
    int status = trace_check_file(argv[1], NULL, diagnostics);
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    return status;
}
