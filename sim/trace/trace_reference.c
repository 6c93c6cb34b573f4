/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_reference.h"

#include "sim/trace/trace_tables.h"

static void write_type(FILE *stream, const struct trace_column *column)
{
    if (column->row_of != NULL) {
        fprintf(stream, "%s, row of /%s", trace_type_name(column->type), column->row_of);
        return;
    }
    fprintf(stream, "%s", trace_type_name(column->type));
    for (size_t i = 0; column->type == TRACE_ENUM && column->members[i] != NULL; i++) {
        fprintf(stream, "%s%s", i == 0 ? ": " : ", ", column->members[i]);
    }
}

void trace_write_reference(FILE *stream)
{
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        const struct trace_table_layout *table = &trace_tables[i];
        fprintf(stream, "%s### /%s\n\n%s\n\n", i == 0 ? "" : "\n", table->name, table->long_name);
        fprintf(stream, "| column | type | unit | what it says |\n| --- | --- | --- | --- |\n");
        for (size_t j = 0; j < table->column_count; j++) {
            const struct trace_column *column = &table->columns[j];
            fprintf(stream, "| `%s` | ", column->name);
            write_type(stream, column);
            fprintf(stream, " | %s | %s |\n", column->units, column->long_name);
        }
    }
}
