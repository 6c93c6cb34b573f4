/* SPDX-License-Identifier: MIT
 * Mooncake's traces (github.com/kvcache-ai/Mooncake, FAST25-release): an object a line with
 * timestamp (ms), input_length, output_length and hash_ids; a hash_id names a block of 512 tokens
 * together with all before it. */
#include "sim/serving/load/json_line.h"

#include <string.h>

enum member { TIMESTAMP, INPUT_LENGTH, OUTPUT_LENGTH, HASH_IDS, MEMBER_COUNT };
static const char *const names[MEMBER_COUNT] = {
    [TIMESTAMP] = "timestamp",
    [INPUT_LENGTH] = "input_length",
    [OUTPUT_LENGTH] = "output_length",
    [HASH_IDS] = "hash_ids",
};

/* A line under way. */
struct row {
    struct trace_item *item;
    uint32_t *hashes;
    const char *places[MEMBER_COUNT]; /* of values; NULL: not met */
};

static bool read_timestamp(struct trace_line *line, struct trace_item *item)
{
    struct trace_line at = *line;
    if (!trace_number(line, &item->seconds)) {
        return false;
    }
    if (item->seconds < 0.0) {
        return trace_complain(&at, "the timestamp is negative");
    }
    item->seconds *= 1e-3;
    return true;
}

static bool read_hash(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct row *row = data;
    (void)key, (void)length;
    return trace_tokens(line, "a hash_id is a whole number", 0.0,
                        &row->hashes[row->item->hash_count++]);
}

static bool read_hashes(struct trace_line *line, struct row *row)
{
    size_t most = 1;
    for (const char *c = line->cursor; *c != '\0' && *c != ']'; c++) {
        most += *c == ',';
    }
    row->item->hashes = row->hashes = ARENA_ARRAY(line->arena, uint32_t, most);
    return json_line_list(line, "expected a list of whole numbers", read_hash, row);
}

static bool read_member(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct row *row = data;
    int member = 0;
    while (member < MEMBER_COUNT &&
           (strlen(names[member]) != length || memcmp(names[member], key, length) != 0)) {
        member++;
    }
    if (member == MEMBER_COUNT) {
        return json_line_skip(line);
    }
    if (row->places[member] != NULL) {
        return trace_complain(
            line, arena_printf(line->arena, "\"%s\" for the second time", names[member]));
    }
    row->places[member] = line->cursor;
    switch ((enum member)member) {
    case TIMESTAMP:
        return read_timestamp(line, row->item);
    case INPUT_LENGTH:
        return trace_tokens(line, "a prompt has at least one token, a whole number", 1.0,
                            &row->item->prompt_tokens);
    case OUTPUT_LENGTH:
        return trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                            &row->item->output_tokens);
    case HASH_IDS:
        return read_hashes(line, row);
    case MEMBER_COUNT:
        break;
    }
    return false;
}

/* A hash for each block of 512 tokens, the last one's begun. None at all: nothing is shared. */
static bool fits_prompt(struct trace_line *line, const struct row *row)
{
    enum { BLOCK = 512 };
    const struct trace_item *item = row->item;
    uint32_t blocks = (item->prompt_tokens + BLOCK - 1) / BLOCK;
    if (item->hash_count == 0 || item->hash_count == blocks) {
        return true;
    }
    line->cursor = row->places[HASH_IDS];
    return trace_complain(
        line,
        arena_printf(line->arena,
                     "%u hash_ids of a prompt of %u tokens; expected %u, one for each block of "
                     "512 tokens (and timestamps in milliseconds); is it a trace of blocks of "
                     "another size?",
                     item->hash_count, item->prompt_tokens, blocks));
}

static bool read_item(struct trace_line *line, struct trace_item *item)
{
    struct row row = {.item = item};
    if (!json_line_object(line, read_member, &row)) {
        return false;
    }
    for (int member = 0; member < MEMBER_COUNT; member++) {
        if (row.places[member] == NULL) {
            line->cursor = line->start;
            return trace_complain(line,
                                  arena_printf(line->arena, "has no key \"%s\"", names[member]));
        }
    }
    return fits_prompt(line, &row);
}

const struct trace_format trace_format_mooncake = {.read = read_item};
