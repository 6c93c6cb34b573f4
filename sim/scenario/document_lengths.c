/* SPDX-License-Identifier: MIT */
#include "sim/scenario/document_lengths.h"

#include "sim/base/csv.h"

#include <math.h>
#include <stdlib.h>

static const double most_tokens = 1e9, most_documents = 1e15;

static bool read_whole(const struct csv *csv, const struct csv_row *row, int column, double most,
                       double *number, struct diagnostics *diagnostics)
{
    const struct csv_field *field = &row->fields[column];
    char *end = NULL;
    *number = strtod(field->text, &end);
    bool right = field->text[0] != '\0' && *end == '\0' && *number >= 1.0 && *number <= most &&
                 *number <= floor(*number);
    if (!right) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, field),
                       "'%.40s': expected a whole number from 1 to %.6g", field->text, most);
    }
    return right;
}

static const struct document_lengths *read_rows(struct arena *arena, const struct csv *csv,
                                                struct diagnostics *diagnostics)
{
    int tokens = csv_column(csv, "tokens"), counts = csv_column(csv, "count");
    if (tokens == CSV_NO_COLUMN || csv->row_count == 0) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, &csv->header[0]),
                       "%s; expected a column 'tokens' with the length of a document a row, and "
                       "where a row stands for several a column 'count'",
                       tokens == CSV_NO_COLUMN ? "no column 'tokens'" : "no documents");
        return NULL;
    }
    struct document_lengths *lengths = ARENA_NEW(arena, struct document_lengths);
    lengths->tokens = ARENA_ARRAY(arena, double, csv->row_count);
    lengths->up_to = ARENA_ARRAY(arena, double, csv->row_count);
    double documents = 0.0, all = 0.0;
    bool right = true;
    for (size_t i = 0; i < csv->row_count; i++) {
        double length = 0.0, count = 1.0;
        bool whole = read_whole(csv, &csv->rows[i], tokens, most_tokens, &length, diagnostics);
        if (counts != CSV_NO_COLUMN) {
            whole = read_whole(csv, &csv->rows[i], counts, most_documents, &count, diagnostics) &&
                    whole;
        }
        documents += count;
        all += count * length;
        lengths->tokens[i] = length;
        lengths->up_to[i] = documents;
        right = right && whole;
    }
    lengths->count = csv->row_count;
    lengths->mean_tokens = right ? all / documents : 0.0;
    return right ? lengths : NULL;
}

const struct document_lengths *document_lengths_read(struct arena *arena, const char *path,
                                                     struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct arena *scratch = arena_create();
    const struct csv *csv = csv_load(scratch, path, diagnostics);
    const struct document_lengths *lengths =
        csv != NULL ? read_rows(arena, csv, diagnostics) : NULL;
    arena_destroy(scratch);
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : lengths;
}

double document_length_at(const struct document_lengths *lengths, double share)
{
    double wanted = share * lengths->up_to[lengths->count - 1];
    size_t low = 0, high = lengths->count - 1; /* the first row that reaches what is wanted */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lengths->up_to[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return lengths->tokens[low];
}
