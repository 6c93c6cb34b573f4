/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/request_trace.h"

/* In this order: names_of_columns() of request_trace.c. */
enum { PROMPT, OUTPUT, ARRIVAL, SESSION, CLASS, ADAPTER };

static const char *const columns[] = {[PROMPT] = "prompt_tokens",
                                      [OUTPUT] = "output_tokens",
                                      [ARRIVAL] = "arrival_seconds",
                                      [SESSION] = "session",
                                      [CLASS] = "class",
                                      [ADAPTER] = "adapter",
                                      NULL};

static bool read_time(struct trace_line *line, struct trace_item *item)
{
    if (!trace_column(line, ARRIVAL)) {
        return trace_complain(
            line, "when it comes is missing: the file needs a column "
                  "arrival_seconds, or one that `columns: {arrival: ...}` names (a closed "
                  "loop does without)");
    }
    struct trace_line at = *line;
    if (!trace_number(line, &item->seconds)) {
        return false;
    }
    item->seconds *= line->time_unit_seconds;
    return item->seconds >= 0.0 || trace_complain(&at, "the time of arrival is negative");
}

static bool read_adapter(struct trace_line *line, struct trace_item *item)
{
    if (line->classes->adapters == 0 || !trace_column(line, ADAPTER)) {
        return true;
    }
    struct trace_line at = *line;
    uint32_t number = 0;
    if (!trace_tokens(line, "an adapter is a whole number, from 0 on", 0.0, &number)) {
        return false;
    }
    item->adapter = (uint16_t)(number < line->classes->adapters ? number + 1 : 0);
    return item->adapter > 0 ||
           trace_complain(&at, "no such adapter; numbers count from 0, and workload.adapters says "
                               "how many there are");
}

static bool read_item(struct trace_line *line, struct trace_item *item)
{
    if (line->timed && !read_time(line, item)) {
        return false;
    }
    trace_column(line, PROMPT);
    if (!trace_tokens(line, "a prompt has at least one token, a whole number", 1.0,
                      &item->prompt_tokens)) {
        return false;
    }
    trace_column(line, OUTPUT);
    if (!trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                      &item->output_tokens)) {
        return false;
    }
    if (trace_column(line, SESSION) &&
        !trace_tokens(line, "a session is a whole number; 0 is none", 0.0, &item->session)) {
        return false;
    }
    return read_adapter(line, item) && (line->classes->count == 0 || !trace_column(line, CLASS) ||
                                        trace_class(line, &item->class_number));
}

const struct trace_format trace_format_csv = {.columns = columns, .required = 2, .read = read_item};
