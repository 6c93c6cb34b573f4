/* SPDX-License-Identifier: MIT
 * What a client of a real service wrote: requests with their times, or the figures alone that it
 * made of them. A format is a file format_*.c with its row, and a line of the table in
 * client_file.c. Everything lives in the caller's arena. */
#ifndef CPSIM_SIM_CLIENTS_CLIENT_FILE_H
#define CPSIM_SIM_CLIENTS_CLIENT_FILE_H

#include "sim/base/json_read.h"

#include <stdint.h>

/* Times that a client knows, whatever it calls them. */
enum client_time {
    CLIENT_TTFT, /* sent to first token */
    CLIENT_TPOT, /* first to last token, a token after the first */
    CLIENT_ITL,  /* between two pieces of an answer */
    CLIENT_E2E,  /* sent to last token */
    CLIENT_TIME_COUNT
};
enum client_statistic {
    CLIENT_MEAN,
    CLIENT_P50,
    CLIENT_P90,
    CLIENT_P95,
    CLIENT_P99,
    CLIENT_STATISTIC_COUNT
};

const char *client_time_name(enum client_time time);                /* "TTFT" */
const char *client_statistic_name(enum client_statistic statistic); /* "p50" */

/* 0: not known. */
struct client_figures {
    double seconds[CLIENT_TIME_COUNT][CLIENT_STATISTIC_COUNT];
    double requests_per_second, output_tokens_per_second;
};

struct client_request {
    double sent_seconds; /* of any clock; negative: not known */
    double ttft_seconds, e2e_seconds;
    uint32_t prompt_tokens, output_tokens;
    double gap_p50_seconds; /* between pieces of the answer, where single ones are not known; 0 */
    uint32_t gap_count;     /* of them */
    uint32_t prefix, prefix_tokens; /* requests of one prefix begin alike; 0 tokens: with none */
    unsigned line;
};

/* One load that the service was put under. */
struct client_case {
    const char *name;                /* "closed16"; "": the file has one */
    const char *model;               /* ""; not said */
    uint32_t tensor;                 /* ranks; 0: not said */
    uint32_t clients;                /* each with one request at a time; 0: see `closed` */
    bool closed;                     /* requests wait for answers, not for a time */
    bool unknown_prefixes;           /* prompts share beginnings, of lengths that are not said */
    struct client_request *requests; /* [count], in the order in which they were sent; 0: figures
                                        alone */
    size_t count;
    size_t failed; /* requests that were not answered, not among these */
    double *gaps; /* [gap_count] seconds between pieces of answers, of all requests; 0: not known */
    size_t gap_count;
    struct client_figures figures; /* as the client says; what it does not say is made of the
                                      requests */
};

struct client_file {
    const char *path;
    const char *format;
    struct client_case *cases; /* [case_count] */
    size_t case_count;
};

/* The file's text, and what was found out about it. */
struct client_text {
    struct arena *arena;
    const char *path;
    char *bytes; /* NUL-terminated */
    size_t size;
    const struct json_value *json; /* NULL: the text is no single JSON value */
    struct diagnostics *diagnostics;
};

struct client_format {
    const char *name, *doc;
    bool (*recognises)(const struct client_text *text);
    /* Fills `cases`; false after a complaint. */
    bool (*read)(struct client_text *text, struct client_file *file);
};

extern const struct client_format client_format_requests, client_format_vllm,
    client_format_aiperf_requests, client_format_aiperf_summary, client_format_aiperf_table,
    client_format_guidellm, client_format_guidellm_table, client_format_prometheus;

/* NULL ends it. */
extern const struct client_format *const client_formats[];

/* False after at least one error. */
bool client_file_read(struct arena *arena, const char *path, struct client_file *file,
                      struct diagnostics *diagnostics);

/* Whether a file begins like one of these, for who also reads others; no complaint. */
bool client_file_is_one(const char *path);

/* --- for formats --- */

/* Nearest rank of `count` > 0 values, mean; what the client did not say of a time. Reorders. */
void client_summarise(double *values, size_t count,
                      double statistics[static CLIENT_STATISTIC_COUNT]);
bool client_complain(const struct client_text *text, const struct json_value *at,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The array of numbers of `count` items under `key`; NULL after a complaint. */
const struct json_value *client_list(const struct client_text *text, const char *key, size_t count);
/* One case, with room for so many requests. */
struct client_case *client_single_case(struct client_text *text, struct client_file *file,
                                       size_t room);

#endif
