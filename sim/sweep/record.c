/* SPDX-License-Identifier: MIT */
#include "sim/sweep/record.h"

#include <string.h>

/* --- writing --- */

static void put_whole(struct text *bytes, uint64_t value, unsigned width)
{
    char buffer[8];
    for (unsigned i = 0; i < width; i++) {
        buffer[i] = (char)(unsigned char)(value >> (8 * i) & 0xff);
    }
    text_append(bytes, buffer, width);
}

static void put_number(struct text *bytes, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_whole(bytes, bits, 8);
}

static void put_text(struct text *bytes, const char *string)
{
    size_t length = strlen(string);
    put_whole(bytes, length, 4);
    text_append(bytes, string, length);
}

void sweep_record_write(struct text *bytes, const struct sweep_record *record)
{
    put_whole(bytes, record->identity, 8);
    put_text(bytes, record->title);
    put_text(bytes, record->sweep_yaml);
    put_text(bytes, record->base_yaml);
    put_text(bytes, record->version);
    put_text(bytes, record->revision);
    put_whole(bytes, record->seed, 8);
    put_whole(bytes, record->point_count, 8);
    put_whole(bytes, record->replications, 4);
    put_whole(bytes, record->traces, 1);
    put_whole(bytes, record->parameter_count, 4);
    for (uint32_t i = 0; i < record->parameter_count; i++) {
        put_text(bytes, record->parameters[i].key);
        put_text(bytes, record->parameters[i].unit);
        put_whole(bytes, record->parameters[i].is_number, 1);
        put_whole(bytes, record->parameters[i].is_whole, 1);
    }
    put_text(bytes, record->best.metric);
    put_whole(bytes, record->best.maximise, 1);
    put_whole(bytes, record->best.count, 4);
    put_whole(bytes, record->best.show_count, 4);
    for (uint32_t i = 0; i < record->best.show_count; i++) {
        put_text(bytes, record->best.show[i]);
    }
}

void point_record_write(struct text *bytes, const struct point_record *record)
{
    put_whole(bytes, record->point, 8);
    put_whole(bytes, record->seed, 8);
    put_whole(bytes, record->replication, 4);
    put_whole(bytes, record->status, 1);
    put_text(bytes, record->error);
    put_whole(bytes, record->value_count, 4);
    for (uint32_t i = 0; i < record->value_count; i++) {
        put_number(bytes, record->values[i].number);
        put_text(bytes, record->values[i].text);
    }
    put_whole(bytes, record->metrics.count, 4);
    for (size_t i = 0; i < record->metrics.count; i++) {
        const struct metric *metric = &record->metrics.metrics[i];
        put_text(bytes, metric->name);
        put_text(bytes, metric->unit);
        put_whole(bytes, metric->text != NULL, 1);
        if (metric->text != NULL) {
            put_text(bytes, metric->text);
        } else {
            put_number(bytes, metric->value);
        }
    }
}

/* --- reading --- */

struct cursor {
    struct arena *arena;
    const char *next, *end;
    bool failed;
};

static uint64_t get_whole(struct cursor *cursor, unsigned width)
{
    uint64_t value = 0;
    if (cursor->failed || (size_t)(cursor->end - cursor->next) < width) {
        cursor->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)(unsigned char)cursor->next[i] << (8 * i);
    }
    cursor->next += width;
    return value;
}

static uint32_t get_count(struct cursor *cursor)
{
    uint32_t count = (uint32_t)get_whole(cursor, 4);
    /* Everything counted takes a byte at least: a larger count is damage. */
    if (count > (size_t)(cursor->end - cursor->next)) {
        cursor->failed = true;
        return 0;
    }
    return count;
}

