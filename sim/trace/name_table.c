/* SPDX-License-Identifier: MIT */
#include "sim/trace/name_table.h"

#include <string.h>

enum { SLOTS = 8192 };
_Static_assert(SLOTS >= 2 * NAME_TABLE_CAPACITY, "probing is quick while half the slots are free");

struct name_table {
    struct arena *arena;
    const char *names[NAME_TABLE_CAPACITY];
    uint16_t count;
    uint16_t slots[SLOTS]; /* code + 1; 0: free */
};

struct name_table *name_table_create(struct arena *arena)
{
    struct name_table *table = ARENA_NEW(arena, struct name_table);
    table->arena = arena;
    return table;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo); the two constants are its definition. */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return value;
}

bool name_table_code(struct name_table *table, const char *name, uint16_t *code)
{
    size_t slot = hash(name) % SLOTS;
    for (; table->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        uint16_t found = (uint16_t)(table->slots[slot] - 1);
        if (strcmp(table->names[found], name) == 0) {
            *code = found;
            return true;
        }
    }
    if (table->count == NAME_TABLE_CAPACITY) {
        return false;
    }
    *code = table->count;
    table->names[table->count] = arena_strdup(table->arena, name);
    table->slots[slot] = ++table->count;
    return true;
}

uint16_t name_table_count(const struct name_table *table)
{
    return table->count;
}

const char *const *name_table_names(const struct name_table *table)
{
    return table->names;
}
