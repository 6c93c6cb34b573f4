/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"

#include "sim/base/printable.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void write_text(struct json *json, const char *text)
{
    fputc('"', json->stream);
    size_t length = 0;
    for (const char *c = text; *c != '\0'; c += length) {
        uint32_t code = printable_next(c, &length);
        if (code == PRINTABLE_BAD) {
            fputs("\\ufffd", json->stream); /* a file's name in another encoding, say */
        } else if (*c == '"' || *c == '\\') {
            fprintf(json->stream, "\\%c", *c);
        } else if (!printable_is_safe(code)) {
            fprintf(json->stream, "\\u%04x", (unsigned)code);
        } else {
            fwrite(c, 1, length, json->stream);
        }
    }
    fputc('"', json->stream);
}

/* Whether the items of a container `depth` deep have a line each. */
static bool has_lines(const struct json *json, unsigned depth)
{
    return json->one_line_depth == 0 || depth < json->one_line_depth;
}

/* The comma, the line and the key before a value. */
static void begin(struct json *json, const char *key)
{
    if (json->depth > 0 && !has_lines(json, json->depth)) {
        fputs(json->filled[json->depth] ? ", " : "", json->stream);
        json->filled[json->depth] = true;
    } else if (json->depth > 0) {
        fputs(json->filled[json->depth] ? ",\n" : "\n", json->stream);
        fprintf(json->stream, "%*s", 2 * (int)json->depth, "");
        json->filled[json->depth] = true;
    }
    if (key != NULL) {
        write_text(json, key);
        fputs(": ", json->stream);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    fputc(bracket, json->stream);
    json->depth++;
    assert(json->depth < JSON_MAX_DEPTH && "JSON nested too deep");
    json->filled[json->depth] = false;
}

void json_close(struct json *json, char bracket)
{
    bool filled = json->filled[json->depth];
    bool lines = has_lines(json, json->depth);
    json->depth--;
    if (filled && lines) {
        fprintf(json->stream, "\n%*s", 2 * (int)json->depth, "");
    }
    fputc(bracket, json->stream);
    if (json->depth == 0) {
        fputc('\n', json->stream);
    }
}

void json_string(struct json *json, const char *key, const char *value)
{
    begin(json, key);
    write_text(json, value);
}

void json_count(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    fprintf(json->stream, "%" PRIu64, value);
}

void json_boolean(struct json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->stream);
}

void json_number(struct json *json, const char *key, double value)
{
    begin(json, key);
    if (isfinite(value)) {
        fprintf(json->stream, "%.10g", value);
    } else {
        fputs("null", json->stream);
    }
}

const char *exact_number(double value, char text[static EXACT_NUMBER_BYTES])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, EXACT_NUMBER_BYTES, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return text;
}

void json_exact(struct json *json, const char *key, double value)
{
    char text[EXACT_NUMBER_BYTES];
    begin(json, key);
    fputs(isfinite(value) ? exact_number(value, text) : "null", json->stream);
}
