/* SPDX-License-Identifier: MIT
 * platforms/kernels/ *.yaml: the kernels that an engine calls in place of the GPU file's. */
#include "models/machine/kernel_library.h"

#include "sim/scenario/tables.h"

#define SECONDS(name, type, member, text)                                                          \
    {                                                                                              \
        .key = name, .kind = FIELD_SECONDS, FIELD_AT(type, member), .max = 1, .fallback = "0 s",   \
        .doc = text                                                                                \
    }
#define NUMBER(name, type, member, most, text)                                                     \
    {                                                                                              \
        .key = name, .kind = FIELD_NUMBER, FIELD_AT(type, member), .max = most, .fallback = "0",   \
        .doc = text                                                                                \
    }
#define SHARE(name, type, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_NUMBER, FIELD_AT(type, member), .required = true, .min = 0.01,  \
        .max = 1, .doc = text                                                                      \
    }
#define COUNT(name, type, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_COUNT, FIELD_AT(type, member), .required = true, .min = 1,      \
        .max = 1e9, .doc = text                                                                    \
    }
#define SIZES(name, type, member, least, text)                                                     \
    {                                                                                              \
        .key = name, .kind = FIELD_SIZES, .offset = offsetof(struct type, member.tiles),           \
        .size = sizeof(const struct tile *), .count_offset = offsetof(struct type, member.count),  \
        .required = (least) > 0, .min = least, .max = 256, .doc = text                             \
    }

static const struct field prefill_kernel_fields[] = {
    SHARE("efficiency", prefill_kernel, efficiency,
          "Share of the matrix units' peak that a block's products reach."),
    NUMBER("softmax_cycles", prefill_kernel, softmax_cycles, 1e6,
           "Clocks of 128 scores a key, under the products."),
    SECONDS("start", prefill_kernel, start_seconds, "Launch, fill and drain."),
    SECONDS("block", prefill_kernel, block_seconds, "Between two blocks on one SM."),
    NUMBER("around_passes", prefill_kernel, around_passes, 100,
           "Over new queries, keys and values in 16 bits, of the kernels around it: rotation, "
           "quantisation, the way into the cache."),
    NUMBER("narrow_cycles", prefill_kernel, narrow_cycles, 1e6,
           "Clocks of a block for a key of 128 elements, to turn what is kept in 8 bits."),
    NUMBER("narrow_growth", prefill_kernel, narrow_growth, 10,
           "Exponent of its growth with the head size."),
    {.key = "tile_bytes",
     .kind = FIELD_BYTES,
     FIELD_AT(prefill_kernel, tile_bytes),
     .required = true,
     .min = 1,
     .max = 1e9,
     .doc = "Keys of one tile; with a window whole tiles are walked."},
    NUMBER("tail_share", prefill_kernel, tail_share, 10,
           "Blocks go longest first, and the last ends by so much later than all on the average; "
           "0: they go in order."),
    SECONDS("odd_heads", prefill_kernel, odd_seconds,
            "Of kernels that pad head sizes other than powers of two."),
    COUNT("block_queries", prefill_kernel, block_queries, "Queries of one block."),
    COUNT("small_head_queries", prefill_kernel, small_head_queries, "The same of heads up to 64."),
    {.key = "most_tile_keys",
     .kind = FIELD_COUNT,
     FIELD_AT(prefill_kernel, most_tile_keys),
     .max = 1e9,
     .fallback = "0",
     .doc = "Keys of a tile, at most; 0: as many as tile_bytes hold."},
    {.key = "packs_heads",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(prefill_kernel, packs_heads),
     .fallback = "false",
     .doc = "Whether query heads that share keys lie in one block."},
    {.key = "computes_narrow",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(prefill_kernel, computes_narrow),
     .fallback = "false",
     .doc = "Whether both products are of 8 bits."},
    {0}};

