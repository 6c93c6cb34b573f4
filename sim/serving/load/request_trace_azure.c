/* SPDX-License-Identifier: MIT
 * The Azure LLM inference traces of 2023 and 2024 (github.com/Azure/AzurePublicDataset). */
#include "sim/serving/load/request_trace.h"

enum { TIMESTAMP, CONTEXT_TOKENS, GENERATED_TOKENS };

static const char *const columns[] = {[TIMESTAMP] = "TIMESTAMP",
                                      [CONTEXT_TOKENS] = "ContextTokens",
                                      [GENERATED_TOKENS] = "GeneratedTokens",
                                      NULL};

/* So many digits and then `after`; the cursor moves past both. */
static bool read_digits(struct trace_line *line, unsigned digits, char after, double *value)
{
    *value = 0.0;
    for (unsigned i = 0; i < digits; i++, line->cursor++) {
        if (*line->cursor < '0' || *line->cursor > '9') {
            return false;
        }
        *value = 10.0 * *value + (*line->cursor - '0');
    }
    if (after != '\0' && *line->cursor != after && !(after == ' ' && *line->cursor == 'T')) {
        return false;
    }
    line->cursor += after != '\0';
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar. */
static double days_since_epoch(double year, double month, double day)
{
    int y = (int)year - (month <= 2.0), m = (int)month;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + (int)day - 1;
    int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097.0 + day_of_era - 719468.0;
}

/* "2023-11-16 18:17:03.9799600", with any number of decimals, and perhaps a time zone, which all
 * lines share. */
static bool read_time(struct trace_line *line, double *seconds)
{
    struct trace_line at = *line;
    double year, month, day, hour, minute, whole;
    if (!read_digits(line, 4, '-', &year) || !read_digits(line, 2, '-', &month) ||
        !read_digits(line, 2, ' ', &day) || !read_digits(line, 2, ':', &hour) ||
        !read_digits(line, 2, ':', &minute) || !read_digits(line, 2, '\0', &whole) || month < 1.0 ||
        month > 12.0 || day < 1.0 || day > 31.0 || hour > 23.0 || minute > 59.0 || whole > 60.0) {
        return trace_complain(&at, "expected a time such as 2023-11-16 18:17:03.9799600");
    }
    double part = 0.0, place = 0.1;
    if (*line->cursor == '.') {
        line->cursor++;
        for (; *line->cursor >= '0' && *line->cursor <= '9'; line->cursor++, place /= 10.0) {
            part += place * (*line->cursor - '0');
        }
    }
    *seconds =
        days_since_epoch(year, month, day) * 86400.0 + hour * 3600.0 + minute * 60.0 + whole + part;
    return true;
}

static bool read_item(struct trace_line *line, struct trace_item *item)
{
    trace_column(line, TIMESTAMP);
    if (!read_time(line, &item->seconds)) {
        return false;
    }
    trace_column(line, CONTEXT_TOKENS);
    if (!trace_tokens(line, "a prompt has at least one token, a whole number", 1.0,
                      &item->prompt_tokens)) {
        return false;
    }
    trace_column(line, GENERATED_TOKENS);
    return trace_tokens(line, "an answer has a whole number of tokens, none is negative", 0.0,
                        &item->output_tokens);
}

const struct trace_format trace_format_azure = {
    .columns = columns, .required = 3, .read = read_item};
