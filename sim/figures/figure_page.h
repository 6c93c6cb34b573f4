/* SPDX-License-Identifier: MIT
 * Tables of figures as documentation: `cpsim describe figures`, and the tables of
 * docs/json-output.md. */
#ifndef CPSIM_SIM_FIGURES_FIGURE_PAGE_H
#define CPSIM_SIM_FIGURES_FIGURE_PAGE_H

#include "sim/base/text.h"
#include "sim/figures/figure.h"

/* Each a list of tables that ends with one of no figures. A line a figure: its name, those of every
 * part included, its unit, its sentence. */
void figures_list_names(struct text *text, const struct figure_table *tables);
/* The same lines, of the names that have the word in them alone; how many they are. */
size_t figures_search(struct text *text, const struct figure_table *tables, const char *word);
/* Headings and tables in Markdown. */
void figures_markdown(struct text *text, const struct figure_table *tables);
/* Rows of a table in Markdown: former keys of --json, and what has their place. */
void figures_former_keys(struct text *text, const struct figure_table *tables);
/* The sentence of a figure, by a name that any part or turn may stand before; of a former name,
 * what it is called now. NULL: no figure of that name. */
const char *figures_doc(struct arena *arena, const struct figure_table *tables, const char *name);
/* Likewise former columns of a sweep. */
void figures_former_columns(struct text *text, const struct figure_table *tables);

#endif
