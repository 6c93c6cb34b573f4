/* SPDX-License-Identifier: MIT */
#include "models/layout/kv_protection.h"

double protection_keep_seconds(const struct protection *protection,
                               const struct protection_links *links, double shard_bytes)
{
    if (protection->kind == PROTECTION_COPY) { /* each over its own link, all at once */
        return shard_bytes / links->hosts_bytes_per_second;
    }
    double gathered = (links->gpus - 1.0) * shard_bytes / links->node_bytes_per_second;
    double coded =
        (links->gpus + (double)protection->shards) * shard_bytes / links->memory_bytes_per_second;
    return gathered + coded + protection->shards * shard_bytes / links->host_bytes_per_second;
}

double protection_recover_seconds(const struct protection *protection,
                                  const struct protection_links *links, double shard_bytes)
{
    double from_host = shard_bytes / links->host_bytes_per_second;
    if (protection->kind == PROTECTION_COPY) {
        return from_host;
    }
    /* The others' shards and a parity are read, the lost one is written. */
    double gathered = (links->gpus - 1.0) * shard_bytes / links->node_bytes_per_second;
    return from_host + gathered +
           (links->gpus + 1.0) * shard_bytes / links->memory_bytes_per_second;
}

double protection_host_share(const struct protection *protection, uint32_t gpus)
{
    return protection->kind == PROTECTION_PARITY ? (double)protection->shards / gpus
           : protection->kind == PROTECTION_COPY ? 1.0
                                                 : 0.0;
}

uint64_t protection_safe_tokens(const struct protection *protection, uint64_t tokens)
{
    return protection->kind == PROTECTION_NONE
               ? 0
               : tokens / protection->chunk_tokens * protection->chunk_tokens;
}
