/* SPDX-License-Identifier: MIT */
#include "sim/scenario/schedule_file.h"

#include "sim/base/file.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MOST = 64 * 1024 * 1024, NUMBER_MOST = 1000000, RANKS_MOST = 1024 };

/* An action as it was written. */
struct action {
    char letter; /* F, B, I or W */
    uint32_t rank, part, micro_batch;
    bool with_next;
    struct mark mark;
};

struct reading {
    const char *path;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct action *actions; /* [count], row by row */
    size_t count, capacity;
    uint32_t ranks, parts, micro_batches;
    bool splits;
};

/* --- the text --- */

static void add(struct reading *reading, struct action action)
{
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 256;
        struct action *larger = ARENA_ARRAY(reading->arena, struct action, capacity);
        if (reading->count > 0) {
            memcpy(larger, reading->actions, reading->count * sizeof *larger);
        }
        reading->actions = larger;
        reading->capacity = capacity;
    }
    reading->actions[reading->count++] = action;
    reading->parts = action.part >= reading->parts ? action.part + 1 : reading->parts;
    reading->micro_batches = action.micro_batch >= reading->micro_batches ? action.micro_batch + 1
                                                                          : reading->micro_batches;
    reading->splits |= action.letter == 'I' || action.letter == 'W';
}

/* Digits up to NUMBER_MOST; NULL: none. */
static const char *read_number(const char *text, uint32_t *number)
{
    char *end = NULL;
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return value < NUMBER_MOST ? end : NULL;
}

/* "3F1"; where it ends, NULL: it is none. */
static const char *read_action(const char *text, struct action *action)
{
    text = read_number(text, &action->part);
    if (text == NULL || *text == '\0' || strchr("FBIW", *text) == NULL) {
        return NULL;
    }
    action->letter = *text;
    return read_number(text + 1, &action->micro_batch);
}

static bool read_cell(struct reading *reading, const char *text, struct action action)
{
    const char *end = text;
    if (*text != '(') {
        end = read_action(text, &action);
        if (end != NULL && *end == '\0') {
            add(reading, action);
            return true;
        }
        return false;
    }
    struct action second = action;
    end = read_action(text + 1, &action);
    end = end == NULL || *end != ';' ? NULL : read_action(end + 1, &second);
    if (end == NULL || strcmp(end, ")OVERLAP_F_B") != 0) {
        return false;
    }
    action.with_next = true;
    add(reading, action);
    add(reading, second);
    return true;
}

static void read_row(struct reading *reading, char *line, uint32_t number)
{
    unsigned column = 1;
    for (char *cell = line; cell != NULL;) {
        char *comma = strchr(cell, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        unsigned here = column;
        column += (unsigned)strlen(cell) + 1;
        while (*cell == ' ' || *cell == '"') {
            cell++;
            here++;
        }
        size_t length = strcspn(cell, " \"\r");
        cell[length] = '\0';
        const struct mark mark = {.file = reading->path, .line = number, .column = here};
        if (length > 0 &&
            !read_cell(reading, cell, (struct action){.rank = reading->ranks, .mark = mark})) {
            DIAGNOSE_ERROR(reading->diagnostics, mark,
                           "'%.40s' is no action; expected such as 3F1, 2I0, 2W0, 2B0 or "
                           "(0F4;7B0)OVERLAP_F_B; what is sent follows by itself, so dump the "
                           "schedule of computation alone",
                           cell);
        }
        cell = comma == NULL ? NULL : comma + 1;
    }
    reading->ranks++;
}

static bool read_text(struct reading *reading, char *text)
{
    size_t errors_before = diagnostics_error_count(reading->diagnostics);
    uint32_t number = 0;
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        number++;
        if (line[strspn(line, " \r,")] != '\0') {
            if (reading->ranks == RANKS_MOST) {
                DIAGNOSE_ERROR(reading->diagnostics,
                               ((struct mark){.file = reading->path, .line = number, .column = 1}),
                               "more than %d ranks", RANKS_MOST);
                return false;
            }
            read_row(reading, line, number);
        }
        line = end == NULL ? NULL : end + 1;
    }
    if (reading->count == 0 && diagnostics_error_count(reading->diagnostics) == errors_before) {
        DIAGNOSE_ERROR(reading->diagnostics, ((struct mark){.file = reading->path}),
                       "no actions; expected a row a rank with cells such as 0F0, 0B0");
    }
    return diagnostics_error_count(reading->diagnostics) == errors_before;
}

