/* SPDX-License-Identifier: MIT
 * Execution traces of Chakra (github.com/mlcommons/chakra, schema/protobuf/et_def.proto) as
 * ASTRA-sim's Workload and Chakra's ETFeederNode read them: PREFIX.RANK.et of every rank, protobuf
 * messages behind their lengths, one GlobalMetadata and then a Node an operator; and
 * PREFIX.groups.json, the ranks of each group by the number that nodes have as pg_name, from 1 (0
 * is everybody to ASTRA-sim). A rank of which the trace has no operators does what the one that
 * stands for it did, with peers of its own. A node waits for the one before it on its stream, and
 * for the last of the other stream that had ended when it began. A ring's hop is two nodes, to the
 * next member and from the one before, with the tag of their place in the program. */
#include "sim/base/output_file.h"
#include "sim/trace/trace_export.h"
#include "sim/trace/trace_groups.h"

#include <math.h>
#include <string.h>

/* The messages' fields, by number. */
enum { METADATA_VERSION = 1 };
enum { NODE_ID = 1, NODE_NAME, NODE_TYPE, NODE_CONTROL, NODE_DATA, NODE_START, NODE_DURATION };
enum { NODE_ATTRIBUTE = 10 };
enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT32 = 7,
    ATTRIBUTE_INT64 = 9,
    ATTRIBUTE_UINT64 = 13,
    ATTRIBUTE_BOOL = 27,
    ATTRIBUTE_STRING = 29
};
enum { TYPE_COMPUTE = 4, TYPE_SEND = 5, TYPE_RECEIVE = 6, TYPE_COLLECTIVE = 7 };
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

