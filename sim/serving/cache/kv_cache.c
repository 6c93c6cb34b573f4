/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/kv_cache.h"

#include "models/numeric/random.h"
#include "models/numeric/whole.h"
#include "sim/serving/cache/kv_pool.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Mooncake's hash_ids name blocks of 512 tokens (FAST25 release, README of the trace). */
enum { FIRST_HOLDERS = 64, FIRST_TABLE = 64 };
#define OWN_LABELS (UINT64_C(1) << 63) /* sessions are fewer than 2^30 */
#define SHARED_LABELS (UINT64_C(1) << 62)

struct kv_layout kv_layout_plain(uint32_t block_tokens, bool keeps_prefixes)
{
    return (struct kv_layout){.groups = {{.block_tokens = block_tokens}},
                              .group_count = 1,
                              .label_tokens = block_tokens,
                              .alignment_tokens = block_tokens,
                              .keeps_prefixes = keeps_prefixes};
}

void kv_cache_create(struct kv_cache *cache, struct arena *arena, uint64_t pages,
                     const struct kv_layout *layout)
{
    *cache = (struct kv_cache){
        .arena = arena,
        .layout = *layout,
        .pages = pages,
        .table_count = layout->group_count,
    };
    if (layout->beside.state_pages > 0.0 || layout->beside.window_tokens > 0) {
        cache->table_count++;
    }
    cache->plain = cache->table_count == 1 && layout->groups[0].window_tokens == 0;
    cache->grouped = cache->table_count == layout->group_count;
    kv_pool_create(cache);
}

struct kv_beside kv_beside_of(const struct kv_room *room, uint32_t context, uint32_t page_tokens)
{
    double page_bytes = room->token_bytes * page_tokens / context;
    return (struct kv_beside){.state_pages = room->state_bytes / page_bytes,
                              .window_token_pages = room->window_token_bytes / page_bytes,
                              .window_tokens = room->window_tokens};
}

/* Blocks that a sequence takes beside those of its tokens. */
static uint64_t blocks_beside(const struct kv_beside *beside, uint64_t tokens)
{
    if (tokens == 0 || (beside->state_pages <= 0.0 && beside->window_tokens == 0)) {
        return 0;
    }
    double in_window =
        tokens < beside->window_tokens ? (double)tokens : (double)beside->window_tokens;
    return (uint64_t)ceil(beside->state_pages + in_window * beside->window_token_pages);
}

/* Whole blocks that a window has passed when so many tokens are computed. */
static uint32_t passed_blocks(const struct kv_group *group, uint64_t computed)
{
    uint64_t window = group->window_tokens;
    return window == 0 || computed + 1 <= window
               ? 0
               : (uint32_t)((computed + 1 - window) / group->block_tokens);
}

struct kv_layout kv_layout_grouped(const struct kv_grouping *grouping, uint64_t step_tokens,
                                   uint64_t model_tokens, bool keeps_prefixes)
{
    struct kv_layout layout = {.group_count = grouping->count,
                               .label_tokens = grouping->groups[0].block_tokens,
                               .alignment_tokens = grouping->groups[0].block_tokens,
                               .keeps_prefixes = keeps_prefixes};
    for (uint32_t g = 0; g < grouping->count; g++) {
        uint32_t block = grouping->groups[g].block_tokens;
        uint64_t window = grouping->groups[g].window_tokens, most = window + step_tokens - 1;
        most = model_tokens > 0 && model_tokens < most ? model_tokens : most;
        layout.groups[g] = (struct kv_group){
            .block_tokens = block,
            .window_tokens = (uint32_t)window,
            .reserved_blocks = window > 0 ? (uint32_t)divide_up(most, block) + 1 : 0,
        };
        /* Blocks of a kind with smaller entries are so many times as long: one divides the other.
         */
        layout.label_tokens = block < layout.label_tokens ? block : layout.label_tokens;
        layout.alignment_tokens = block > layout.alignment_tokens ? block : layout.alignment_tokens;
    }
    return layout;
}

bool kv_layout_has_windows(const struct kv_layout *layout)
{
    bool windows = layout->beside.window_tokens > 0;
    for (uint32_t g = 0; g < layout->group_count; g++) {
        windows = windows || layout->groups[g].window_tokens > 0;
    }
    return windows;
}

