/* SPDX-License-Identifier: MIT */
#include "models/training_program.h"

#include <assert.h>

static const double fp32_bytes = 4.0;

/* What building one segment needs at hand. */
struct builder {
    const struct training *training;
    struct step_segment *segment;
    uint64_t tokens;       /* that the rank's products see */
    uint64_t shard_tokens; /* that its norms see */
    uint32_t last;         /* the operator that the next one waits for */
    uint32_t beside;       /* an exchange that it waits for too, or STEP_NO_OPERATOR */
};

/* Which gradients a pass computes. */
enum gradients { GRADIENTS_INPUT = 1, GRADIENTS_WEIGHT = 2, GRADIENTS_BOTH = 3 };

struct product {
    const char *name;
    uint64_t columns, depth;
    struct number number;
};

static uint32_t tensor_ranks(const struct builder *builder)
{
    return builder->training->replica.layout->tensor;
}

static double element_bytes(const struct builder *builder)
{
    return format_bytes(builder->training->replica.precision->activations);
}

static const struct training_software *stack(const struct builder *builder)
{
    return &builder->training->replica.software->training;
}

static void append(struct builder *builder, struct step_operator op)
{
    builder->last = step_append(builder->segment, op, builder->last, builder->beside);
    builder->beside = STEP_NO_OPERATOR;
}

static void counted_kernel(struct builder *builder, const char *name, enum memory_kernel kernel,
                           uint64_t rows, uint64_t columns, double bytes_per_element)
{
    append(builder, (struct step_operator){
                        .kind = OPERATOR_MEMORY,
                        .stream = STREAM_COMPUTE,
                        .name = name,
                        .memory = {.kernel = kernel,
                                   .rows = rows,
                                   .columns = columns,
                                   .bytes = (double)rows * (double)columns * bytes_per_element,
                                   .fused = stack(builder)->fused_kernels},
                    });
}

/* Whose bytes the stack has a factor for. */
static void memory_kernel(struct builder *builder, const char *name, enum memory_kernel kernel,
                          uint64_t rows, uint64_t columns, double bytes_per_element)
{
    counted_kernel(builder, name, kernel, rows, columns,
                   bytes_per_element * stack(builder)->memory_passes);
}

static void host_work(struct builder *builder, const char *name, double seconds)
{
    if (seconds > 0.0) {
        append(builder, (struct step_operator){.kind = OPERATOR_HOST,
                                               .stream = STREAM_COMPUTE,
                                               .name = name,
                                               .host_seconds = seconds});
    }
}

/* --- products --- */

static struct product_formats formats_of(const struct builder *builder, struct number number)
{
    const struct replica *replica = &builder->training->replica;
    return precision_product(replica->gpu, number, replica->precision->activations);
}

/* One read of a bf16 tensor that leaves it in fp8, once for each product that takes it. */
static void cast(struct builder *builder, uint64_t rows, uint64_t columns, struct number number)
{
    struct product_formats formats = formats_of(builder, number);
    if (formats.quantises_inputs) {
        bool by_row = formats.scaling != SCALING_TENSOR;
        memory_kernel(builder, "cast", by_row ? MEMORY_QUANTISE_ROW : MEMORY_QUANTISE, rows,
                      columns,
                      by_row ? stack(builder)->row_cast_bytes_per_element
                             : stack(builder)->cast_bytes_per_element);
    }
}

static void gemm(struct builder *builder, const char *name, uint64_t m, uint64_t n, uint64_t k,
                 struct number number, bool accumulates)
{
    struct product_formats formats = formats_of(builder, number);
    append(builder, (struct step_operator){.kind = OPERATOR_GEMM,
                                           .stream = STREAM_COMPUTE,
                                           .name = name,
                                           .gemm = {.m = m,
                                                    .n = n,
                                                    .k = k,
                                                    .format = formats.compute,
                                                    .scaling = formats.scaling,
                                                    .block = number.block,
                                                    .accumulates = accumulates}});
}

