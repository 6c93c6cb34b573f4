/* SPDX-License-Identifier: MIT
 * Execution traces of Chakra (github.com/mlcommons/chakra, schema/protobuf/et_def.proto): protobuf
 * messages behind their lengths, one GlobalMetadata and then a Node an operator. One rank's, the
 * first of the trace: ranks of a group do alike. A node waits for the one before it on its stream,
 * and for the last of the other stream that had ended when it began. */
#include "sim/trace/trace_export.h"

#include <math.h>
#include <string.h>

/* The messages' fields, by number. */
enum { METADATA_VERSION = 1 };
enum { NODE_ID = 1, NODE_NAME, NODE_TYPE, NODE_CONTROL, NODE_DATA, NODE_START, NODE_DURATION };
enum { NODE_ATTRIBUTE = 10 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_INT64 = 9, ATTRIBUTE_UINT64 = 13, ATTRIBUTE_BOOL = 27 };
enum { TYPE_COMPUTE = 4, TYPE_SEND = 5, TYPE_COLLECTIVE = 7 };
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

enum { MOST_BYTES = 1024, MOST_NAME = 200, RECENT = 64 };

struct message {
    unsigned char bytes[MOST_BYTES];
    size_t count;
};

static void add_varint(struct message *message, uint64_t value)
{
    do {
        unsigned char low = (unsigned char)(value & 0x7FU);
        value >>= 7;
        if (message->count < MOST_BYTES) {
            message->bytes[message->count++] = value > 0 ? low | 0x80U : low;
        }
    } while (value > 0);
}

static void add_number(struct message *message, unsigned field, uint64_t value)
{
    add_varint(message, (uint64_t)field << 3 | WIRE_VARINT);
    add_varint(message, value);
}

static void add_bytes(struct message *message, unsigned field, const void *bytes, size_t count)
{
    add_varint(message, (uint64_t)field << 3 | WIRE_BYTES);
    add_varint(message, count);
    if (message->count + count <= MOST_BYTES) {
        memcpy(message->bytes + message->count, bytes, count);
        message->count += count;
    }
}

static void add_text(struct message *message, unsigned field, const char *text)
{
    size_t length = strlen(text);
    add_bytes(message, field, text, length < MOST_NAME ? length : MOST_NAME);
}

static void add_attribute(struct message *node, const char *name, unsigned field, uint64_t value)
{
    struct message attribute = {.count = 0};
    add_text(&attribute, ATTRIBUTE_NAME, name);
    add_number(&attribute, field, value);
    add_bytes(node, NODE_ATTRIBUTE, attribute.bytes, attribute.count);
}

static void write_message(const struct message *message, FILE *stream)
{
    struct message length = {.count = 0};
    add_varint(&length, message->count);
    fwrite(length.bytes, 1, length.count, stream);
    fwrite(message->bytes, 1, message->count, stream);
}

/* enum CollectiveCommType; what travels to experts and back is an all-to-all of rows. */
static uint64_t collective_type(enum trace_collective collective)
{
    static const unsigned char types[1 + COLLECTIVE_KIND_COUNT] = {
        [1 + COLLECTIVE_ALL_REDUCE] = 0, [1 + COLLECTIVE_ALL_GATHER] = 2,
        [1 + COLLECTIVE_ALL_TO_ALL] = 6, [1 + COLLECTIVE_REDUCE_SCATTER] = 7,
        [1 + COLLECTIVE_DISPATCH] = 6,   [1 + COLLECTIVE_COMBINE] = 6};
    return types[(unsigned)collective];
}

static bool sends(enum trace_collective collective)
{
    return collective == TRACE_COLLECTIVE(COLLECTIVE_SEND) ||
           collective == TRACE_COLLECTIVE(COLLECTIVE_SEND_RECV);
}

/* The last nodes of a stream, by turns. */
struct stream_nodes {
    uint64_t ids[RECENT];
    double ends[RECENT];
    size_t count;
};

