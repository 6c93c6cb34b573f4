/* SPDX-License-Identifier: MIT */
#include "sim/compare/measurement.h"

#include "sim/base/suggest.h"
#include "sim/base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct csv_field *field_of(const struct measurement *measurement, const char *column)
{
    int index = csv_column(measurement->csv, column);
    return index == CSV_NO_COLUMN ? NULL : &measurement->row->fields[index];
}

const char *measurement_text(const struct measurement *measurement, const char *column)
{
    const struct csv_field *field = field_of(measurement, column);
    return field == NULL ? "" : field->text;
}

bool measurement_has(const struct measurement *measurement, const char *column)
{
    return measurement_text(measurement, column)[0] != '\0';
}

bool measurement_is(const struct measurement *measurement, const char *column, const char *text)
{
    return strcmp(measurement_text(measurement, column), text) == 0;
}

void measurement_complain(struct measurement *measurement, const char *column, const char *format,
                          ...)
{
    const struct csv_field *field = field_of(measurement, column);
    struct mark mark = {
        .file = measurement->csv->file, .line = measurement->row->line, .column = 1};
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    DIAGNOSE_ERROR(measurement->diagnostics,
                   field == NULL ? mark : csv_mark(measurement->csv, field), "%s: %s", column,
                   message);
    measurement->wrong = true;
}

/* The number that a field is, all of it: strtod() would also take hexadecimals, "inf" and "nan". */
static bool read_number(const char *text, double *number)
{
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0') {
        return false;
    }
    char *end = NULL;
    *number = strtod(text, &end);
    return *end == '\0' && isfinite(*number);
}

double measurement_number(struct measurement *measurement, const char *column, double least,
                          double most)
{
    const char *text = measurement_text(measurement, column);
    double number = 0.0;
    if (!read_number(text, &number)) {
        measurement_complain(measurement, column, "'%.60s' is not a number", text);
        return least;
    }
    if (number < least || number > most) {
        measurement_complain(measurement, column, "%.60s is out of range [%g, %g]", text, least,
                             most);
        return least;
    }
    return number;
}

uint64_t measurement_count(struct measurement *measurement, const char *column, uint64_t least,
                           uint64_t most)
{
    double number = measurement_number(measurement, column, (double)least, (double)most);
    if (number > floor(number)) {
        measurement_complain(measurement, column, "%.60s is not a whole number",
                             measurement_text(measurement, column));
        return least;
    }
    return (uint64_t)number;
}

int measurement_choice(struct measurement *measurement, const char *column,
                       const struct measurement_choice *choices)
{
    const char *word = measurement_text(measurement, column);
    struct suggestion suggestion = {.word = word};
    struct text known = {.arena = measurement->scratch};
    for (const struct measurement_choice *choice = choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, word) == 0) {
            return choice->value;
        }
        suggestion_consider(&suggestion, choice->name);
        text_print(&known, "%s%s", choice == choices ? "" : ", ", choice->name);
    }
    if (suggestion.best != NULL) {
        measurement_complain(measurement, column, "'%.60s' is not known (did you mean '%s'?)", word,
                             suggestion.best);
    } else {
        measurement_complain(measurement, column, "'%.60s' is not known (one of: %.250s)", word,
                             known.bytes);
    }
    return choices->value;
}

void measurement_extrapolates(struct measurement *measurement, struct extrapolation extrapolation)
{
    if (extrapolation.what == NULL || measurement->extrapolated != NULL) {
        return;
    }
    measurement->extrapolated =
        extrapolation.range.most > 0.0
            ? arena_printf(measurement->arena, "%s = %.10g is outside the fitted %.10g to %.10g",
                           extrapolation.what, extrapolation.value, extrapolation.range.least,
                           extrapolation.range.most)
            : arena_printf(measurement->arena, "no file says which %s were fitted",
                           extrapolation.what);
}

void measurement_unanswered(struct measurement *measurement, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    measurement->unanswered = arena_vprintf(measurement->arena, format, arguments);
    va_end(arguments);
}

void measurement_note(struct measurement *measurement, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *note = arena_vprintf(measurement->arena, format, arguments);
    va_end(arguments);
    measurement->extrapolated =
        measurement->extrapolated == NULL
            ? note
            : arena_printf(measurement->arena, "%s; %s", measurement->extrapolated, note);
}

double measurement_compare(struct measurement *measurement, const char *class, const char *column,
                           double predicted)
{
    double measured = measurement_number(measurement, column, 1e-9, 1e15);
    if (measurement->wrong) {
        return 0.0;
    }
    assert(measurement->figure_count < MEASUREMENT_MAX_FIGURES && "more figures than were planned");
    assert(isfinite(predicted) && predicted > 0.0 && "a prediction is a positive number");
    measurement->figures[measurement->figure_count++] =
        (struct figure){.class = class,
                        .column = column,
                        .measured = measured,
                        .predicted = predicted,
                        .extrapolated = measurement->extrapolated};
    return measured;
}