static const struct field decode_kernel_fields[] = {
    SHARE("memory_efficiency", decode_kernel, memory_efficiency,
          "Share of the memory rate at which keys and values are read."),
    SECONDS("start", decode_kernel, start_seconds, "Launch, fill and drain."),
    SECONDS("split", decode_kernel, split_seconds, "More when sequences are cut into parts."),
    SECONDS("tile", decode_kernel, tile_seconds, "Of each wave of heads over the SMs."),
    {.key = "sm_bytes_per_clock",
     .kind = FIELD_NUMBER,
     FIELD_AT(decode_kernel, sm_bytes_per_clock),
     .required = true,
     .min = 0.1,
     .max = 1e6,
     .doc = "Keys and values that one SM takes in."},
    NUMBER("narrow_cycles", decode_kernel, narrow_cycles, 1e6,
           "Clocks of an SM for a key of 128 elements, to turn what is kept in 8 bits."),
    NUMBER("narrow_growth", decode_kernel, narrow_growth, 10,
           "Exponent of its growth with the head size."),
    SECONDS("ramp", decode_kernel, ramp_seconds, "Lost until it reads at full rate."),
    {.key = "ramp_bytes",
     .kind = FIELD_BYTES,
     FIELD_AT(decode_kernel, ramp_bytes),
     .max = 1e12,
     .fallback = "0 B",
     .doc = "Half of ramp is lost at this size."},
    SECONDS("odd_heads", decode_kernel, odd_seconds,
            "Of kernels that pad head sizes other than powers of two."),
    SHARE("full_share", decode_kernel, full_share,
          "Of the SMs: with as many heads sequences stay whole."),
    COUNT("part_keys", decode_kernel, part_keys, "The fewest keys of a part."),
    COUNT("most_parts", decode_kernel, most_parts, "Parts of a sequence, at most."),
    {0}};

#define KERNEL(name, struct_name, index, table, text)                                              \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, .offset = (index) * sizeof(struct struct_name),        \
        .size = sizeof(struct struct_name), .fields = table, .doc = text                           \
    }

static const struct field prefill_fields[] = {
    KERNEL("wide", prefill_kernel, KEYS_WIDE, prefill_kernel_fields,
           "Over keys and values of 16 bits."),
    KERNEL("narrow", prefill_kernel, KEYS_NARROW, prefill_kernel_fields, "Over those of 8 bits."),
    KERNEL("large", prefill_kernel, KEYS_LARGE, prefill_kernel_fields,
           "Heads above 256, over keys and values of 16 bits."),
    KERNEL("large_narrow", prefill_kernel, KEYS_LARGE_NARROW, prefill_kernel_fields,
           "Heads above 256, over those of 8 bits."),
    {0}};

static const struct field decode_fields[] = {
    KERNEL("wide", decode_kernel, KEYS_WIDE, decode_kernel_fields,
           "Over keys and values of 16 bits."),
    KERNEL("narrow", decode_kernel, KEYS_NARROW, decode_kernel_fields, "Over those of 8 bits."),
    KERNEL("large", decode_kernel, KEYS_LARGE, decode_kernel_fields,
           "Heads above 256, over keys and values of 16 bits."),
    KERNEL("large_narrow", decode_kernel, KEYS_LARGE_NARROW, decode_kernel_fields,
           "Heads above 256, over those of 8 bits."),
    {0}};

