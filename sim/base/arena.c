/* SPDX-License-Identifier: MIT */
#include "sim/base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct block {
    struct block *older;
    size_t used, capacity;
    max_align_t data[];
};

struct arena {
    struct block *newest;
};

static void *or_exit(void *memory, size_t bytes)
{
    if (memory == NULL) {
        fprintf(stderr, "cpsim: error: out of memory (%zu bytes asked for)\n", bytes);
        exit(1);
    }
    return memory;
}

struct arena *arena_create(void)
{
    struct arena *arena = or_exit(malloc(sizeof *arena), sizeof *arena);
    *arena = (struct arena){.newest = NULL};
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    free(arena);
}

/* A block of its own, behind the one that fills; the system's pages are zero before they are used.
 */
static void *large_array(struct arena *arena, size_t bytes)
{
    size_t size = sizeof(struct block) + bytes;
    struct block *block = or_exit(calloc(1, size), size);
    block->used = block->capacity = bytes;
    if (arena->newest == NULL) {
        arena->newest = block;
    } else {
        block->older = arena->newest->older;
        arena->newest->older = block;
    }
    return block->data;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    assert(size > 0 && count <= (SIZE_MAX / 2) / size && "an array larger than memory");
    size_t bytes = count * size;
    bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct block *block = arena->newest;
    if (bytes > BLOCK_BYTES) {
        return large_array(arena, bytes);
    }
    if (block == NULL || block->capacity - block->used < bytes) {
        size_t whole = sizeof *block + BLOCK_BYTES;
        block = or_exit(malloc(whole), whole);
        *block = (struct block){.older = arena->newest, .capacity = BLOCK_BYTES};
        arena->newest = block;
    }
    /* Zeroed as it is handed out: what nobody uses of a block is never touched. */
    void *memory = memset((char *)block->data + block->used, 0, bytes);
    block->used += bytes;
    return memory;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(arena_array(arena, bytes, 1), text, bytes);
}

char *arena_join(struct arena *arena, const char *left, const char *between, const char *right)
{
    size_t first = strlen(left), second = strlen(between), third = strlen(right);
    char *text = arena_array(arena, first + second + third + 1, 1);
    memcpy(text, left, first);
    memcpy(text + first, between, second);
    memcpy(text + first + second, right, third);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    assert(length >= 0 && "a format that vsnprintf cannot print");
    char *text = arena_array(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
