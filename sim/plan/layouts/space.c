/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/space.h"

#include "models/numeric/whole.h"
#include "models/pipeline/pipeline_schedule.h"

#include <string.h>

/* --- what has an effect where --- */

static bool in_stages(const struct scenario *scenario)
{
    return scenario->layout.pipeline > 1;
}

/* Parts of a stage: where the schedule has them. */
static bool in_parts(const struct scenario *scenario)
{
    return in_stages(scenario) && pipeline_schedules[scenario->training.schedule]->interleaved;
}

static bool in_tensor(const struct scenario *scenario)
{
    return scenario->layout.tensor > 1;
}

static bool in_context(const struct scenario *scenario)
{
    return scenario->layout.context > 1;
}

static bool in_replicas(const struct scenario *scenario)
{
    return scenario->layout.data * scenario->layout.context > 1;
}

static bool gathers_again(const struct scenario *scenario)
{
    return in_replicas(scenario) && !in_stages(scenario) &&
           scenario->training.sharding == SHARDING_FSDP;
}

/* --- the values of what the file does not name --- */

struct values {
    uint32_t *values, count;
};

enum { VALUES_MOST = 256 };

static void add(struct values *values, uint32_t value)
{
    uint32_t at = 0;
    while (at < values->count && values->values[at] < value) {
        at++;
    }
    if ((at < values->count && values->values[at] == value) || values->count == VALUES_MOST) {
        return;
    }
    memmove(&values->values[at + 1], &values->values[at],
            (values->count - at) * sizeof *values->values);
    values->values[at] = value;
    values->count++;
}

static void add_powers(struct values *values, uint32_t most)
{
    for (uint32_t value = 1; value <= most; value *= 2) {
        add(values, value);
    }
}

static void add_divisors(struct values *values, uint32_t of, uint32_t most)
{
    for (uint32_t value = 1; value <= most && value <= of; value++) {
        if (of % value == 0) {
            add(values, value);
        }
    }
}

static void fill_tensor(const struct scenario *base, struct values *values)
{
    add_powers(values, base->cluster.gpus_per_node);
}

static void fill_context(const struct scenario *base, struct values *values)
{
    const uint64_t least_tokens = 8192; /* a rank: below, exchanges outweigh what they save */
    uint64_t ranks = base->training.sequence_tokens / least_tokens;
    add_powers(values, ranks > 1 ? (uint32_t)(ranks < 1024 ? ranks : 1024) : 1);
}

static uint32_t most_experts(const struct llm *llm)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        const struct ffn *ffn = &llm->stack.kinds[i].ffn;
        most = ffn->kind == FFN_EXPERTS && ffn->experts.count > most ? ffn->experts.count : most;
    }
    return most;
}

static void fill_expert(const struct scenario *base, struct values *values)
{
    add_powers(values, most_experts(&base->llm));
}

static void fill_pipeline(const struct scenario *base, struct values *values)
{
    enum { MOST = 64 };
    uint32_t layers = base->llm.stack.layers, most = layers < MOST ? layers : MOST;
    add_powers(values, most);
    add_divisors(values, layers, most);
}

static void fill_schedule(const struct scenario *base, struct values *values)
{
    (void)base;
    static const enum training_schedule searched[] = {TRAINING_1F1B, TRAINING_INTERLEAVED,
                                                      TRAINING_ZERO_BUBBLE, TRAINING_ZBV,
                                                      TRAINING_DUALPIPEV};
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++) {
        add(values, searched[i]);
    }
}

static void fill_parts(const struct scenario *base, struct values *values)
{
    enum { MOST = 16 };
    add_powers(values, MOST);
    add_divisors(values, base->llm.stack.layers, MOST);
}

static void fill_micro_batch(const struct scenario *base, struct values *values)
{
    enum { MOST = 16 };
    uint32_t batch = base->training.global_batch;
    add_powers(values, batch > 0 && batch < MOST ? batch : MOST);
}

static void fill_recompute(const struct scenario *base, struct values *values)
{
    (void)base;
    add(values, RECOMPUTE_NONE);
    add(values, RECOMPUTE_SELECTIVE);
    add(values, RECOMPUTE_FULL);
}

static void fill_sharding(const struct scenario *base, struct values *values)
{
    (void)base;
    add(values, SHARDING_NONE);
    add(values, SHARDING_ZERO1);
    add(values, SHARDING_FSDP);
}

static void fill_both(const struct scenario *base, struct values *values)
{
    (void)base;
    add(values, 0);
    add(values, 1);
}

