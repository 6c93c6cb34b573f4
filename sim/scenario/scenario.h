/* SPDX-License-Identifier: MIT
 * A resolved scenario: everything a run needs, every value checked, in canonical units (seconds,
 * bytes, FLOPs, bytes per second). Read by scenario_load() from YAML; see
 * docs/scenario-reference.md for the keys. Owner of all memory: the arena given to scenario_load().
 */
#ifndef CPSIM_SIM_SCENARIO_SCENARIO_H
#define CPSIM_SIM_SCENARIO_SCENARIO_H

#include "models/architecture/llm.h"
#include "models/architecture/precision.h"
#include "models/kernels/experts.h"
#include "models/laws/quality_precision.h"
#include "models/layout/context_parallel.h"
#include "models/layout/layout.h"
#include "models/machine/background.h"
#include "models/machine/cluster.h"
#include "models/machine/gpu.h"
#include "models/machine/software.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/serving.h"
#include "sim/scenario/training.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node; /* sim/config/yaml_tree.h */

/* One turn of a conversation: a prompt on top of what is cached, then an answer. */
struct turn {
    uint64_t prompt_tokens, output_tokens;
};

struct conversation {
    uint32_t batch;         /* conversations alike, in step with each other */
    uint64_t cached_tokens; /* in the KV cache before the first turn, a conversation */
    struct turn *turns;     /* [turn_count] */
    size_t turn_count;
};

enum workload_kind {
    WORKLOAD_CONVERSATION,
    WORKLOAD_SERVING,
    WORKLOAD_TRAINING,
    WORKLOAD_KIND_COUNT
};

enum detail {
    DETAIL_FOLDED, /* plays one of what is identical: layers, and ranks that never differ */
    DETAIL_FULL    /* plays every layer and every rank */
};

enum operator_detail { OPERATORS_NONE, OPERATORS_LAYER, OPERATORS_ALL };

enum link_detail { LINKS_NONE, LINKS_TOTAL, LINKS_SERIES };

/* Kinds of replicas of a service that are set up each in its own way. */
enum pool_kind { POOL_PREFILL, POOL_DECODE, POOL_COUNT };

struct routing_keys {
    struct routing routing;
    const char *file; /* of measured loads; NULL: none */
};

struct trace_options {
    const char *file; /* NULL: no trace */
    enum operator_detail operators;
    enum link_detail links;
    bool requests, steps;           /* of a service */
    double sample_interval_seconds; /* of series; 0: about 500 to 1,000 in all */
    bool watch; /* cpsim run --watch: whether it can be read while it grows; no key has it */
};

struct scenario;

/* A model with its requests, beside others on one cluster. */
struct tenant {
    const char *name;
    const struct scenario *scenario; /* of it alone; its own has no tenants */
};

struct scenario {
    const char *title;
    uint64_t seed;
    bool jitter; /* whoever waits for others waits for the slowest */
    struct llm llm;
    struct gpu gpu;
    struct cluster cluster;
    struct software software;
    struct layout layout;
    struct precision precision;
    struct quality_training quality;
    /* The scenario as either pool's replicas are set up; NULL: no pools say anything of their own.
     * A pool's own scenario has none. */
    const struct scenario *pools[POOL_COUNT];
    struct tenant *tenants; /* [tenant_count]; none: one model */
    size_t tenant_count;
    struct gpu_sharing sharing; /* by tenants; of a tenant its scenario's */
    bool is_tenant;
    uint32_t tenant;     /* its number, of one that is */
    uint32_t first_gpu;  /* of the cluster: its ranks count from it */
    bool layout_is_open; /* a plan chooses it: whether this one fits the memory is not asked */
    bool is_pool;
    enum pool_kind pool; /* of one that is */
    enum ring_rule ring_rule;
    struct routing_keys routing_keys; /* of tokens to experts; see scenario_replica() */
    enum workload_kind workload;
    struct conversation conversation;
    struct serving serving;
    struct training_workload training;
    struct background *background; /* [background_count] */
    size_t background_count;
    const char
        *platform_xml; /* a SimGrid platform of the user's own; NULL: made from the cluster */
    enum detail detail;
    double memory_fraction; /* of a GPU's memory that the run may fill */
    double memory_static_fraction, memory_free_fraction; /* of services, in its place: of a GPU's
                                                            memory for weights and cache; of what
                                                            all else leaves for the cache. 0: no */
    struct trace_options trace;
    const char *const *notes; /* [note_count]; sim/scenario/notes.h */
    size_t note_count;
    const struct node *tree; /* every value, the defaults among them: scenario_yaml() of load.h */
};

/* One value laid over the scenario, in the order given; the last of a key wins: from the command
 * line as text, or from a sweep as a value that has been read. */
struct override {
    const char *text;         /* --set: "layout.tensor=4"; NULL: `key` and `value` */
    const char *key;          /* "layout.tensor" */
    const struct node *value; /* copied; its mark says where it was written */
};

/* Reads and checks the scenario at `path` (and the model, GPU, cluster and software files it
 * names). Every fault becomes a diagnostic, and then the result is NULL. Nothing is printed. */
const struct scenario *scenario_load(struct arena *arena, const char *path,
                                     const struct override *overrides, size_t override_count,
                                     struct diagnostics *diagnostics);

#endif
