/* SPDX-License-Identifier: MIT */
#include "sim/config/units.h"

#include "sim/base/suggest.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct quantity_row {
    const char *noun, *example;
};

static const struct quantity_row quantities[QUANTITY_COUNT] = {
    [QUANTITY_NONE] = {.noun = "a plain number", .example = "0.9"},
    [QUANTITY_SECONDS] = {.noun = "a time", .example = "40 us"},
    [QUANTITY_BYTES] = {.noun = "a size in bytes", .example = "80 GB"},
    [QUANTITY_BYTES_PER_SECOND] = {.noun = "a rate in bytes per second", .example = "50 GB/s"},
    [QUANTITY_FLOPS_PER_SECOND] = {.noun = "a rate in FLOP per second", .example = "989 TFLOP/s"},
    [QUANTITY_HERTZ] = {.noun = "a frequency", .example = "1.98 GHz"},
    [QUANTITY_WATTS] = {.noun = "a power", .example = "700 W"},
    [QUANTITY_JOULES] = {.noun = "an energy", .example = "3.2 kJ"},
    [QUANTITY_PER_SECOND] = {.noun = "a number per second", .example = "4 /s"},
    [QUANTITY_TOKENS] = {.noun = "a number of tokens", .example = "4000 tokens"},
};

struct unit {
    const char *text;
    enum quantity quantity;
    int power;       /* of ten, in canonical units */
    double multiple; /* of that power; 0: one */
    bool printed;    /* what quantity_print() may choose */
};

/* In rising order within a quantity. Decimal prefixes are decimal, binary ones binary; bits are
 * eighths of bytes. */