/* The axes of every search, in the order in which they are set: what decides whether another has
 * an effect comes first. */
static const struct {
    const char *key;
    void (*fill)(const struct scenario *base, struct values *values);
    bool (*matters)(const struct scenario *scenario);
    uint32_t idle; /* its value where it has no effect */
} searched[] = {
    {"layout.tensor", fill_tensor, NULL, 1}, /* in the order of enum shape_axis */
    {"layout.context", fill_context, NULL, 1},
    {"layout.expert", fill_expert, NULL, 1},
    {"layout.pipeline", fill_pipeline, NULL, 1},
    {"workload.schedule", fill_schedule, in_stages, TRAINING_1F1B},
    {"workload.virtual_stages", fill_parts, in_parts, 1},
    {"workload.micro_batch", fill_micro_batch, NULL, 1},
    {"workload.recompute", fill_recompute, NULL, RECOMPUTE_NONE},
    {"workload.sharding", fill_sharding, in_replicas, SHARDING_NONE},
    {"workload.sequence_parallel", fill_both, in_tensor, 0},
    {"workload.tensor_overlap", fill_both, in_tensor, 0},
    {"workload.context_exchange", fill_both, in_context, CONTEXT_ALL_GATHER},
};

enum { SEARCHED = sizeof searched / sizeof *searched };

/* Other keys that have an effect only somewhere. */
static const struct {
    const char *key;
    bool (*matters)(const struct scenario *scenario);
    uint32_t idle;
} conditions[] = {
    {"workload.reshard_after_forward", gathers_again, 1},
    {"workload.stages_outside", in_stages, 0},
    {"workload.stage_lead", in_parts, 2},
    {"workload.microbatch_group", in_parts, 0},
};

/* --- what the file names --- */

static bool read_list(const struct field_context *context, struct node *list, struct axis *axis)
{
    if (list->kind != NODE_LIST || list->count == 0 || list->count > VALUES_MOST) {
        DIAGNOSE_ERROR(context->diagnostics, list->mark,
                       "axes.%s: expected a list of 1 to %d values, such as [1, 2, 4]",
                       axis->lever.key, VALUES_MOST);
        return false;
    }
    axis->values = ARENA_ARRAY(context->arena, uint32_t, list->count);
    axis->count = 0;
    bool read = true;
    for (size_t i = 0; i < list->count; i++) {
        uint32_t value = 0;
        read &= lever_read(&axis->lever, context, list->items[i], &value);
        bool twice = false;
        for (uint32_t k = 0; k < axis->count; k++) {
            twice |= axis->values[k] == value;
        }
        if (!twice) {
            axis->values[axis->count++] = value;
        }
    }
    return read;
}

/* The file's values of an axis, else those that every search tries; the base's where there is but
 * one way. */
static void fill_axis(const struct field_context *context, const struct layout_file *file,
                      const struct scenario *base, size_t which, struct axis *axis)
{
    lever_find(searched[which].key, &axis->lever);
    axis->matters = searched[which].matters;
    axis->idle = searched[which].idle;
    struct node *named = file->axes == NULL ? NULL : node_get(file->axes, searched[which].key);
    if (named != NULL) {
        read_list(context, named, axis);
        return;
    }
    struct values values = {.values = ARENA_ARRAY(context->arena, uint32_t, VALUES_MOST + 1)};
    searched[which].fill(base, &values);
    axis->values = values.values;
    axis->count = values.count;
}

static bool is_searched(const char *key)
{
    for (size_t i = 0; i < SEARCHED; i++) {
        if (strcmp(key, searched[i].key) == 0) {
            return true;
        }
    }
    return false;
}

/* Keys that only this file turns. */
static void add_named(const struct field_context *context, const struct layout_file *file,
                      struct layout_space *space)
{
    for (size_t i = 0; file->axes != NULL && i < file->axes->count; i++) {
        const struct node_entry *entry = &file->axes->entries[i];
        struct axis axis = {0};
        if (is_searched(entry->key)) {
            continue;
        }
        if (strcmp(entry->key, "layout.data") == 0) {
            DIAGNOSE_ERROR(context->diagnostics, entry->key_mark,
                           "axes.layout.data: replicas follow from `gpus` and what else is laid "
                           "out; leave it out, or list numbers of GPUs");
        } else if (!lever_find(entry->key, &axis.lever)) {
            DIAGNOSE_ERROR(
                context->diagnostics, entry->key_mark,
                "axes.%s: expected a count, a choice, a share or a yes-or-no of `layout` or of "
                "a training `workload`, such as workload.reshard_after_forward; what "
                "is read from files (precision, software, gpu) needs a plan of its own "
                "each, or a sweep",
                entry->key);
        } else if (space->axis_count == AXES_MOST) {
            DIAGNOSE_ERROR(context->diagnostics, entry->key_mark, "axes: more than %d keys",
                           AXES_MOST);
        } else if (read_list(context, entry->value, &axis)) {
            for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++) {
                if (strcmp(conditions[k].key, entry->key) == 0) {
                    axis.matters = conditions[k].matters;
                    axis.idle = conditions[k].idle;
                }
            }
            space->axes[space->axis_count++] = axis;
        }
    }
}