uint64_t kv_layout_blocks(const struct kv_layout *layout, uint64_t tokens)
{
    uint64_t blocks = blocks_beside(&layout->beside, tokens);
    for (uint32_t g = 0; g < layout->group_count; g++) {
        uint64_t all = divide_up(tokens, layout->groups[g].block_tokens);
        uint64_t most = layout->groups[g].reserved_blocks;
        blocks += most > 0 && most < all ? most : all;
    }
    return blocks;
}

uint64_t kv_layout_held(const struct kv_layout *layout, uint64_t tokens)
{
    uint64_t blocks = blocks_beside(&layout->beside, tokens);
    for (uint32_t g = 0; g < layout->group_count; g++) {
        uint64_t all = divide_up(tokens, layout->groups[g].block_tokens);
        blocks += all - passed_blocks(&layout->groups[g], tokens > 0 ? tokens - 1 : 0);
    }
    return blocks;
}

uint64_t kv_cache_blocks_of(const struct kv_cache *cache, uint64_t tokens)
{
    uint64_t blocks = blocks_beside(&cache->layout.beside, tokens);
    for (uint32_t g = 0; g < cache->layout.group_count; g++) {
        blocks += divide_up(tokens, cache->layout.groups[g].block_tokens);
    }
    return blocks;
}

uint64_t kv_cache_most_growth(const struct kv_cache *cache, uint64_t tokens)
{
    const struct kv_beside *beside = &cache->layout.beside;
    double more =
        beside->window_tokens > 0 ? (double)tokens * beside->window_token_pages + 1.0 : 0.0;
    uint64_t blocks = (uint64_t)ceil(more);
    for (uint32_t g = 0; g < cache->layout.group_count; g++) {
        blocks += divide_up(tokens, cache->layout.groups[g].block_tokens);
    }
    return blocks;
}

/* --- labels --- */

/* The last label in block `index` of a group: it stands for the whole of it. */
static uint32_t last_label(const struct kv_cache *cache, uint32_t group, uint32_t index)
{
    return (index + 1) * (cache->layout.groups[group].block_tokens / cache->layout.label_tokens) -
           1;
}

/* Whether no other request can have the label. */
static bool is_own(const struct kv_cache *cache, const struct request *request, uint32_t label)
{
    uint64_t last = (label + UINT64_C(1)) * cache->layout.label_tokens - 1;
    if (last < request->shared_tokens) {
        return false;
    }
    switch ((enum content_kind)request->content) {
    case CONTENT_SESSION:
        return false;
    case CONTENT_LABELS:
        return label >= request->hash_count;
    case CONTENT_HASHES:
        return last / request->hash_tokens >= request->hash_count || last >= request->prompt_tokens;
    case CONTENT_RUNS:
        return request->hash_count < 2 || last >= request->hashes[request->hash_count - 2];
    case CONTENT_OWN:
        break;
    }
    return true;
}

/* Of the text up to token `last`, which lies in one of the runs. */
static uint64_t run_label(const struct request *request, uint64_t last)
{
    uint64_t label = random_mix(last + 1U);
    for (uint32_t i = 0, start = 0; start <= last; i += 2) {
        label = random_mix(label ^ ((uint64_t)request->hashes[i + 1] << 32 | start));
        start = request->hashes[i];
    }
    return label | 1U;
}

/* What the text up to the end of a label's tokens is. */
static uint64_t text_label(const struct kv_cache *cache, const struct request *request,
                           uint32_t label)
{
    uint64_t last = (label + UINT64_C(1)) * cache->layout.label_tokens - 1;
    if (last < request->shared_tokens) {
        return random_mix(SHARED_LABELS | (uint64_t)request->class_index << 32 | (label + 1U)) | 1U;
    }
    if (is_own(cache, request, label)) {
        return random_mix(OWN_LABELS | (uint64_t)request->number << 32 | (label + 1U)) | 1U;
    }
    if (request->content == CONTENT_SESSION) {
        return random_mix((uint64_t)request->session << 32 | (label + 1U)) | 1U;
    }
    if (request->content == CONTENT_LABELS) {
        return request->hashes[label];
    }
    if (request->content == CONTENT_RUNS) {
        return run_label(request, last);
    }
    uint64_t block = last / request->hash_tokens, part = last % request->hash_tokens;
    return random_mix(((uint64_t)request->hashes[block] << 16) ^ (part << 48) ^ part) | 1U;
}