static void add_text_attribute(struct message *node, const char *name, const char *value)
{
    struct message attribute = {.count = 0};
    add_text(&attribute, ATTRIBUTE_NAME, name);
    add_text(&attribute, ATTRIBUTE_STRING, value);
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

/* A rank's file as it is written. */
struct rank_file {
    const struct trace_groups *groups;
    const uint32_t *first; /* [TRACE_GROUP_KINDS]: number of the first group of each kind */
    uint32_t rank;
    uint64_t nodes; /* so far */
    uint32_t tag;   /* of the next hop */
    struct stream_nodes streams[STREAM_COUNT];
    FILE *stream;
};

/* Everything but the type's own attributes. */
static struct message begin_node(const struct rank_file *file, const struct trace_operator *run,
                                 unsigned type, uint64_t id, const char *of)
{
    struct message node = {.count = 0};
    char name[MOST_NAME];
    snprintf(name, sizeof name, "%s %u %s%s", run->segment, run->layer, run->name, of);
    add_number(&node, NODE_ID, id);
    add_text(&node, NODE_NAME, name);
    add_number(&node, NODE_TYPE, type);
    const struct stream_nodes *own = &file->streams[run->stream];
    if (own->count > 0) {
        add_number(&node, NODE_DATA, own->ids[(own->count - 1) % RECENT]);
    }
    enum stream beside = run->stream == STREAM_COMPUTE ? STREAM_COMMUNICATION : STREAM_COMPUTE;
    uint64_t other = last_ended(&file->streams[beside], run->start_seconds);
    if (other != UINT64_MAX) {
        add_number(&node, NODE_DATA, other);
    }
    add_number(&node, NODE_START, whole(1e6 * run->start_seconds));
    add_number(&node, NODE_DURATION,
               (uint64_t)fmax(1.0, (double)whole(1e6 * run->duration_seconds)));
    add_attribute(&node, "is_cpu_op", ATTRIBUTE_BOOL, run->kind == OPERATOR_HOST);
    return node;
}

/* What a trace of before /groups says of a collective is what a rank sent. */
static uint64_t collective_bytes(const struct trace_operator *run)
{
    return whole(run->buffer_bytes > 0.0 ? run->buffer_bytes : run->bytes);
}

static void write_hop(struct rank_file *file, const struct trace_operator *run)
{
    const struct trace_groups *groups = file->groups;
    uint32_t size = trace_group_size(groups, run->group);
    uint32_t member = trace_group_member(groups, run->group, file->rank);
    bool ring = run->collective == TRACE_COLLECTIVE(COLLECTIVE_SEND_RECV);
    uint32_t half = size / 2; /* of a send: the first half sends to the second */
    uint32_t to = ring ? (member + 1) % size : member + half;
    uint32_t from = ring ? (member + size - 1) % size : member - half;
    for (int receives = 0; receives < 2; receives++) {
        if (size < 2 || (!ring && (receives == 1) != (member >= half))) {
            continue;
        }
        struct message node = begin_node(file, run, receives == 1 ? TYPE_RECEIVE : TYPE_SEND,
                                         file->nodes, receives == 1 ? ", from" : ", to");
        uint32_t peer = trace_group_rank(groups, run->group, file->rank, receives == 1 ? from : to);
        add_attribute(&node, "comm_size", ATTRIBUTE_INT64, collective_bytes(run));
        add_attribute(&node, "comm_src", ATTRIBUTE_INT32, receives == 1 ? peer : file->rank);
        add_attribute(&node, "comm_dst", ATTRIBUTE_INT32, receives == 1 ? file->rank : peer);
        add_attribute(&node, "comm_tag", ATTRIBUTE_INT32, file->tag);
        write_message(&node, file->stream);
        file->nodes++;
    }
    file->tag++;
}

static void write_operator(struct rank_file *file, const struct trace_operator *run)
{
    uint64_t before = file->nodes;
    if (run->kind != OPERATOR_COLLECTIVE) {
        struct message node = begin_node(file, run, TYPE_COMPUTE, file->nodes++, "");
        add_attribute(&node, "num_ops", ATTRIBUTE_INT64, whole(run->flops));
        add_attribute(&node, "tensor_size", ATTRIBUTE_UINT64, whole(run->bytes));
        write_message(&node, file->stream);
    } else if (sends(run->collective)) {
        write_hop(file, run);
    } else {
        struct message node = begin_node(file, run, TYPE_COLLECTIVE, file->nodes++, "");
        add_attribute(&node, "comm_type", ATTRIBUTE_INT64, collective_type(run->collective));
        add_attribute(&node, "comm_size", ATTRIBUTE_INT64, collective_bytes(run));
        if (trace_group_size(file->groups, run->group) > 1) {
            char name[16];
            snprintf(name, sizeof name, "%u",
                     file->first[run->group] +
                         trace_group_number(file->groups, run->group, file->rank));
            add_text_attribute(&node, "pg_name", name);
        }
        write_message(&node, file->stream);
    }
    struct stream_nodes *own = &file->streams[run->stream];
    for (uint64_t id = before; id < file->nodes; id++) {
        own->ids[own->count % RECENT] = id;
        own->ends[own->count++ % RECENT] = run->start_seconds + run->duration_seconds;
    }
}

/* --- files --- */

/* Whose operators stand for those of a rank. In training a stage is a GPU of the trace and its
 * operators have no other rank; otherwise its own, or the nearest below that the trace has. */
struct stand_in {
    uint32_t rank, gpu;
};

static struct stand_in stand_in(struct trace_reader *reader, const struct trace_groups *groups,
                                uint32_t rank)
{
    struct stand_in best = {0, 0};
    bool found = false, training = trace_reader_has(reader, TRACE_STAGES);
    uint32_t stage = trace_group_member(groups, TRACE_GROUP_STAGES, rank);
    TRACE_READ_EACH(reader, TRACE_OPERATORS, struct trace_operator, run)
    {
        bool better = training ? run->gpu == stage : run->rank <= rank && run->rank >= best.rank;
        if (!found || better) {
            best = (struct stand_in){run->rank, run->gpu};
            found = true;
        }
    }
    return best;
}

static void write_rank(struct trace_reader *reader, const struct trace_groups *groups,
                       const uint32_t *first, uint32_t rank, FILE *stream)
{
    struct message metadata = {.count = 0};
    add_text(&metadata, METADATA_VERSION, "0.0.4");
    write_message(&metadata, stream);
    struct rank_file file = {.groups = groups, .first = first, .rank = rank, .stream = stream};
    struct stand_in who = stand_in(reader, groups, rank);
    TRACE_READ_EACH(reader, TRACE_OPERATORS, struct trace_operator, run)
    {
        if (run->rank == who.rank && run->gpu == who.gpu) {
            write_operator(&file, run);
        }
    }
}

/* {"1": [0, 1, ...], ...}; fills `first`. */
static void write_groups(const struct trace_groups *groups, uint32_t *first, FILE *stream)
{
    uint32_t number = 1;
    fputs("{", stream);
    for (int kind = TRACE_GROUP(0); kind < TRACE_GROUP_STAGES; kind++) {
        uint32_t size = trace_group_size(groups, (enum trace_group)kind);
        first[kind] = number;
        for (uint32_t rank = 0; rank < groups->ranks && size > 1; rank++) {
            if (trace_group_member(groups, (enum trace_group)kind, rank) != 0) {
                continue;
            }
            fprintf(stream, "%s\n  \"%u\": [", number > 1 ? "," : "", number);
            for (uint32_t member = 0; member < size; member++) {
                fprintf(stream, "%s%u", member > 0 ? ", " : "",
                        trace_group_rank(groups, (enum trace_group)kind, rank, member));
            }
            fputs("]", stream);
            number++;
        }
    }
    fputs("\n}\n", stream);
}

/* Opened under PREFIX and an ending; NULL after an error. */
static struct output_file *open_file(const char *prefix, const char *ending,
                                     struct diagnostics *diagnostics)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.%s", prefix, ending);
    return length > 0 && (size_t)length < sizeof path ? output_open(path, diagnostics) : NULL;
}

static bool write_chakra(struct trace_reader *reader, const char *prefix,
                         struct diagnostics *diagnostics)
{
    struct trace_groups groups = trace_groups_read(reader);
    uint32_t first[TRACE_GROUP_KINDS] = {0}, ranks = groups.ranks > 0 ? groups.ranks : 1;
    struct output_file *output = open_file(prefix, "groups.json", diagnostics);
    if (output == NULL) {
        return false;
    }
    write_groups(&groups, first, output_stream(output));
    bool written = output_close(output, 0);
    for (uint32_t rank = 0; rank < ranks && written; rank++) {
        char ending[32];
        snprintf(ending, sizeof ending, "%u.et", rank);
        output = open_file(prefix, ending, diagnostics);
        if (output == NULL) {
            return false;
        }
        write_rank(reader, &groups, first, rank, output_stream(output));
        written = output_close(output, 0);
    }
    return written;
}

const struct trace_export trace_export_chakra = {
    .name = "chakra",
    .doc = "every rank's operators as execution traces of Chakra, PREFIX.RANK.et, with groups and "
           "peers, for ASTRA-sim",
    .extent = EXPORT_WHOLE,
    .of_operators = true,
    .write_files = write_chakra,
};
