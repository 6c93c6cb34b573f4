/* SPDX-License-Identifier: MIT
 * Quantities as people write them: three significant digits and a unit. */
#ifndef CPSIM_SIM_BASE_QUANTITY_H
#define CPSIM_SIM_BASE_QUANTITY_H

struct quantity_text {
    char text[24];
};

struct quantity_text quantity_seconds(double seconds);  /* "74.9 s", "88.1 ms", "32.3 us" */
struct quantity_text quantity_bytes(double bytes);      /* "60.2 GB" */
struct quantity_text quantity_joules(double joules);    /* "4.61 MJ" */
struct quantity_text quantity_percent(double fraction); /* "63 %", "0.4 %" */

#endif