/* The id of the last one that had ended by then; UINT64_MAX: none. */
static uint64_t last_ended(const struct stream_nodes *nodes, double seconds)
{
    const double instant = 1e-12; /* less than any operator takes */
    for (size_t i = nodes->count; i > 0 && i + RECENT > nodes->count; i--) {
        if (nodes->ends[(i - 1) % RECENT] <= seconds + instant) {
            return nodes->ids[(i - 1) % RECENT];
        }
    }
    return UINT64_MAX;
}

static uint64_t whole(double value)
{
    return value > 0.0 ? (uint64_t)llround(fmin(value, 9e18)) : 0;
}

static void write_node(uint64_t id, const struct trace_operator *run,
                       const struct stream_nodes streams[STREAM_COUNT], FILE *stream)
{
    struct message node = {.count = 0};
    char name[MOST_NAME];
    bool collective = run->kind == OPERATOR_COLLECTIVE;
    snprintf(name, sizeof name, "%s %u %s", run->segment, run->layer, run->name);
    add_number(&node, NODE_ID, id);
    add_text(&node, NODE_NAME, name);
    add_number(&node, NODE_TYPE,
               !collective              ? TYPE_COMPUTE
               : sends(run->collective) ? TYPE_SEND
                                        : TYPE_COLLECTIVE);
    const struct stream_nodes *own = &streams[run->stream];
    if (own->count > 0) {
        add_number(&node, NODE_DATA, own->ids[(own->count - 1) % RECENT]);
    }
    uint64_t other =
        last_ended(&streams[run->stream == STREAM_COMPUTE ? STREAM_COMMUNICATION : STREAM_COMPUTE],
                   run->start_seconds);
    if (other != UINT64_MAX) {
        add_number(&node, NODE_DATA, other);
    }
    add_number(&node, NODE_START, whole(1e6 * run->start_seconds));
    add_number(&node, NODE_DURATION,
               (uint64_t)fmax(1.0, (double)whole(1e6 * run->duration_seconds)));
    add_attribute(&node, "is_cpu_op", ATTRIBUTE_BOOL, run->kind == OPERATOR_HOST);
    if (!collective) {
        add_attribute(&node, "num_ops", ATTRIBUTE_INT64, whole(run->flops));
        add_attribute(&node, "tensor_size", ATTRIBUTE_UINT64, whole(run->bytes));
    } else {
        if (!sends(run->collective)) {
            add_attribute(&node, "comm_type", ATTRIBUTE_INT64, collective_type(run->collective));
        }
        add_attribute(&node, "comm_size", ATTRIBUTE_INT64, whole(run->bytes));
    }
    write_message(&node, stream);
}

static void write_chakra(struct trace_reader *reader, enum trace_table table, FILE *stream)
{
    (void)table;
    struct message metadata = {.count = 0};
    add_text(&metadata, METADATA_VERSION, "0.0.4");
    write_message(&metadata, stream);
    struct stream_nodes streams[STREAM_COUNT] = {{.count = 0}};
    uint64_t id = 0;
    uint32_t rank = 0, gpu = 0;
    TRACE_READ_EACH(reader, TRACE_OPERATORS, struct trace_operator, run)
    {
        rank = id == 0 ? run->rank : rank;
        gpu = id == 0 ? run->gpu : gpu;
        if (run->rank != rank || run->gpu != gpu) {
            continue;
        }
        write_node(id, run, streams, stream);
        struct stream_nodes *own = &streams[run->stream];
        own->ids[own->count % RECENT] = id++;
        own->ends[own->count++ % RECENT] = run->start_seconds + run->duration_seconds;
    }
}

const struct trace_export trace_export_chakra = {
    .name = "chakra",
    .doc = "a rank's operators as an execution trace of Chakra, for ASTRA-sim",
    .extent = EXPORT_WHOLE,
    .of_operators = true,
    .write = write_chakra,
};
