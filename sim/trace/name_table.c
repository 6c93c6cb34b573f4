/* SPDX-License-Identifier: MIT */
#include "sim/trace/name_table.h"

#include "models/numeric/checksum.h"
#include "sim/base/hash_table.h"

#include <string.h>

struct name_table {
    struct arena *arena;
    const char *names[NAME_TABLE_CAPACITY];
    uint16_t count;
    struct hash_table table; /* code + 1 */
};

struct name_table *name_table_create(struct arena *arena)
{
    struct name_table *table = ARENA_NEW(arena, struct name_table);
    table->arena = arena;
    hash_table_create(&table->table, arena, NAME_TABLE_CAPACITY);
    return table;
}

bool name_table_code(struct name_table *table, const char *name, uint16_t *code)
{
    uint64_t hash = checksum_text(CHECKSUM_START, name);
    struct hash_walk walk = hash_walk(&table->table, hash);
    for (uint32_t item; (item = hash_next(&walk)) != HASH_NONE;) {
        uint16_t found = (uint16_t)(item - 1);
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
    hash_table_add(&table->table, hash, ++table->count);
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