/* --- shapes --- */

/* Multiplies the shape axes out for a number of GPUs; counts what divides them, and keeps it unless
 * `shapes` is NULL. */
static uint64_t list_shapes(const struct layout_space *space, uint32_t gpus, struct shape *shapes)
{
    uint64_t all = 1, kept = 0;
    for (int i = 0; i < SHAPE_AXIS_COUNT; i++) {
        all *= space->shape_axes[i].count;
    }
    for (uint64_t number = 0; number < all; number++) {
        struct shape shape = {.gpus = gpus};
        uint64_t rest = number;
        for (int i = SHAPE_AXIS_COUNT - 1; i >= 0; i--) {
            shape.values[i] = space->shape_axes[i].values[rest % space->shape_axes[i].count];
            rest /= space->shape_axes[i].count;
        }
        uint64_t replica = (uint64_t)shape.values[SHAPE_TENSOR] * shape.values[SHAPE_CONTEXT] *
                           shape.values[SHAPE_PIPELINE];
        if (replica == 0 || gpus % replica != 0) {
            continue;
        }
        shape.data = (uint32_t)(gpus / replica);
        if (shapes != NULL) {
            shapes[kept] = shape;
        }
        kept++;
    }
    return kept;
}

const struct layout_space *layout_space_create(const struct layout_file *file,
                                               const struct scenario *base, struct arena *arena,
                                               struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    const struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    struct layout_space *space = ARENA_NEW(arena, struct layout_space);
    lever_find("layout.data", &space->data);
    for (size_t i = 0; i < SEARCHED; i++) {
        struct axis *axis =
            i < SHAPE_AXIS_COUNT ? &space->shape_axes[i] : &space->axes[space->axis_count++];
        fill_axis(&context, file, base, i, axis);
    }
    add_named(&context, file, space);
    if (diagnostics_error_count(diagnostics) > errors_before) {
        return NULL;
    }
    const uint32_t own = layout_gpus(&base->layout);
    const uint32_t *gpus = file->gpu_count > 0 ? file->gpus : &own;
    size_t gpu_count = file->gpu_count > 0 ? file->gpu_count : 1;
    for (size_t i = 0; i < gpu_count; i++) {
        space->shape_count += list_shapes(space, gpus[i], NULL);
    }
    space->shapes = ARENA_ARRAY(arena, struct shape, space->shape_count);
    uint64_t at = 0;
    for (size_t i = 0; i < gpu_count; i++) {
        at += list_shapes(space, gpus[i], &space->shapes[at]);
    }
    space->variants = 1;
    for (uint32_t i = 0; i < space->axis_count; i++) {
        space->variants *= space->axes[i].count;
    }
    return space;
}

void space_set_shape(const struct layout_space *space, uint64_t shape, struct scenario *scenario)
{
    for (int i = 0; i < SHAPE_AXIS_COUNT; i++) {
        lever_set(&space->shape_axes[i].lever, scenario, space->shapes[shape].values[i]);
    }
    lever_set(&space->data, scenario, space->shapes[shape].data);
}

bool space_set_variant(const struct layout_space *space, uint64_t variant,
                       struct scenario *scenario)
{
    uint32_t chosen[AXES_MOST];
    for (uint32_t i = space->axis_count; i-- > 0;) {
        chosen[i] = (uint32_t)(variant % space->axes[i].count);
        variant /= space->axes[i].count;
    }
    for (uint32_t i = 0; i < space->axis_count; i++) {
        const struct axis *axis = &space->axes[i];
        bool matters = axis->matters == NULL || axis->matters(scenario);
        if (!matters && chosen[i] > 0) {
            return false;
        }
        lever_set(&axis->lever, scenario, matters ? axis->values[chosen[i]] : axis->idle);
    }
    /* Interleaved stages of one part are 1F1B's. */
    return !in_stages(scenario) || scenario->training.schedule != TRAINING_INTERLEAVED ||
           scenario->training.virtual_stages > 1;
}