static const struct field experts_kernel_fields[] = {
    SIZES("tiles", experts_kernel, tiles, 1,
          "Rows of one expert by columns of its weights; the fastest is taken."),
    SHARE("efficiency", experts_kernel, efficiency,
          "Share of the matrix units' peak inside a tile."),
    SHARE("memory_efficiency", experts_kernel, memory_efficiency,
          "Share of the memory rate at which weights are read."),
    {.key = "tile_bytes_per_clock",
     .kind = FIELD_NUMBER,
     FIELD_AT(experts_kernel, tile_bytes_per_clock),
     .required = true,
     .min = 0.1,
     .max = 1e6,
     .doc = "Bytes a clock from L2 to one SM when all load. Few take in more, up to the GPU's."},
    SECONDS("tile", experts_kernel, tile_seconds, "Between two tiles on one SM."),
    SECONDS("start", experts_kernel, start_seconds,
            "Launch, fill and drain of one product, and its share of the kernels around both."),
    {.key = "hidden_start",
     .kind = FIELD_SECONDS,
     FIELD_AT(experts_kernel, hidden_seconds),
     .max = 1,
     .fallback = "0 s",
     .doc = "Of the start, measured alone, what a CUDA graph hides behind the kernel before."},
    SECONDS("ranks", experts_kernel, ranks_seconds,
            "More of one product where experts lie on several ranks."),
    NUMBER("output_passes", experts_kernel, output_passes, 1000,
           "Over a product's output in 16 bits, of the kernels around it: sorting, scaling, adding "
           "up."),
    NUMBER("dequantise_cycles", experts_kernel, dequantise_cycles, 1e3,
           "Clocks of an SM for a weight kept narrower than it is multiplied."),
    {.key = "all_experts",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(experts_kernel, all_experts),
     .fallback = "false",
     .doc = "Whether the weights of all experts of a rank are read, chosen or not."},
    {.key = "all_rows",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(experts_kernel, all_rows),
     .fallback = "false",
     .doc = "Whether the kernels around it go over the rows of experts on other ranks too."},
    {0}};

static const struct field experts_fields[] = {
    KERNEL("bits_16", experts_kernel, EXPERTS_16_BIT, experts_kernel_fields,
           "Both operands of 16 bits."),
    KERNEL("tensor_scales", experts_kernel, EXPERTS_TENSOR_SCALES, experts_kernel_fields,
           "8 bits, a scale a tensor or row."),
    KERNEL("block_scales", experts_kernel, EXPERTS_BLOCK_SCALES, experts_kernel_fields,
           "8 bits, a scale a block."),
    KERNEL("narrow_weights", experts_kernel, EXPERTS_NARROW_WEIGHTS, experts_kernel_fields,
           "16 bits by weights of fewer."),
    SIZES("tuned", experts_kernels, tuned, 0,
          "Experts of a rank by their width on it, that the kernel of 16 bits was tuned for. "
          "Others run `untuned`. Default: it is tuned for all."),
    {.key = "untuned",
     .kind = FIELD_MAPPING,
     FIELD_AT(experts_kernels, untuned),
     .fields = experts_kernel_fields,
     .doc = "The kernel of 16 bits where it was not tuned."},
    {0}};

static const struct field rule_fields[] = {
    {.key = "tokens",
     .kind = FIELD_COUNT,
     FIELD_AT(product_rule, most_tokens),
     .min = 1,
     .max = 1e12,
     .doc = "Of products of up to so many tokens. Left out: of any number."},
    {.key = "columns",
     .kind = FIELD_COUNT,
     FIELD_AT(product_rule, most_columns),
     .min = 1,
     .max = 1e12,
     .doc = "And of up to so many columns. Left out: of any number."},
    {.key = "depth",
     .kind = FIELD_COUNT,
     FIELD_AT(product_rule, least_depth),
     .min = 1,
     .max = 1e12,
     .doc = "And of at least such a depth. Left out: of any."},
    {.key = "tile",
     .kind = FIELD_SIZES,
     .offset = offsetof(struct product_rule, tile.tiles),
     .size = sizeof(const struct tile *),
     .count_offset = offsetof(struct product_rule, tile.count),
     .required = true,
     .min = 1,
     .max = 1,
     .doc = "Its rows (the side that the matrix unit takes in steps) by columns."},
    {.key = "turned",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(product_rule, turned),
     .fallback = "false",
     .doc = "Whether the tile's columns lie along the tokens. Otherwise its rows do."},
    {0}};

static const struct field rule_item = {.kind = FIELD_MAPPING,
                                       .size = sizeof(struct product_rule),
                                       .fields = rule_fields,
                                       .doc = "Products and the tile they get."};

