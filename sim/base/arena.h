/* SPDX-License-Identifier: MIT
 * An arena: memory that lives exactly as long as the thing it was made for (a scenario, a run).
 * Whoever creates the arena owns it; what it hands out is zeroed, never freed alone, and gone with
 * arena_destroy(). Running out of memory ends the process with a sentence, exit status 1. */
#ifndef CPSIM_SIM_BASE_ARENA_H
#define CPSIM_SIM_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_create(void);
void arena_destroy(struct arena *arena);

/* Zeroed memory for `count` items of `size` bytes, aligned for any type. Never NULL. */
void *arena_array(struct arena *arena, size_t count, size_t size);
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))
#define ARENA_NEW(arena, type) ARENA_ARRAY(arena, type, 1)

char *arena_strdup(struct arena *arena, const char *text);
/* "left" "between" "right", as one text: what printing "%s%s%s" gives, for a tenth of the time. */
char *arena_join(struct arena *arena, const char *left, const char *between, const char *right);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
