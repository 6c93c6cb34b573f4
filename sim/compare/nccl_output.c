/* SPDX-License-Identifier: MIT */
#include "sim/compare/nccl_output.h"

#include "sim/base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of a table's row: size count type redop root time algbw busbw ...; older programs have no root.
 */
enum { MOST_FIELDS = 16 };

static const struct program {
    const char *name;   /* of the program: "all_reduce_perf" begins so */
    const char *column; /* of the table */
    bool reduces;
    int bus; /* busbw / algbw: 2: 2 (n - 1) / n, 1: (n - 1) / n, 0: 1 */
} programs[] = {
    {"all_reduce", "all_reduce", true, 2},         {"all_gather", "all_gather", false, 1},
    {"reduce_scatter", "reduce_scatter", true, 1}, {"alltoall", "alltoall", false, 1},
    {"sendrecv", "sendrecv_ring", false, 0},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

struct line {
    const char *fields[MOST_FIELDS];
    size_t lengths[MOST_FIELDS];
    size_t count;
};

static struct line split(const char *text, size_t length)
{
    struct line line = {.count = 0};
    for (size_t i = 0; i < length && line.count < MOST_FIELDS;) {
        i += strspn(text + i, " \t\r#");
        size_t word = strcspn(text + i, " \t\r\n");
        if (i >= length || word == 0) {
            break;
        }
        line.fields[line.count] = text + i;
        line.lengths[line.count++] = word;
        i += word;
    }
    return line;
}

static bool is_word(const struct line *line, size_t at, const char *word)
{
    return at < line->count && line->lengths[at] == strlen(word) &&
           strncmp(line->fields[at], word, line->lengths[at]) == 0;
}

static bool is_header(const struct line *line)
{
    return is_word(line, 0, "size") && is_word(line, 1, "count") && is_word(line, 2, "type");
}

bool nccl_output_is_one(const char *text)
{
    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
        size_t length = strcspn(text, "\n");
        struct line line = split(text, length);
        if (text[0] == '#' && (is_word(&line, 0, "nThread") || is_header(&line))) {
            return true;
        }
    }
    return false;
}

/* --- what is said above the table --- */

struct output {
    struct arena *arena;
    uint32_t ranks, nodes;
    const char *hosts[1024];       /* [nodes] */
    size_t time;                   /* the column; 0: the table has not begun */
    const struct program *program; /* NULL: not said */
};

static void find_program(struct output *output, const char *text, size_t length)
{
    for (size_t i = 0; i < PROGRAMS && output->program == NULL; i++) {
        const char *found = strstr(text, programs[i].name);
        if (found != NULL && found < text + length) {
            output->program = &programs[i];
        }
    }
}

/* "#  Rank  3 Group  0 Pid  17 on   node01 device  3 [0x9b] NVIDIA H100 80GB HBM3" */
static void read_rank(struct output *output, const struct line *line)
{
    enum { MOST_HOSTS = sizeof output->hosts / sizeof *output->hosts };
    output->ranks++;
    for (size_t i = 0; i + 1 < line->count; i++) {
        if (!is_word(line, i, "on")) {
            continue;
        }
        const char *host =
            arena_printf(output->arena, "%.*s", (int)line->lengths[i + 1], line->fields[i + 1]);
        uint32_t known = 0;
        while (known < output->nodes && strcmp(output->hosts[known], host) != 0) {
            known++;
        }
        if (known == output->nodes && known < MOST_HOSTS) {
            output->hosts[output->nodes++] = host;
        }
        return;
    }
}

static void read_comment(struct output *output, const char *text, size_t length)
{
    struct line line = split(text, length);
    if (is_word(&line, 0, "Rank")) {
        read_rank(output, &line);
    } else if (is_header(&line)) {
        for (size_t i = 0; i < line.count && output->time == 0; i++) {
            output->time = is_word(&line, i, "time") ? i : 0;
        }
    } else {
        find_program(output, text, length);
    }
}

/* --- rows --- */

static double number(const struct line *line, size_t at)
{
    return at < line->count ? strtod(line->fields[at], NULL) : 0.0;
}

/* By what it reduces with, and its bandwidths: of sums all-reduce and reduce-scatter, of others
 * all-gather and all-to-all, which nothing tells apart. */
static const struct program *program_of_row(const struct output *output, const struct line *line)
{
    double algorithm = number(line, output->time + 1), bus = number(line, output->time + 2);
    bool reduces = !is_word(line, 3, "none") && output->time >= 4;
    if (!reduces || algorithm < 1.0 || output->ranks < 2) {
        return NULL;
    }
    double share = (output->ranks - 1.0) / output->ranks;
    double ratio = bus / algorithm;
    bool all = fabs(ratio / (2.0 * share) - 1.0) < 0.02, half = fabs(ratio / share - 1.0) < 0.02;
    return all ? &programs[0] : half ? &programs[2] : NULL;
}

static void find_by_rows(struct output *output, const char *text)
{
    for (; *text != '\0' && output->program == NULL; text += *text == '\n') {
        size_t length = strcspn(text, "\n");
        struct line line = split(text, length);
        if (text[strspn(text, " \t")] != '#' && output->time > 0 && number(&line, 0) > 0.0) {
            output->program = program_of_row(output, &line);
        }
        text += length;
    }
}

static void add_row(const struct output *output, const struct line *line, struct text *csv)
{
    text_print(csv, "%s,%u,%u,%.*s,%.*s,%.*s\n", output->program->column, output->ranks,
               output->nodes == 0 ? 1 : output->nodes, (int)line->lengths[0], line->fields[0],
               (int)line->lengths[2], line->fields[2], (int)line->lengths[output->time],
               line->fields[output->time]);
}

const char *nccl_output_csv(struct arena *arena, const char *path, const char *text,
                            struct diagnostics *diagnostics)
{
    const struct mark mark = {.file = path};
    struct output *output = ARENA_NEW(arena, struct output);
    output->arena = arena;
    for (const char *at = text; *at != '\0'; at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        if (at[0] == '#') {
            read_comment(output, at, length);
        }
        at += length;
    }
    const char *name = strrchr(path, '/');
    name = name == NULL ? path : name + 1;
    find_program(output, name, strlen(name));
    find_by_rows(output, text);
    if (output->program == NULL || output->ranks < 2 || output->time == 0) {
        DIAGNOSE_ERROR(
            diagnostics, mark, "an output of nccl-tests, but %s",
            output->time == 0 ? "the line that names its columns is missing"
            : output->ranks < 2
                ? "no lines say its ranks ('#  Rank  0 ...'), at least two"
                : "which collective it is nothing says: call the file after its program, "
                  "such as all_gather_perf.txt");
        return NULL;
    }
    struct text csv = {.arena = arena};
    bool begun = false;
    for (const char *at = text; *at != '\0'; at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        struct line line = split(at, length);
        bool row = at[strspn(at, " \t")] != '#' && line.count > output->time + 2 &&
                   number(&line, 0) > 0.0 && number(&line, output->time) > 0.0;
        if (!begun) {
            text_add(&csv, "collective,ranks,nodes,bytes,dtype,time_us\n"); /* in the first line's
                                                                               place */
            begun = true;
        } else if (row) {
            add_row(output, &line, &csv);
        } else {
            text_add(&csv, "\n");
        }
        at += length;
    }
    return csv.bytes;
}