/* --- what it means --- */

static bool lies(const struct reading *reading, const struct pipeline_schedule *schedule,
                 const struct pipeline *pipeline, const struct action **wrong)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (pipeline_part_stage(schedule, pipeline, reading->actions[i].part) !=
            reading->actions[i].rank) {
            *wrong = &reading->actions[i];
            return false;
        }
    }
    return true;
}

/* Parts in rounds over the ranks, or there and back again. */
static bool place_parts(const struct reading *reading, struct schedule_file *file)
{
    const struct pipeline pipeline = {.stages = reading->ranks, .chunks = file->chunks};
    const struct action *wrong = NULL;
    if (reading->parts % reading->ranks != 0) {
        DIAGNOSE_ERROR(reading->diagnostics, ((struct mark){.file = reading->path}),
                       "%u parts on %u ranks; expected as many on each", reading->parts,
                       reading->ranks);
        return false;
    }
    if (lies(reading, &file->schedule, &pipeline, &wrong)) {
        return true;
    }
    struct action first = *wrong;
    file->schedule.v_shaped = true;
    if (lies(reading, &file->schedule, &pipeline, &wrong)) {
        return true;
    }
    DIAGNOSE_ERROR(reading->diagnostics, first.mark,
                   "part %u on rank %u; expected parts that go round the ranks (part p on rank "
                   "p mod %u) or there and back again, as a V",
                   first.part, first.rank, reading->ranks);
    return false;
}

/* Bits of a part and micro-batch. */
enum { HAS_FORWARD = 1, HAS_INPUTS = 2, HAS_WEIGHTS = 4, HAS_ALL = 7 };

static unsigned bits_of(char letter)
{
    return letter == 'F'   ? HAS_FORWARD
           : letter == 'I' ? HAS_INPUTS
           : letter == 'W' ? HAS_WEIGHTS
                           : HAS_INPUTS | HAS_WEIGHTS;
}

/* Of a table with fewer actions than passes one of the first so many passes and one more has none:
 * numbers that are far too large ask for no memory. */
static bool every_pass_once(const struct reading *reading)
{
    size_t passes = (size_t)reading->parts * reading->micro_batches;
    passes = passes > reading->count ? reading->count + 1 : passes;
    unsigned char *has = ARENA_ARRAY(reading->arena, unsigned char, passes);
    size_t errors_before = diagnostics_error_count(reading->diagnostics);
    for (size_t i = 0; i < reading->count; i++) {
        const struct action *action = &reading->actions[i];
        size_t pass = (size_t)action->part * reading->micro_batches + action->micro_batch;
        if (pass >= passes) {
            continue;
        }
        unsigned char *here = &has[pass];
        unsigned bits = bits_of(action->letter);
        if ((*here & bits) != 0) {
            DIAGNOSE_ERROR(reading->diagnostics, action->mark,
                           "%u%c%u: part %u has had this pass of micro-batch %u already",
                           action->part, action->letter, action->micro_batch, action->part,
                           action->micro_batch);
        }
        *here = (unsigned char)(*here | bits);
    }
    for (size_t i = 0; i < passes; i++) {
        if (has[i] != HAS_ALL) {
            DIAGNOSE_ERROR(reading->diagnostics, ((struct mark){.file = reading->path}),
                           "part %zu has no %s of micro-batch %zu", i / reading->micro_batches,
                           (has[i] & HAS_FORWARD) == 0  ? "forward pass"
                           : (has[i] & HAS_INPUTS) == 0 ? "gradients of inputs"
                                                        : "gradients of weights",
                           i % reading->micro_batches);
            break;
        }
    }
    return diagnostics_error_count(reading->diagnostics) == errors_before;
}

static enum cell_kind kind_of(const struct reading *reading, char letter)
{
    return letter == 'F'   ? CELL_FORWARD
           : letter == 'W' ? CELL_WEIGHT
           : letter == 'I' ? CELL_BACKWARD
                           : (reading->splits ? CELL_WHOLE : CELL_BACKWARD);
}

