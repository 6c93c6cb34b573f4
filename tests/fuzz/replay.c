/* SPDX-License-Identifier: MIT
 * A fuzzer without libFuzzer: runs each file of the folder that is named. */
#include "fuzz.h"

#include <dirent.h>

int main(int count, char **arguments)
{
    DIR *folder = count == 2 ? opendir(arguments[1]) : NULL;
    FUZZ_EXPECT(folder != NULL, "usage: fuzz_NAME CORPUS");
    unsigned run = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        static uint8_t bytes[1 << 20];
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", arguments[1], entry->d_name);
        FILE *stream = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (stream != NULL) {
            size_t size = fread(bytes, 1, sizeof bytes, stream);
            fclose(stream);
            LLVMFuzzerTestOneInput(bytes, size);
            run++;
        }
    }
    closedir(folder);
    FUZZ_EXPECT(run > 0, "an empty corpus");
    printf("%u inputs\n", run);
    return 0;
}
