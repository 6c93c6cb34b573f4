/* SPDX-License-Identifier: MIT
 * BurstGPT (github.com/HPMLL/BurstGPT): Timestamp in seconds, Model, Request tokens, Response
 * tokens, Total tokens, Log Type. A failed request has no answer, and is dropped. What ServeGen
 * (github.com/alibaba/ServeGen) writes with save_requests_to_csv is the same under other names. */
#include "sim/serving/load/request_trace.h"

enum { TIMESTAMP, REQUEST_TOKENS, RESPONSE_TOKENS };

static const char *const columns[] = {[TIMESTAMP] = "Timestamp",
                                      [REQUEST_TOKENS] = "Request tokens",
                                      [RESPONSE_TOKENS] = "Response tokens",
                                      NULL};

static const char *const servegen_columns[] = {[TIMESTAMP] = "timestamp",
                                               [REQUEST_TOKENS] = "input_tokens",
                                               [RESPONSE_TOKENS] = "output_tokens",
                                               NULL};

static bool read_item(struct trace_line *line, struct trace_item *item)
{
    if (!trace_column(line, TIMESTAMP)) {
        return trace_complain(line, "when it comes is missing");
    }
    struct trace_line at = *line;
    if (!trace_number(line, &item->seconds)) {
        return false;
    }
    if (item->seconds < 0.0) {
        return trace_complain(&at, "the time of arrival is negative");
    }
    trace_column(line, REQUEST_TOKENS);
    if (!trace_tokens(line, "a prompt has at least one token, a whole number", 1.0,
                      &item->prompt_tokens)) {
        return false;
    }
    trace_column(line, RESPONSE_TOKENS);
    return trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                        &item->output_tokens);
}

const struct trace_format trace_format_burstgpt = {
    .columns = columns, .required = 3, .read = read_item};
const struct trace_format trace_format_servegen = {
    .columns = servegen_columns, .required = 3, .read = read_item};