static void product_forward(struct builder *builder, const struct product *product)
{
    cast(builder, builder->tokens, product->depth, product->number);
    gemm(builder, product->name, builder->tokens, product->columns, product->depth, product->number,
         false);
}

static void input_gradient(struct builder *builder, const struct product *product)
{
    gemm(builder, product->name, builder->tokens, product->depth, product->columns, product->number,
         false);
}

/* Gradients kept narrower than products write them are added up by kernels of their own: widened,
 * added, and cast again to a scale that is looked for. */
static void weight_gradient(struct builder *builder, const struct product *product)
{
    enum format kept = builder->training->replica.precision->gradients;
    bool narrow = kept != FORMAT_UNSET && format_bytes(kept) < element_bytes(builder);
    gemm(builder, product->name, product->columns, product->depth, builder->tokens, product->number,
         stack(builder)->fp32_gradients && !narrow);
    if (narrow) {
        counted_kernel(builder, "add gradients", MEMORY_QUANTISE, product->columns, product->depth,
                       stack(builder)->narrow_gradient_bytes_per_parameter);
    }
}

/* --- tensor-parallel exchanges --- */

static struct step_operator collective(const struct builder *builder, const char *name,
                                       enum group group, enum collective_kind kind, double bytes)
{
    return (struct step_operator){
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = name,
        .collective = {.group = group,
                       .call = {.kind = kind,
                                .group = replica_group(&builder->training->replica, group),
                                .bytes = bytes}},
    };
}

static double residual_bytes(const struct builder *builder)
{
    return (double)builder->tokens * builder->training->replica.llm->hidden *
           element_bytes(builder);
}

/* Starts an exchange that runs beside what comes next; returns it. */
static uint32_t start_exchange(struct builder *builder, const char *name, enum collective_kind kind,
                               double bytes)
{
    return step_append(builder->segment, collective(builder, name, GROUP_TENSOR, kind, bytes),
                       builder->last, STEP_NO_OPERATOR);
}

/* Of a split tensor that a product takes with one scale a tensor, the narrow copy travels: the
 * scale is known beforehand (Transformer Engine gathers after its cast, as torchtitan's float8
 * tensor parallelism and MS-AMP do; FP8-LM's Table 7 has a third less of activations to carry). A
 * scale a row is looked for once the row is whole. */
static double gathered_bytes(const struct builder *builder, struct number number)
{
    struct product_formats formats = formats_of(builder, number);
    bool narrow = formats.quantises_inputs && formats.scaling == SCALING_TENSOR;
    return residual_bytes(builder) *
           (narrow ? format_bytes(formats.compute) / element_bytes(builder) : 1.0);
}

/* The whole of a split tensor, before a product with weights of `number` runs on it. Cut in pieces,
 * each rank begins with its own while the others travel. */
static void gather_before(struct builder *builder, const char *name, struct number number)
{
    const struct training *training = builder->training;
    if (tensor_ranks(builder) == 1 || !training->sequence_parallel) {
        return;
    }
    double bytes = gathered_bytes(builder, number);
    if (training->tensor_overlap) {
        builder->beside = STEP_NO_OPERATOR;
        uint32_t exchange = start_exchange(builder, name, COLLECTIVE_ALL_GATHER, bytes);
        builder->beside = exchange; /* taken over by overlapped_product() */
    } else {
        append(builder, collective(builder, name, GROUP_TENSOR, COLLECTIVE_ALL_GATHER, bytes));
    }
}

static enum collective_kind sum_kind(const struct builder *builder)
{
    return builder->training->sequence_parallel ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_REDUCE;
}

/* A product whose input was gathered by gather_before(). */
static void product_after_gather(struct builder *builder, const struct product *product,
                                 void (*run)(struct builder *, const struct product *))
{
    uint32_t exchange = builder->beside;
    builder->beside = STEP_NO_OPERATOR;
    run(builder, product);
    builder->beside = exchange;
}

