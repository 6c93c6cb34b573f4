/* SPDX-License-Identifier: MIT
 * Requests as analysis/engine_client.py writes them: a table, a request a row; several cases where
 * columns model, tensor, expert and case say so. */
#include "sim/base/csv.h"
#include "sim/clients/client_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const needed[] = {"prompt_tokens", "output_tokens", "sent_s", "ttft_s", "e2e_s"};
enum { NEEDED = sizeof needed / sizeof *needed };
#define MOST_TOKENS 1e9
#define MOST_SECONDS 1e8

static bool recognises(const struct client_text *text)
{
    size_t length = strcspn(text->bytes, "\r\n");
    const char *start = text->bytes;
    if (*start == '#' || text->json != NULL) {
        return *start == '#' && text->json == NULL && strstr(start, "ttft_s") != NULL;
    }
    for (size_t i = 0; i < NEEDED; i++) {
        const char *found = strstr(start, needed[i]);
        if (found == NULL || found >= start + length) {
            return false;
        }
    }
    return true;
}

struct table {
    struct client_text *text;
    const struct csv *csv;
};

static const char *field(const struct table *table, const struct csv_row *row, const char *column)
{
    int index = csv_column(table->csv, column);
    return index == CSV_NO_COLUMN ? "" : row->fields[index].text;
}

/* A number of [least, most]; `least` after a complaint. Empty is `otherwise`, unless that is NAN.
 */
static double number(const struct table *table, const struct csv_row *row, const char *column,
                     double least, double most, double otherwise)
{
    const char *text = field(table, row, column);
    char *end = NULL;
    size_t plain = strspn(text, "+-.0123456789eE");
    double value = plain > 0 ? strtod(text, &end) : 0.0;
    if (text[0] == '\0' && !isnan(otherwise)) {
        return otherwise;
    }
    if (plain == 0 || *end != '\0' || !(value >= least && value <= most)) {
        int index = csv_column(table->csv, column);
        DIAGNOSE_ERROR(table->text->diagnostics, csv_mark(table->csv, &row->fields[index]),
                       "%s: '%.60s' is no number from %g to %g", column, text, least, most);
        return least;
    }
    return value;
}

static struct client_request request_of(const struct table *table, const struct csv_row *row)
{
    double chunks = number(table, row, "chunks", 0.0, MOST_TOKENS, 0.0);
    struct client_request request = {
        .sent_seconds = number(table, row, "sent_s", 0.0, MOST_SECONDS, (double)NAN),
        .ttft_seconds = number(table, row, "ttft_s", 0.0, MOST_SECONDS, (double)NAN),
        .e2e_seconds = number(table, row, "e2e_s", 0.0, MOST_SECONDS, (double)NAN),
        .prompt_tokens =
            (uint32_t)number(table, row, "prompt_tokens", 1.0, MOST_TOKENS, (double)NAN),
        .output_tokens =
            (uint32_t)number(table, row, "output_tokens", 1.0, MOST_TOKENS, (double)NAN),
        .gap_p50_seconds = number(table, row, "itl_p50_s", 0.0, MOST_SECONDS, 0.0),
        .gap_count = chunks > 1.0 ? (uint32_t)chunks - 1 : 0,
        .line = row->line,
    };
    if (field(table, row, "prefix")[0] != '\0') {
        enum { MOST_PREFIX = 4000 };
        request.prefix = (uint32_t)number(table, row, "prefix", 0.0, MOST_PREFIX, (double)NAN);
        request.prefix_tokens = (uint32_t)number(table, row, "prefix_tokens", 0.0,
                                                 fmin(request.prompt_tokens, 1e6), 0.0);
    }
    return request;
}

static bool same_case(const struct table *table, const struct csv_row *a, const struct csv_row *b)
{
    static const char *const columns[] = {"model", "tensor", "expert", "case"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (strcmp(field(table, a, columns[i]), field(table, b, columns[i])) != 0) {
            return false;
        }
    }
    return true;
}

/* The rows of one case follow each other. Returns how many there are from `first` on. */
static size_t case_rows(const struct table *table, size_t first)
{
    size_t count = 1;
    while (first + count < table->csv->row_count &&
           same_case(table, &table->csv->rows[first], &table->csv->rows[first + count])) {
        count++;
    }
    return count;
}

static struct client_case case_of(const struct table *table, size_t first, size_t count)
{
    const struct csv_row *row = &table->csv->rows[first];
    struct client_case one = {
        .name = field(table, row, "case"),
        .model = field(table, row, "model"),
        .tensor = (uint32_t)number(table, row, "tensor", 1.0, 1024.0, 0.0),
        .requests = ARENA_ARRAY(table->text->arena, struct client_request, count),
        .count = count,
        .closed = csv_column(table->csv, "due_s") != CSV_NO_COLUMN,
    };
    for (size_t i = 0; i < count; i++) {
        one.requests[i] = request_of(table, row + i);
        one.closed = one.closed && field(table, row + i, "due_s")[0] == '\0';
        one.unknown_prefixes =
            one.unknown_prefixes || (field(table, row + i, "prefix")[0] != '\0' &&
                                     field(table, row + i, "prefix_tokens")[0] == '\0');
    }
    return one;
}

static bool read(struct client_text *text, struct client_file *file)
{
    struct table table = {.text = text};
    table.csv = csv_parse(text->arena, text->path, text->bytes, text->size, text->diagnostics);
    if (table.csv == NULL) {
        return false;
    }
    for (size_t i = 0; i < NEEDED; i++) {
        if (csv_column(table.csv, needed[i]) == CSV_NO_COLUMN) {
            return client_complain(text, NULL, "there is no column %s", needed[i]);
        }
    }
    file->cases = ARENA_ARRAY(text->arena, struct client_case, table.csv->row_count + 1);
    for (size_t first = 0; first < table.csv->row_count;) {
        size_t count = case_rows(&table, first);
        file->cases[file->case_count++] = case_of(&table, first, count);
        first += count;
    }
    return file->case_count > 0 || client_complain(text, NULL, "there is no request in it");
}

const struct client_format client_format_requests = {
    .name = "requests",
    .doc = "a table with prompt_tokens, output_tokens, sent_s, ttft_s, e2e_s "
           "(analysis/engine_client.py)",
    .recognises = recognises,
    .read = read,
};
