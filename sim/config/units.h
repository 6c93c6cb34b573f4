/* SPDX-License-Identifier: MIT
 * Numbers with units, as people write them: `50 GB/s`, `400 Gb/s`, `40 us`, `1_000_000 tokens`. A
 * quantity has one canonical unit inside the program (seconds, bytes, bytes per second, FLOP/s,
 * hertz, watts, joules, events per second, tokens); every other unit is a row of the table in
 * units.c. Pure. */
#ifndef CPSIM_SIM_CONFIG_UNITS_H
#define CPSIM_SIM_CONFIG_UNITS_H

#include <stddef.h>

enum quantity {
    QUANTITY_NONE, /* a plain number: a count or a fraction */
    QUANTITY_SECONDS,
    QUANTITY_BYTES,
    QUANTITY_BYTES_PER_SECOND,
    QUANTITY_FLOPS_PER_SECOND,
    QUANTITY_HERTZ,
    QUANTITY_WATTS,
    QUANTITY_JOULES,
    QUANTITY_PER_SECOND,
    QUANTITY_TOKENS,
    QUANTITY_COUNT
};

enum quantity_fault {
    QUANTITY_OK,
    QUANTITY_NOT_A_NUMBER,
    QUANTITY_LEADING_ZERO, /* 010: octal to some, ten to others */
    QUANTITY_NOT_FINITE,
    QUANTITY_NO_UNIT,
    QUANTITY_UNKNOWN_UNIT,
    QUANTITY_OF_ANOTHER_KIND /* `3 GB` where a rate is expected */
};

struct quantity_reading {
    enum quantity_fault fault;
    double value;        /* in the canonical unit */
    enum quantity found; /* by the unit that was written */
    const char *unit;    /* into the text */
};

/* Reads the whole of `text`. A unit is required unless the value is 0 or `expected` is
 * QUANTITY_NONE, which allows none. Digits may be grouped by single underscores. Units are
 * case-sensitive: b is a bit, B a byte. */
struct quantity_reading quantity_read(const char *text, enum quantity expected);

/* Writes `value`, in the canonical unit, with the unit that reads best: "40 us". The text reads
 * back as the same number. */
void quantity_print(char *text, size_t size, double value, enum quantity quantity);

const char *quantity_noun(enum quantity quantity);    /* "a rate in bytes per second" */
const char *quantity_example(enum quantity quantity); /* "50 GB/s" */
/* The units of a quantity, one after the other; NULL after the last. */
const char *quantity_unit(enum quantity quantity, size_t index);
/* The unit of a quantity that is nearest to what was written, NULL when none is near. */
const char *quantity_nearest_unit(const char *unit, enum quantity quantity);

#endif