static const struct unit units[] = {
    {.text = "ns", .quantity = QUANTITY_SECONDS, .power = -9, .printed = true},
    {.text = "us", .quantity = QUANTITY_SECONDS, .power = -6, .printed = true},
    {.text = "ms", .quantity = QUANTITY_SECONDS, .power = -3, .printed = true},
    {.text = "s", .quantity = QUANTITY_SECONDS, .power = 0, .printed = true},
    {.text = "min", .quantity = QUANTITY_SECONDS, .multiple = 60.0},
    {.text = "h", .quantity = QUANTITY_SECONDS, .multiple = 3600.0},
    {.text = "d", .quantity = QUANTITY_SECONDS, .multiple = 86400.0},
    {.text = "B", .quantity = QUANTITY_BYTES, .power = 0, .printed = true},
    {.text = "kB", .quantity = QUANTITY_BYTES, .power = 3, .printed = true},
    {.text = "MB", .quantity = QUANTITY_BYTES, .power = 6, .printed = true},
    {.text = "GB", .quantity = QUANTITY_BYTES, .power = 9, .printed = true},
    {.text = "TB", .quantity = QUANTITY_BYTES, .power = 12, .printed = true},
    {.text = "PB", .quantity = QUANTITY_BYTES, .power = 15, .printed = true},
    {.text = "KiB", .quantity = QUANTITY_BYTES, .multiple = 0x1p10},
    {.text = "MiB", .quantity = QUANTITY_BYTES, .multiple = 0x1p20},
    {.text = "GiB", .quantity = QUANTITY_BYTES, .multiple = 0x1p30},
    {.text = "TiB", .quantity = QUANTITY_BYTES, .multiple = 0x1p40},
    {.text = "B/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 0, .printed = true},
    {.text = "kB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 3, .printed = true},
    {.text = "MB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 6, .printed = true},
    {.text = "GB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 9, .printed = true},
    {.text = "TB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 12, .printed = true},
    {.text = "MiB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .multiple = 0x1p20},
    {.text = "GiB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .multiple = 0x1p30},
    {.text = "TiB/s", .quantity = QUANTITY_BYTES_PER_SECOND, .multiple = 0x1p40},
    {.text = "b/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 0, .multiple = 0.125},
    {.text = "kb/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 3, .multiple = 0.125},
    {.text = "Mb/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 6, .multiple = 0.125},
    {.text = "Gb/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 9, .multiple = 0.125},
    {.text = "Tb/s", .quantity = QUANTITY_BYTES_PER_SECOND, .power = 12, .multiple = 0.125},
    {.text = "FLOP/s", .quantity = QUANTITY_FLOPS_PER_SECOND, .power = 0, .printed = true},
    {.text = "MFLOP/s", .quantity = QUANTITY_FLOPS_PER_SECOND, .power = 6, .printed = true},
    {.text = "GFLOP/s", .quantity = QUANTITY_FLOPS_PER_SECOND, .power = 9, .printed = true},
    {.text = "TFLOP/s", .quantity = QUANTITY_FLOPS_PER_SECOND, .power = 12, .printed = true},
    {.text = "PFLOP/s", .quantity = QUANTITY_FLOPS_PER_SECOND, .power = 15, .printed = true},
    {.text = "Hz", .quantity = QUANTITY_HERTZ, .power = 0, .printed = true},
    {.text = "kHz", .quantity = QUANTITY_HERTZ, .power = 3, .printed = true},
    {.text = "MHz", .quantity = QUANTITY_HERTZ, .power = 6, .printed = true},
    {.text = "GHz", .quantity = QUANTITY_HERTZ, .power = 9, .printed = true},
    {.text = "W", .quantity = QUANTITY_WATTS, .power = 0, .printed = true},
    {.text = "kW", .quantity = QUANTITY_WATTS, .power = 3, .printed = true},
    {.text = "MW", .quantity = QUANTITY_WATTS, .power = 6, .printed = true},
    {.text = "J", .quantity = QUANTITY_JOULES, .power = 0, .printed = true},
    {.text = "kJ", .quantity = QUANTITY_JOULES, .power = 3, .printed = true},
    {.text = "MJ", .quantity = QUANTITY_JOULES, .power = 6, .printed = true},
    {.text = "/h", .quantity = QUANTITY_PER_SECOND, .multiple = 1.0 / 3600.0},
    {.text = "/min", .quantity = QUANTITY_PER_SECOND, .multiple = 1.0 / 60.0},
    {.text = "/s", .quantity = QUANTITY_PER_SECOND, .power = 0, .printed = true},
    {.text = "tokens", .quantity = QUANTITY_TOKENS, .printed = true},
    {.text = "token", .quantity = QUANTITY_TOKENS},
};
enum { UNIT_COUNT = sizeof units / sizeof *units };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies a run of digits without its underscores; the underscores must stand between digits. */
static bool copy_digits(const char **text, char **copy, const char *copy_end)
{
    const char *c = *text;
    if (!is_digit(*c)) {
        return false;
    }
    while (is_digit(*c) || (*c == '_' && is_digit(c[1]))) {
        if (*c != '_') {
            if (*copy == copy_end) {
                return false;
            }
            *(*copy)++ = *c;
        }
        c++;
    }
    *text = c;
    return true;
}

/* A number as it was written. Power and unit are added to the text of it, so that `40 us` is the
 * double nearest to 40e-6: a product would be one rounding off. */
struct written_number {
    char mantissa[64];
    long exponent;
};

/* The number at the start of *text, which moves past it. strtod() alone would take hex, nan and
 * inf; what it is given later is plain. */
static enum quantity_fault read_number(const char **text, struct written_number *number)
{
    char *copy = number->mantissa;
    const char *copy_end = copy + sizeof number->mantissa - 1, *c = *text;
    if (*c == '-' || *c == '+') {
        *copy++ = *c++;
    }
    if (c[0] == '0' && (is_digit(c[1]) || c[1] == '_')) {
        return QUANTITY_LEADING_ZERO;
    }
    if (!copy_digits(&c, &copy, copy_end)) {
        return QUANTITY_NOT_A_NUMBER;
    }
    if (*c == '.') {
        if (copy == copy_end) {
            return QUANTITY_NOT_A_NUMBER;
        }
        *copy++ = *c++;
        if (!copy_digits(&c, &copy, copy_end)) {
            return QUANTITY_NOT_A_NUMBER;
        }
    }
    *copy = '\0';
    number->exponent = 0;
    bool has_sign = c[0] != '\0' && (c[1] == '-' || c[1] == '+');
    if ((*c == 'e' || *c == 'E') && is_digit(c[has_sign ? 2 : 1])) {
        char *end = NULL;
        number->exponent = strtol(c + 1, &end, 10);
        c = end;
    }
    *text = c;
    bool sane = number->exponent > -10000 && number->exponent < 10000;
    return sane ? QUANTITY_OK : QUANTITY_NOT_FINITE;
}

static double scaled(const struct written_number *number, int power)
{
    char text[sizeof number->mantissa + 16];
    long exponent = number->exponent + power, rest = labs(exponent);
    size_t length = strlen(number->mantissa);
    memcpy(text, number->mantissa, length);
    char digits[8], *digit = digits + sizeof digits;
    *--digit = '\0';
    do {
        *--digit = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0); /* of some 10,000 at most */
    text[length++] = 'e';
    if (exponent < 0) {
        text[length++] = '-';
    }
    memcpy(text + length, digit, (size_t)(digits + sizeof digits - digit));
    return strtod(text, NULL);
}

static const struct unit *find_unit(const char *text)
{
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].text[0] == text[0] && strcmp(units[i].text, text) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static double multiple_of(const struct unit *unit)
{
    return unit->multiple == 0.0 ? 1.0 : unit->multiple;
}

struct quantity_reading quantity_read(const char *text, enum quantity expected)
{
    struct quantity_reading reading = {.fault = QUANTITY_OK, .found = expected};
    struct written_number number;
    const char *rest = text;
    reading.fault = read_number(&rest, &number);
    while (*rest == ' ') {
        rest++;
    }
    reading.unit = rest;
    if (reading.fault != QUANTITY_OK) {
        return reading;
    }
    const struct unit *unit = find_unit(rest);
    if (*rest == '\0') {
        reading.value = scaled(&number, 0);
        bool needs_unit = expected != QUANTITY_NONE && reading.value != 0.0;
        reading.fault = needs_unit ? QUANTITY_NO_UNIT : QUANTITY_OK;
    } else if (unit == NULL) {
        reading.fault = QUANTITY_UNKNOWN_UNIT;
    } else {
        reading.value = scaled(&number, unit->power) * multiple_of(unit);
        reading.found = unit->quantity;
        reading.fault = unit->quantity == expected ? QUANTITY_OK : QUANTITY_OF_ANOTHER_KIND;
    }
    if (reading.fault == QUANTITY_OK && !isfinite(reading.value)) {
        reading.fault = QUANTITY_NOT_FINITE;
    }
    return reading;
}

static const struct unit *readable_unit(double value, enum quantity quantity)
{
    const struct unit *best = NULL;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        const struct unit *unit = &units[i];
        bool fits = best == NULL || fabs(value) >= pow(10.0, unit->power);
        if (unit->quantity == quantity && unit->printed && fits) {
            best = unit;
        }
    }
    return best;
}

void quantity_print(char *text, size_t size, double value, enum quantity quantity)
{
    assert(quantity < QUANTITY_COUNT && isfinite(value) && "a quantity that can be written");
    const struct unit *unit = value == 0.0 ? NULL : readable_unit(value, quantity);
    const char *space = unit == NULL ? "" : " ", *word = unit == NULL ? "" : unit->text;
    double factor = unit == NULL ? 1.0 : pow(10.0, unit->power);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g%s%s", digits, value / factor, space, word);
        bool plain = strstr(text, "e+") == NULL || digits == 17; /* 40, not 4e+01 */
        if (plain && quantity_read(text, quantity).value == value) {
            return;
        }
    }
    /* No number of these units is exactly this one: the canonical unit's always is. */
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].quantity == quantity && units[i].power == 0) {
            snprintf(text, size, "%.17g %s", value, units[i].text);
            return;
        }
    }
}

const char *quantity_noun(enum quantity quantity)
{
    assert(quantity < QUANTITY_COUNT && "not a quantity");
    return quantities[quantity].noun;
}

const char *quantity_example(enum quantity quantity)
{
    assert(quantity < QUANTITY_COUNT && "not a quantity");
    return quantities[quantity].example;
}

const char *quantity_unit(enum quantity quantity, size_t index)
{
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].quantity == quantity && index-- == 0) {
            return units[i].text;
        }
    }
    return NULL;
}

/* "Gbit/s", "Gbps" and "GBps" as "Gb/s" and "GB/s". */
static const char *plainly(const char *unit, char *text, size_t size)
{
    size_t length = 0;
    for (const char *at = unit; *at != '\0' && length + 3 < size;) {
        bool bit = strncmp(at, "bit", 3) == 0, per = strcmp(at, "ps") == 0;
        text[length++] = per ? '/' : *at;
        if (per) {
            text[length++] = 's';
        }
        at += bit ? 3 : per ? 2 : 1;
    }
    text[length] = '\0';
    return text;
}

const char *quantity_nearest_unit(const char *unit, enum quantity quantity)
{
    char text[64];
    struct suggestion suggestion = {.word = plainly(unit, text, sizeof text)};
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].quantity == quantity) {
            suggestion_consider(&suggestion, units[i].text);
        }
    }
    return suggestion.best;
}
