/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/adapter_store.h"

#include <assert.h>
#include <string.h>

static struct adapter_list create_list(struct arena *arena, uint32_t adapters, uint32_t capacity)
{
    return (struct adapter_list){.newer = ARENA_ARRAY(arena, uint32_t, adapters + 1),
                                 .older = ARENA_ARRAY(arena, uint32_t, adapters + 1),
                                 .has = ARENA_ARRAY(arena, bool, adapters + 1),
                                 .capacity = capacity};
}

static void take_out(struct adapter_list *list, uint32_t adapter)
{
    uint32_t newer = list->newer[adapter], older = list->older[adapter];
    *(newer != 0 ? &list->older[newer] : &list->newest) = older;
    *(older != 0 ? &list->newer[older] : &list->oldest) = newer;
    list->has[adapter] = false;
    list->count--;
}

static void put_in(struct adapter_list *list, uint32_t adapter)
{
    list->newer[adapter] = 0;
    list->older[adapter] = list->newest;
    *(list->newest != 0 ? &list->newer[list->newest] : &list->oldest) = adapter;
    list->newest = adapter;
    list->has[adapter] = true;
    list->count++;
}

void adapter_store_create(struct adapter_store *store, struct arena *arena, uint32_t adapters,
                          uint32_t on_gpu, uint32_t in_host)
{
    *store = (struct adapter_store){.gpu = create_list(arena, adapters, on_gpu),
                                    .host = create_list(arena, adapters, in_host)};
    for (uint32_t i = adapters; i > 0 && in_host >= adapters; i--) {
        put_in(&store->host, i);
    }
}

/* Whether it was there; it is the newest from now on. */
static bool use(struct adapter_list *list, uint32_t adapter)
{
    bool has = list->has[adapter];
    if (has) {
        take_out(list, adapter);
    } else if (list->count == list->capacity) {
        take_out(list, list->oldest);
    }
    put_in(list, adapter);
    return has;
}

bool adapter_store_touch(struct adapter_store *store, uint32_t adapter)
{
    if (!store->gpu.has[adapter]) {
        return false;
    }
    use(&store->gpu, adapter);
    use(&store->host, adapter);
    return true;
}

enum adapter_place adapter_store_load(struct adapter_store *store, uint32_t adapter)
{
    assert(!store->gpu.has[adapter] && "what is on the GPUs need not come");
    use(&store->gpu, adapter);
    return use(&store->host, adapter) ? ADAPTER_IN_HOST : ADAPTER_IN_STORAGE;
}

static void empty(struct adapter_list *list)
{
    while (list->count > 0) {
        take_out(list, list->oldest);
    }
}

void adapter_store_clear(struct adapter_store *store)
{
    empty(&store->gpu);
}
