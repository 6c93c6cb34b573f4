/* SPDX-License-Identifier: MIT */
#include "sim/compare/kineto.h"

#include "sim/base/json_read.h"
#include "sim/base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIMS = 4, KEY_BYTES = 200, OTHERS_TOLD = 5 };

/* One call of an operator, and what its kernels took. */
struct call {
    uint64_t id;
    const struct json_value *event;
    double microseconds;
};

struct kernel_name {
    const char *name;
    double microseconds;
};

struct reader {
    struct arena *arena;
    const char *path, *device;
    struct call *calls; /* [call_count], by id */
    size_t call_count;
    struct kernel_name *others; /* [other_count] kernels of no operator that is known here */
    size_t other_count;
    double all, known; /* microseconds of kernels */
};

/* --- operators --- */

static size_t dims_of(const struct json_value *event, size_t input, uint64_t dims[MOST_DIMS])
{
    const struct json_value *all = json_get(json_get(event, "args"), "Input Dims");
    if (all == NULL || all->kind != JSON_ARRAY || input >= all->count ||
        all->items[input].kind != JSON_ARRAY || all->items[input].count > MOST_DIMS) {
        return 0;
    }
    const struct json_value *one = &all->items[input];
    for (size_t i = 0; i < one->count; i++) {
        double value = one->items[i].kind == JSON_NUMBER ? one->items[i].number : 0.0;
        if (value < 1.0 || value > 1e12) {
            return 0;
        }
        dims[i] = (uint64_t)value;
    }
    return one->count;
}

static const char *item_text(const struct json_value *event, const char *key, size_t input)
{
    const struct json_value *all = json_get(json_get(event, "args"), key);
    bool there = all != NULL && all->kind == JSON_ARRAY && input < all->count &&
                 all->items[input].kind == JSON_STRING;
    return there ? all->items[input].text : "";
}

/* A table's row of a call, as CSV without its time; false: its shape is none of the table's. */
typedef bool row_of(const struct json_value *event, char row[KEY_BYTES]);

static bool product(const struct json_value *event, size_t first, const char *dtype,
                    char row[KEY_BYTES])
{
    uint64_t a[MOST_DIMS], b[MOST_DIMS];
    if (dims_of(event, first, a) != 2 || dims_of(event, first + 1, b) != 2 || a[1] != b[0]) {
        return false;
    }
    snprintf(row, KEY_BYTES, "%s,%llu,%llu,%llu", dtype, (unsigned long long)a[0],
             (unsigned long long)a[1], (unsigned long long)b[1]);
    return true;
}

static bool is_bf16(const struct json_value *event, size_t input)
{
    return strcmp(item_text(event, "Input type", input), "c10::BFloat16") == 0;
}

static bool mm(const struct json_value *event, char row[KEY_BYTES])
{
    return is_bf16(event, 0) && product(event, 0, "bf16", row);
}

static bool addmm(const struct json_value *event, char row[KEY_BYTES])
{
    return is_bf16(event, 1) && product(event, 1, "bf16", row);
}

/* _scaled_mm(a, b, scale_a, scale_b, ...): a scale a tensor has no or one element. */
static bool scaled_mm(const struct json_value *event, char row[KEY_BYTES])
{
    uint64_t scale[MOST_DIMS] = {1, 1, 1, 1};
    size_t count = dims_of(event, 2, scale);
    bool rows = count == 2 && scale[1] == 1 && scale[0] > 1;
    bool tensor = count == 0 || (count == 1 && scale[0] == 1) ||
                  (count == 2 && scale[0] == 1 && scale[1] == 1);
    return (rows || tensor) && product(event, 0, rows ? "fp8" : "fp8t", row);
}

/* Query and key are [batch, tokens, heads, head size], or heads before tokens; `causal` is the
 * input that says so. */
static bool attention(const struct json_value *event, size_t tokens, size_t causal,
                      char row[KEY_BYTES])
{
    uint64_t q[MOST_DIMS], k[MOST_DIMS];
    size_t heads = 3 - tokens;
    if (!is_bf16(event, 0) || dims_of(event, 0, q) != MOST_DIMS ||
        dims_of(event, 1, k) != MOST_DIMS || q[0] != 1 || q[3] != k[3] || q[tokens] < 2) {
        return false;
    }
    snprintf(row, KEY_BYTES, "%llu,%llu,%llu,%llu,%llu,%d", (unsigned long long)q[tokens],
             (unsigned long long)k[tokens], (unsigned long long)q[heads],
             (unsigned long long)k[heads], (unsigned long long)q[3],
             strcmp(item_text(event, "Concrete Inputs", causal), "True") == 0);
    return true;
}

