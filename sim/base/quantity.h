/* SPDX-License-Identifier: MIT
 * Quantities as people write them: three significant digits and a unit,
 * commas between thousands. */
#ifndef CPSIM_SIM_BASE_QUANTITY_H
#define CPSIM_SIM_BASE_QUANTITY_H

#include <stdint.h>

struct quantity_text {
    char text[40];
};

struct quantity_text quantity_seconds(double seconds);  /* "74.9 s", "88.1 ms", "32.3 us" */
struct quantity_text quantity_bytes(double bytes);      /* "60.2 GB" */
struct quantity_text quantity_joules(double joules);    /* "4.61 MJ" */
struct quantity_text quantity_percent(double fraction); /* "63 %", "0.4 %" */
struct quantity_text quantity_count(uint64_t count);    /* "1,000,000": all its digits */
struct quantity_text quantity_number(double value);     /* "13,130", "3.946": four of them */
struct quantity_text quantity_large(double value);      /* "1.361 T", "72.25 B", "6.291 M" */
struct quantity_text quantity_dollars(double dollars);  /* "$0.70", "$820,100" */
struct quantity_text quantity_duration(
    double seconds); /* "54.7 days", "3.09 hours", "13.3 minutes"; seconds under ten */

#endif
