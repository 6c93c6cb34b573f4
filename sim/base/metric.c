/* SPDX-License-Identifier: MIT */
#include "sim/base/metric.h"

#include <string.h>

void metric_add(struct metric_list *list, struct metric metric)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 32 : 2 * list->capacity;
        struct metric *larger = ARENA_ARRAY(list->arena, struct metric, list->capacity);
        if (list->count > 0) {
            memcpy(larger, list->metrics, list->count * sizeof *larger);
        }
        list->metrics = larger;
    }
    list->metrics[list->count++] = metric;
}

void metric_add_number(struct metric_list *list, const char *name, const char *unit, double value)
{
    metric_add(list, (struct metric){.name = arena_strdup(list->arena, name),
                                     .unit = arena_strdup(list->arena, unit),
                                     .value = value});
}

void metric_add_text(struct metric_list *list, const char *name, const char *text)
{
    metric_add(list, (struct metric){.name = arena_strdup(list->arena, name),
                                     .unit = "1",
                                     .text = arena_strdup(list->arena, text)});
}

const struct metric *metric_find(const struct metric_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->metrics[i].name, name) == 0) {
            return &list->metrics[i];
        }
    }
    return NULL;
}