uint64_t kv_cache_label_of(uint64_t label, uint32_t group)
{
    return group == 0 ? label : random_mix(label ^ (uint64_t)group << 48) | 1U;
}

/* The same text has other keys and values under another adapter. */
static uint64_t block_label(const struct kv_cache *cache, const struct request *request,
                            uint32_t group, uint32_t index)
{
    uint64_t text = text_label(cache, request, last_label(cache, group, index));
    if (request->adapter > 0) {
        text = random_mix(text ^ (uint64_t)request->adapter << 40) | 1U;
    }
    return kv_cache_label_of(text, group);
}

uint64_t kv_cache_label_at(const struct kv_cache *cache, const struct request *request,
                           uint32_t index)
{
    return block_label(cache, request, 0, index);
}

/* --- tables --- */

static struct kv_table *tables_of(const struct kv_cache *cache, const struct request *request)
{
    return &cache->tables[(size_t)request->holder * cache->table_count];
}

static void table_reach(struct kv_cache *cache, struct kv_table *table, uint32_t count)
{
    if (count <= table->capacity) {
        return;
    }
    uint32_t capacity = table->capacity > 0 ? table->capacity : FIRST_TABLE;
    while (capacity < count) {
        capacity *= 2;
    }
    uint32_t *blocks = ARENA_ARRAY(cache->arena, uint32_t, capacity);
    if (table->count > 0) {
        memcpy(blocks, table->blocks, table->count * sizeof *blocks);
    }
    table->blocks = blocks;
    table->capacity = capacity;
}

static void more_holders(struct kv_cache *cache)
{
    uint32_t old = cache->holder_capacity, capacity = old == 0 ? FIRST_HOLDERS : 2 * old;
    size_t groups = cache->table_count;
    struct kv_table *tables = ARENA_ARRAY(cache->arena, struct kv_table, capacity * groups);
    uint32_t *spares = ARENA_ARRAY(cache->arena, uint32_t, capacity);
    if (old > 0) {
        memcpy(tables, cache->tables, old * groups * sizeof *tables);
        memcpy(spares, cache->spares, old * sizeof *spares);
    }
    uint32_t first = old == 0 ? 1 : old;
    for (uint32_t i = first; i < capacity; i++) {
        spares[i] = i + 1 < capacity ? i + 1 : 0;
    }
    cache->tables = tables;
    cache->spares = spares;
    cache->holder_capacity = capacity;
    cache->spare_holder = first;
}

static void become_holder(struct kv_cache *cache, struct request *request)
{
    if (cache->spare_holder == 0) {
        more_holders(cache);
    }
    request->holder = cache->spare_holder;
    cache->spare_holder = cache->spares[request->holder];
}

uint32_t kv_cache_holds(const struct kv_cache *cache, const struct request *request, uint32_t group)
{
    uint32_t held = 0;
    if (request->holder != 0) {
        const struct kv_table *table = &tables_of(cache, request)[group];
        for (uint32_t i = 0; i < table->count; i++) {
            held += table->blocks[i] != 0;
        }
    }
    return held;
}

/* --- hits --- */

/* Groups alike are looked up together: a hit is in all of them. Whether `group` is the first of its
 * kind. */
static bool is_alike(const struct kv_group *a, const struct kv_group *b)
{
    return a->block_tokens == b->block_tokens && a->window_tokens == b->window_tokens;
}

static bool is_first_alike(const struct kv_layout *layout, uint32_t group)
{
    for (uint32_t g = 0; g < group; g++) {
        if (is_alike(&layout->groups[g], &layout->groups[group])) {
            return false;
        }
    }
    return true;
}

/* Puts block `index` of all groups like `group` among the hits; false when one of them has none. */
static bool find_block(struct kv_cache *cache, const struct request *request, uint32_t group,
                       uint32_t index)
{
    const struct kv_layout *layout = &cache->layout;
    for (uint32_t g = group; g < layout->group_count; g++) {
        if (is_alike(&layout->groups[g], &layout->groups[group])) {
            uint32_t block = kv_pool_find(cache, block_label(cache, request, g, index));
            if (block == 0) {
                return false;
            }
            cache->hits[g].blocks[index] = block;
        }
    }
    return true;
}

static void forget_block(struct kv_cache *cache, uint32_t group, uint32_t index)
{
    for (uint32_t g = group; g < cache->layout.group_count; g++) {
        if (is_alike(&cache->layout.groups[g], &cache->layout.groups[group])) {
            cache->hits[g].blocks[index] = 0;
        }
    }
}

