/* SPDX-License-Identifier: MIT */
#include "sim/base/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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
    static const struct scale scales[] = {
        {.factor = 1e12, .unit = "TJ"}, {.factor = 1e9, .unit = "GJ"},
        {.factor = 1e6, .unit = "MJ"},  {.factor = 1e3, .unit = "kJ"},
        {.factor = 1.0, .unit = "J"},   {.factor = 1e-3, .unit = "mJ"}};
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

/* "1234567" -> "1,234,567": of what `digits` holds before a point or an exponent. */
static struct quantity_text grouped(const char *digits)
{
    struct quantity_text text;
    size_t sign = digits[0] == '-', whole = sign + strspn(digits + sign, "0123456789"), at = 0;
    for (size_t i = 0; digits[i] != '\0' && at + 2 < sizeof text.text; i++) {
        if (i > sign && i < whole && (whole - i) % 3 == 0) {
            text.text[at++] = ',';
        }
        text.text[at++] = digits[i];
    }
    text.text[at] = '\0';
    return text;
}

struct quantity_text quantity_count(uint64_t count)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, count);
    return grouped(digits);
}

struct quantity_text quantity_number(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.4g", value);
    if (fabs(value) >= 999.95 && fabs(value) < 1e15) {
        double last = pow(10.0, floor(log10(fabs(value))) - 3.0); /* of four digits */
        snprintf(digits, sizeof digits, "%.0f", last > 1.0 ? round(value / last) * last : value);
    }
    return grouped(digits);
}

/* `suffix` behind it, as far as there is room. */
static struct quantity_text ended(struct quantity_text text, const char *suffix)
{
    size_t at = strlen(text.text);
    for (; *suffix != '\0' && at + 1 < sizeof text.text; suffix++) {
        text.text[at++] = *suffix;
    }
    text.text[at] = '\0';
    return text;
}

struct quantity_text quantity_large(double value)
{
    static const struct scale scales[] = {{.factor = 1e12, .unit = " T"},
                                          {.factor = 1e9, .unit = " B"},
                                          {.factor = 1e6, .unit = " M"}};
    size_t i = 0, count = sizeof scales / sizeof *scales;
    while (i < count && fabs(value) < 0.99995 * scales[i].factor) {
        i++;
    }
    if (i == count || fabs(value) >= 1e18) {
        return quantity_number(value);
    }
    return ended(quantity_number(value / scales[i].factor), scales[i].unit);
}

struct quantity_text quantity_dollars(double dollars)
{
    struct quantity_text text = {.text = "$"};
    if (dollars >= 999.995) {
        return ended(text, quantity_number(dollars).text);
    }
    char digits[32];
    snprintf(digits, sizeof digits, dollars > 0.0 && dollars < 0.0995 ? "%.2g" : "%.2f", dollars);
    return ended(text, digits);
}

struct quantity_text quantity_duration(double seconds)
{
    static const struct scale scales[] = {{.factor = 86400.0, .unit = " days"},
                                          {.factor = 3600.0, .unit = " hours"},
                                          {.factor = 60.0, .unit = " minutes"}};
    static const double from[] = {2.0 * 86400.0, 2.0 * 3600.0, 600.0};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (seconds >= from[i]) {
            double value = seconds / scales[i].factor;
            int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
            char digits[32];
            snprintf(digits, sizeof digits, "%.*f", decimals, value);
            return ended(grouped(digits), scales[i].unit);
        }
    }
    return quantity_seconds(seconds);
}
