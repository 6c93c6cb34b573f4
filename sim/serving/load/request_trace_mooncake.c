/* SPDX-License-Identifier: MIT
 * Mooncake's traces (github.com/kvcache-ai/Mooncake, FAST25-release): an object a line with
 * timestamp (ms), input_length, output_length and hash_ids; a hash_id names a block of 512 tokens
 * together with all before it. */
#include "sim/serving/load/request_trace.h"

#include <string.h>

static void skip_spaces(struct trace_line *line)
{
    while (*line->cursor == ' ' || *line->cursor == '\t') {
        line->cursor++;
    }
}

/* Moves to the value of `key`; false with a complaint when the line has no such key. */
static bool find_value(struct trace_line *line, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = strstr(line->start, key); at != NULL; at = strstr(at + 1, key)) {
        if (at == line->start || at[-1] != '"' || at[length] != '"') {
            continue;
        }
        line->cursor = at + length + 1;
        skip_spaces(line);
        if (*line->cursor == ':') { /* else the text of another key */
            line->cursor++;
            skip_spaces(line);
            return true;
        }
    }
    line->cursor = line->start;
    return trace_complain(line, arena_printf(line->arena, "has no key \"%s\"", key));
}

static bool read_hashes(struct trace_line *line, struct trace_item *item)
{
    if (!find_value(line, "hash_ids")) {
        return false;
    }
    if (*line->cursor != '[') {
        return trace_complain(line, "expected a list of whole numbers");
    }
    size_t most = 1;
    for (const char *c = line->cursor; *c != '\0' && *c != ']'; c++) {
        most += *c == ',';
    }
    uint32_t *hashes = ARENA_ARRAY(line->arena, uint32_t, most);
    for (line->cursor++, skip_spaces(line); *line->cursor != ']'; skip_spaces(line)) {
        if (!trace_tokens(line, "a hash_id is a whole number", 0.0, &hashes[item->hash_count])) {
            return false;
        }
        item->hash_count++;
        skip_spaces(line);
        if (*line->cursor == ',') {
            line->cursor++;
        } else if (*line->cursor != ']') {
            return trace_complain(line, "expected ',' or ']'");
        }
    }
    item->hashes = hashes;
    return true;
}

/* A hash for each block of 512 tokens, the last one's begun. None at all: nothing is shared. */
static bool fits_prompt(const struct trace_line *line, const struct trace_item *item)
{
    enum { BLOCK = 512 };
    uint32_t blocks = (item->prompt_tokens + BLOCK - 1) / BLOCK;
    if (item->hash_count == 0 || item->hash_count == blocks) {
        return true;
    }
    struct trace_line at = *line;
    find_value(&at, "hash_ids");
    return trace_complain(
        &at,
        arena_printf(line->arena,
                     "%u hash_ids of a prompt of %u tokens; expected %u, one for each block of "
                     "512 tokens (and timestamps in milliseconds); is it a trace of blocks of "
                     "another size?",
                     item->hash_count, item->prompt_tokens, blocks));
}

static bool read_item(struct trace_line *line, struct trace_item *item)
{
    skip_spaces(line);
    if (*line->cursor != '{') {
        return trace_complain(line, "expected a JSON object");
    }
    if (!find_value(line, "timestamp")) {
        return false;
    }
    struct trace_line at = *line;
    if (!trace_number(line, &item->seconds)) {
        return false;
    }
    if (item->seconds < 0.0) {
        return trace_complain(&at, "the timestamp is negative");
    }
    item->seconds *= 1e-3;
    if (!(find_value(line, "input_length") &&
          trace_tokens(line, "a prompt has at least one token, a whole number", 1.0,
                       &item->prompt_tokens) &&
          find_value(line, "output_length") &&
          trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                       &item->output_tokens) &&
          read_hashes(line, item))) {
        return false;
    }
    return fits_prompt(line, item);
}

const struct trace_format trace_format_mooncake = {.read = read_item};
