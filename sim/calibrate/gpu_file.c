/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/gpu_file.h"

#include "sim/calibrate/gpu_keys.h"
#include "sim/config/find.h"
#include "sim/scenario/tables.h"

#include <string.h>

static const char ranges_key[] = "fitted";

struct printer {
    struct text *text;
    const struct calibration *calibration;
};

/* "gemm.csv, 192 rows; power.csv, 20 rows": of the rows marked in `used`. */
static const char *files_of(const struct printer *printer, const bool *used)
{
    const struct comparison *rows = &printer->calibration->rows;
    struct text files = {.arena = printer->text->arena};
    text_add(&files, "");
    for (size_t i = 0; i < rows->row_count;) {
        const struct csv *csv = rows->rows[i].csv;
        size_t count = 0;
        for (; i < rows->row_count && rows->rows[i].csv == csv; i++) {
            count += used[i] ? 1 : 0;
        }
        if (count > 0) {
            text_print(&files, "%s%s, %zu row%s", files.length == 0 ? "" : "; ",
                       file_name(csv->file), count, count == 1 ? "" : "s");
        }
    }
    return files.bytes;
}

static const char *source_of_group(const struct printer *printer, size_t group)
{
    const struct comparison *rows = &printer->calibration->rows;
    bool *used = ARENA_ARRAY(printer->text->arena, bool, rows->row_count);
    for (size_t i = 0; i < rows->row_count; i++) {
        used[i] = printer->calibration->fitted[i] &&
                  gpu_fit_uses(&gpu_fit_groups[group], &rows->rows[i].kernel);
    }
    return arena_printf(printer->text->arena, "fitted on %s", files_of(printer, used));
}

/* Where a value that was not fitted comes from. */
static const char *source_of_base(const struct printer *printer, const struct node *node)
{
    if (node->origin == ORIGIN_SET) {
        return "given to cpsim calibrate with --set";
    }
    return arena_printf(printer->text->arena, "as %s: %s",
                        file_name(printer->calibration->base_name),
                        node->source == NULL ? "no source" : node->source);
}

static void print_value(const struct printer *printer, const char *key, const char *value,
                        const char *source)
{
    text_print(printer->text, "%s: {value: %s, source: ", key, value);
    text_quote(printer->text, source);
    text_add(printer->text, "}\n");
}

static void print_leaf(const struct printer *printer, const struct field *field,
                       const struct node *node, size_t offset)
{
    const struct calibration *calibration = printer->calibration;
    struct fit_place place = gpu_fit_place(offset);
    if (place.group < GPU_FIT_GROUP_COUNT &&
        calibration->reports[place.group].fitted[place.constant]) {
        const double *value = (const double *)((const char *)&calibration->gpu + offset);
        char digits[64];
        quantity_print(digits, sizeof digits, *value, field_quantity(field->kind));
        print_value(printer, field->key, digits, source_of_group(printer, place.group));
    } else {
        print_value(printer, field->key, node->text, source_of_base(printer, node));
    }
}

static void print_list(const struct printer *printer, const struct field *field,
                       const struct node *node, int indent)
{
    text_print(printer->text, "%s:\n", field->key);
    for (size_t i = 0; i < node->count; i++) {
        text_print(printer->text, "%*s- {value: %s, source: ", indent + 2, "",
                   node->items[i]->text);
        text_quote(printer->text, source_of_base(printer, node->items[i]));
        text_add(printer->text, "}\n");
    }
}

static void print_fields(const struct printer *printer, const struct field *fields,
                         const struct node *mapping, size_t start, int indent)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const struct node *node = node_get(mapping, field->key);
        bool own_name = field->kind == FIELD_NAME && indent == 0; /* the file's own */
        bool word = own_name || field->kind == FIELD_STRING;
        bool ranges = strcmp(field->key, ranges_key) == 0; /* print_ranges() */
        if (node == NULL || node->origin == ORIGIN_DEFAULT || word || ranges) {
            continue;
        }
        text_print(printer->text, "%*s", indent, "");
        if (field->kind == FIELD_MAPPING) {
            text_print(printer->text, "%s:\n", field->key);
            print_fields(printer, field->fields, node, start + field->offset, indent + 2);
        } else if (field->kind == FIELD_NAME) {
            text_print(printer->text, "%s: %s\n", field->key, node->text);
        } else if (field->kind == FIELD_LIST) {
            print_list(printer, field, node, indent);
        } else {
            print_leaf(printer, field, node, start + field->offset);
        }
    }
}

/* The ranges of shapes: those seen, and the base's where none was. */
static void print_ranges(const struct printer *printer, const struct field *ranges,
                         const struct node *base)
{
    const struct calibration *calibration = printer->calibration;
    const char *files = files_of(printer, calibration->timed);
    text_add(printer->text, "fitted:\n");
    if (files[0] != '\0') {
        text_add(printer->text, "  source: ");
        text_quote(printer->text,
                   arena_printf(printer->text->arena, "the smallest and largest of: %s", files));
        text_add(printer->text, "\n");
    }
    for (const struct field *field = ranges; field->key != NULL; field++) {
        const struct fitted_range *seen =
            (const struct fitted_range *)((const char *)&calibration->seen + field->offset);
        const struct node *kept = node_get(base, field->key);
        const struct node *least = node_get(kept, "least"), *most = node_get(kept, "most");
        if (seen->most > 0.0) {
            text_print(printer->text, "  %s: {least: %.10g, most: %.10g", field->key, seen->least,
                       seen->most);
        } else if (least != NULL && most != NULL && most->origin != ORIGIN_DEFAULT) {
            text_print(printer->text, "  %s: {least: %s, most: %s, source: ", field->key,
                       least->text, most->text);
            text_quote(printer->text, source_of_base(printer, most));
        } else {
            continue;
        }
        text_add(printer->text, "}\n");
    }
}

void gpu_file_print(struct text *text, const struct calibration *calibration)
{
    const struct printer printer = {.text = text, .calibration = calibration};
    const struct node *base = calibration->base;
    const struct node *title = node_get(base, "title");
    text_print(text, "schema: 1\ntitle: ");
    text_quote(text, title != NULL && title->origin == ORIGIN_SET
                         ? title->text
                         : arena_printf(text->arena, "calibrated, from %s",
                                        file_name(calibration->base_name)));
    text_add(text, "\n");
    print_fields(&printer, gpu_fields, base, 0, 0);
    print_ranges(&printer, field_find(gpu_fields, ranges_key)->fields, node_get(base, ranges_key));
}
