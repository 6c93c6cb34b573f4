/* SPDX-License-Identifier: MIT
 * platforms/exchanges/ *.yaml: how tokens travel to experts on other ranks and back. */
#include "models/machine/experts_exchange.h"

#include "sim/scenario/tables.h"

#define SECONDS(name, member, text)                                                                \
    {                                                                                              \
        .key = name, .kind = FIELD_SECONDS, FIELD_AT(exchange_way, member), .max = 1,              \
        .fallback = "0 s", .doc = text                                                             \
    }

static const struct field way_fields[] = {
    SECONDS("base", base_seconds, "Launch and barriers."),
    SECONDS("element", element_seconds, "More of it for an element of the residual stream."),
    SECONDS("expert", expert_seconds, "And for each expert of the layer."),
    SECONDS("fabric", fabric_seconds, "And where ranks lie on several nodes."),
    SECONDS("token", token_seconds, "Work of the kernel, a token."),
    SECONDS("copy", copy_seconds, "Work of the kernel, each rank that a token goes to."),
    SECONDS("expert_token", expert_token_seconds,
            "Work of an SM, a token, where it serves one expert."),
    {.key = "node_rate",
     .kind = FIELD_BYTES_PER_SECOND,
     FIELD_AT(exchange_way, node_bytes_per_second),
     .required = true,
     .min = 1,
     .max = 1e15,
     .doc = "Payload that the kernel moves over NVLink, beside that work."},
    SECONDS("node_spread", node_spread_seconds,
            "In one node, how far the last channel lags behind after 1 MB; it grows as the root."),
    SECONDS("fabric_spread", fabric_spread_seconds, "The same over several nodes."),
    {0}};

static const struct field library_fields[] = {
    {.key = "dispatch",
     .kind = FIELD_MAPPING,
     FIELD_AT(exchange_library, dispatch),
     .required = true,
     .fields = way_fields,
     .doc = "To the experts."},
    {.key = "combine",
     .kind = FIELD_MAPPING,
     FIELD_AT(exchange_library, combine),
     .required = true,
     .fields = way_fields,
     .doc = "Back."},
    {.key = "notify",
     .kind = FIELD_SECONDS,
     FIELD_AT(exchange_library, notify_seconds),
     .max = 1,
     .fallback = "0 s",
     .doc = "Before a dispatch over several nodes: sizes are exchanged."},
    {.key = "notify_token",
     .kind = FIELD_SECONDS,
     FIELD_AT(exchange_library, notify_token_seconds),
     .max = 1,
     .fallback = "0 s",
     .doc = "And for each token of a rank: all are read to count them by rank."},
    {.key = "multiprocessors",
     .kind = FIELD_NUMBER,
     FIELD_AT(exchange_library, multiprocessors),
     .max = 1024,
     .fallback = "0",
     .doc = "SMs that its kernels take from those that run beside them."},
    {0}};

static const struct choice exchange_choices[] = {EXCHANGES(CHOICE_OF){0}};

const struct field experts_exchange_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(experts_exchange, name),
     .fallback = "inline",
     .doc = "What cpsim platforms calls it. Default: the file's name."},
    {.key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."},
    {.key = "prompts",
     .kind = FIELD_CHOICE,
     FIELD_AT(experts_exchange, prompts),
     .fallback = "all-gather",
     .choices = exchange_choices,
     .doc = "In steps with prompts, and in training."},
    {.key = "decode",
     .kind = FIELD_CHOICE,
     FIELD_AT(experts_exchange, decode),
     .fallback = "all-gather",
     .choices = exchange_choices,
     .doc = "In steps without."},
    {.key = "dispatch_element",
     .kind = FIELD_NUMBER,
     FIELD_AT(experts_exchange, dispatch_bytes),
     .max = 16,
     .fallback = "0",
     .doc = "Bytes of an element on its way to the experts, scales included, in inference. 0: as "
            "the activations."},
    {.key = "fabric_efficiency",
     .kind = FIELD_NUMBER,
     FIELD_AT(experts_exchange, fabric_efficiency),
     .min = 0.01,
     .max = 1,
     .fallback = "1",
     .doc = "Payload of a raw byte on the fabric."},
    {.key = "senders",
     .kind = FIELD_NUMBER,
     FIELD_AT(experts_exchange, senders),
     .max = 1e6,
     .fallback = "0",
     .doc = "SMs that serve experts, at most."},
    {.key = "normal",
     .kind = FIELD_MAPPING,
     FIELD_AT(experts_exchange, normal),
     .fields = library_fields,
     .doc = "The constants of the normal kernels."},
    {.key = "low_latency",
     .kind = FIELD_MAPPING,
     FIELD_AT(experts_exchange, low_latency),
     .fields = library_fields,
     .doc = "The constants of the low-latency kernels."},
    {0}};
