/* SPDX-License-Identifier: MIT
 * Data sets of texts, as benchmarks of engines send them: ShareGPT's conversations, of which a
 * benchmark asks the first question, and lines of prompts (vLLM's "custom" data set). No tokeniser
 * is here: tokens are counted from characters. */
#include "sim/serving/load/json_line.h"

#include <math.h>
#include <string.h>

/* Whom vllm bench serve leaves out of ShareGPT (vllm/benchmarks/datasets.py, is_valid_sequence). */
enum { LEAST_TOKENS = 4, MOST_PROMPT_TOKENS = 1024, MOST_TOKENS = 2048, MOST_COUNTED = 1000000000 };

struct conversation_line {
    uint64_t characters[2]; /* of the question and of its answer */
    uint32_t turns;
    bool found, said; /* the list of turns; the text of the turn under way */
};

static bool is_key(const char *name, const char *key, size_t length)
{
    return strlen(name) == length && memcmp(name, key, length) == 0;
}

static uint32_t tokens_of(const struct trace_line *line, uint64_t characters)
{
    return (uint32_t)fmin(ceil((double)characters / line->characters_per_token), MOST_COUNTED);
}

static bool read_part(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct conversation_line *row = data;
    if (!is_key("value", key, length)) {
        return json_line_skip(line);
    }
    uint64_t characters = 0;
    row->said = true;
    if (!json_line_text(line, &characters)) {
        return false;
    }
    if (row->turns < 2) {
        row->characters[row->turns] = characters;
    }
    return true;
}

static bool read_turn(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct conversation_line *row = data;
    struct trace_line at = *line;
    (void)key, (void)length;
    row->said = false;
    if (!json_line_inner(line, read_part, row)) {
        return false;
    }
    row->turns++;
    return row->said || trace_complain(&at, "a turn has no key \"value\"");
}

static bool read_conversation(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct conversation_line *row = data;
    if (!is_key("conversations", key, length)) {
        return json_line_skip(line);
    }
    row->found = true;
    return json_line_list(line, "expected a list of turns", read_turn, row);
}

static bool read_sharegpt(struct trace_line *line, struct trace_item *item)
{
    struct conversation_line row = {.turns = 0};
    struct trace_line at = *line;
    if (!json_line_object(line, read_conversation, &row)) {
        return false;
    }
    if (!row.found) {
        return trace_complain(&at, "has no key \"conversations\"");
    }
    item->prompt_tokens = tokens_of(line, row.characters[0]);
    item->output_tokens = tokens_of(line, row.characters[1]);
    bool taken = item->prompt_tokens >= LEAST_TOKENS && item->output_tokens >= LEAST_TOKENS &&
                 item->prompt_tokens <= MOST_PROMPT_TOKENS &&
                 item->prompt_tokens + item->output_tokens <= MOST_TOKENS;
    item->output_tokens = taken ? item->output_tokens : 0; /* dropped */
    return true;
}

struct prompt_line {
    struct trace_item *item;
    bool has_prompt, has_output;
};

static bool read_prompt_part(struct trace_line *line, const char *key, size_t length, void *data)
{
    struct prompt_line *row = data;
    if (is_key("prompt", key, length)) {
        uint64_t characters = 0;
        struct trace_line at = *line;
        if (!json_line_text(line, &characters)) {
            return false;
        }
        row->has_prompt = true;
        row->item->prompt_tokens = tokens_of(line, characters);
        return characters > 0 || trace_complain(&at, "the prompt is empty");
    }
    if (is_key("output_tokens", key, length)) {
        row->has_output = true;
        return trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                            &row->item->output_tokens);
    }
    return json_line_skip(line);
}

static bool read_prompts(struct trace_line *line, struct trace_item *item)
{
    struct prompt_line row = {.item = item};
    struct trace_line at = *line;
    if (!json_line_object(line, read_prompt_part, &row)) {
        return false;
    }
    return (row.has_prompt && row.has_output) ||
           trace_complain(&at, row.has_prompt ? "has no key \"output_tokens\": how many tokens are "
                                                "asked for"
                                              : "has no key \"prompt\"");
}

const struct trace_format trace_format_sharegpt = {
    .listed = true,
    .dropped = "no answer, or longer or shorter than vllm bench serve takes",
    .read = read_sharegpt};
const struct trace_format trace_format_prompts = {.read = read_prompts};
