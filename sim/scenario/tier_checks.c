/* SPDX-License-Identifier: MIT */
#include "sim/scenario/tier_checks.h"

#include "models/passes/memory.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"

static const char *const path = "workload.service.tiers";

/* Windows and states are no blocks of a token's own. Of a scenario whose values were all taken:
 * their sizes are of its layout and formats. */
static bool is_hybrid(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (diagnostics_error_count(checker->diagnostics) > 0) {
        return false;
    }
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(&scenario->llm, 1, 0);
    struct kv_room room = memory_stage_kv_room(&replica, &whole);
    return room.state_bytes > 0.0 || room.window_tokens > 0;
}

static void check_limits(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    const struct proposer *proposer = proposer_of(service);
    bool by_layer = service->tiers.load == TIER_LOAD_BY_LAYER;
    bool sglang = service->policy == BATCHING_SGLANG;
    const struct {
        bool wrong;
        const char *what, *fits;
    } limits[] = {
        {sglang && !by_layer, "whose loads run while a request waits with 'sglang'",
         "load: by-layer"},
        {sglang && service->tiers.write == TIER_WRITE_BACK, "that is written back with 'sglang'",
         "write: through"},
        {by_layer && service->tiers.capacity_bytes[TIER_REMOTE] > 0.0,
         "in a store and loaded by layer", "host alone, or load: waiting"},
        {by_layer && layout_attention_data(&scenario->layout) > 1,
         "of ranks that share experts and loaded by layer", "load: waiting, or attention_data: 1"},
        {scenario->is_pool, "with pools set up in their own ways",
         "policy: disaggregated with prefill_replicas"},
        {is_hybrid(checker), "of a model with windows or states",
         "a model whose layers all keep every token"},
        {proposer != NULL && proposer->drops_last, "with a drafter that reads the model's features",
         "speculation of the kind ngram"},
        {service->tiers.capacity_bytes[TIER_REMOTE] > 0.0 && scenario->platform_xml != NULL,
         "in a store on a platform of your own", "host alone"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: a prefix cache beyond the GPUs %s is not modelled; expected %s",
                           path, limits[i].what, limits[i].fits);
        }
    }
    if (!service->prefix_cache) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: there is nothing to keep; say prefix_cache: true, or leave it out",
                       path);
    }
}

static void check_protection(const struct checker *checker)
{
    static const char *const of = "workload.service.protection";
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    uint32_t gpus = scenario->layout.tensor * scenario->layout.context;
    const struct {
        bool wrong;
        const char *what;
    } limits[] = {
        {service->policy != BATCHING_VLLM, "with another policy than 'vllm'"},
        {service_has_tiers(service), "beside service.tiers"},
        {scenario->layout.pipeline > 1, "of several pipeline stages"},
        {scenario->layout.attention_data > 1, "of ranks that share experts"},
        {gpus > scenario->cluster.gpus_per_node, "of a replica over several nodes"},
        {service->protection.kind == PROTECTION_PARITY && gpus == 1,
         "by parity of a replica of one GPU"},
        {is_hybrid(checker), "of a model with windows or states"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, of),
                           "%s: keeping caches %s is not modelled; leave one of them out", of,
                           limits[i].what);
        }
    }
    if (service->block_tokens > 0 &&
        service->protection.chunk_tokens % service->block_tokens != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, of),
                       "%s.chunk: not a whole number of pages; expected a multiple of %u tokens",
                       of, service->block_tokens);
    }
}

void tiers_check(const struct checker *checker)
{
    if (service_has_tiers(&checker->scenario->serving.service)) {
        check_limits(checker);
    }
    if (checker->scenario->serving.service.protection.kind != PROTECTION_NONE) {
        check_protection(checker);
    }
}
