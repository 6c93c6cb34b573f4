/* SPDX-License-Identifier: MIT */
#include "sim/base/hash_table.h"

#include <assert.h>
#include <string.h>

/* Of `room` items: places for twice as many. */
static void set_room(struct hash_table *table, uint32_t room)
{
    assert(room <= UINT32_MAX / 4 && "places have numbers of 32 bits");
    uint32_t count = 2;
    while (count < 2 * room) {
        count *= 2;
    }
    table->places = ARENA_ARRAY(table->arena, struct hash_place, count);
    table->mask = count - 1;
}

void hash_table_create(struct hash_table *table, struct arena *arena, uint32_t room)
{
    *table = (struct hash_table){.arena = arena};
    set_room(table, room);
}

void hash_table_clear(struct hash_table *table)
{
    if (table->count > 0) {
        memset(table->places, 0, (table->mask + (size_t)1) * sizeof *table->places);
        table->count = 0;
    }
}

static void put(struct hash_table *table, struct hash_place place)
{
    uint32_t at = place.hash & table->mask;
    while (table->places[at].item != HASH_NONE) {
        at = (at + 1) & table->mask;
    }
    table->places[at] = place;
}

static void grow(struct hash_table *table)
{
    const struct hash_place *old = table->places;
    uint32_t last = table->mask;
    set_room(table, last + 1);
    for (uint32_t i = 0; i <= last; i++) {
        if (old[i].item != HASH_NONE) {
            put(table, old[i]);
        }
    }
}

void hash_table_add(struct hash_table *table, uint64_t hash, uint32_t item)
{
    assert(item != HASH_NONE && "items are numbered from 1");
    if (2 * (table->count + (uint64_t)1) > table->mask + (uint64_t)1) {
        grow(table);
    }
    table->count++;
    put(table, (struct hash_place){.item = item, .hash = hash_walk(table, hash).hash});
}

static uint32_t place_of(const struct hash_table *table, uint64_t hash, uint32_t item)
{
    uint32_t at = hash_walk(table, hash).place;
    while (table->places[at].item != item) {
        assert(table->places[at].item != HASH_NONE && "the item is in the table");
        at = (at + 1) & table->mask;
    }
    return at;
}

/* Those that were pushed past the hole move up. */
void hash_table_remove(struct hash_table *table, uint64_t hash, uint32_t item)
{
    struct hash_place *places = table->places;
    uint32_t mask = table->mask, hole = place_of(table, hash, item);
    for (uint32_t next = (hole + 1) & mask; places[next].item != HASH_NONE;
         next = (next + 1) & mask) {
        uint32_t home = places[next].hash & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            places[hole] = places[next];
            hole = next;
        }
    }
    places[hole].item = HASH_NONE;
    table->count--;
}

void hash_table_replace(struct hash_table *table, uint64_t hash, uint32_t item, uint32_t by)
{
    assert(by != HASH_NONE && "items are numbered from 1");
    table->places[place_of(table, hash, item)].item = by;
}