/* Blocks of a hit, less what is beyond a multiple of the alignment. */
static uint32_t align_hit(const struct kv_cache *cache, uint32_t group, uint32_t count)
{
    uint64_t tokens = cache->layout.groups[group].block_tokens;
    while (count * tokens % cache->layout.alignment_tokens != 0) {
        count--;
    }
    return count;
}

/* Blocks from the beginning up to the first that is missing. */
static uint32_t match_full(struct kv_cache *cache, const struct request *request, uint32_t group,
                           uint32_t most, bool drop)
{
    uint32_t count = 0;
    while (count < most && find_block(cache, request, group, count)) {
        count++;
    }
    count -= drop && count > 0;
    return align_hit(cache, group, count);
}

static uint32_t window_blocks(const struct kv_cache *cache, uint32_t group, bool drop)
{
    const struct kv_group *window = &cache->layout.groups[group];
    return (uint32_t)divide_up(window->window_tokens - 1, window->block_tokens) + drop;
}

/* From the end backwards the last place where a whole window is cached (rule 30). */
static uint32_t match_window(struct kv_cache *cache, const struct request *request, uint32_t group,
                             uint32_t most, bool drop)
{
    uint32_t needed = window_blocks(cache, group, drop), run = 0, count = 0;
    uint64_t tokens = cache->layout.groups[group].block_tokens;
    uint32_t place = most;
    while (place > 0 && (run == 0 || run < needed)) {
        uint32_t index = --place;
        forget_block(cache, group, index);
        bool found = find_block(cache, request, group, index);
        uint64_t end = (drop ? index : index + UINT64_C(1)) * tokens;
        if (!found || (run == 0 && end % cache->layout.alignment_tokens != 0)) {
            forget_block(cache, group, index);
            run = found ? run : 0;
            continue;
        }
        run++;
    }
    if (run > 0 && run >= needed) {
        count = place + run;
    } else {
        count = align_hit(cache, group, run); /* a run that reaches the beginning may be shorter */
    }
    if (drop && count > 0) {
        count = align_hit(cache, group, count - 1);
    }
    return count;
}

static uint32_t match_group(struct kv_cache *cache, const struct request *request, uint32_t group,
                            uint32_t tokens, bool drop)
{
    const struct kv_layout *layout = &cache->layout;
    uint32_t most = tokens / layout->groups[group].block_tokens;
    for (uint32_t g = group; g < layout->group_count; g++) {
        if (is_alike(&layout->groups[g], &layout->groups[group])) {
            table_reach(cache, &cache->hits[g], most);
            cache->hits[g].count = 0;
        }
    }
    uint32_t count = layout->groups[group].window_tokens > 0
                         ? match_window(cache, request, group, most, drop)
                         : match_full(cache, request, group, most, drop);
    for (uint32_t g = group; g < layout->group_count; g++) {
        if (is_alike(&layout->groups[g], &layout->groups[group])) {
            cache->hits[g].count = count;
        }
    }
    return count;
}

/* One of each kind of group, those of full attention first: their hit bounds the others'. */
static uint32_t kinds_of(const struct kv_layout *layout, uint32_t *kinds)
{
    uint32_t count = 0;
    for (int window = 0; window < 2; window++) {
        for (uint32_t g = 0; g < layout->group_count; g++) {
            if ((layout->groups[g].window_tokens > 0) == (window > 0) &&
                is_first_alike(layout, g)) {
                kinds[count++] = g;
            }
        }
    }
    return count;
}

/* What all kinds agree on: each may shorten the hit, until none does. Full attention is looked up
 * once, for what it has it has at every shorter length. The block that a drafter computes again is
 * dropped once at each length. */