/* A product whose result is summed over the tensor ranks. Cut in pieces, all but the last travel
 * while it still runs. */
static void product_and_sum(struct builder *builder, const char *name,
                            const struct product *product,
                            void (*run)(struct builder *, const struct product *))
{
    uint32_t ranks = tensor_ranks(builder);
    if (ranks == 1) {
        run(builder, product);
        return;
    }
    double bytes = residual_bytes(builder), exposed = bytes;
    uint32_t early = STEP_NO_OPERATOR;
    if (builder->training->tensor_overlap) {
        exposed = bytes / ranks;
        if (builder->beside != STEP_NO_OPERATOR) { /* streams keep their order */
            builder->last = builder->beside;
            builder->beside = STEP_NO_OPERATOR;
        }
        early = start_exchange(builder, name, sum_kind(builder), bytes - exposed);
    }
    run(builder, product);
    builder->beside = early;
    append(builder, collective(builder, name, GROUP_TENSOR, sum_kind(builder), exposed));
}

/* --- the layer's parts --- */

struct shapes {
    struct product qkv, out, up, down;
    uint64_t query_columns, kv_columns, ffn_columns;
};

static struct shapes layer_shapes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct llm *llm = replica->llm;
    const struct precision *precision = replica->precision;
    struct shapes shapes = {
        .query_columns = (uint64_t)replica_query_heads(replica) * llm->head_size,
        .kv_columns = (uint64_t)replica_kv_heads(replica) * llm->head_size,
        .ffn_columns = (llm->ffn_hidden + replica->layout->tensor - 1) / replica->layout->tensor,
    };
    shapes.qkv = (struct product){.name = "qkv",
                                  .columns = shapes.query_columns + 2 * shapes.kv_columns,
                                  .depth = llm->hidden,
                                  .number = precision->attention_weights};
    shapes.out = (struct product){.name = "out",
                                  .columns = llm->hidden,
                                  .depth = shapes.query_columns,
                                  .number = precision->attention_weights};
    shapes.up = (struct product){.name = llm->gated_ffn ? "gate+up" : "up",
                                 .columns = (llm->gated_ffn ? 2 : 1) * shapes.ffn_columns,
                                 .depth = llm->hidden,
                                 .number = precision->ffn_weights};
    shapes.down = (struct product){.name = "down",
                                   .columns = llm->hidden,
                                   .depth = shapes.ffn_columns,
                                   .number = precision->ffn_weights};
    return shapes;
}

static struct step_operator attention(const struct builder *builder, uint64_t queries,
                                      uint64_t keys, bool causal, bool backward)
{
    const struct replica *replica = &builder->training->replica;
    return (struct step_operator){
        .kind = OPERATOR_ATTENTION,
        .stream = STREAM_COMPUTE,
        .name = backward ? "attention backward" : "attention",
        .attention = {.sequences = builder->training->micro_batch,
                      .queries = queries,
                      .keys = keys,
                      .query_heads = replica_query_heads(replica),
                      .kv_heads = replica_kv_heads(replica),
                      .head_size = replica->llm->head_size,
                      .causal = causal,
                      .format = replica->precision->activations,
                      .backward = backward},
    };
}

static double kv_bytes(const struct builder *builder, uint64_t tokens)
{
    const struct replica *replica = &builder->training->replica;
    return 2.0 * (double)tokens * replica_kv_heads(replica) * replica->llm->head_size *
           element_bytes(builder);
}

/* A rank's queries are the chunks i and 2N-1-i of 2N: on average they see half of all keys. */
static void gathered_attention(struct builder *builder, uint64_t queries, bool backward)
{
    const struct training *training = builder->training;
    uint32_t ranks = training->replica.layout->context;
    uint64_t keys = (training->sequence_tokens + queries) / 2;
    double all_keys = kv_bytes(builder, builder->tokens) * ranks;
    append(builder,
           collective(builder, "kv all-gather", GROUP_CONTEXT, COLLECTIVE_ALL_GATHER, all_keys));
    append(builder, attention(builder, queries, keys, true, backward));
    if (backward) {
        append(builder, collective(builder, "kv reduce-scatter", GROUP_CONTEXT,
                                   COLLECTIVE_REDUCE_SCATTER, all_keys));
    }
}

