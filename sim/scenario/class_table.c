/* SPDX-License-Identifier: MIT
 * Requests of one kind: the keys of a class, most of which the workload itself has too, for all
 * classes that leave them out. */
#include "sim/scenario/class_rows.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

/* --- when requests come --- */

static const struct choice trace_format_choices[] = {REQUEST_TRACES(CHOICE_OF){0}};

static const struct choice time_unit_choices[] = {
    {.name = "s", .value = 0, .doc = "Seconds."},
    {.name = "ms", .value = 1, .doc = "Milliseconds."},
    {.name = "us", .value = 2, .doc = "Microseconds."},
    {.name = "ns", .value = 3, .doc = "Nanoseconds."},
    {0}};

#define COLUMN_FIELD(name, member, sentence)                                                       \
    {                                                                                              \
        .key = (name), .kind = FIELD_STRING, FIELD_AT(trace_columns, member), .doc = (sentence)    \
    }

static const struct field columns_fields[] = {
    COLUMN_FIELD("arrival", arrival, "When a request comes. Default: arrival_seconds."),
    COLUMN_FIELD("prompt", prompt, "Tokens of its prompt. Default: prompt_tokens."),
    COLUMN_FIELD("output", output, "Tokens of its answer. Default: output_tokens."),
    COLUMN_FIELD("session", session, "Its conversation, a whole number. Default: session."),
    {.key = "unit",
     .kind = FIELD_CHOICE,
     FIELD_AT(trace_columns, unit),
     .fallback = "s",
     .choices = time_unit_choices,
     .doc = "Of the times of arrival, from any moment on."},
    {0}};

#define COLUMNS_FIELD                                                                              \
    {                                                                                              \
        .key = "columns", .kind = FIELD_MAPPING, FIELD_AT(arrivals, columns),                      \
        .fields = columns_fields, .doc = "What a table of format csv calls its columns."           \
    }

/* 4: "a helpful rule of thumb is that one token generally corresponds to ~4 characters of text for
 * common English text" (platform.openai.com/tokenizer). */
#define CHARACTERS_FIELD                                                                           \
    {                                                                                              \
        .key = "characters_per_token", .kind = FIELD_NUMBER,                                       \
        FIELD_AT(arrivals, characters_per_token), .min = 0.1, .max = 100, .fallback = "4",         \
        .doc = "Characters of a token, of formats with texts. 4 is OpenAI's rule of thumb for "    \
               "English; count your own with your model's tokeniser."                              \
    }

#define REQUEST_FILE_FIELDS                                                                        \
    {.key = "file",                                                                                \
     .kind = FIELD_INPUT_FILE,                                                                     \
     FIELD_AT(arrivals, file),                                                                     \
     .doc = "Requests in the order in which they are sent; their lengths are used, and `lengths` " \
            "is not, nor their times. None: lengths are drawn."},                                  \
        {.key = "format",                                                                          \
         .kind = FIELD_CHOICE,                                                                     \
         FIELD_AT(arrivals, format),                                                               \
         .fallback = "csv",                                                                        \
         .choices = trace_format_choices,                                                          \
         .doc = "How the file is written."},                                                       \
        COLUMNS_FIELD, CHARACTERS_FIELD,                                                           \
    {                                                                                              \
        .key = "limit", .kind = FIELD_COUNT, FIELD_AT(arrivals, limit), .fallback = "0",           \
        .doc = "At most so many requests of the file; 0: all."                                     \
    }

#define RATE_FIELD                                                                                 \
    {                                                                                              \
        .key = "rate", .kind = FIELD_PER_SECOND, FIELD_AT(arrivals, rate), .required = true,       \
        .min = 1e-9, .max = 1e9, .doc = "Requests per second, on average, over all replicas."      \
    }

static const struct field arrivals_poisson_fields[] = {RATE_FIELD, REQUEST_FILE_FIELDS, {0}};
static const struct field arrivals_constant_fields[] = {RATE_FIELD, REQUEST_FILE_FIELDS, {0}};
static const struct field arrivals_gamma_fields[] = {
    RATE_FIELD,
    {.key = "variation",
     .kind = FIELD_NUMBER,
     FIELD_AT(arrivals, variation),
     .required = true,
     .min = 0.01,
     .max = 100,
     .doc = "Standard deviation of the time between requests over its mean; 1 is Poisson, more is "
            "burstier."},
    REQUEST_FILE_FIELDS,
    {0}};