static void fill_table(const struct reading *reading, struct schedule_file *file)
{
    const struct pipeline pipeline = {
        .stages = file->stages, .chunks = file->chunks, .micro_batches = file->micro_batches};
    uint32_t cells = pipeline_cell_count(&file->schedule, &pipeline);
    struct cell *table = ARENA_ARRAY(reading->arena, struct cell, (size_t)cells * file->stages);
    uint32_t *next = ARENA_ARRAY(reading->arena, uint32_t, file->stages);
    for (size_t i = 0; i < (size_t)cells * file->stages; i++) {
        table[i] = (struct cell){.kind = CELL_NONE};
    }
    for (size_t i = 0; i < reading->count; i++) {
        const struct action *action = &reading->actions[i];
        table[(size_t)action->rank * cells + next[action->rank]++] =
            (struct cell){.kind = kind_of(reading, action->letter),
                          .chunk = action->part / file->stages,
                          .micro_batch = action->micro_batch,
                          .with_next = action->with_next};
    }
    file->schedule.table = table;
}

static bool is_ready(const struct reading *reading, const struct action *action,
                     const bool *forward, const bool *backward)
{
    size_t at = (size_t)action->part * reading->micro_batches + action->micro_batch;
    if (action->letter == 'F') {
        return action->part == 0 || forward[at - reading->micro_batches];
    }
    if (action->letter == 'W') {
        return backward[at];
    }
    return forward[at] &&
           (action->part + 1 == reading->parts || backward[at + reading->micro_batches]);
}

/* Runs every rank as far as it comes; what is left waits for itself. */
static bool ends(const struct reading *reading)
{
    size_t passes = (size_t)reading->parts * reading->micro_batches;
    bool *forward = ARENA_ARRAY(reading->arena, bool, passes);
    bool *backward = ARENA_ARRAY(reading->arena, bool, passes);
    size_t *next = ARENA_ARRAY(reading->arena, size_t, reading->ranks + 1);
    for (size_t i = 0, rank = 0; rank < reading->ranks; rank++) {
        next[rank] = i;
        while (i < reading->count && reading->actions[i].rank == rank) {
            i++;
        }
    }
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t rank = 0; rank < reading->ranks; rank++) {
            for (; next[rank] < reading->count && reading->actions[next[rank]].rank == rank;
                 next[rank]++) {
                const struct action *action = &reading->actions[next[rank]];
                size_t at = (size_t)action->part * reading->micro_batches + action->micro_batch;
                bool is_forward = action->letter == 'F';
                bool ready = is_ready(reading, action, forward, backward);
                if (!ready) {
                    break;
                }
                *(is_forward ? &forward[at] : &backward[at]) = true;
                moved = true;
            }
        }
    }
    for (uint32_t rank = 0; rank < reading->ranks; rank++) {
        if (next[rank] < reading->count && reading->actions[next[rank]].rank == rank) {
            const struct action *action = &reading->actions[next[rank]];
            DIAGNOSE_ERROR(reading->diagnostics, action->mark,
                           "rank %u waits at %u%c%u for ever: what it needs comes after it, or "
                           "from a rank that waits too",
                           rank, action->part, action->letter, action->micro_batch);
            return false;
        }
    }
    return true;
}

const struct schedule_file *schedule_file_read(struct arena *arena, const char *path,
                                               struct diagnostics *diagnostics)
{
    struct reading reading = {.path = path, .arena = arena, .diagnostics = diagnostics};
    char *text = file_read(arena, path, BYTES_MOST, "a CSV file of a pipeline's schedule", NULL,
                           diagnostics);
    if (text == NULL || !read_text(&reading, text)) {
        return NULL;
    }
    struct schedule_file *file = ARENA_NEW(arena, struct schedule_file);
    *file = (struct schedule_file){.path = path,
                                   .stages = reading.ranks,
                                   .chunks = reading.parts / reading.ranks,
                                   .micro_batches = reading.micro_batches,
                                   .schedule = {.splits_backward = reading.splits,
                                                .interleaved = reading.parts > reading.ranks,
                                                .any_micro_batches = true}};
    if (!place_parts(&reading, file) || !every_pass_once(&reading) || !ends(&reading)) {
        return NULL;
    }
    fill_table(&reading, file);
    return file;
}