static bool flash_attention(const struct json_value *event, char row[KEY_BYTES])
{
    return attention(event, 1, 8, row); /* (q, k, v, cum_seq_q, cum_seq_k, max_q, max_k, dropout_p,
                                           is_causal, ...) */
}

static bool cudnn_attention(const struct json_value *event, char row[KEY_BYTES])
{
    return attention(event, 2, 10, row); /* (q, k, v, bias, cum_seq_q, cum_seq_k, max_q, max_k,
                                            lse, dropout_p, is_causal, ...) */
}

enum { TABLE_GEMM, TABLE_ATTENTION, TABLE_COUNT = KINETO_MOST_TABLES };
static const char *const headers[TABLE_COUNT] = {
    [TABLE_GEMM] = "dtype,m,k,n,operator,time_us,calls,gpu\n",
    [TABLE_ATTENTION] = "tq,tk,hq,hk,hd,causal,operator,time_us,calls,gpu\n",
};

static const struct operator_row {
    const char *name;
    int table;
    row_of *row;
} operators[] = {
    {"aten::mm", TABLE_GEMM, mm},
    {"aten::addmm", TABLE_GEMM, addmm},
    {"aten::_scaled_mm", TABLE_GEMM, scaled_mm},
    {"aten::_flash_attention_forward", TABLE_ATTENTION, flash_attention},
    {"aten::_cudnn_attention_forward", TABLE_ATTENTION, cudnn_attention},
};
enum { OPERATORS = sizeof operators / sizeof *operators };

static const struct operator_row *operator_of(const struct json_value *event)
{
    const char *name = json_get_text(event, "name");
    for (size_t i = 0; i < OPERATORS; i++) {
        if (strcmp(operators[i].name, name) == 0) {
            return &operators[i];
        }
    }
    return NULL;
}

/* --- events --- */

static int by_id(const void *left, const void *right)
{
    const struct call *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static uint64_t id_of(const struct json_value *event)
{
    const struct json_value *arguments = json_get(event, "args");
    return (uint64_t)fmin(fmax(0.0, json_get_number(arguments, "External id", 0.0)), 1e15);
}

static void add_other(struct reader *reader, const char *name, double microseconds)
{
    for (size_t i = 0; i < reader->other_count; i++) {
        if (strcmp(reader->others[i].name, name) == 0) {
            reader->others[i].microseconds += microseconds;
            return;
        }
    }
    reader->others[reader->other_count++] = (struct kernel_name){name, microseconds};
}

static void add_kernel(struct reader *reader, const struct json_value *event)
{
    const struct call key = {.id = id_of(event)};
    double microseconds = json_get_number(event, "dur", 0.0);
    struct call *call = key.id == 0 ? NULL
                                    : bsearch(&key, reader->calls, reader->call_count,
                                              sizeof *reader->calls, by_id);
    reader->all += microseconds;
    if (call != NULL) {
        call->microseconds += microseconds;
        reader->known += microseconds;
    } else {
        add_other(reader, json_get_text(event, "name"), microseconds);
    }
}

static void gather(struct reader *reader, const struct json_value *events)
{
    reader->calls = ARENA_ARRAY(reader->arena, struct call, events->count + 1);
    reader->others = ARENA_ARRAY(reader->arena, struct kernel_name, events->count + 1);
    char row[KEY_BYTES];
    for (size_t i = 0; i < events->count; i++) {
        const struct json_value *event = &events->items[i];
        const struct operator_row *known =
            strcmp(json_get_text(event, "cat"), "cpu_op") == 0 ? operator_of(event) : NULL;
        if (known != NULL && id_of(event) > 0 && known->row(event, row)) {
            reader->calls[reader->call_count++] = (struct call){.id = id_of(event), .event = event};
        }
    }
    qsort(reader->calls, reader->call_count, sizeof *reader->calls, by_id);
    for (size_t i = 0; i < events->count; i++) {
        if (strcmp(json_get_text(&events->items[i], "cat"), "kernel") == 0) {
            add_kernel(reader, &events->items[i]);
        }
    }
}

/* --- shapes --- */

struct shape {
    char row[KEY_BYTES];
    unsigned line;
    double microseconds;
};

static int by_shape(const void *left, const void *right)
{
    const struct shape *a = left, *b = right;
    int order = strcmp(a->row, b->row);
    return order != 0 ? order
                      : (a->microseconds > b->microseconds) - (a->microseconds < b->microseconds);
}

static const struct csv *table_of(struct reader *reader, int table, struct diagnostics *diagnostics)
{
    struct shape *shapes = ARENA_ARRAY(reader->arena, struct shape, reader->call_count + 1);
    unsigned *lines = ARENA_ARRAY(reader->arena, unsigned, reader->call_count + 1);
    size_t count = 0, rows = 0;
    for (size_t i = 0; i < reader->call_count; i++) {
        const struct call *call = &reader->calls[i];
        const struct operator_row *known = operator_of(call->event);
        if (known->table == table && call->microseconds > 0.0) {
            shapes[count] =
                (struct shape){.line = call->event->line, .microseconds = call->microseconds};
            known->row(call->event, shapes[count].row);
            size_t length = strlen(shapes[count].row);
            snprintf(shapes[count].row + length, KEY_BYTES - length, ",%s", known->name);
            count++;
        }
    }
    qsort(shapes, count, sizeof *shapes, by_shape);
    struct text text = {.arena = reader->arena};
    text_add(&text, headers[table]);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first; next < count && strcmp(shapes[next].row, shapes[first].row) == 0;
             next++) {
        }
        const struct shape *median = &shapes[first + (next - first - 1) / 2];
        text_print(&text, "%s,%.6g,%zu,%s\n", median->row, median->microseconds, next - first,
                   reader->device);
        lines[rows++] = median->line;
    }
    struct csv *csv = csv_parse(reader->arena, reader->path, text.bytes, text.length, diagnostics);
    for (size_t i = 0; csv != NULL && i < csv->row_count; i++) {
        csv->rows[i].line = lines[i];
        for (size_t j = 0; j < csv->column_count; j++) {
            csv->rows[i].fields[j].line = lines[i];
            csv->rows[i].fields[j].column = 1;
        }
    }
    return rows == 0 ? NULL : csv;
}