static const struct field arrivals_ramp_fields[] = {
    {.key = "rate",
     .kind = FIELD_PER_SECOND,
     FIELD_AT(arrivals, rate),
     .required = true,
     .min = 1e-9,
     .max = 1e9,
     .doc = "Requests per second at the first (vllm bench serve --ramp-up-start-rps)."},
    {.key = "last_rate",
     .kind = FIELD_PER_SECOND,
     FIELD_AT(arrivals, last_rate),
     .required = true,
     .min = 1e-9,
     .max = 1e9,
     .doc = "Requests per second at the last of `steps`, and after it (--ramp-up-end-rps)."},
    {.key = "steps",
     .kind = FIELD_COUNT,
     FIELD_AT(arrivals, steps),
     .required = true,
     .min = 1,
     .max = 1e9,
     .doc = "Requests that it takes; vllm bench serve: all of them (--num-prompts)."},
    {.key = "exponential",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(arrivals, exponential),
     .fallback = "false",
     .doc =
         "By the same factor from request to request (--ramp-up-strategy exponential); false: by "
         "the same number of requests per second (linear)."},
    {.key = "variation",
     .kind = FIELD_NUMBER,
     FIELD_AT(arrivals, variation),
     .max = 100,
     .fallback = "1",
     .doc = "Standard deviation of the time between requests over its mean; 1: as Poisson's, 0: "
            "evenly. Of vllm bench serve it is one over the root of --burstiness."},
    REQUEST_FILE_FIELDS,
    {0}};

static const struct field arrivals_burst_fields[] = {{.key = "size",
                                                      .kind = FIELD_COUNT,
                                                      FIELD_AT(arrivals, burst),
                                                      .required = true,
                                                      .min = 1,
                                                      .doc = "Requests that come at once."},
                                                     {.key = "period",
                                                      .kind = FIELD_SECONDS,
                                                      FIELD_AT(arrivals, period_seconds),
                                                      .required = true,
                                                      .min = 1e-6,
                                                      .max = 1e9,
                                                      .doc = "Time between two bursts."},
                                                     {.key = "first",
                                                      .kind = FIELD_SECONDS,
                                                      FIELD_AT(arrivals, first_seconds),
                                                      .max = 1e9,
                                                      .fallback = "0 s",
                                                      .doc = "When the first burst comes."},
                                                     REQUEST_FILE_FIELDS,
                                                     {0}};

static const struct field arrivals_at_once_fields[] = {REQUEST_FILE_FIELDS, {0}};

