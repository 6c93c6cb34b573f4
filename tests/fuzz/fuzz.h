/* SPDX-License-Identifier: MIT
 * What the fuzzers share. Each is a function of bytes: LLVMFuzzerTestOneInput(), as libFuzzer calls
 * it (-DCPSIM_FUZZ=ON, with clang) and as replay.c does with the corpus in every build. It must
 * end, leak nothing and touch no memory that is not its own; what it thinks of the bytes is its own
 * affair, but for what it asserts. */
#ifndef CPSIM_TESTS_FUZZ_H
#define CPSIM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A fault of ours, said and counted. */
#define FUZZ_EXPECT(condition, what)                                                               \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "fuzz: %s:%d: %s\n", __FILE__, __LINE__, what);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Writes the bytes into a file of this process in the temporary folder; its path. */
static inline const char *fuzz_file(const uint8_t *bytes, size_t size, const char *ending)
{
    static char path[256];
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/cpsim-fuzz-%ld.%s", folder, (long)getpid(), ending);
    FILE *stream = fopen(path, "wb");
    FUZZ_EXPECT(stream != NULL, "no temporary file");
    fwrite(bytes, 1, size, stream);
    fclose(stream);
    return path;
}

#endif
