/* SPDX-License-Identifier: MIT
 * What is kept of a sweep and of each of its points, and the bytes that it is kept in: fixed
 * widths, little-endian, the same on every machine. */
#ifndef CPSIM_SIM_SWEEP_RECORD_H
#define CPSIM_SIM_SWEEP_RECORD_H

#include "sim/base/metric.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum point_status {
    POINT_DONE,
    POINT_REJECTED, /* the scenario is impossible: it does not fit the memory, the cluster ... */
    POINT_FAILED    /* the simulation failed, or its process did */
};

struct recorded_parameter {
    const char *key, *unit;
    bool is_number, is_whole;
};

/* Which points the table at the end shows. */
struct recorded_best {
    const char *metric; /* "": the first one */
    bool maximise;
    uint32_t count;
    const char **show; /* [show_count] */
    uint32_t show_count;
};

/* The first record of every journal. */
struct sweep_record {
    uint64_t identity; /* of the points, the base scenario and the program */
    const char *title, *sweep_yaml, *base_yaml, *version, *revision;
    uint64_t seed, point_count;
    uint32_t replications;
    bool traces;
    struct recorded_parameter *parameters; /* [parameter_count] */
    uint32_t parameter_count;
    struct recorded_best best;
};

struct recorded_value {
    double number;
    const char *text;
};

struct point_record {
    uint64_t point, seed;
    uint32_t replication;
    enum point_status status;
    const char *error;             /* "" when done */
    struct recorded_value *values; /* [parameter_count] */
    uint32_t value_count;
    struct metric_list metrics;
};

void sweep_record_write(struct text *bytes, const struct sweep_record *record);
void point_record_write(struct text *bytes, const struct point_record *record);

/* False when the bytes are no such record. What is read lives in `arena`; names that `like` (NULL:
 * none), an earlier record, has in the same place are shared with it. */
bool sweep_record_read(struct arena *arena, const char *bytes, size_t size,
                       struct sweep_record *record);
bool point_record_read(struct arena *arena, const char *bytes, size_t size,
                       const struct point_record *like, struct point_record *record);

#endif