static const struct field arrivals_closed_loop_fields[] = {
    {.key = "clients",
     .kind = FIELD_COUNT,
     FIELD_AT(arrivals, clients),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "Clients, each with one request at a time: a benchmark's concurrency."},
    {.key = "think",
     .kind = FIELD_SECONDS,
     FIELD_AT(arrivals, think_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Time between an answer's end and its client's next request."},
    REQUEST_FILE_FIELDS,
    {0}};

static const struct field arrivals_trace_fields[] = {
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(arrivals, file),
     .required = true,
     .doc = "The trace; its lengths are used, and `lengths` is not."},
    {.key = "format",
     .kind = FIELD_CHOICE,
     FIELD_AT(arrivals, format),
     .fallback = "csv",
     .choices = trace_format_choices,
     .doc = "How the trace is written."},
    COLUMNS_FIELD,
    CHARACTERS_FIELD,
    {.key = "time_scale",
     .kind = FIELD_NUMBER,
     FIELD_AT(arrivals, time_scale),
     .min = 1e-6,
     .max = 1e6,
     .fallback = "1",
     .doc = "Times between requests are multiplied by it; 0.5 doubles the load."},
    {.key = "start",
     .kind = FIELD_SECONDS,
     FIELD_AT(arrivals, start_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Requests before this time of the trace are left out."},
    {.key = "limit",
     .kind = FIELD_COUNT,
     FIELD_AT(arrivals, limit),
     .fallback = "0",
     .doc = "At most so many requests; 0: all."},
    {0}};

#define ARRIVAL(member, object, kind_name, text)                                                   \
    {.name = (kind_name),                                                                          \
     .value = (member),                                                                            \
     .fields = object##_fields,                                                                    \
     .offset = offsetof(struct request_class, arrivals),                                           \
     .doc = (text)},

const struct variant arrival_variants[] = {ARRIVALS(ARRIVAL){0}};

/* --- how long they are --- */

static const struct field fixed_fields[] = {{.key = "tokens",
                                             .kind = FIELD_TOKENS,
                                             FIELD_AT(length, tokens),
                                             .required = true,
                                             .min = 1,
                                             .max = 1e9,
                                             .doc = "Every one of this length."},
                                            {0}};

static const struct field uniform_fields[] = {{.key = "least",
                                               .kind = FIELD_TOKENS,
                                               FIELD_AT(length, least),
                                               .required = true,
                                               .min = 1,
                                               .max = 1e9,
                                               .doc = "The shortest."},
                                              {.key = "most",
                                               .kind = FIELD_TOKENS,
                                               FIELD_AT(length, most),
                                               .required = true,
                                               .min = 1,
                                               .max = 1e9,
                                               .doc = "The longest."},
                                              {0}};

#define MEAN_FIELD                                                                                 \
    {                                                                                              \
        .key = "mean", .kind = FIELD_MEAN_TOKENS, FIELD_AT(length, mean), .required = true,        \
        .min = 1, .max = 1e9, .doc = "Mean length, tokens."                                        \
    }
#define MOST_FIELD                                                                                 \
    {                                                                                              \
        .key = "most", .kind = FIELD_TOKENS, FIELD_AT(length, most), .min = 1, .max = 1e9,         \
        .fallback = "1_000_000 tokens", .doc = "What is longer is cut to this."                    \
    }

static const struct field exponential_fields[] = {MEAN_FIELD, MOST_FIELD, {0}};
static const struct field lognormal_fields[] = {MEAN_FIELD,
                                                {.key = "variation",
                                                 .kind = FIELD_NUMBER,
                                                 FIELD_AT(length, variation),
                                                 .required = true,
                                                 .min = 0.001,
                                                 .max = 100,
                                                 .doc = "Standard deviation over mean."},
                                                MOST_FIELD,
                                                {0}};

static const struct field empirical_fields[] = {
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(length, file),
     .required = true,
     .doc = "A text file with one length, in tokens, a line; each is drawn alike often."},
    {0}};

#define LENGTH_VARIANTS(member)                                                                    \
    {                                                                                              \
        {.name = "fixed",                                                                          \
         .value = LENGTH_FIXED,                                                                    \
         .fields = fixed_fields,                                                                   \
         .offset = offsetof(struct request_class, member),                                         \
         .doc = "All alike."},                                                                     \
            {.name = "uniform",                                                                    \
             .value = LENGTH_UNIFORM,                                                              \
             .fields = uniform_fields,                                                             \
             .offset = offsetof(struct request_class, member),                                     \
             .doc = "Each whole number of a range alike often."},                                  \
            {.name = "exponential",                                                                \
             .value = LENGTH_EXPONENTIAL,                                                          \
             .fields = exponential_fields,                                                         \
             .offset = offsetof(struct request_class, member),                                     \
             .doc = "Many short, few long; rounded up."},                                          \
            {.name = "lognormal",                                                                  \
             .value = LENGTH_LOGNORMAL,                                                            \
             .fields = lognormal_fields,                                                           \
             .offset = offsetof(struct request_class, member),                                     \
             .doc = "What chats look like: a long tail."},                                         \
            {.name = "empirical",                                                                  \
             .value = LENGTH_EMPIRICAL,                                                            \
             .fields = empirical_fields,                                                           \
             .offset = offsetof(struct request_class, member),                                     \
             .doc = "Drawn from a file."},                                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct variant prompt_variants[] = LENGTH_VARIANTS(prompt);
static const struct variant output_variants[] = LENGTH_VARIANTS(output);

const struct field lengths_fields[] = {{.key = "prompt",
                                        .kind = FIELD_TAGGED,
                                        FIELD_AT(request_class, prompt_kind),
                                        .required = true,
                                        .variants = prompt_variants,
                                        .doc = "New tokens of a prompt."},
                                       {.key = "output",
                                        .kind = FIELD_TAGGED,
                                        FIELD_AT(request_class, output_kind),
                                        .required = true,
                                        .variants = output_variants,
                                        .doc = "Tokens of an answer."},
                                       {0}};

const struct field session_fields[] = {
    {.key = "turns",
     .kind = FIELD_NUMBER,
     FIELD_AT(request_class, session_turns),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "Mean number of turns of a conversation (geometric, at least 1). Each turn's prompt "
            "comes on top of the conversation so far, whose KV stays in the prefix cache while "
            "there is room."},
    {.key = "think",
     .kind = FIELD_SECONDS,
     FIELD_AT(request_class, session_think_seconds),
     .required = true,
     .max = 1e9,
     .doc = "Mean time between an answer and the next prompt (exponential)."},
    {0}};

const struct field slo_fields[] = {{.key = "ttft",
                                    .kind = FIELD_SECONDS,
                                    FIELD_AT(request_class, slo_ttft_seconds),
                                    .max = 1e6,
                                    .fallback = "0 s",
                                    .doc = "Time to first token at most; 0: any."},
                                   {.key = "tpot",
                                    .kind = FIELD_SECONDS,
                                    FIELD_AT(request_class, slo_tpot_seconds),
                                    .max = 1e6,
                                    .fallback = "0 s",
                                    .doc = "Time per output token at most; 0: any."},
                                   {0}};

const struct field timeout_fields[] = {
    {.key = "total",
     .kind = FIELD_SECONDS,
     FIELD_AT(request_class, timeout_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "From sending a request until its whole answer is there, at most; then it is given up. "
            "0: any time."},
    {.key = "first_token",
     .kind = FIELD_SECONDS,
     FIELD_AT(request_class, first_token_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "The same until the first token is."},
    {0}};

const struct field cancel_fields[] = {{.key = "share",
                                       .kind = FIELD_NUMBER,
                                       FIELD_AT(request_class, cancel_share),
                                       .required = true,
                                       .max = 1,
                                       .doc = "Of the requests, those that may be given up."},
                                      {.key = "after",
                                       .kind = FIELD_SECONDS,
                                       FIELD_AT(request_class, cancel_after_seconds),
                                       .required = true,
                                       .max = 1e9,
                                       .doc = "Mean time from sending it (exponential); who is "
                                              "answered sooner is not given up."},
                                      {0}};

const struct field adapter_choice_fields[] = {
    {.key = "count",
     .kind = FIELD_COUNT,
     FIELD_AT(adapter_choice, count),
     .max = 30000,
     .fallback = "0",
     .doc = "Different ones. 0: all requests are for the model itself."},
    {.key = "first",
     .kind = FIELD_COUNT,
     FIELD_AT(adapter_choice, first),
     .max = 30000,
     .fallback = "0",
     .doc = "Their numbers are this and those after it. Classes share adapters whose numbers they "
            "share."},
    {.key = "skew",
     .kind = FIELD_NUMBER,
     FIELD_AT(adapter_choice, skew),
     .max = 10,
     .fallback = "0",
     .doc = "The k-th is asked for as often as 1/k^skew says (Zipf). 0: all alike often."},
    {.key = "base_share",
     .kind = FIELD_NUMBER,
     FIELD_AT(adapter_choice, base_share),
     .max = 1,
     .fallback = "0",
     .doc = "Of requests that are for the model itself. All turns of a conversation ask for the "
            "same."},
    {0}};

/* --- a class --- */

const struct field request_class_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(request_class, name),
     .required = true,
     .doc = "What figures, columns and a trace's `class` column call it."},
    {.key = "share",
     .kind = FIELD_NUMBER,
     FIELD_AT(request_class, share),
     .min = 1e-9,
     .max = 1e9,
     .fallback = "1",
     .doc = "Of the workload's arrivals, over the sum of all shares."},
    ARRIVALS_ROW("Its own, beside the workload's, which it then has no share of."),
    {.key = "requests",
     .kind = FIELD_COUNT,
     FIELD_AT(request_class, requests),
     .max = 1e8,
     .fallback = "0",
     .doc = "Of its own arrivals at most; 0: until the run has had its number."},
    LENGTHS_ROW("How long its prompts and answers are. What is left out is the workload's."),
    SYSTEM_PROMPT_ROW,
    SESSIONS_ROW,
    ADAPTERS_ROW,
    PRIORITY_ROW,
    TIMEOUT_ROW,
    CANCEL_ROW,
    SLO_ROW,
    {0}};
