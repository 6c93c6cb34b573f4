/* SPDX-License-Identifier: MIT */
#include "sim/base/quantity.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

struct scale {
    double factor;
    const char *unit;
};

/* `scales` from the largest to the smallest; three significant digits. */
static struct quantity_text scaled(double value, const struct scale *scales, size_t count)
{
    struct quantity_text text;
    size_t i = 0;
    while (i + 1 < count && fabs(value) < 0.9995 * scales[i].factor) {
        i++;
    }
    double shown = value / scales[i].factor;
    int decimals = fabs(shown) >= 99.95 ? 0 : fabs(shown) >= 9.995 ? 1 : 2;
    snprintf(text.text, sizeof text.text, "%.*f %s", shown == 0.0 ? 0 : decimals, shown,
             scales[i].unit);
    return text;
}

struct quantity_text quantity_seconds(double seconds)
{
    static const struct scale scales[] = {{.factor = 1.0, .unit = "s"},
                                          {.factor = 1e-3, .unit = "ms"},
                                          {.factor = 1e-6, .unit = "us"}};
    return scaled(seconds, scales, sizeof scales / sizeof *scales);
}

struct quantity_text quantity_bytes(double bytes)
{
    static const struct scale scales[] = {
        {.factor = 1e15, .unit = "PB"}, {.factor = 1e12, .unit = "TB"},
        {.factor = 1e9, .unit = "GB"},  {.factor = 1e6, .unit = "MB"},
        {.factor = 1e3, .unit = "kB"},  {.factor = 1.0, .unit = "B"}};
    return scaled(bytes, scales, sizeof scales / sizeof *scales);
}

struct quantity_text quantity_joules(double joules)
{
    static const struct scale scales[] = {{.factor = 1e9, .unit = "GJ"},
                                          {.factor = 1e6, .unit = "MJ"},
                                          {.factor = 1e3, .unit = "kJ"},
                                          {.factor = 1.0, .unit = "J"},
                                          {.factor = 1e-3, .unit = "mJ"}};
    return scaled(joules, scales, sizeof scales / sizeof *scales);
}

struct quantity_text quantity_percent(double fraction)
{
    struct quantity_text text;
    double percent = 100.0 * fraction;
    int decimals = percent == 0.0 || percent >= 9.95 ? 0 : 1;
    if (percent > 0.0 && percent < 0.05) {
        snprintf(text.text, sizeof text.text, "<0.1 %%");
    } else {
        snprintf(text.text, sizeof text.text, "%.*f %%", decimals, percent);
    }
    return text;
}