/* pass-KV: the next shard travels while this one computes; backward, gradients travel with it. A
 * shard that comes from before sees all queries over half its keys, one from after half the
 * queries over all of them (arXiv 2310.01889 with the zigzag cut): alike in work. */
static void ring_attention(struct builder *builder, uint64_t queries, bool backward)
{
    uint32_t ranks = builder->training->replica.layout->context;
    double bytes = kv_bytes(builder, builder->tokens) * (backward ? 2.0 : 1.0);
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            struct step_operator hop =
                collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i + 1;
            arrived = step_append(builder->segment, hop, i == 0 ? ready : here, STEP_NO_OPERATOR);
        }
        struct step_operator part =
            attention(builder, queries, i == 0 ? queries : queries / 2, i == 0, backward);
        part.iteration = i;
        part.attention.ring = true;
        builder->last = step_append(builder->segment, part, ready, here);
    }
    uint64_t columns = (uint64_t)replica_query_heads(&builder->training->replica) *
                       builder->training->replica.llm->head_size;
    /* Each part's result is added to what is there, in fp32 when it is a gradient. */
    memory_kernel(builder, "merge", MEMORY_MERGE, builder->tokens, columns,
                  (ranks - 1.0) * (backward ? 4.0 : 3.0) * element_bytes(builder));
}

static void attend(struct builder *builder, bool backward)
{
    const struct training *training = builder->training;
    uint32_t ranks = training->replica.layout->context;
    uint64_t queries = context_prefill_tokens(training->sequence_tokens, ranks);
    if (ranks == 1) {
        append(builder, attention(builder, queries, queries, true, backward));
    } else if (training->context_exchange == CONTEXT_ALL_GATHER) {
        gathered_attention(builder, queries, backward);
    } else {
        ring_attention(builder, queries, backward);
    }
}

static void norm(struct builder *builder, const char *name, bool backward)
{
    memory_kernel(builder, name, MEMORY_ADD_RMSNORM, builder->shard_tokens,
                  builder->training->replica.llm->hidden,
                  backward ? stack(builder)->norm_backward_bytes_per_element
                           : stack(builder)->norm_forward_bytes_per_element);
}

static void rope(struct builder *builder, const struct shapes *shapes)
{
    memory_kernel(builder, "rope", MEMORY_ROPE, builder->tokens,
                  shapes->query_columns + shapes->kv_columns, 2.0 * element_bytes(builder));
}

/* Forward: gate and up in, one out. Backward: those and a gradient in, two gradients out. */
static void activation(struct builder *builder, const struct shapes *shapes, bool backward)
{
    bool gated = builder->training->replica.llm->gated_ffn;
    double passes = gated ? (backward ? 5.0 : 3.0) : (backward ? 3.0 : 2.0);
    memory_kernel(builder, "activation", MEMORY_SWIGLU, builder->tokens, shapes->ffn_columns,
                  passes * element_bytes(builder));
}

static void attention_block(struct builder *builder, const struct shapes *shapes)
{
    norm(builder, "attention norm", false);
    gather_before(builder, "attention all-gather", shapes->qkv.number);
    product_after_gather(builder, &shapes->qkv, product_forward);
    rope(builder, shapes);
    attend(builder, false);
}

/* All of a layer but the down product, whose result only the next layer needs. */
static void layer_until_down(struct builder *builder, const struct shapes *shapes)
{
    attention_block(builder, shapes);
    if (builder->training->replica.llm->parallel_blocks) {
        product_forward(builder, &shapes->out); /* summed with the down product's result */
    } else {
        product_and_sum(builder, "attention sum", &shapes->out, product_forward);
        norm(builder, "ffn norm", false);
        gather_before(builder, "ffn all-gather", shapes->up.number);
    }
    product_after_gather(builder, &shapes->up, product_forward);
    activation(builder, shapes, false);
}