static uint32_t match_kinds(struct kv_cache *cache, const struct request *request,
                            const uint32_t *kinds, uint32_t kind_count, uint32_t most)
{
    const struct kv_layout *layout = &cache->layout;
    bool simple = kind_count == 2 && layout->groups[kinds[0]].window_tokens == 0;
    bool dropped[KV_GROUPS_MOST] = {false}, looked[KV_GROUPS_MOST] = {false};
    uint32_t hit = most;
    for (;;) {
        uint32_t now = hit;
        for (uint32_t k = 0; k < kind_count; k++) {
            const struct kv_group *group = &layout->groups[kinds[k]];
            if (group->window_tokens == 0 && looked[k]) {
                now = now / group->block_tokens * group->block_tokens;
                continue;
            }
            bool drop = layout->drops_last && !dropped[k];
            uint32_t bound = drop && now + group->block_tokens < most ? now + group->block_tokens
                             : drop                                   ? most
                                                                      : now;
            uint32_t found =
                match_group(cache, request, kinds[k], bound, drop) * group->block_tokens;
            looked[k] = true;
            if (drop) {
                dropped[k] = true;
            } else if (found < now) {
                memset(dropped, 0, sizeof dropped);
            }
            now = found;
        }
        if (now >= hit) {
            break;
        }
        hit = now;
        if (simple) {
            break;
        }
    }
    return hit;
}

uint32_t kv_cache_match(struct kv_cache *cache, const struct request *request, uint32_t known)
{
    const struct kv_layout *layout = &cache->layout;
    for (uint32_t g = 0; g < layout->group_count; g++) {
        cache->hits[g].count = 0;
    }
    if (!layout->keeps_prefixes || known <= 1 || (request_is_own(request) && !cache->own_shown)) {
        return 0; /* nobody else has its text, and nobody has been set aside */
    }
    uint32_t kinds[KV_GROUPS_MOST], kind_count = kinds_of(layout, kinds);
    if (kind_count == 1) {
        return match_group(cache, request, 0, known - 1, layout->drops_last) *
               layout->groups[0].block_tokens;
    }
    uint32_t hit = match_kinds(cache, request, kinds, kind_count, known - 1);
    for (uint32_t g = 0; g < layout->group_count; g++) {
        uint32_t count = hit / layout->groups[g].block_tokens;
        if (layout->groups[g].window_tokens == 0 && cache->hits[g].count > count) {
            cache->hits[g].count = count;
        }
    }
    return hit;
}

/* --- growing --- */

/* Blocks that must be free for the group to have `tokens` tokens; hits that nobody holds count, for
 * they are free no more when they are taken (rule 26). */
static uint64_t blocks_needed(const struct kv_cache *cache, const struct request *request,
                              const struct kv_wish *wish, uint32_t g, uint64_t tokens,
                              bool reserving)
{
    const struct kv_group *group = &cache->layout.groups[g];
    uint64_t needed = divide_up(tokens, group->block_tokens);
    if (reserving && group->reserved_blocks > 0 && needed > group->reserved_blocks) {
        needed = group->reserved_blocks;
    }
    if (request->holder != 0) {
        uint64_t held = tables_of(cache, request)[g].count;
        return needed > held ? needed - held : 0;
    }
    const struct kv_table *hits = &cache->hits[g];
    uint32_t hit = wish->hit ? hits->count : 0, passed = passed_blocks(group, wish->computed);
    uint64_t there = hit > passed ? hit : passed;
    uint64_t blocks = needed > there ? needed - there : 0;
    for (uint32_t i = passed; i < hit; i++) {
        uint32_t block = hits->blocks[i];
        blocks += block != 0 && cache->names[block].holders == 0;
    }
    return blocks;
}

static bool has_room(const struct kv_cache *cache, const struct request *request,
                     const struct kv_wish *wish, uint64_t tokens, bool reserving)
{
    uint64_t needed = wish->spare;
    for (uint32_t g = 0; g < cache->layout.group_count; g++) {
        needed += blocks_needed(cache, request, wish, g, tokens, reserving);
    }
    if (cache->table_count > cache->layout.group_count) {
        uint64_t held =
            request->holder == 0 ? 0 : tables_of(cache, request)[cache->table_count - 1].count;
        uint64_t beside = blocks_beside(&cache->layout.beside, tokens);
        needed += beside > held ? beside - held : 0;
    }
    return needed <= cache->free;
}

/* A window's group lets go of what the window has passed, the last such block first. */
static void drop_passed(struct kv_cache *cache, const struct request *request, uint64_t computed)
{
    for (uint32_t g = 0; g < cache->layout.group_count && request->holder != 0; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        uint32_t passed = passed_blocks(&cache->layout.groups[g], computed);
        passed = passed < table->count ? passed : table->count;
        uint32_t first = passed;
        while (first > 0 && table->blocks[first - 1] != 0) {
            first--;
        }
        kv_pool_let_go(cache, &table->blocks[first], passed - first);
        memset(&table->blocks[first], 0, (passed - first) * sizeof *table->blocks);
        table->passed = passed;
    }
}

