/* SPDX-License-Identifier: MIT
 * Finds items of a caller's array by a hash of what they are known by: open addressing, linear
 * probing, at most half full. The table holds items' numbers, from 1 on, each with its hash; what a
 * key is, and whether an item has it, the caller knows:
 *
 *     struct hash_walk walk = hash_walk(table, hash);
 *     while ((item = hash_next(&walk)) != HASH_NONE && !has_key(item, key)) {
 *     }
 *
 * Items of equal hash come in no promised order. Owner: the arena. Nothing is allocated as long as
 * there are no more items than there once were, or `room`. */
#ifndef CPSIM_SIM_BASE_HASH_TABLE_H
#define CPSIM_SIM_BASE_HASH_TABLE_H

#include "sim/base/arena.h"

#include <stdint.h>

enum { HASH_NONE = 0 };

struct hash_place {
    uint32_t item; /* HASH_NONE: free */
    uint32_t hash;
};

struct hash_table {
    struct arena *arena;
    struct hash_place *places; /* [mask + 1], a power of two */
    uint32_t mask, count;
};

void hash_table_create(struct hash_table *table, struct arena *arena, uint32_t room);
void hash_table_clear(struct hash_table *table);

/* An item that is in the table once more would be found twice. */
void hash_table_add(struct hash_table *table, uint64_t hash, uint32_t item);
/* An item that is in the table under this hash: it goes, or `by` stands in its place. */
void hash_table_remove(struct hash_table *table, uint64_t hash, uint32_t item);
void hash_table_replace(struct hash_table *table, uint64_t hash, uint32_t item, uint32_t by);

struct hash_walk {
    const struct hash_table *table;
    uint32_t place, hash;
};

static inline struct hash_walk hash_walk(const struct hash_table *table, uint64_t hash)
{
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return (struct hash_walk){.table = table, .place = folded & table->mask, .hash = folded};
}

/* The next item of that hash; HASH_NONE: there are no more. */
static inline uint32_t hash_next(struct hash_walk *walk)
{
    for (;;) {
        const struct hash_place *place = &walk->table->places[walk->place];
        if (place->item == HASH_NONE) {
            return HASH_NONE;
        }
        walk->place = (walk->place + 1) & walk->table->mask;
        if (place->hash == walk->hash) {
            return place->item;
        }
    }
}

#endif