static void layer_forward(struct builder *builder)
{
    struct shapes shapes = layer_shapes(builder->training);
    host_work(builder, "layer", stack(builder)->layer_seconds);
    layer_until_down(builder, &shapes);
    product_and_sum(builder, "ffn sum", &shapes.down, product_forward);
}

/* What the backward pass needs and the forward pass has not kept. */
static void layer_recompute(struct builder *builder)
{
    const struct training *training = builder->training;
    struct shapes shapes = layer_shapes(training);
    if (training->recompute == RECOMPUTE_NONE) {
        return;
    }
    if (training->recompute == RECOMPUTE_FULL) {
        layer_until_down(builder, &shapes);
        return;
    }
    if (stack(builder)->selective == SELECTIVE_ATTENTION) {
        attend(builder, false);
        return;
    }
    /* Of query, key, value, out, gate, up, down every second product: key, out and up. */
    struct product key = shapes.qkv, up = shapes.up;
    key.name = "key";
    key.columns = shapes.kv_columns;
    up.columns = shapes.ffn_columns;
    norm(builder, "attention norm", false);
    gather_before(builder, "attention all-gather", shapes.qkv.number);
    product_after_gather(builder, &key, product_forward);
    rope(builder, &shapes);
    product_and_sum(builder, "attention sum", &shapes.out, product_forward);
    norm(builder, "ffn norm", false);
    gather_before(builder, "ffn all-gather", shapes.up.number);
    product_after_gather(builder, &up, product_forward);
    activation(builder, &shapes, false);
}

/* --- backward --- */

/* Of a product whose output was summed (row-parallel): its gradient arrives split, is gathered, and
 * both products take it. */
static void row_backward(struct builder *builder, const char *name, const struct product *product,
                         enum gradients gradients)
{
    if (gradients & GRADIENTS_INPUT) {
        gather_before(builder, name, product->number);
        uint32_t exchange = builder->beside;
        builder->beside = STEP_NO_OPERATOR;
        cast(builder, builder->tokens, product->columns, product->number);
        builder->beside = STEP_NO_OPERATOR;
        input_gradient(builder, product);
        builder->beside = exchange;
    }
    if (gradients & GRADIENTS_WEIGHT) {
        weight_gradient(builder, product);
    }
}

/* Of a product whose input was gathered (column-parallel): the input is gathered again beside the
 * first product, the sum of the input's gradient travels beside the second (Megatron-LM,
 * tensor_parallel/layers.py, LinearWithGradAccumulationAndAsyncCommunication). */
static void column_backward(struct builder *builder, const char *name,
                            const struct product *product, enum gradients gradients)
{
    bool exchanges = tensor_ranks(builder) > 1;
    uint32_t sum = STEP_NO_OPERATOR;
    if (gradients & GRADIENTS_INPUT) {
        uint32_t gathered = builder->beside;
        builder->beside = STEP_NO_OPERATOR;
        cast(builder, builder->tokens, product->columns, product->number);
        if (exchanges && builder->training->sequence_parallel) {
            gathered = start_exchange(builder, "input all-gather", COLLECTIVE_ALL_GATHER,
                                      gathered_bytes(builder, product->number));
        }
        input_gradient(builder, product);
        if (exchanges) {
            sum = step_append(
                builder->segment,
                collective(builder, name, GROUP_TENSOR, sum_kind(builder), residual_bytes(builder)),
                builder->last, STEP_NO_OPERATOR);
        }
        builder->beside = gathered;
    }
    if (gradients & GRADIENTS_WEIGHT) {
        weight_gradient(builder, product);
    }
    if (sum != STEP_NO_OPERATOR) {
        if (builder->beside != STEP_NO_OPERATOR) {
            builder->last = builder->beside;
        }
        builder->beside = sum;
    }
}