/* What was found is held from now on, but for what the window has passed. */
static void take_hits(struct kv_cache *cache, const struct request *request,
                      const struct kv_wish *wish)
{
    for (uint32_t g = 0; g < cache->layout.group_count; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        const struct kv_table *hits = &cache->hits[g];
        uint32_t passed = passed_blocks(&cache->layout.groups[g], wish->computed);
        uint32_t hit = wish->hit ? hits->count : 0, count = hit > passed ? hit : passed;
        table_reach(cache, table, count);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t block = i < passed ? 0 : hits->blocks[i];
            table->blocks[i] = block;
            if (block != 0) {
                kv_pool_hold(cache, block);
            }
        }
        table->count = table->labelled = count;
        table->passed = passed;
    }
}

/* After a change of its tables: what most steps need to know. */
static void note_room(const struct kv_cache *cache, const struct request *request)
{
    struct kv_table *tables = tables_of(cache, request);
    uint64_t room = UINT64_MAX, due = UINT64_MAX;
    for (uint32_t g = 0; g < cache->layout.group_count; g++) {
        const struct kv_group *group = &cache->layout.groups[g];
        const struct kv_table *table = &tables[g];
        uint64_t tokens = group->block_tokens, held = table->count * tokens;
        uint64_t full = (table->labelled + 1) * tokens;
        uint64_t passing = group->window_tokens - 1 + (table->passed + 1) * tokens;
        room = held < room ? held : room;
        room = group->window_tokens > 0 && passing < room ? passing : room;
        due = cache->layout.keeps_prefixes && full < due ? full : due;
    }
    tables[0].room = room;
    tables[0].due = due;
}

static void take_new(struct kv_cache *cache, const struct request *request, uint64_t tokens)
{
    for (uint32_t g = 0; g < cache->table_count; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        bool beside = g == cache->layout.group_count;
        uint32_t count =
            (uint32_t)(beside ? blocks_beside(&cache->layout.beside, tokens)
                              : divide_up(tokens, cache->layout.groups[g].block_tokens));
        table_reach(cache, table, count);
        if (table->count < count) {
            kv_pool_take(cache, &table->blocks[table->count], count - table->count);
            table->count = count;
        }
    }
    note_room(cache, request);
}

/* take_new() where has_room() in a plain cache: somebody who holds blocks wants room for so many
 * tokens, and `spare` blocks besides. */
static bool take_plain(struct kv_cache *cache, struct kv_table *table, uint64_t tokens,
                       uint64_t spare)
{
    uint32_t block = cache->layout.groups[0].block_tokens;
    uint32_t count = (uint32_t)divide_up(tokens, block);
    uint32_t more = count > table->count ? count - table->count : 0;
    if (more + spare > cache->free) {
        return false;
    }
    if (more > 0) {
        table_reach(cache, table, count);
        kv_pool_take(cache, &table->blocks[table->count], more);
        table->count = count;
        table->room = (uint64_t)count * block;
    }
    return true;
}

bool kv_cache_grow(struct kv_cache *cache, struct request *request, const struct kv_wish *wish)
{
    uint64_t computed = wish->computed + wish->tokens, room = computed + wish->look_ahead;
    uint64_t labelled = computed < wish->known ? computed : wish->known;
    labelled = wish->on_their_way ? wish->computed : labelled;
    room = room < wish->most ? room : wish->most;
    if (kv_cache_is_ready(cache, request, room, labelled)) {
        return true;
    }
    if (cache->plain && request->holder != 0 && !wish->whole) {
        if (!take_plain(cache, tables_of(cache, request), room, wish->spare)) {
            return false;
        }
        kv_cache_label(cache, request, labelled);
        return true;
    }
    uint64_t whole = wish->known < wish->most ? wish->known : wish->most;
    if (wish->whole && !has_room(cache, request, wish, whole, true)) {
        return false;
    }
    drop_passed(cache, request, wish->computed);
    if (!has_room(cache, request, wish, room, false)) {
        return false;
    }
    if (request->holder == 0) {
        become_holder(cache, request);
        tables_of(cache, request)[0].own =
            cache->plain && request_is_own(request) && !(wish->hit && cache->hits[0].count > 0);
        take_hits(cache, request, wish);
    }
    take_new(cache, request, room);
    kv_cache_label(cache, request, labelled);
    return true;
}

