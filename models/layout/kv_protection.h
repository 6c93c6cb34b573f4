/* SPDX-License-Identifier: MIT
 * KV caches that outlive a GPU: what a replica of `gpus` GPUs in one node keeps of its caches in
 * its host's memory, and what it takes to have back what one of them held. A copy is all of it.
 * Parity is `shards` for every stripe of one chunk of tokens, each GPU's part of which is a shard:
 * the shards are gathered on one GPU, by turns, coded there and the parity goes to the host; a lost
 * shard is made again of the others and one parity (GhostServe, arXiv 2605.00831). Steps follow
 * each other, nothing is hidden. Pure. */
#ifndef CPSIM_MODELS_LAYOUT_KV_PROTECTION_H
#define CPSIM_MODELS_LAYOUT_KV_PROTECTION_H

#include <stdint.h>

enum protection_kind { PROTECTION_NONE, PROTECTION_COPY, PROTECTION_PARITY };

struct protection {
    enum protection_kind kind;
    uint32_t shards;       /* of parity, of a stripe */
    uint64_t chunk_tokens; /* kept at once; what is beyond the last whole one is lost */
};

/* What the shards of one chunk, or of a whole cache, go over. */
struct protection_links {
    uint32_t gpus;
    double host_bytes_per_second;   /* between one GPU and its host, */
    double hosts_bytes_per_second;  /* ... and each when all `gpus` copy at once */
    double node_bytes_per_second;   /* into a GPU, from the others of its node */
    double memory_bytes_per_second; /* of a GPU, as long reads reach it */
};

/* From `shard_bytes` on every GPU until they are safe, s. */
double protection_keep_seconds(const struct protection *protection,
                               const struct protection_links *links, double shard_bytes);
/* Until a new GPU holds the `shard_bytes` of the one that failed, s. */
double protection_recover_seconds(const struct protection *protection,
                                  const struct protection_links *links, double shard_bytes);
/* In the host's memory for every byte of cache. */
double protection_host_share(const struct protection *protection, uint32_t gpus);
/* Of `tokens` in the cache, those that are safe. */
uint64_t protection_safe_tokens(const struct protection *protection, uint64_t tokens);

#endif