/* --- the whole --- */

static int by_time(const void *left, const void *right)
{
    const struct kernel_name *a = left, *b = right;
    if (a->microseconds < b->microseconds || a->microseconds > b->microseconds) {
        return a->microseconds > b->microseconds ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void tell_of_others(struct reader *reader, struct diagnostics *diagnostics)
{
    struct text others = {.arena = reader->arena};
    text_add(&others, "");
    qsort(reader->others, reader->other_count, sizeof *reader->others, by_time);
    for (size_t i = 0; i < reader->other_count && i < OTHERS_TOLD; i++) {
        text_print(&others, "%s %.40s %.1f %%", i == 0 ? "; others:" : ",", reader->others[i].name,
                   100.0 * reader->others[i].microseconds / reader->all);
    }
    diagnostics_add(diagnostics, SEVERITY_NOTE, (struct mark){.file = reader->path},
                    "%.1f %% of %.4g ms of kernels are products and attention with known shapes%s",
                    100.0 * reader->known / reader->all, 1e-3 * reader->all, others.bytes);
}

bool kineto_is_one(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{' && strstr(text, "\"traceEvents\"") != NULL;
}

bool kineto_read(struct arena *arena, const char *path, char *text, size_t size,
                 struct kineto_tables *tables, struct diagnostics *diagnostics)
{
    const struct json_value *whole = json_parse(arena, path, 1, text, size, diagnostics);
    const struct json_value *events = json_get(whole, "traceEvents");
    if (whole == NULL) {
        return false;
    }
    const struct json_value *devices = json_get(whole, "deviceProperties");
    struct reader reader = {.arena = arena, .path = path, .device = ""};
    if (devices != NULL && devices->kind == JSON_ARRAY && devices->count > 0) {
        reader.device = json_get_text(&devices->items[0], "name");
    }
    if (events != NULL && events->kind == JSON_ARRAY) {
        gather(&reader, events);
    }
    if (reader.all <= 0.0 || reader.call_count == 0) {
        DIAGNOSE_ERROR(diagnostics, (struct mark){.file = path},
                       reader.all <= 0.0
                           ? "a trace without kernels: profile with ProfilerActivity.CUDA"
                           : "no operator in it has a shape that is known here: profile with "
                             "record_shapes=True (products and attention in bf16, fp8 products)");
        return false;
    }
    tables->tables = ARENA_ARRAY(arena, const struct csv *, TABLE_COUNT);
    tables->count = 0;
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct csv *csv = table_of(&reader, table, diagnostics);
        if (csv != NULL) {
            tables->tables[tables->count++] = csv;
        }
    }
    tell_of_others(&reader, diagnostics);
    return true;
}