static const struct field product_kernel_fields[] = {
    SIZES(
        "tiles", product_kernel, family.tiles, 1,
        "Rows (the side that the matrix unit takes in steps) by columns, either along the tokens; "
        "the largest first."),
    SIZES("narrow_tiles", product_kernel, family.narrow_tiles, 0,
          "Taken by products whose tokens all fit in the columns of one."),
    {.key = "splits",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(product_kernel, family.splits),
     .fallback = "false",
     .doc = "Whether there are kernels that split a product along its depth."},
    {.key = "rules",
     .kind = FIELD_LIST,
     FIELD_AT(product_kernel, rules),
     .count_offset = offsetof(struct product_kernel, rule_count),
     .min = 1,
     .max = 64,
     .item = &rule_item,
     .doc = "The library's table of which tile a product gets, the first row that fits. Left out, "
            "or where none fits: the fastest of its tiles."},
    SHARE("efficiency", product_kernel, efficiency,
          "Share of the matrix units' peak inside a tile."),
    SECONDS("start", product_kernel, start_seconds, "Launch, fill and drain."),
    {.key = "sm_memory_rate",
     .kind = FIELD_BYTES_PER_SECOND,
     FIELD_AT(product_kernel, sm_memory_bytes_per_second),
     .max = 1e15,
     .fallback = "0 B/s",
     .doc = "What one SM gets of the GPU's memory. 0: the GPU file's."},
    {0}};

static const struct field products_fields[] = {
    KERNEL("tensor", product_kernel, SCALING_TENSOR, product_kernel_fields, "A scale a tensor."),
    KERNEL("row", product_kernel, SCALING_ROW, product_kernel_fields, "A scale a row and column."),
    KERNEL("block", product_kernel, SCALING_BLOCK, product_kernel_fields,
           "A scale a block along the depth."),
    {0}};

#define FAMILY(member, table, text)                                                                \
    {                                                                                              \
        .key = #member, .kind = FIELD_MAPPING, FIELD_AT(kernel_library, mixers.member),            \
        .fields = table, .shorthand = "use", .folder = "platforms/kernels/" #member, .doc = text   \
    }

const struct field kernel_library_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(kernel_library, name),
     .fallback = "inline",
     .doc = "What cpsim platforms calls it. Default: the file's name."},
    {.key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."},
    {.key = "prefill",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_library, prefill),
     .fields = prefill_fields,
     .doc = "Attention of prompts."},
    {.key = "decode",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_library, decode),
     .fields = decode_fields,
     .doc = "Attention of a new token, or a few, a sequence."},
    {.key = "products",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_library, products),
     .fields = products_fields,
     .doc = "Products of 8 bits by how operands are scaled, measured as the engine runs them. "
            "Default: the GPU file's, at the software's scaled_matmul_efficiency."},
    {.key = "experts",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_library, experts),
     .fields = experts_fields,
     .doc = "The products of a mixture of experts, with what lies around them."},
    {.key = "spread_experts",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_library, spread),
     .fields = experts_fields,
     .doc = "The same where experts lie on several ranks, each whole on one. Default: as experts."},
    FAMILY(latent, latent_kernels_fields,
           "Of multi-head latent attention. A family of kernels "
           "that none is named for runs at the rates of the GPU file's attention and copies."),
    FAMILY(sparse, sparse_kernels_fields, "Of latent attention to tokens that an indexer chose."),
    FAMILY(compressed, sparse_kernels_fields, "Of attention to compressed entries and a window."),
    FAMILY(group_sparse, sparse_kernels_fields, "Of grouped-query attention to chosen tokens."),
    FAMILY(linear, linear_kernels_fields,
           "Of linear attention with a decay a head (gated delta nets)."),
    FAMILY(channel_linear, linear_kernels_fields,
           "Of linear attention with a decay a channel (Kimi delta attention)."),
    FAMILY(state_space, linear_kernels_fields, "Of state spaces (Mamba-2)."),
    FAMILY(hyper, hyper_kernels_fields, "Of hyper-connections."),
    {0}};
