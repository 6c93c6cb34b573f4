/* SPDX-License-Identifier: MIT */
#include "models/numeric/checksum.h"

#include <string.h>

uint64_t checksum_bytes(uint64_t checksum, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        checksum = (checksum ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return checksum;
}

uint64_t checksum_text(uint64_t checksum, const char *text)
{
    return checksum_bytes(checksum, text, strlen(text) + 1);
}