static void layer_backward(struct builder *builder, enum gradients gradients)
{
    struct shapes shapes = layer_shapes(builder->training);
    bool parallel = builder->training->replica.llm->parallel_blocks;
    host_work(builder, "layer", 2.0 * stack(builder)->layer_seconds);
    layer_recompute(builder);
    row_backward(builder, "ffn gradient all-gather", &shapes.down, gradients);
    activation(builder, &shapes, true);
    column_backward(builder, "ffn gradient sum", &shapes.up, gradients);
    if (!parallel) {
        norm(builder, "ffn norm", true);
    }
    row_backward(builder, "attention gradient all-gather", &shapes.out, gradients);
    attend(builder, true);
    rope(builder, &shapes);
    column_backward(builder, "attention gradient sum", &shapes.qkv, gradients);
    norm(builder, "attention norm", true);
}

static void layer_weights(struct builder *builder)
{
    struct shapes shapes = layer_shapes(builder->training);
    weight_gradient(builder, &shapes.down);
    weight_gradient(builder, &shapes.up);
    weight_gradient(builder, &shapes.out);
    weight_gradient(builder, &shapes.qkv);
}

/* --- embedding, head, optimizer --- */

static void embedding(struct builder *builder)
{
    uint32_t hidden = builder->training->replica.llm->hidden;
    memory_kernel(builder, "embedding", MEMORY_EMBEDDING, builder->tokens, hidden,
                  2.0 * element_bytes(builder));
    if (tensor_ranks(builder) > 1) {
        append(builder, collective(builder, "embedding sum", GROUP_TENSOR, sum_kind(builder),
                                   residual_bytes(builder)));
    }
}

/* Rows are gathered by token and their gradients added in place. */
static void embedding_backward(struct builder *builder)
{
    memory_kernel(builder, "embedding", MEMORY_EMBEDDING, builder->tokens,
                  builder->training->replica.llm->hidden, 2.0 * fp32_bytes);
}

static struct product head_product(const struct training *training)
{
    const struct replica *replica = &training->replica;
    uint32_t tensor = replica->layout->tensor;
    return (struct product){
        .name = "head",
        .columns = (replica->llm->vocabulary + tensor - 1) / tensor,
        .depth = replica->llm->hidden,
        .number = replica->precision->embedding,
    };
}

static void head(struct builder *builder)
{
    struct product product = head_product(builder->training);
    norm(builder, "final norm", false);
    gather_before(builder, "head all-gather", product.number);
    product_after_gather(builder, &product, product_forward);
    memory_kernel(builder, "loss", MEMORY_COPY, builder->tokens, product.columns,
                  stack(builder)->loss_forward_bytes_per_logit);
    if (tensor_ranks(builder) > 1) { /* the largest logit, the sum, the target's: fp32 a token */
        append(builder, collective(builder, "loss sum", GROUP_TENSOR, COLLECTIVE_ALL_REDUCE,
                                   3.0 * fp32_bytes * (double)builder->tokens));
    }
}

static void head_backward(struct builder *builder)
{
    struct product product = head_product(builder->training);
    memory_kernel(builder, "loss gradient", MEMORY_COPY, builder->tokens, product.columns,
                  stack(builder)->loss_backward_bytes_per_logit);
    column_backward(builder, "head gradient sum", &product, GRADIENTS_BOTH);
    norm(builder, "final norm", true);
}

static uint32_t fullest_layers(const struct training *training)
{
    uint32_t stages = training->replica.layout->pipeline, most = 0;
    for (uint32_t stage = 0; stage < stages; stage++) {
        uint32_t layers = 0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            layers += training_part_layers(training, chunk * stages + stage);
        }
        most = layers > most ? layers : most;
    }
    return most;
}