/* Whether a hit can ever need block `index`: of a window's group only the last blocks before a
 * multiple of the alignment are looked at. */
static bool is_reachable(const struct kv_cache *cache, uint32_t group, uint32_t index)
{
    const struct kv_group *kind = &cache->layout.groups[group];
    if (kind->window_tokens == 0) {
        return true;
    }
    bool drop = cache->layout.drops_last;
    uint32_t needed = window_blocks(cache, group, drop);
    uint32_t stretch = cache->layout.alignment_tokens / kind->block_tokens;
    return needed >= stretch || (index >= drop && (index - drop) % stretch >= stretch - needed);
}

void kv_cache_label_blocks(struct kv_cache *cache, const struct request *request, uint64_t tokens)
{
    const struct kv_layout *layout = &cache->layout;
    if (!layout->keeps_prefixes || request->holder == 0) {
        return;
    }
    uint64_t aligned = tokens / layout->alignment_tokens * layout->alignment_tokens;
    struct kv_table *first_table = tables_of(cache, request);
    if (cache->plain && first_table->own && cache->sink.put == NULL) { /* none is made */
        uint32_t block = layout->groups[0].block_tokens, full = (uint32_t)(aligned / block);
        first_table->labelled = full > first_table->labelled ? full : first_table->labelled;
        first_table->due = ((uint64_t)first_table->labelled + 1) * block;
        return;
    }
    for (uint32_t g = 0; g < layout->group_count; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        uint64_t own = aligned, beyond = aligned + layout->groups[g].block_tokens;
        if (layout->group_count > 1 && layout->drops_last && aligned > 0) {
            own = tokens < beyond ? tokens : beyond; /* the block that a hit drops again */
        }
        uint32_t full = (uint32_t)(own / layout->groups[g].block_tokens), first = table->labelled;
        for (uint32_t i = first; i < full && cache->sink.put != NULL && !cache->sink.at_eviction;
             i++) {
            cache->sink.put(cache->sink.data, block_label(cache, request, g, i));
        }
        first = table->own && first < full ? full : first;
        for (uint32_t i = first; i < full; i++) {
            if (table->blocks[i] != 0 && is_reachable(cache, g, i)) {
                /* What a window lets go of could not be shown any more. */
                if (is_own(cache, request, last_label(cache, g, i)) &&
                    layout->groups[g].window_tokens == 0) {
                    kv_pool_hide(cache, table->blocks[i]);
                } else {
                    kv_pool_name(cache, table->blocks[i], block_label(cache, request, g, i));
                }
            }
        }
        table->labelled = full > table->labelled ? full : table->labelled;
    }
    note_room(cache, request);
}

void kv_cache_set_aside(struct kv_cache *cache, struct request *request)
{
    for (uint32_t g = 0; g < cache->layout.group_count && request->holder != 0; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        bool own = table->own;
        table->own = false;
        cache->own_shown = cache->own_shown || request->content == CONTENT_OWN;
        for (uint32_t i = 0; i < table->labelled && i < table->count; i++) {
            if (own || (table->blocks[i] != 0 && cache->naming[table->blocks[i]] == KV_HIDDEN)) {
                kv_pool_show(cache, table->blocks[i], block_label(cache, request, g, i));
            }
        }
    }
    kv_cache_release(cache, request);
}

/* From the last block to the first: a beginning is worth more than what follows it. */
void kv_cache_release(struct kv_cache *cache, struct request *request)
{
    if (request->holder == 0) {
        return;
    }
    for (uint32_t g = 0; g < cache->table_count; g++) {
        struct kv_table *table = &tables_of(cache, request)[g];
        if (table->own) {
            kv_pool_let_go_own(cache, table->blocks, table->labelled, table->count);
        } else {
            kv_pool_let_go(cache, table->blocks, table->count);
        }
        table->count = table->labelled = table->passed = 0;
        table->own = false;
    }
    cache->spares[request->holder] = cache->spare_holder;
    cache->spare_holder = request->holder;
    request->holder = 0;
}

void kv_cache_clear(struct kv_cache *cache)
{
    for (size_t i = 0; i < (size_t)cache->holder_capacity * cache->table_count; i++) {
        cache->tables[i].own = false;
    }
    kv_pool_clear(cache);
}
