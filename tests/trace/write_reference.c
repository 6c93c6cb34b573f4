/* SPDX-License-Identifier: MIT
 * Prints the reference part of docs/trace-format.md; test_reference.sh compares the two. */
#include "sim/trace/trace_reference.h"

int main(void)
{
    trace_write_reference(stdout);
    return 0;
}
