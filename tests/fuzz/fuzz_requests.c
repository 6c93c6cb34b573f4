/* SPDX-License-Identifier: MIT
 * Recorded traces of requests, in each format, and tables of lengths. The first byte picks which.
 */
#include "fuzz.h"

#include "sim/serving/load/request_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const char *path = fuzz_file(bytes + 1, size - 1, "csv");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    unsigned kind = (uint8_t)(bytes[0] - '0') % 9U;
    bool read = false;
    if (kind == 3) {
        struct length_table table = {.count = 0};
        read = length_table_read(arena, path, &table, diagnostics);
    } else {
        /* kinds 0 to 2 are the first formats (so the corpus stays good), 4 on the others */
        unsigned format = kind < 3 ? kind : kind - 1;
        struct arrivals arrivals = {
            .file = path, .format = (enum request_trace_format)format, .characters_per_token = 4.0};
        struct request_trace trace = {.count = 0};
        const struct request_class named[] = {{.name = "chat"}, {.name = "batch"}};
        const struct trace_classes classes = {.says = named, .count = 2};
        read = request_trace_read(arena, &arrivals, true, &classes, &trace, diagnostics);
        for (size_t i = 1; read && i < trace.count; i++) {
            FUZZ_EXPECT(trace.items[i - 1].seconds <= trace.items[i].seconds, "not in order");
        }
    }
    FUZZ_EXPECT(read == (diagnostics_error_count(diagnostics) == 0), "read with errors, or none");
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    return 0;
}
