/* SPDX-License-Identifier: MIT
 * Damaged traces, read as `cpsim trace` reads them: in a child, since libhdf5 crashes on some. The
 * input is the damage, for most changes of a whole file change numbers alone: records of five
 * bytes, an offset (24 bits of it, of the file's length) and what is written there; FF as the first
 * byte of an offset cuts the file there. CPSIM_FUZZ_TRACE names the trace that is damaged. */
#include "fuzz.h"

#include "sim/base/child.h"
#include "sim/trace/trace_check.h"
#include "sim/trace/trace_export.h"

#include <string.h>

static int check(void *path)
{
    struct diagnostics *diagnostics = diagnostics_create();
    int status = trace_check_file(path, NULL, diagnostics);
    diagnostics_destroy(diagnostics);
    return status;
}

static int export(void *path)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace_reader *reader = trace_reader_open(path, NULL, diagnostics);
    FILE *nowhere = fopen("/dev/null", "wb");
    if (reader != NULL && nowhere != NULL) {
        trace_export_json.write(reader, TRACE_TABLE_COUNT, nowhere);
        trace_export_chrome.write(reader, TRACE_TABLE_COUNT, nowhere);
    }
    if (nowhere != NULL) {
        fclose(nowhere);
    }
    bool sound = reader != NULL && trace_reader_close(reader);
    diagnostics_destroy(diagnostics);
    return sound ? 0 : 2;
}

/* Crashes inside the library are what the child is for; in our own code they are faults. */
static void run(int (*work)(void *), char *path)
{
    struct arena *arena = arena_create();
    struct child_end end;
    const struct child_limits limits = {.seconds = 20};
    FUZZ_EXPECT(child_run(arena, limits, work, path, &end), "no child");
    bool ours = strstr(end.said, "Sanitizer") != NULL && strstr(end.said, "libhdf5") == NULL;
    if (ours) {
        fputs(end.said, stderr);
    }
    FUZZ_EXPECT(!ours, "a fault of ours in a damaged trace");
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t whole[4 << 20], damaged[4 << 20];
    static size_t length;
    const char *sample = getenv("CPSIM_FUZZ_TRACE");
    FILE *stream = length == 0 && sample != NULL ? fopen(sample, "rb") : NULL;
    if (stream != NULL) {
        length = fread(whole, 1, sizeof whole, stream);
        fclose(stream);
    }
    FUZZ_EXPECT(length > 0, "CPSIM_FUZZ_TRACE names no trace");
    memcpy(damaged, whole, length);
    size_t left = length;
    for (size_t i = 0; i + 5 <= size; i += 5) {
        size_t at =
            ((size_t)bytes[i + 1] << 16 | (size_t)bytes[i + 2] << 8 | bytes[i + 3]) % length;
        if (bytes[i] == 0xff) {
            left = at;
        } else {
            damaged[at] = bytes[i + 4];
        }
    }
    char path[300];
    snprintf(path, sizeof path, "%s", fuzz_file(damaged, left, "h5"));
    run(check, path);
    run(export, path);
    unlink(path);
    return 0;
}
