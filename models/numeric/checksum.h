/* SPDX-License-Identifier: MIT
 * 64-bit FNV-1a, to recognise bytes that were torn or are another sweep's; no secret depends on it.
 * Start from CHECKSUM_START. */
#ifndef CPSIM_MODELS_NUMERIC_CHECKSUM_H
#define CPSIM_MODELS_NUMERIC_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_START UINT64_C(0xcbf29ce484222325)

uint64_t checksum_bytes(uint64_t checksum, const void *bytes, size_t size);
uint64_t checksum_text(uint64_t checksum, const char *text); /* its end included */

#endif