static double get_number(struct cursor *cursor)
{
    uint64_t bits = get_whole(cursor, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* `like` itself when the text is the same. */
static const char *get_text(struct cursor *cursor, const char *like)
{
    uint32_t length = get_count(cursor);
    if (cursor->failed) {
        return "";
    }
    const char *bytes = cursor->next;
    cursor->next += length;
    if (like != NULL && strlen(like) == length && memcmp(like, bytes, length) == 0) {
        return like;
    }
    char *copy = arena_array(cursor->arena, (size_t)length + 1, 1);
    memcpy(copy, bytes, length);
    return copy;
}

bool sweep_record_read(struct arena *arena, const char *bytes, size_t size,
                       struct sweep_record *record)
{
    struct cursor cursor = {.arena = arena, .next = bytes, .end = bytes + size};
    *record = (struct sweep_record){.identity = get_whole(&cursor, 8)};
    record->title = get_text(&cursor, NULL);
    record->sweep_yaml = get_text(&cursor, NULL);
    record->base_yaml = get_text(&cursor, NULL);
    record->version = get_text(&cursor, NULL);
    record->revision = get_text(&cursor, NULL);
    record->seed = get_whole(&cursor, 8);
    record->point_count = get_whole(&cursor, 8);
    record->replications = (uint32_t)get_whole(&cursor, 4);
    record->traces = get_whole(&cursor, 1) != 0;
    record->parameter_count = get_count(&cursor);
    record->parameters = ARENA_ARRAY(arena, struct recorded_parameter, record->parameter_count + 1);
    for (uint32_t i = 0; i < record->parameter_count; i++) {
        record->parameters[i].key = get_text(&cursor, NULL);
        record->parameters[i].unit = get_text(&cursor, NULL);
        record->parameters[i].is_number = get_whole(&cursor, 1) != 0;
        record->parameters[i].is_whole = get_whole(&cursor, 1) != 0;
    }
    record->best.metric = get_text(&cursor, NULL);
    record->best.maximise = get_whole(&cursor, 1) != 0;
    record->best.count = (uint32_t)get_whole(&cursor, 4);
    record->best.show_count = get_count(&cursor);
    record->best.show = ARENA_ARRAY(arena, const char *, record->best.show_count + 1);
    for (uint32_t i = 0; i < record->best.show_count; i++) {
        record->best.show[i] = get_text(&cursor, NULL);
    }
    return !cursor.failed && cursor.next == cursor.end;
}

static void read_metrics(struct cursor *cursor, const struct metric_list *like,
                         struct metric_list *metrics)
{
    uint32_t count = get_count(cursor);
    metrics->metrics = ARENA_ARRAY(cursor->arena, struct metric, count + 1);
    metrics->count = metrics->capacity = count;
    metrics->arena = cursor->arena;
    for (uint32_t i = 0; i < count && !cursor->failed; i++) {
        bool has_like = like != NULL && i < like->count;
        struct metric *metric = &metrics->metrics[i];
        metric->name = get_text(cursor, has_like ? like->metrics[i].name : NULL);
        metric->unit = get_text(cursor, has_like ? like->metrics[i].unit : NULL);
        if (get_whole(cursor, 1) != 0) {
            metric->text = get_text(cursor, has_like ? like->metrics[i].text : NULL);
        } else {
            metric->value = get_number(cursor);
        }
    }
}

bool point_record_read(struct arena *arena, const char *bytes, size_t size,
                       const struct point_record *like, struct point_record *record)
{
    struct cursor cursor = {.arena = arena, .next = bytes, .end = bytes + size};
    *record = (struct point_record){.point = get_whole(&cursor, 8)};
    record->seed = get_whole(&cursor, 8);
    record->replication = (uint32_t)get_whole(&cursor, 4);
    uint64_t status = get_whole(&cursor, 1);
    record->status = status <= POINT_FAILED ? (enum point_status)status : POINT_FAILED;
    record->error = get_text(&cursor, like == NULL ? NULL : like->error);
    record->value_count = get_count(&cursor);
    record->values = ARENA_ARRAY(arena, struct recorded_value, record->value_count + 1);
    for (uint32_t i = 0; i < record->value_count; i++) {
        bool has_like = like != NULL && i < like->value_count;
        record->values[i].number = get_number(&cursor);
        record->values[i].text = get_text(&cursor, has_like ? like->values[i].text : NULL);
    }
    read_metrics(&cursor, like == NULL ? NULL : &like->metrics, &record->metrics);
    return !cursor.failed && cursor.next == cursor.end;
}