static void optimizer(struct builder *builder)
{
    const struct training *training = builder->training;
    uint32_t stages = training->replica.layout->pipeline;
    double most = 0.0;
    for (uint32_t stage = 0; stage < stages; stage++) {
        double parameters = 0.0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            parameters += training_part_parameters(training, chunk * stages + stage);
        }
        most = parameters > most ? parameters : most;
    }
    if (training->sharding != SHARDING_NONE) {
        most /= training_data_group(training).ranks;
    }
    counted_kernel(builder, "optimizer", MEMORY_OPTIMIZER, 1, (uint64_t)most,
                   stack(builder)->optimizer_bytes_per_parameter);
}

uint32_t training_max_operators(const struct training *training)
{
    /* A backward pass that computes its layer again: 3 casts, 4 products, 3 norms, ... twice over,
     * and three rings. */
    return 64 + 3 * (2 * training->replica.layout->context + 4);
}

static void build_segment(struct builder *builder, enum training_segment kind)
{
    bool split = builder->training->schedule->splits_backward;
    switch (kind) {
    case TRAINING_EMBEDDING:
        embedding(builder);
        break;
    case TRAINING_FORWARD:
        layer_forward(builder);
        break;
    case TRAINING_BACKWARD:
        layer_backward(builder, split ? GRADIENTS_INPUT : GRADIENTS_BOTH);
        break;
    case TRAINING_WEIGHT:
        if (split) {
            layer_weights(builder);
        }
        break;
    case TRAINING_HEAD:
        head(builder);
        break;
    case TRAINING_HEAD_BACKWARD:
        head_backward(builder);
        break;
    case TRAINING_EMBEDDING_BACKWARD:
        embedding_backward(builder);
        break;
    case TRAINING_OPTIMIZER:
        optimizer(builder);
        break;
    case TRAINING_SEGMENT_COUNT:
        break;
    }
    if (builder->beside != STEP_NO_OPERATOR) { /* the segment ends when its exchange has */
        builder->last = STEP_NO_OPERATOR;
    }
}

void training_build(const struct training *training, struct step_operator *operators,
                    struct step_program *program)
{
    static const char *const names[TRAINING_SEGMENT_COUNT] = {
        [TRAINING_EMBEDDING] = "embedding",
        [TRAINING_FORWARD] = "forward",
        [TRAINING_BACKWARD] = "backward",
        [TRAINING_WEIGHT] = "weight gradients",
        [TRAINING_HEAD] = "head",
        [TRAINING_HEAD_BACKWARD] = "head backward",
        [TRAINING_EMBEDDING_BACKWARD] = "embedding backward",
        [TRAINING_OPTIMIZER] = "optimizer",
    };
    _Static_assert((int)TRAINING_SEGMENT_COUNT <= (int)STEP_MAX_SEGMENTS, "too many segments");
    uint32_t capacity = training_max_operators(training);
    uint32_t micro_batches = training_pipeline(training).micro_batches;
    bool alone = training->replica.layout->pipeline == 1;
    uint64_t tokens = training_rank_tokens(training);
    uint32_t tensor = training->replica.layout->tensor;
    *program = (struct step_program){.segment_count = TRAINING_SEGMENT_COUNT};
    for (uint32_t kind = 0; kind < TRAINING_SEGMENT_COUNT; kind++) {
        struct step_segment *segment = &program->segments[kind];
        bool of_layers =
            kind == TRAINING_FORWARD || kind == TRAINING_BACKWARD || kind == TRAINING_WEIGHT;
        *segment = (struct step_segment){
            .name = names[kind],
            .repeat = of_layers                    ? micro_batches * fullest_layers(training)
                      : kind == TRAINING_OPTIMIZER ? 1
                      : alone                      ? micro_batches
                                                   : 0,
            .capacity = capacity,
            .operators = operators + (size_t)kind * capacity,
        };
        struct builder builder = {
            .training = training,
            .segment = segment,
            .tokens = tokens,
            .shard_tokens = training->sequence_parallel ? (tokens + tensor - 1) / tensor : tokens,
            .last = STEP_NO_OPERATOR,
            .beside = STEP_NO_OPERATOR,
        };
        build_segment(&builder, (enum training_segment)kind);
    }
}
